"""Reads the journal back, row by row and record by record."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from scalpctl.core.records.base import Record
from scalpctl.core.records.registry import BY_KIND
from scalpctl.errors import LedgerCorrupt
from scalpctl.ledger.canonical_json import UNREADABLE
from scalpctl.ledger.chain import JOURNAL_COLUMNS, JournalRow

PAGE_ROWS = 2_000
JournalCells = tuple[Any, ...]
"""A row as SQLite gives it, in the order of the journal's columns."""


def journal_pages(
    connection: sqlite3.Connection, *, kinds: Sequence[str] = (), after: int = 0
) -> Iterator[list[JournalCells]]:
    """Give the journal's rows in order, a page at a time, so that no read transaction stays open for long."""
    wanted = f" AND kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
    sql = f"SELECT {JOURNAL_COLUMNS} FROM journal WHERE seq > ?{wanted} ORDER BY seq LIMIT {PAGE_ROWS}"
    while True:
        page = connection.execute(sql, (after, *kinds)).fetchall()
        if page:
            yield page
        if len(page) < PAGE_ROWS:
            return
        after = page[-1][0]


def journal_rows(connection: sqlite3.Connection, *, kinds: Sequence[str] = ()) -> Iterator[JournalRow]:
    """Give the journal's rows in order, one by one."""
    for page in journal_pages(connection, kinds=kinds):
        yield from map(JournalRow._make, page)


def record_of(row: JournalRow) -> Record:
    """Read the record of a journal row back."""
    kind = BY_KIND.get(row.kind)
    if kind is None:
        raise unknown_kind(row.seq, row.kind)
    try:
        return msgspec.json.decode(row.body, type=kind)
    except UNREADABLE as error:
        raise unreadable(row.seq, row.kind, error) from error


def unknown_kind(seq: int, kind: str) -> LedgerCorrupt:
    """Say that no record of this program is of that kind."""
    return LedgerCorrupt(f"journal row {seq} is of the unknown kind {kind!r}")


def unreadable(seq: int, kind: str, error: Exception) -> LedgerCorrupt:
    """Say that a row is no record of its kind."""
    return LedgerCorrupt(f"journal row {seq} ({kind}) cannot be read: {error}")
