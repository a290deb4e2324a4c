"""Holds every typed table against the journal while the journal is read, without making the tables anew.

A table whose rows never change is compared row by row as its records pass; rows that may change are folded in memory
and compared at the end. Both are read in the order in which they were written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, cast

from scalpctl.core.records.base import Record
from scalpctl.core.records.money import Posted
from scalpctl.core.records.positions import PositionClosed
from scalpctl.core.records.sessions import SessionStarted
from scalpctl.errors import InvariantBroken
from scalpctl.ledger.invariants import check
from scalpctl.ledger.projection import figures
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
from scalpctl.ledger.verification.findings import Finding

DIFFERENCES_MAX = 100
Row = dict[str, Any]


class Beside:
    """One table, read beside what it should hold."""

    def __init__(self, connection: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> None:
        """Begin before its first row."""
        self.findings: list[Finding] = []
        self._table, self._columns = table, columns
        self._rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table} NOT INDEXED ORDER BY rowid")
        self._over = False

    def expect(self, folded: Cells | None) -> None:
        """Hold the next row against what it should be; nothing means that there should be none."""
        if self._over:
            return
        ours = self._rows.fetchone()
        if ours == folded:
            return
        self.findings.append(_difference(self._table, self._columns, ours, folded))
        self._over = len(self.findings) == DIFFERENCES_MAX or ours is None or folded is None


class Fold:
    """All typed tables of a ledger beside its journal."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Begin before the first row of the journal."""
        self._tables = {
            POSTINGS: Beside(connection, POSTINGS, POSTING_COLUMNS),
            figures.TABLE: Beside(connection, figures.TABLE, figures.COLUMNS),
        }
        self._figures: list[Row] = []
        self._lasting: dict[type[Record], tuple[Beside, RowMaker]] = {}
        self._changing: dict[type[Record], tuple[Makes, tuple[str, ...], RowMaker]] = {}
        self._rows: dict[str, dict[str, Row]] = {}
        self._keys = {plan.table: plan.key for plan in PLAN.values() if isinstance(plan, Changes)}
        self._blank: dict[str, Row] = {}
        for kind, plan in PLAN.items():
            if isinstance(plan, Makes):
                self._prepare(connection, kind, plan)

    def apply(self, seq: int, record: Record) -> None:
        """Take one record."""
        check(record)
        lasting = self._lasting.get(type(record))
        if lasting is not None:
            lasting[0].expect(lasting[1](seq, record))
        elif isinstance(record, Posted):
            for leg in legs_of(seq, record):
                self._tables[POSTINGS].expect(leg)
        else:
            self._change(seq, record)
        if isinstance(record, PositionClosed):
            self._update(CLOSING, record.position_id, closing_of(seq, record))
        if isinstance(record, SessionStarted):
            self._figures.append(figures.begun(seq, record))
        elif type(record) in figures.COUNTED and self._figures:
            figures.count(self._figures[-1], seq, record)

    def findings(self) -> Iterator[Finding]:
        """Give every difference, once the journal is at its end."""
        for table, rows in self._rows.items():
            for row in rows.values():
                self._tables[table].expect(tuple(row.values()))
        for row in self._figures:
            self._tables[figures.TABLE].expect(figures.cells_of(row))
        for _, beside in sorted(self._tables.items()):
            beside.expect(None)
            yield from beside.findings

    def _prepare(self, connection: sqlite3.Connection, kind: type[Record], plan: Makes) -> None:
        columns, make = columns_of(kind, plan), row_maker(kind, plan)
        if not plan.changes_later:
            self._tables[plan.table] = Beside(connection, plan.table, columns)
            self._lasting[kind] = (self._tables[plan.table], make)
            return
        known = [str(row[1]) for row in connection.execute(f"PRAGMA table_info({plan.table})")]
        later = tuple(name for name in known if name not in columns)  # empty until another record fills them
        self._tables[plan.table] = Beside(connection, plan.table, (*columns, *later))
        self._changing[kind] = (plan, columns, make)
        self._rows[plan.table], self._blank[plan.table] = {}, dict.fromkeys((*columns, *later))

    def _change(self, seq: int, record: Record) -> None:
        made = self._changing.get(type(record))
        if made is not None:
            plan, columns, make = made
            row = self._blank[plan.table] | dict(zip(columns, make(seq, record), strict=True))
            self._rows[plan.table][row[self._keys[plan.table]]] = row
            return
        changes = PLAN.get(type(record))
        if not isinstance(changes, Changes):
            message = f"no table is planned for {type(record).__name__}"
            raise InvariantBroken(message)
        self._update(changes, getattr(record, changes.key), changes_of(seq, record, changes))

    def _update(self, plan: Changes, key: str, changed: Row) -> None:
        row = self._rows[plan.table].get(key)
        if row is None:
            message = f"{plan.table} has no row {key!r} to change"
            raise InvariantBroken(message, hint="its first record must be written before")
        row.update(changed)


def _difference(table: str, columns: tuple[str, ...], ours: Cells | None, folded: Cells | None) -> Finding:
    if ours is None or folded is None:
        seq = cast("int", (folded or ours or ())[columns.index("seq")])
        what = "is missing from" if ours is None else "was added by hand to"
        return Finding(seq, "tables", f"the row of journal row {seq} {what} {table}")
    name = next(name for name, left, right in zip(columns, ours, folded, strict=True) if left != right)
    seq, place = cast("int", folded[columns.index("seq")]), columns.index(name)
    says = f"says {ours[place]!r}, the journal says {folded[place]!r}"
    return Finding(seq, "tables", f"{table}.{name} of journal row {seq} {says}")
