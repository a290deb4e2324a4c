"""Turns records into rows, gathering inserts so that SQLite sees them in batches."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET

from scalpctl.core.records.base import Json, Record
from scalpctl.core.records.money import Posted
from scalpctl.core.records.positions import PositionClosed
from scalpctl.errors import InvariantBroken
from scalpctl.ledger.canonical_json import spell
from scalpctl.ledger.invariants import CHECKED, check
from scalpctl.ledger.projection.plan import PLAN, Changes, Makes
from scalpctl.ledger.sqlite import Cells

RowMaker = Callable[[int, Record], Cells]

_POSTING_COLUMNS = (
    "transaction_id, leg, seq, reason, account, ccy, amount, position_id, inst_id, source_kind, source_id, bill_id, "
    "posted_at"
)


class Projector:
    """Writes what records mean into the typed tables of one connection, inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Write through ``connection``."""
        self._connection = connection
        self._pending: dict[str, list[Cells]] = {"postings": []}
        self._sql = {"postings": f"INSERT INTO postings ({_POSTING_COLUMNS}) VALUES ({_marks(13)})"}
        self._makers: dict[type[Record], tuple[list[Cells], RowMaker]] = {}
        self._checked: dict[type[Record], tuple[list[Cells], RowMaker]] = {}  # their money must add up first
        for kind, plan in PLAN.items():
            if isinstance(plan, Makes):
                self._prepare(kind, plan)

    def apply_all(self, first_seq: int, records: Iterable[Record]) -> None:
        """Add what consecutive journal rows mean, and hand the rows to SQLite."""
        makers = self._makers
        for seq, record in enumerate(records, start=first_seq):
            maker = makers.get(type(record))
            if maker is None:
                self.apply(seq, record)
            else:
                maker[0].append(maker[1](seq, record))
        self.flush()

    def apply(self, seq: int, record: Record) -> None:
        """Add what one record means to the tables."""
        check(record)
        maker = self._makers.get(type(record)) or self._checked.get(type(record))
        if maker is not None:
            maker[0].append(maker[1](seq, record))
        elif isinstance(record, Posted):
            self._post(seq, record)
        else:
            self._change(seq, record)
        if isinstance(record, PositionClosed):
            self._close_position(seq, record)

    def flush(self) -> None:
        """Hand all gathered rows to SQLite."""
        for table, rows in self._pending.items():
            if rows:
                self._connection.executemany(self._sql[table], rows)
                rows.clear()

    def forget(self) -> None:
        """Drop gathered rows after a rollback."""
        for rows in self._pending.values():
            rows.clear()

    def _prepare(self, kind: type[Record], plan: Makes) -> None:
        fields = kind.__struct_fields__
        own = ("seq", "last_seq") if plan.changes_later else ("seq",)
        columns = ", ".join((*own, *fields))
        self._sql[plan.table] = f"INSERT INTO {plan.table} ({columns}) VALUES ({_marks(len(own) + len(fields))})"
        rows = self._pending.setdefault(plan.table, [])
        makers = self._checked if kind in CHECKED else self._makers
        makers[kind] = (rows, _row_maker(kind, changes_later=plan.changes_later))

    def _post(self, seq: int, record: Posted) -> None:
        rows = self._pending["postings"]
        for number, leg in enumerate(record.legs):
            head = (record.transaction_id, number, seq, record.reason, str(leg.account), leg.ccy, leg.amount)
            tail = (record.position_id, record.inst_id, record.source_kind, record.source_id, record.bill_id)
            rows.append((*head, *tail, record.posted_at))

    def _change(self, seq: int, record: Record) -> None:
        plan = PLAN.get(type(record))
        if not isinstance(plan, Changes):
            message = f"no table is planned for {type(record).__name__}"
            raise InvariantBroken(message)
        changed = {
            name: value
            for name in record.__struct_fields__
            if name != plan.key and (value := getattr(record, name)) is not UNSET
        }
        self._update(plan, getattr(record, plan.key), changed | {"last_seq": seq})

    def _close_position(self, seq: int, record: PositionClosed) -> None:
        changed = {"state": "closed", "contracts": "0", "closed_at": record.closed_at, "last_seq": seq}
        self._update(Changes("positions", "position_id"), record.position_id, changed)

    def _update(self, plan: Changes, key: str, changed: dict[str, Any]) -> None:
        self.flush()  # the row may still wait among the gathered ones, and its references with it
        assignments = ", ".join(f"{name} = ?" for name in changed)
        cells = (*(_cell(value) for value in changed.values()), key)
        cursor = self._connection.execute(f"UPDATE {plan.table} SET {assignments} WHERE {plan.key} = ?", cells)
        if cursor.rowcount != 1:
            message = f"{plan.table} has no row {key!r} to change"
            raise InvariantBroken(message, hint="its first record must be written before")


def _row_maker(kind: type[Record], *, changes_later: bool) -> RowMaker:
    fields = kind.__struct_fields__
    get: Callable[[Record], Cells] = attrgetter(*fields)
    nested = _json_fields(kind)

    def plain(seq: int, record: Record) -> Cells:
        return (seq, *get(record))

    def plain_changing(seq: int, record: Record) -> Cells:
        return (seq, seq, *get(record))

    if not nested:
        return plain_changing if changes_later else plain
    places = [fields.index(name) for name in nested]

    def with_json(seq: int, record: Record) -> Cells:
        cells = list(get(record))
        for place in places:
            cells[place] = spell(cells[place])
        return (seq, seq, *cells) if changes_later else (seq, *cells)

    return with_json


def _json_fields(kind: type[Record]) -> list[str]:
    hints = msgspec.structs.fields(kind)
    return [field.name for field in hints if field.type == Json or _mentions_json(field.type)]


def _mentions_json(annotation: object) -> bool:
    return any(part in str(annotation) for part in ("dict[", "list["))


def _cell(value: Any) -> Any:
    return spell(value) if isinstance(value, dict | list | tuple) else value


def _marks(count: int) -> str:
    return ", ".join("?" * count)
