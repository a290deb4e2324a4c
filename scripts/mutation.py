"""Changes one operator, constant or condition at a time in the modules that money hangs on, and lists what no test saw.

``python scripts/mutation.py [MODULE ...]``. Each change runs the tests of its module in a copy of the project; a change
that no test notices has survived. What has been looked at and changes nothing stands in EQUIVALENT with its reason.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from copy import deepcopy
from multiprocessing import Pool
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TESTS = {
    "core/money.py": "tests/core/test_money.py tests/core/test_instruments.py tests/core/test_positions.py",
    "core/pnl.py": "tests/core/test_positions.py",
    "core/positions.py": "tests/core/test_positions.py tests/core/test_exit_chain.py",
    "core/fills.py": "tests/core/test_positions.py",
    "core/orders.py": "tests/core/test_machines.py",
    "core/protection.py": "tests/core/test_machines.py",
    "core/closing.py": "tests/core/test_machines.py",
    "okx/redaction.py": "tests/okx/test_secrets.py tests/host/test_log_file.py",
    "okx/verdicts.py": "tests/okx/test_rest_writes.py",
    "okx/resolution.py": "tests/okx/test_resolution.py",
}
EQUIVALENT: dict[tuple[str, int], str] = {}
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Add,
}  # fmt: skip


def mutants(tree: ast.Module) -> Iterator[tuple[int, str, ast.Module]]:
    """Give every changed copy of a module with the line and the kind of its change."""
    for place, node in enumerate(ast.walk(tree)):
        for kind in kinds(node):
            copy = deepcopy(tree)
            changed = next(one for number, one in enumerate(ast.walk(copy)) if number == place)
            yield change(changed), kind, copy


def kinds(node: ast.AST) -> list[str]:
    """Name the changes that can be made to a node."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        return [f"{type(node.ops[0]).__name__} becomes {SWAPS[type(node.ops[0])].__name__}"]
    if isinstance(node, ast.BoolOp | ast.BinOp) and type(node.op) in SWAPS:
        return [f"{type(node.op).__name__} becomes {SWAPS[type(node.op)].__name__}"]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        return [f"{type(node.op).__name__} is left out"]
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int):
        return ["a constant changes"]
    if isinstance(node, ast.If):
        return ["the condition is turned round"]
    return []


def swapped(operator: Any) -> Any:
    """Give the operator that takes the place of another."""
    return SWAPS[type(operator)]()


def change(node: ast.AST) -> int:
    """Change a node in place; gives its line."""
    if isinstance(node, ast.Compare):
        node.ops = [swapped(node.ops[0]), *node.ops[1:]]
    elif isinstance(node, ast.BoolOp | ast.BinOp):
        node.op = swapped(node.op)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        node.operand = ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.UnaryOp):
        node.op = ast.UAdd()
    elif isinstance(node, ast.Constant):
        node.value = not node.value if isinstance(node.value, bool) else int(str(node.value)) + 1
    elif isinstance(node, ast.If):
        node.test = ast.UnaryOp(ast.Not(), node.test)
    return int(getattr(node, "lineno", 0))


def survives(task: tuple[str, int, str, str]) -> tuple[str, int, str] | None:
    """Run the tests of a module with one change in it; gives the change when no test saw it."""
    module, line, kind, source = task
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        ignored = shutil.ignore_patterns(
            ".git", ".venv", "docs", "scripts", "__pycache__", ".mypy_cache", ".ruff_cache"
        )
        shutil.copytree(ROOT, copy, ignore=ignored)
        (copy / "scalpctl" / module).write_text(source)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, *TESTS[module].split()], cwd=copy, capture_output=True, check=False, timeout=300
        )
    return (module, line, kind) if done.returncode == 0 else None


def tasks(modules: list[str]) -> Iterator[tuple[str, int, str, str]]:
    """Give every change of every module, docstrings and types left alone."""
    for module in modules:
        tree = ast.parse((ROOT / "scalpctl" / module).read_text())
        for line, kind, changed in mutants(tree):
            if (module, line) not in EQUIVALENT:
                yield module, line, kind, ast.unparse(ast.fix_missing_locations(changed))


def main() -> None:
    """Try every change, list what survived, and give the share that was seen."""
    modules = sys.argv[1:] or list(TESTS)
    begun, count, lived = time.monotonic(), 0, 0
    with Pool() as pool:
        for survivor in pool.imap_unordered(survives, tasks(modules)):
            count += 1
            if survivor is not None:
                lived += 1
                module, line, kind = survivor
                text = (ROOT / "scalpctl" / module).read_text().splitlines()[line - 1].strip()
                print(f"{module}:{line}: {kind}: {text}", flush=True)
    print(f"{count} changes in {time.monotonic() - begun:.0f} s, {count - lived} seen ({1 - lived / count:.1%})")


if __name__ == "__main__":
    main()
