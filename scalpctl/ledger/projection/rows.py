"""What one record is as a row: the same for whoever writes the tables and for whoever checks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET

from scalpctl.core.records.base import Json, Record
from scalpctl.core.records.money import Posted
from scalpctl.core.records.positions import PositionClosed
from scalpctl.ledger.canonical_json import spell
from scalpctl.ledger.projection.plan import Changes, Makes
from scalpctl.ledger.sqlite import Cells

RowMaker = Callable[[int, Record], Cells]

POSTINGS = "postings"
POSTING_COLUMNS = (
    "transaction_id", "leg", "seq", "reason", "account", "ccy", "amount", "position_id", "inst_id", "source_kind",
    "source_id", "bill_id", "posted_at",
)  # fmt: skip
CLOSING = Changes("positions", "position_id")
"""A closure also changes the row of its position."""


def columns_of(kind: type[Record], plan: Makes) -> tuple[str, ...]:
    """Name the columns of the row a record makes, in the order of its cells."""
    own = ("seq", "last_seq") if plan.changes_later else ("seq",)
    return (*own, *kind.__struct_fields__)


def row_maker(kind: type[Record], plan: Makes, spelled: Callable[[object], str] = spell) -> RowMaker:
    """Give what turns a record of this kind into the cells of its row, its JSON fields spelled."""
    fields = kind.__struct_fields__
    get: Callable[[Record], Cells] = attrgetter(*fields)
    nested = json_fields(kind)

    def plain(seq: int, record: Record) -> Cells:
        return (seq, *get(record))

    def plain_changing(seq: int, record: Record) -> Cells:
        return (seq, seq, *get(record))

    if not nested:
        return plain_changing if plan.changes_later else plain
    places = [fields.index(name) for name in nested]

    def with_json(seq: int, record: Record) -> Cells:
        cells = list(get(record))
        for place in places:
            cells[place] = spelled(cells[place])
        return (seq, seq, *cells) if plan.changes_later else (seq, *cells)

    return with_json


def legs_of(seq: int, record: Posted) -> Iterator[Cells]:
    """Give the rows of a transaction, one per leg."""
    for number, leg in enumerate(record.legs):
        head = (record.transaction_id, number, seq, record.reason, str(leg.account), leg.ccy, leg.amount)
        tail = (record.position_id, record.inst_id, record.source_kind, record.source_id, record.bill_id)
        yield (*head, *tail, record.posted_at)


def changes_of(seq: int, record: Record, plan: Changes) -> dict[str, Any]:
    """Give the cells a record changes; what it leaves unset stays as it is."""
    changed = {
        name: _cell(value)
        for name in record.__struct_fields__
        if name != plan.key and (value := getattr(record, name)) is not UNSET
    }
    return changed | {"last_seq": seq}


def closing_of(seq: int, record: PositionClosed) -> dict[str, Any]:
    """Give the cells a closure changes in the row of its position."""
    return {"state": "closed", "contracts": "0", "closed_at": record.closed_at, "last_seq": seq}


@cache
def json_fields(kind: type[Record]) -> tuple[str, ...]:
    """Name the fields of a kind that hold plain builtins, one JSON text as a cell."""
    hints = msgspec.structs.fields(kind)
    return tuple(field.name for field in hints if field.type == Json or _mentions_json(field.type))


def _mentions_json(annotation: object) -> bool:
    return any(part in str(annotation) for part in ("dict[", "list["))


def _cell(value: Any) -> Any:
    return spell(value) if isinstance(value, dict | list | tuple) else value
