"""Makes an empty ledger: the generated schema, the revision it is at, and the identity that seals it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from scalpctl.ledger.chain import genesis_hash
from scalpctl.ledger.schema import HEAD
from scalpctl.ledger.sqlite import APPLICATION_ID, run_all

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
