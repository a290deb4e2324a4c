"""Snapshots that come in pages: nothing until the last page, and nothing at all when one is missing."""

from __future__ import annotations

from typing import Any

from scalpctl.okx.wire.router import Pushed

PAGES_MAX = 1_000


class SnapshotPages:
    """Puts the pages of one channel together."""

    def __init__(self) -> None:
        """Have no page."""
        self._pages: list[list[Any]] = []

    def complete(self, push: Pushed) -> list[Any] | None:
        """Add a page; give all rows when it is the last and none is missing, otherwise None."""
        number = push.cur_page
        if number is None or number == 1:
            self._pages = []
        if number is not None and number != len(self._pages) + 1:
            self._pages = []  # a page was lost: what there is of this snapshot is not a snapshot
            return None
        self._pages.append(push.rows)
        if push.last_page is not True:
            if len(self._pages) >= PAGES_MAX:
                self._pages = []
            return None
        rows = [row for page in self._pages for row in page]
        self._pages = []
        return rows
