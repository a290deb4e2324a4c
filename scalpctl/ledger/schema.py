"""Which schema a ledger has, without importing a migration framework: one SELECT against one constant."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from scalpctl.errors import LedgerCorrupt, LedgerTooNew, LedgerTooOld

HEAD = "0002"
"""The newest revision this program knows; a test holds it against the migrations."""


def revision_of(connection: sqlite3.Connection) -> str:
    """Give the revision a ledger is at."""
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        raise LedgerCorrupt("the file has no schema version: it is not a scalpctl ledger") from error
    if row is None:
        raise LedgerCorrupt("the ledger has lost its schema version", hint="restore a backup")
    return str(row[0])


def require_current(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a ledger this program cannot read or write correctly; it is not touched."""
    revision = revision_of(connection)
    if revision == HEAD:
        return
    if revision > HEAD:
        raise LedgerTooNew(
            f"{path} is at schema {revision}, this scalpctl knows {HEAD}", hint="upgrade scalpctl; nothing was changed"
        )
    raise LedgerTooOld(
        f"{path} is at schema {revision}, this scalpctl needs {HEAD}", hint="run `scalpctl ledger upgrade`"
    )
