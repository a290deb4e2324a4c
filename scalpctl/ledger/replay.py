"""Folds a journal into fresh tables: what the typed tables must be, because the journal is the truth."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from scalpctl.ledger.chain import JOURNAL_COLUMNS, JournalRow
from scalpctl.ledger.creation import create_schema
from scalpctl.ledger.journal import journal_rows, record_of
from scalpctl.ledger.projection.projector import Projector
from scalpctl.ledger.sqlite import open_new

FLUSH_ROWS = 2_000
UNPROJECTED = ("journal", "meta", "alembic_version")
_INSERT = f"INSERT INTO journal ({JOURNAL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def rebuild_into(source: sqlite3.Connection, path: Path) -> int:
    """Write a new ledger file with the same journal, byte for byte, and tables folded from it; gives the row count."""
    meta = dict(source.execute("SELECT k, v FROM meta").fetchall())
    meta.pop("genesis", None)
    with closing(open_new(path)) as target:
        create_schema(target, meta)
        return _copy(source, target)


def typed_tables(connection: sqlite3.Connection) -> list[str]:
    """Name the tables that are folds of the journal."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [name for (name,) in rows if name not in UNPROJECTED and not name.startswith("sqlite_")]


def _copy(source: sqlite3.Connection, target: sqlite3.Connection) -> int:
    projector, copied = Projector(target), 0
    for batch in _batches(source):
        target.execute("BEGIN IMMEDIATE")
        target.executemany(_INSERT, batch)
        for row in batch:
            projector.apply(row.seq, record_of(row))
        projector.flush()
        target.execute("COMMIT")
        copied += len(batch)
    return copied


def _batches(source: sqlite3.Connection) -> Iterator[list[JournalRow]]:
    batch: list[JournalRow] = []
    for row in journal_rows(source):
        batch.append(row)
        if len(batch) == FLUSH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch
