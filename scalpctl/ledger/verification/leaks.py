"""Looks for what must never be written down, in every body of the journal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scalpctl.ledger.journal import JournalCells
from scalpctl.ledger.verification.findings import Finding

MARKS = ("OK-ACCESS-", '"passphrase":"', '"secret":"', '"api_key":"')
FOUND_MAX = 1_000


class Leaks:
    """Finds the rows that hold what looks like a key or a signature."""

    def __init__(self) -> None:
        """Begin with nothing found."""
        self._found: list[Finding] = []

    def take(self, page: Sequence[JournalCells]) -> Iterable[Finding]:
        """Search the rows that follow."""
        whole = "\n".join([row[7] for row in page])  # a page at once: hardly any holds anything
        if not any(mark in whole for mark in MARKS):
            return ()
        for row in page:
            body = row[7]
            for mark in MARKS:
                if mark in body and len(self._found) < FOUND_MAX:
                    what = f"a {row[3]} record holds what looks like a key or a signature"
                    self._found.append(Finding(row[0], "secrets", what))
                    break
        return ()

    def findings(self) -> Iterable[Finding]:
        """Give what was found."""
        return self._found
