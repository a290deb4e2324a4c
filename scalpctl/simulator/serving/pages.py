"""Paging and filtering the way OKX does: newest first, cursors that exclude themselves, times in milliseconds."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
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


def page_of_history(
    rows: Sequence[T],
    params: Params,
    *,
    number: Callable[[T], int],
    at: Callable[[T], int],
    oldest: int,
    keep: Callable[[T], bool],
) -> list[T]:
    """Give a page of a long history that only grows, both by number and by time, without walking all of it."""
    after, before = whole(params, "after"), whole(params, "before")
    begin, end = whole(params, "begin"), whole(params, "end")
    last = len(rows) if after is None else bisect_left(rows, after, key=number)
    if end is not None:
        last = min(last, bisect_left(rows, (end + 1) * 1_000, key=at))
    first = bisect_left(rows, max(oldest, (begin or 0) * 1_000), key=at)
    if before is not None:
        first = max(first, bisect_right(rows, before, key=number))
    found = (rows[place] for place in range(last - 1, first - 1, -1) if keep(rows[place]))
    return list(islice(found, limit_of(params, 100)))


def matches(row: Any, params: Params, **names: str) -> bool:
    """Tell whether a row has the values that were asked for; a comma separates alternatives."""
    for name, field in names.items():
        wanted = str(params.get(name) or "")
        if wanted and str(getattr(row, field)) not in wanted.split(","):
            return False
    return True
