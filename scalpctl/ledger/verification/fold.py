"""Holds every typed table against the journal while the journal is read, without making the tables anew.

A table whose rows never change is compared row by row as its records pass; rows that may change are folded in memory
and compared at the end. Both are read in the order in which they were written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, zip_longest
from typing import Any, cast

from scalpctl.core.records.base import Record
from scalpctl.core.records.money import Posted
from scalpctl.core.records.positions import PositionClosed
from scalpctl.core.records.sessions import SessionStarted
from scalpctl.errors import InvariantBroken
from scalpctl.ledger.canonical_json import UNREADABLE
from scalpctl.ledger.invariants import CHECKED, check
from scalpctl.ledger.journal import PAGE_ROWS, JournalCells, unknown_kind, unreadable
from scalpctl.ledger.projection import figures
from scalpctl.ledger.projection.plan import PLAN, Changes, Makes, Plan
from scalpctl.ledger.projection.rows import (
    CLOSING,
    POSTING_COLUMNS,
    POSTINGS,
    closing_of,
    columns_of,
    legs_of,
    row_maker,
)
from scalpctl.ledger.sqlite import Cells
from scalpctl.ledger.verification.bodies import body_reader, changes_reader, text_of
from scalpctl.ledger.verification.findings import Finding

DIFFERENCES_MAX = 100
_KEYS = {plan.table: plan.key for plan in PLAN.values() if isinstance(plan, Changes)}
Row = dict[str, Any]


class Beside:
    """One table, read beside what it should hold."""

    def __init__(self, connection: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> None:
        """Begin before its first row."""
        self.expected: list[Cells] = []
        self.findings: list[Finding] = []
        self._table, self._columns = table, columns
        self._rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table} NOT INDEXED ORDER BY rowid")
        self._over = False

    def compare(self) -> None:
        """Hold the next rows against what is expected by now."""
        ours = [] if self._over else self._rows.fetchmany(len(self.expected)) if self.expected else []
        if ours != self.expected and not self._over:
            for left, right in zip_longest(ours, self.expected):
                self._hold(left, right)
        self.expected.clear()

    def end(self) -> None:
        """Compare what is left; there should be no row behind it."""
        self.compare()
        if not self._over:
            self._hold(self._rows.fetchone(), None)

    def _hold(self, ours: Cells | None, folded: Cells | None) -> None:
        if self._over or ours == folded:
            return
        self.findings.append(_difference(self._table, self._columns, ours, folded))
        self._over = len(self.findings) == DIFFERENCES_MAX or ours is None or folded is None


Step = Callable[[int, Any], None]


class Fold:
    """All typed tables of a ledger beside its journal."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Begin before the first row of the journal."""
        self._connection = connection
        self._tables = {
            POSTINGS: Beside(connection, POSTINGS, POSTING_COLUMNS),
            figures.TABLE: Beside(connection, figures.TABLE, figures.COLUMNS),
        }
        self._figures: list[Row] = []
        self._rows: dict[str, dict[str, Row]] = {}
        made = {kind: self._made(kind, plan) for kind, plan in PLAN.items() if isinstance(plan, Makes)}
        kinds: list[type[Record]] = [*PLAN, Posted]
        self._steps = {
            kind.record_kind: (_reader_of(kind), tuple(self._steps_of(kind, made.get(kind)))) for kind in kinds
        }

    def take(self, page: Sequence[JournalCells]) -> Iterable[Finding]:
        """Take the rows that follow; what they say wrong is given at the end."""
        steps = self._steps
        for row in page:
            seq, kind = row[0], row[3]
            if kind not in steps:
                raise unknown_kind(seq, kind)
            read, does = steps[kind]
            try:
                record = read(row[7])
            except UNREADABLE as error:
                raise unreadable(seq, kind, error) from error
            for step in does:
                step(seq, record)
        for beside in self._tables.values():
            beside.compare()
        return ()

    def findings(self) -> Iterator[Finding]:
        """Give every difference, once the journal is at its end."""
        for table, rows in self._rows.items():
            beside, left = self._tables[table], iter(rows.values())
            while page := [tuple(row.values()) for row in islice(left, PAGE_ROWS)]:
                beside.expected.extend(page)
                beside.compare()
            rows.clear()  # the steps refer to this fold: its rows would wait for the collector
        self._tables[figures.TABLE].expected.extend(map(figures.cells_of, self._figures))
        for _, beside in sorted(self._tables.items()):
            beside.end()
            yield from beside.findings

    def _steps_of(self, kind: type[Record], made: Step | None) -> Iterator[Step]:
        if kind in CHECKED:
            yield lambda _seq, record: check(record, kind)
        if kind is Posted:
            yield lambda seq, record: self._tables[POSTINGS].expected.extend(legs_of(seq, record))
        elif made is not None:
            yield made
        else:
            yield self._changed(PLAN[kind])
        if kind is PositionClosed:
            close = self._changing(CLOSING)
            yield lambda seq, record: close(record.position_id, closing_of(seq, record))
        if kind is SessionStarted:
            yield lambda seq, record: self._figures.append(figures.begun(seq, record))
        elif kind in figures.COUNTED:
            yield lambda seq, record: self._counted(seq, kind, record)

    def _made(self, kind: type[Record], plan: Makes) -> Step:
        columns, make = columns_of(kind, plan), row_maker(kind, plan, text_of)
        if not plan.changes_later:
            beside = self._tables[plan.table] = Beside(self._connection, plan.table, columns)
            return lambda seq, record: beside.expected.append(make(seq, record))
        known = [str(row[1]) for row in self._connection.execute(f"PRAGMA table_info({plan.table})")]
        later = tuple(name for name in known if name not in columns)  # empty until another record fills them
        names, empty = (*columns, *later), (None,) * len(later)
        self._tables[plan.table] = Beside(self._connection, plan.table, names)
        rows, place = self._rows.setdefault(plan.table, {}), columns.index(_KEYS[plan.table])

        def keep(seq: int, record: Any) -> None:
            cells = make(seq, record)
            rows[str(cells[place])] = dict(zip(names, cells + empty, strict=True))

        return keep

    def _changed(self, plan: Plan) -> Step:
        assert isinstance(plan, Changes)  # noqa: S101  what does not make a row changes one
        change, key = self._changing(plan), plan.key

        def changed(seq: int, cells: Row) -> None:
            own = cells.pop(key)
            cells["last_seq"] = seq
            change(own, cells)

        return changed

    def _changing(self, plan: Changes) -> Callable[[str, Row], None]:
        rows = self._rows[plan.table]

        def change(key: str, cells: Row) -> None:
            row = rows.get(key)
            if row is None:
                message = f"{plan.table} has no row {key!r} to change"
                raise InvariantBroken(message, hint="its first record must be written before")
            row.update(cells)

        return change

    def _counted(self, seq: int, kind: type[Record], record: Any) -> None:
        if self._figures:
            figures.count(self._figures[-1], seq, kind, record)


def _reader_of(kind: type[Record]) -> Callable[[str], Any]:
    return changes_reader(kind) if isinstance(PLAN.get(kind), Changes) else body_reader(kind)


def _difference(table: str, columns: tuple[str, ...], ours: Cells | None, folded: Cells | None) -> Finding:
    if ours is None or folded is None:
        seq = cast("int", (folded or ours or ())[columns.index("seq")])
        what = "is missing from" if ours is None else "was added by hand to"
        return Finding(seq, "tables", f"the row of journal row {seq} {what} {table}")
    name = next(name for name, left, right in zip(columns, ours, folded, strict=True) if left != right)
    seq, place = cast("int", folded[columns.index("seq")]), columns.index(name)
    says = f"says {ours[place]!r}, the journal says {folded[place]!r}"
    return Finding(seq, "tables", f"{table}.{name} of journal row {seq} {says}")
