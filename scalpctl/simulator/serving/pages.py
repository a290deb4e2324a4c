"""Paging and filtering the way OKX does: newest first, cursors that exclude themselves, times in milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from scalpctl.simulator.denied import Denied

T = TypeVar("T")
Params = dict[str, Any]


def limit_of(params: Params, most: int) -> int:
    """Read how many rows are wanted."""
    text = str(params.get("limit") or most)
    if not text.isdecimal() or not int(text) >= 1:
        raise Denied("51000", "Parameter limit error")
    return min(int(text), most)


def whole(params: Params, name: str) -> int | None:
    """Read a whole number that may be absent."""
    text = str(params.get(name) or "")
    if not text:
        return None
    if not text.isdecimal():
        raise Denied("51000", f"Parameter {name} error")
    return int(text)


def page(
    rows: Iterable[T], params: Params, *, cursor: Callable[[T], int], at: Callable[[T], int], most: int = 100
) -> list[T]:  # fmt: skip
    """Give a page of rows that come oldest first: newest first, older than ``after``, newer than ``before``."""
    after, before = whole(params, "after"), whole(params, "before")
    begin, end = whole(params, "begin"), whole(params, "end")
    found: list[T] = []
    limit = limit_of(params, most)
    for row in reversed(list(rows)):
        number, when = cursor(row), at(row) // 1_000
        if (after is not None and number >= after) or (before is not None and number <= before):
            continue
        if (begin is not None and when < begin) or (end is not None and when > end):
            continue
        found.append(row)
        if len(found) == limit:
            break
    return found


def matches(row: Any, params: Params, **names: str) -> bool:
    """Tell whether a row has the values that were asked for; a comma separates alternatives."""
    for name, field in names.items():
        wanted = str(params.get(name) or "")
        if wanted and str(getattr(row, field)) not in wanted.split(","):
            return False
    return True
