"""Which lines of the product each plan reached: what none reaches, and which plans a change of code can touch."""

from __future__ import annotations

import ast
import base64
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PRODUCT = Path(__file__).parents[2] / "scalpctl"
TOOL = 4
Unit = tuple[str, str]
"""A file of the product and the outermost function or method in it, as ``Class.method``."""


@dataclass
class Lines:
    """Numbers every line of the product, so that what a plan reached is a row of bits."""

    counts: dict[str, int]
    starts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        total = 0
        for name, count in sorted(self.counts.items()):
            self.starts[name] = total
            total += count + 1
        self.total = total

    @classmethod
    def of(cls, product: Path = PRODUCT) -> Lines:
        """Count the lines of the product as it lies here."""
        files = product.rglob("*.py")
        return cls({str(one.relative_to(product)): len(one.read_text().splitlines()) for one in files})

    def pack(self, seen: set[tuple[str, int]]) -> str:
        bits = bytearray(self.total // 8 + 1)
        for name, line in seen:
            index = self.starts[name] + line
            bits[index // 8] |= 1 << index % 8
        return base64.b64encode(zlib.compress(bytes(bits), 9)).decode()

    def unpack(self, packed: str) -> bytes:
        return zlib.decompress(base64.b64decode(packed))

    def has(self, bits: bytes, name: str, line: int) -> bool:
        index = self.starts[name] + line
        return bool(bits[index // 8] >> index % 8 & 1)


class Reach:
    """Watches which lines of the product are executed; needs an interpreter that tells (3.12 and later)."""

    def __init__(self, product: Path = PRODUCT) -> None:
        self.root = f"{product}/"
        self.lines = Lines.of(product)
        self.seen: set[tuple[str, int]] = set()
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined]
        self.monitoring = monitoring
        monitoring.use_tool_id(TOOL, "reach")
        monitoring.register_callback(TOOL, monitoring.events.LINE, self._reached)
        monitoring.set_events(TOOL, monitoring.events.LINE)

    def during(self, call: Callable[[], Any]) -> tuple[Any, str]:
        """Call it; gives its answer and the lines it reached, packed."""
        self.seen.clear()
        self.monitoring.restart_events()
        answer = call()
        return answer, self.lines.pack(self.seen)

    def _reached(self, code: Any, line: int) -> Any:
        if code.co_filename.startswith(self.root):
            self.seen.add((code.co_filename.removeprefix(self.root), line))
        return self.monitoring.DISABLE  # once per plan is enough to know, and costs next to nothing


def units(source: str) -> dict[str, tuple[str, range]]:
    """Give the outermost functions of a file: what each does, and the lines of its body.

    The line with ``def`` is none of them: whoever imports the file executes it.
    """
    found = {}
    for name, one in _functions(ast.parse(source), ""):
        one.body = _without_docstring(one.body)
        found[name] = ast.dump(one), range(one.body[0].lineno, (one.end_lineno or 0) + 1)
    return found


def skeleton(source: str) -> list[str]:
    """Give everything else in a file, imports left out: what has to be the same for all of it to go on as it was."""
    tree = ast.parse(source)
    return [ast.dump(_bare(one)) for one in tree.body if not isinstance(one, (*FUNCTIONS, ast.Import, ast.ImportFrom))]


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _functions(tree: Any, within: str) -> Iterator[tuple[str, Any]]:
    for one in tree.body:
        if isinstance(one, FUNCTIONS):
            # a property and its setter have one name
            yield f"{within}{one.name}" + "".join(f"@{ast.unparse(by)}" for by in one.decorator_list), one
        elif isinstance(one, ast.ClassDef):
            yield from _functions(one, f"{within}{one.name}.")


def _without_docstring(body: list[Any]) -> list[Any]:
    told = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    return body[1:] if told and len(body) > 1 else body


def _bare(statement: Any) -> Any:
    if isinstance(statement, ast.ClassDef):
        statement.body = [_bare(one) for one in statement.body if not isinstance(one, FUNCTIONS)]
    return statement


def touched(old: str, new: str) -> tuple[list[range], bool, list[str]]:
    """Compare two versions of a file: bodies that differ, whether all of it does, and functions that are new."""
    before, after = units(old), units(new)
    differ = [span for name, (what, span) in before.items() if name not in after or after[name][0] != what]
    return differ, skeleton(old) != skeleton(new), [name for name in after if name not in before]


def executable(source: str) -> set[int]:
    """Give the lines of a file's functions that can be executed."""
    can: set[int] = set()
    codes = [compile(source, "", "exec")]
    while codes:
        code = codes.pop()
        codes += [one for one in code.co_consts if hasattr(one, "co_lines")]
        can |= {line for *_, line in code.co_lines() if line}
    return {line for _, span in units(source).values() for line in span if line in can}
