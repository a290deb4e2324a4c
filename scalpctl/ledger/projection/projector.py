"""Turns records into rows, gathering inserts so that SQLite sees them in batches."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from scalpctl.core.records.base import Record
from scalpctl.core.records.money import Posted
from scalpctl.core.records.positions import PositionClosed
from scalpctl.errors import InvariantBroken
from scalpctl.ledger.invariants import CHECKED, check
from scalpctl.ledger.projection.figures import KINDS, Figures
from scalpctl.ledger.projection.plan import PLAN, Changes, Makes
from scalpctl.ledger.projection.rows import (
    CLOSING,
    POSTING_COLUMNS,
    POSTINGS,
    RowMaker,
    changes_of,
    closing_of,
    columns_of,
    legs_of,
    row_maker,
)
from scalpctl.ledger.sqlite import Cells


class Projector:
    """Writes what records mean into the typed tables of one connection, inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Write through ``connection``."""
        self._connection = connection
        self._figures = Figures(connection)
        self._pending: dict[str, list[Cells]] = {POSTINGS: []}
        self._sql = {POSTINGS: _insert(POSTINGS, POSTING_COLUMNS)}
        self._makers: dict[type[Record], tuple[list[Cells], RowMaker]] = {}
        self._checked: dict[type[Record], tuple[list[Cells], RowMaker]] = {}  # their money must add up first
        for kind, plan in PLAN.items():
            if isinstance(plan, Makes):
                self._prepare(kind, plan)

    def apply_all(self, first_seq: int, records: Iterable[Record]) -> None:
        """Add what consecutive journal rows mean, and hand the rows to SQLite."""
        makers, counted = self._makers, self._figures.waiting
        for seq, record in enumerate(records, start=first_seq):
            maker = makers.get(type(record))
            if maker is None:
                self.apply(seq, record)
                continue
            maker[0].append(maker[1](seq, record))
            if type(record) in KINDS:
                counted.append((seq, record))
        self.flush()

    def apply(self, seq: int, record: Record) -> None:
        """Add what one record means to the tables."""
        check(record)
        if type(record) in KINDS:
            self._figures.waiting.append((seq, record))
        maker = self._makers.get(type(record)) or self._checked.get(type(record))
        if maker is not None:
            maker[0].append(maker[1](seq, record))
        elif isinstance(record, Posted):
            self._pending[POSTINGS].extend(legs_of(seq, record))
        else:
            self._change(seq, record)
        if isinstance(record, PositionClosed):
            self._update(CLOSING, record.position_id, closing_of(seq, record))

    def flush(self) -> None:
        """Hand all gathered rows to SQLite, and what they change in the figures of their sessions."""
        self._insert()
        self._figures.flush()

    def _insert(self) -> None:
        for table, rows in self._pending.items():
            if rows:
                self._connection.executemany(self._sql[table], rows)
                rows.clear()

    def forget(self) -> None:
        """Drop gathered rows after a rollback."""
        for rows in self._pending.values():
            rows.clear()
        self._figures.waiting.clear()

    def _prepare(self, kind: type[Record], plan: Makes) -> None:
        self._sql[plan.table] = _insert(plan.table, columns_of(kind, plan))
        rows = self._pending.setdefault(plan.table, [])
        makers = self._checked if kind in CHECKED else self._makers
        makers[kind] = (rows, row_maker(kind, plan))

    def _change(self, seq: int, record: Record) -> None:
        plan = PLAN.get(type(record))
        if not isinstance(plan, Changes):
            message = f"no table is planned for {type(record).__name__}"
            raise InvariantBroken(message)
        self._update(plan, getattr(record, plan.key), changes_of(seq, record, plan))

    def _update(self, plan: Changes, key: str, changed: dict[str, Any]) -> None:
        self._insert()  # the row may still wait among the gathered ones, and its references with it
        assignments = ", ".join(f"{name} = ?" for name in changed)
        sql = f"UPDATE {plan.table} SET {assignments} WHERE {plan.key} = ?"
        cursor = self._connection.execute(sql, (*changed.values(), key))
        if cursor.rowcount != 1:
            message = f"{plan.table} has no row {key!r} to change"
            raise InvariantBroken(message, hint="its first record must be written before")


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
