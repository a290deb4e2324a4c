"""Lists that come in pages: walked to their end or not given at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from scalpctl.errors import ExchangeUnavailable

T = TypeVar("T")

PAGES_MAX = 2_000


async def every_page(
    ask: Callable[[str], Awaitable[Sequence[T]]],
    cursor_of: Callable[[T], str],
    *,
    page_limit: int,
    enough: Callable[[T], bool] = lambda _row: False,
) -> list[T]:
    """Walk from the newest row backwards until a page is short or old enough; each row once, newest first.

    A cursor that does not move, or more pages than anybody could have, is an error: half a list looks like a whole one.
    """
    rows: list[T] = []
    cursor = ""
    for _ in range(PAGES_MAX):
        page = await ask(cursor)
        rows.extend(page)
        if len(page) < page_limit or enough(page[-1]):
            return rows
        behind, cursor = cursor, cursor_of(page[-1])
        if not cursor or cursor == behind:
            raise ExchangeUnavailable("a list at the exchange does not move on to its next page")
    raise ExchangeUnavailable(f"a list at the exchange is longer than {PAGES_MAX} pages")


def oldest_first(rows: Sequence[T], identity: Callable[[T], tuple[str, ...]], order: Callable[[T], str]) -> list[T]:
    """Give rows once each and in order, whatever pages and endpoints they came from."""
    once = {identity(row): row for row in rows}
    return sorted(once.values(), key=lambda row: (order(row).zfill(24), identity(row)))
