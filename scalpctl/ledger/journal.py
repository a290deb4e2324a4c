"""Reads the journal back, row by row and record by record."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import msgspec

from scalpctl.core.records.base import Record
from scalpctl.core.records.registry import BY_KIND
from scalpctl.errors import LedgerCorrupt
from scalpctl.ledger.canonical_json import UNREADABLE
from scalpctl.ledger.chain import JOURNAL_COLUMNS, JournalRow

PAGE_ROWS = 5_000


def journal_rows(connection: sqlite3.Connection, *, kinds: Sequence[str] = (), after: int = 0) -> Iterator[JournalRow]:
    """Give journal rows in order, in pages, so that no read transaction stays open for long."""
    wanted = f" AND kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
    sql = f"SELECT {JOURNAL_COLUMNS} FROM journal WHERE seq > ?{wanted} ORDER BY seq LIMIT {PAGE_ROWS}"
    while True:
        page = connection.execute(sql, (after, *kinds)).fetchall()
        yield from map(JournalRow._make, page)
        if len(page) < PAGE_ROWS:
            return
        after = page[-1][0]


def record_of(row: JournalRow) -> Record:
    """Read the record of a journal row back."""
    kind = BY_KIND.get(row.kind)
    if kind is None:
        raise LedgerCorrupt(f"journal row {row.seq} is of the unknown kind {row.kind!r}")
    try:
        return msgspec.json.decode(row.body, type=kind)
    except UNREADABLE as error:
        raise LedgerCorrupt(f"journal row {row.seq} ({row.kind}) cannot be read: {error}") from error
