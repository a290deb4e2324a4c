"""Changes one operator, constant, condition or call at a time where money hangs on it, and lists what no test saw.

``python scripts/mutation.py [MODULE[:LINE] ...]``, one process at a time with ``JOBS=1``. Each change runs the tests of
its module in a copy of the project; a change that no test notices has survived. What has been looked at and may stay
stands in mutation_reviewed.txt with its reason; any other survivor ends this with 1.
"""

from __future__ import annotations

import ast
import os
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
REVIEWED = Path(__file__).parent / "mutation_reviewed.txt"
_WRITING = "tests/ledger/test_writing.py tests/ledger/test_figures.py tests/ledger/test_accidents.py"
_PROVING = "tests/ledger/test_proving.py tests/ledger/test_forgeries.py tests/ledger/test_tampering.py"
_REFUSALS = "tests/simulation/test_refusals.py"
_KEPT = "tests/simulation/test_swarm.py::test_what_was_found_once_stays_mended"
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
    "engine/releasing.py": "tests/engine/test_releasing.py",
    "engine/guarding.py": f"{_REFUSALS} {_KEPT}[which-one-stands] {_KEPT}[fired-short] {_KEPT}[older-stop-stands]",
    "engine/ordering.py": f"{_REFUSALS} {_KEPT}[left-resting] {_KEPT}[thin]",
    "engine/booking.py": f"{_KEPT}[turned-while-away] {_KEPT}[told-by-the-stream-alone] {_KEPT}[guards-a-part] "
    f"{_KEPT}[half-of-it-gone-before] {_KEPT}[added-to-before-it-was-closed]",
    "ledger/chain.py": f"{_WRITING} {_PROVING}",
    "ledger/exact_sum.py": f"{_PROVING} tests/ledger/test_reading_out.py",
    "ledger/invariants.py": f"{_WRITING} {_PROVING}",
    "ledger/committer.py": f"{_WRITING} {_PROVING}",
    "ledger/writer.py": f"{_WRITING} {_PROVING}",
    "ledger/emergency.py": f"{_WRITING} {_PROVING}",
    "ledger/lease.py": "tests/ledger/test_leases.py tests/ledger/test_accidents.py",
    "ledger/anchors.py": f"{_WRITING} {_PROVING}",
    "ledger/mirrors.py": "tests/ledger/test_writing.py tests/ledger/test_reading_out.py",
    "ledger/journal.py": f"{_WRITING} {_PROVING}",
    "ledger/projection/projector.py": f"{_WRITING} {_PROVING}",
    "ledger/projection/rows.py": f"{_WRITING} {_PROVING}",
    "ledger/projection/figures.py": "tests/ledger/test_figures.py",
    "ledger/verification/integrity.py": f"{_PROVING} tests/ledger/test_accidents.py",
    "ledger/verification/tables.py": f"{_PROVING} tests/ledger/test_reading_out.py",
    "ledger/verification/fold.py": f"{_PROVING} tests/ledger/test_accidents.py",
    "ledger/verification/walk.py": f"{_PROVING} tests/ledger/test_accidents.py",
}
Survivor = tuple[str, str, str]
"""Module, kind of change, and the line it was made in."""
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Add,
}  # fmt: skip


def mutants(tree: ast.Module) -> Iterator[tuple[int, str, ast.Module]]:
    """Give every changed copy of a module with the line and the kind of its change."""
    decorating = {one for node in ast.walk(tree) for one in under_decorators(node)}
    for place, node in enumerate(ast.walk(tree)):
        for kind in kinds(node) if node not in decorating else ():
            copy = deepcopy(tree)
            changed = next(one for number, one in enumerate(ast.walk(copy)) if number == place)
            yield change(changed), kind, copy


def under_decorators(node: ast.AST) -> Iterator[ast.AST]:
    """Give what only says how a class is made, as whether it is frozen: nothing it does hangs on that."""
    for decorator in getattr(node, "decorator_list", []):
        yield from ast.walk(decorator)


