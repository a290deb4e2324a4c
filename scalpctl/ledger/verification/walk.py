"""One walk through the journal for everything that is proven from it: a page is read once, however many look at it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from scalpctl.errors import ScalpctlError
from scalpctl.ledger.journal import JournalCells, journal_pages
from scalpctl.ledger.verification.findings import Finding

MISCONFIGURED = 78
"""The exit code of what no proof can answer: another program's ledger."""


class Watcher(Protocol):
    """Whoever proves something from the journal, row after row."""

    def take(self, page: Sequence[JournalCells]) -> Iterable[Finding]:
        """Take the rows that follow; gives what is seen to be wrong by now."""

    def findings(self) -> Iterable[Finding]:
        """Give what is known to be wrong only at the journal's end."""


Begin = Callable[[sqlite3.Connection], Watcher]


def walk(connection: sqlite3.Connection, beginnings: Mapping[str, Begin]) -> Iterator[Finding]:
    """Show the whole journal to all of them; one that fails hides nothing another one finds."""
    watched = [_Watched(name, begin, connection) for name, begin in beginnings.items()]
    try:
        for page in journal_pages(connection):
            for one in watched:
                one.take(page)
    except sqlite3.Error as error:
        for one in watched:
            one.stop(error)
    for one in watched:
        one.end()
        yield from one.found


@contextmanager
def guard(name: str, found: list[Finding]) -> Iterator[None]:
    """Add what keeps a check from being made to what it found."""
    try:
        yield
    except sqlite3.Error as error:
        found.append(Finding(None, name, f"could not be checked: {error}"))
    except ScalpctlError as error:
        if error.exit_code == MISCONFIGURED:
            raise
        found.append(Finding(None, name, f"could not be checked: {error.message}"))


class _Watched:
    """One watcher and what it found; it is let go where it fails."""

    def __init__(self, name: str, begin: Begin, connection: sqlite3.Connection) -> None:
        self.found: list[Finding] = []
        self._name = name
        self._watcher: Watcher | None = None
        with guard(name, self.found):
            self._watcher = begin(connection)

    def take(self, page: Sequence[JournalCells]) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            with guard(self._name, self.found):
                self.found.extend(watcher.take(page))
                self._watcher = watcher

    def stop(self, error: sqlite3.Error) -> None:
        if self._watcher is not None:
            self.found.append(Finding(None, self._name, f"could not be checked: {error}"))
            self._watcher = None

    def end(self) -> None:
        if self._watcher is not None:
            with guard(self._name, self.found):
                self.found.extend(self._watcher.findings())
