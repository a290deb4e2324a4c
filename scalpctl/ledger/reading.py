"""Read-only access to a ledger, for people, commands and analyses; short transactions that never hold the writer up."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scalpctl.errors import UsageError
from scalpctl.ledger.schema import require_current
from scalpctl.ledger.sqlite import meaning, open_reader


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

    def pin(self) -> None:
        """See one state of the file from here on, however busy its writer is."""
        self.connection.execute("BEGIN")
        self.connection.execute("SELECT count(*) FROM meta").fetchone()

    def rows(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[dict[str, Any]]:
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