def kinds(node: ast.AST) -> list[str]:
    """Name the changes that can be made to a node."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        return [f"{type(node.ops[0]).__name__} becomes {SWAPS[type(node.ops[0])].__name__}"]
    if isinstance(node, ast.BoolOp | ast.BinOp) and type(node.op) in SWAPS:
        return [f"{type(node.op).__name__} becomes {SWAPS[type(node.op)].__name__}"]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        return [f"{type(node.op).__name__} is left out"]
    plain = {
        "a constant changes": isinstance(node, ast.Constant) and isinstance(node.value, bool | int),
        "the condition is turned round": isinstance(node, ast.If),
        "a call is left out": isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await),
    }
    return [kind for kind, possible in plain.items() if possible]


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
    elif isinstance(node, ast.Expr):
        node.value = ast.Constant(value=None)
    return int(getattr(node, "lineno", 0))


def survives(task: tuple[str, int, str, str]) -> tuple[str, int, str] | None:
    """Run the tests of a module with one change in it; gives the change when no test saw it."""
    module, line, kind, source = task
    return (module, line, kind) if passes(TESTS[module], module, source) else None


def passes(tests: str, module: str, source: str) -> bool:
    """Tell whether tests pass in a copy of the project in which one module says something else."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        ignored = shutil.ignore_patterns(".git", ".venv*", ".mypy_cache", ".ruff_cache")
        shutil.copytree(ROOT, copy, ignore=ignored)  # with what is compiled already, so that imports are quick
        (copy / "scalpctl" / module).write_text(source)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-o", "timeout=30"]
        known = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                [*command, *tests.split()], cwd=copy, env=known, capture_output=True, check=False, timeout=120
            )
        except subprocess.TimeoutExpired:  # a loop without an end is seen
            return False
    return done.returncode == 0


def tasks(wanted: list[str]) -> Iterator[tuple[str, int, str, str]]:
    """Give every change of every module, or of one line of it; docstrings and types are left alone."""
    for name in wanted:
        module, _, only = name.partition(":")
        tree = ast.parse((ROOT / "scalpctl" / module).read_text())
        for line, kind, changed in mutants(tree):
            if only and line != int(only):
                continue
            yield module, line, kind, ast.unparse(ast.fix_missing_locations(changed))


def require_green(modules: list[str]) -> None:
    """Refuse to begin where the tests fail without any change: everything would seem to be seen."""
    for tests, module in {TESTS[module]: module for module in modules}.items():
        if not passes(tests, module, (ROOT / "scalpctl" / module).read_text()):
            raise SystemExit(f"these fail without a change: {tests}")


def reviewed() -> dict[Survivor, str]:
    """Give what has been looked at, each with why it may stay."""
    known: dict[Survivor, str] = {}
    for line in REVIEWED.read_text().splitlines():
        if line and not line.startswith("#"):
            module, kind, *text, why = line.split(" | ")  # the line itself may have bars in it
            known[module, kind, " | ".join(text)] = why
    return known


def main() -> int:
    """Try every change, list what survived and why that is no harm, and give the share that was seen."""
    wanted = sys.argv[1:] or list(TESTS)
    require_green([name.partition(":")[0] for name in wanted])
    begun, count, lived, known = time.monotonic(), 0, 0, reviewed()
    unknown = 0
    with Pool(int(os.environ.get("JOBS", "0")) or None) as pool:
        for survivor in pool.imap_unordered(survives, tasks(wanted)):
            count += 1
            if survivor is not None:
                lived += 1
                module, line, kind = survivor
                text = (ROOT / "scalpctl" / module).read_text().splitlines()[line - 1].strip()
                why = known.get((module, kind, text), "")
                unknown += not why
                print(f"{module}:{line} | {kind} | {text} | {why or 'NOBODY HAS LOOKED AT THIS'}", flush=True)
    print(
        f"{count} changes in {time.monotonic() - begun:.0f} s: {count - lived} seen, {lived - unknown} reviewed", end=""
    )
    print(f", {unknown} to be looked at")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
