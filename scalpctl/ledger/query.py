"""Read-only SQL for people: one SELECT, no way out of it, bounded in time, rows and memory."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from scalpctl.core.instants import NANOS_PER_SECOND
from scalpctl.errors import UsageError
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ports.clock import Clock

SECONDS_MAX = 10
ROWS_MAX = 100_000
VALUE_BYTES_MAX = 10_000_000
STEPS_BETWEEN_LOOKS = 20_000
_FORBIDDEN_FUNCTIONS = ("load_extension", "readfile", "writefile", "edit", "fts3_tokenizer")
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


class Answer(NamedTuple):
    """Columns and rows of a query; ``cut`` when there were more rows than are given."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    cut: bool


def run_query(
    path: Path, sql: str, clock: Clock, *, rows_max: int = ROWS_MAX, seconds_max: float = SECONDS_MAX
) -> Answer:
    """Answer one SELECT on a ledger that is opened read-only; everything else is refused by name."""
    with LedgerReader(path) as reader:
        connection = reader.connection
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX)
        connection.setlimit(sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 100)
        connection.set_authorizer(_authorize)
        _stop_after(connection, clock, seconds_max)
        try:
            cursor = connection.execute(sql)
            if cursor.description is None:
                raise UsageError("that is not a query: it gives no columns", hint="only SELECT is possible here")
            rows = cursor.fetchmany(rows_max + 1)
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise _explain(error, seconds_max) from error
        columns = _told_apart([str(column[0]) for column in cursor.description])
        return Answer(columns, rows[:rows_max], cut=len(rows) > rows_max)


def _told_apart(names: list[str]) -> list[str]:
    """Number what is named twice, as both prices of a join are: a row is told by name."""
    found: list[str] = []
    for name in names:
        number, apart = 2, name
        while apart in found:
            number, apart = number + 1, f"{name}_{number}"
        found.append(apart)
    return found


def tables_of(path: Path) -> Answer:
    """List tables and views with their columns."""
    with LedgerReader(path) as reader:
        names = reader.rows(
            "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' "
            "ORDER BY type, name"
        )
        rows = [
            (
                row["name"],
                row["type"],
                ", ".join(column["name"] for column in reader.rows(f"PRAGMA table_info({row['name']})")),
            )
            for row in names
        ]
    return Answer(["table", "type", "columns"], rows, cut=False)


def _authorize(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
    del first, database, trigger
    if action not in _ALLOWED:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _FORBIDDEN_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _stop_after(connection: sqlite3.Connection, clock: Clock, seconds: float) -> None:
    deadline = clock.monotonic() + round(seconds * NANOS_PER_SECOND)
    connection.set_progress_handler(lambda: clock.monotonic() > deadline, STEPS_BETWEEN_LOOKS)


def _explain(error: Exception, seconds: float) -> UsageError:
    text = str(error)
    if "interrupted" in text:
        return UsageError(f"the query took longer than {seconds:g} s and was stopped", hint="narrow it, or export")
    if "not authorized" in text or "prohibited" in text:
        return UsageError(
            f"only reading is possible here: {text}", hint="write SELECT …; the ledger is never changed by SQL"
        )
    return UsageError(
        f"the query was not understood: {text}", hint="`scalpctl ledger query --tables` lists tables and columns"
    )
