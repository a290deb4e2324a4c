"""Read-only access to a ledger, for people, commands and analyses; short transactions that never hold the writer up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from scalpctl.core.records.base import Record
from scalpctl.core.records.registry import BY_KIND
from scalpctl.errors import LedgerCorrupt, UsageError
from scalpctl.ledger.chain import JOURNAL_COLUMNS, JournalRow
from scalpctl.ledger.schema import require_current
from scalpctl.ledger.sqlite import meaning, open_reader

PAGE_ROWS = 5_000


class LedgerReader:
    """One read-only connection; opened on a missing, foreign, newer or older file it says so and touches nothing."""

    def __init__(self, path: Path) -> None:
        """Open the ledger at ``path``."""
        self.path = path
        self.connection = open_reader(path)
        try:
            require_current(self.connection, path)
        except BaseException:
            self.connection.close()
            raise

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Give the rows of a query of ours as dictionaries."""
        try:
            cursor = self.connection.execute(sql, parameters)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except sqlite3.DatabaseError as error:
            raise meaning(error, self.path) from error

    def meta(self) -> dict[str, str]:
        """Give what the file says about itself."""
        return {row["k"]: row["v"] for row in self.rows("SELECT k, v FROM meta")}


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
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise LedgerCorrupt(f"journal row {row.seq} ({row.kind}) cannot be read: {error}") from error


def session_id(reader: LedgerReader, name: str) -> str:
    """Find a session by its id, a unique prefix, or ``last``; a miss lists the latest five."""
    latest = reader.rows("SELECT session_id FROM sessions ORDER BY seq DESC LIMIT 5")
    if name == "last" and latest:
        return str(latest[0]["session_id"])
    found = reader.rows(
        "SELECT session_id FROM sessions WHERE substr(session_id, 1, ?) = ? LIMIT 2", (len(name), name.upper())
    )
    if len(found) == 1:
        return str(found[0]["session_id"])
    known = ", ".join(str(row["session_id"]) for row in latest) or "none yet"
    what = "names several sessions" if found else "is not a session"
    raise UsageError(f"{name!r} {what}", hint=f"the latest: {known}")
