"""Makes ledgers that are whole and consistent in themselves, from a journal in which one thing was changed."""

from __future__ import annotations

import copy
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scalpctl.analysis.audit.catalogue import CHECKS
from scalpctl.analysis.audit.judging import judge, waivers
from scalpctl.core.instants import Instant
from scalpctl.host.private_files import create_private_file
from scalpctl.ledger.canonical_json import encode
from scalpctl.ledger.chain import JOURNAL_COLUMNS, JournalRow, row_hash
from scalpctl.ledger.creation import create_schema
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.journal import record_of
from scalpctl.ledger.projection.projector import Projector
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ledger.sqlite import open_for_schema, open_reader
from scalpctl.settings.loading import load
from scalpctl.wiring.auditing import books_of

Row = dict[str, Any]
WALL = Instant(1_800_000_000_000_000)


def journal_of(path: Path) -> list[Row]:
    """Give a journal with its bodies read."""
    connection = open_reader(path)
    rows = connection.execute(f"SELECT {JOURNAL_COLUMNS} FROM journal ORDER BY seq").fetchall()
    meta = dict(connection.execute("SELECT k, v FROM meta").fetchall())
    connection.close()
    found = [JournalRow._make(row)._asdict() for row in rows]
    return [row | {"body": json.loads(row["body"]), "meta": meta} for row in found]


def forged(journal: list[Row], path: Path, change: Callable[[list[Row]], None]) -> Path:
    """Write a ledger whose journal was changed before it was chained, with tables folded from it."""
    rows = copy.deepcopy(journal)
    change(rows)
    meta = {key: value for key, value in rows[0]["meta"].items() if key != "genesis"}
    create_private_file(path)
    connection = open_for_schema(path)
    create_schema(connection, meta)
    (prev,) = connection.execute("SELECT v FROM meta WHERE k = 'genesis'").fetchone()
    projector = Projector(connection)
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("BEGIN")
    for seq, row in enumerate(rows, start=1):
        body = encode(row["body"]).decode()
        idem = row["idem"] or f"forged:{seq}"
        hashed = row_hash(prev, seq, row["ts_us"], row["mono_ns"], row["kind"], idem, row["writer_id"], None, body)
        made = JournalRow(
            seq, row["ts_us"], row["mono_ns"], row["kind"], idem, row["writer_id"], None, body, prev, hashed
        )
        connection.execute(f"INSERT INTO journal ({JOURNAL_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)", made)
        projector.apply(seq, record_of(made))
        projector.flush()
        prev = hashed
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    return path


def audited(path: Path, folder: LedgerFolder | None = None, **more: Any) -> dict[str, list[str]]:
    """Give what an audit of a ledger finds: check by check, in words."""
    with LedgerReader(path) as reader:
        books = books_of(reader, load(None, {}), folder, WALL)
        for name, value in more.items():
            setattr(books, "folder" if name == "facts" else name, value)
        judged = judge(books, CHECKS, waivers(books, WALL), frozenset())
    return {one.check.id: [f"{f.severity} {f.subject}: {f.what}" for f in one.findings] for one in judged if not one.ok}


def tampered(source: Path, target: Path, *statements: str) -> Path:
    """Copy a ledger and change it behind its own back, with its triggers out of the way."""
    reader = open_reader(source)
    connection = sqlite3.connect(target, isolation_level=None)
    reader.backup(connection)
    reader.close()
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _, sql in triggers:
        connection.execute(sql)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    return target


def bodies(rows: list[Row], kind: str, /, **wanted: Any) -> Iterator[Row]:
    """Give the bodies of one kind of record with certain values."""
    for row in rows:
        if row["kind"] == kind and all(row["body"].get(name) == value for name, value in wanted.items()):
            yield row["body"]


def first(rows: list[Row], kind: str, /, **wanted: Any) -> Row:
    return next(bodies(rows, kind, **wanted))


def last(rows: list[Row], kind: str, /, **wanted: Any) -> Row:
    return list(bodies(rows, kind, **wanted))[-1]


def drop(rows: list[Row], kind: str, /, **wanted: Any) -> None:
    rows[:] = [
        row
        for row in rows
        if row["kind"] != kind or any(row["body"].get(name) != value for name, value in wanted.items())
    ]


def insert(rows: list[Row], kind: str, body: Row, *, before_end: int = 1) -> None:
    """Add a record shortly before the end of the journal, at the time of the one behind it."""
    at = len(rows) - before_end
    rows.insert(at, rows[at] | {"kind": kind, "body": body, "idem": ""})
