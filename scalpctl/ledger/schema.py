"""Which schema a ledger has, without importing a migration framework: one SELECT against one constant."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from scalpctl.errors import LedgerCorrupt, LedgerTooNew, LedgerTooOld
from scalpctl.ledger.chain import genesis_hash
from scalpctl.ledger.sqlite import APPLICATION_ID, run_all

HEAD = "0001"
"""The newest revision this program knows; a test holds it against the migrations."""

_SCHEMA_FILE = Path(__file__).with_name("schema.sql")
_VERSION_TABLE = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)


def split_statements(text: str) -> Iterator[str]:
    """Split SQL text into statements; triggers, which contain semicolons, stay whole."""
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement.strip().removesuffix(";")
            statement = ""


def create_schema(connection: sqlite3.Connection, meta: Mapping[str, str]) -> None:
    """Make an empty ledger inside one transaction and seal its identity."""
    sealed = dict(meta) | {"genesis": genesis_hash(meta)}
    connection.execute("BEGIN IMMEDIATE")
    run_all(connection, split_statements(_SCHEMA_FILE.read_text()))
    run_all(connection, (_VERSION_TABLE, f"INSERT INTO alembic_version VALUES ('{HEAD}')"))
    connection.executemany("INSERT INTO meta VALUES (?, ?)", sorted(sealed.items()))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {int(HEAD)}")
    connection.execute("COMMIT")


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
