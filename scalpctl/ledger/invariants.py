"""What must be true of a record before it is written: transactions balance, results add up, numbers are canonical."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from scalpctl.core.money import ZERO, add, parse_decimal, subtract
from scalpctl.core.records.base import Record
from scalpctl.core.records.money import Posted
from scalpctl.core.records.positions import PartialTaken, PositionClosed
from scalpctl.errors import MoneyDoesNotAddUp

R = TypeVar("R", bound=Record)


def check(record: Record, kind: type[Record] | None = None) -> None:
    """Refuse a record whose money does not add up; ``kind`` says what it is a record of, where its type does not."""
    rule = _RULES.get(kind or type(record))
    if rule is not None:
        rule(record)


def _posted(record: Posted) -> None:
    sums: dict[str, Decimal] = {}
    for leg in record.legs:
        sums[leg.ccy] = add(sums.get(leg.ccy, ZERO), parse_decimal(leg.amount))
    wrong = {ccy: total for ccy, total in sums.items() if total}
    if wrong or len(record.legs) < 2:
        raise MoneyDoesNotAddUp(
            f"transaction {record.transaction_id} ({record.reason}) does not balance: {wrong or 'one leg only'}",
            hint="nothing was written; this is a defect of whoever made the legs",
        )


def _closed(record: PositionClosed) -> None:
    costs = add(parse_decimal(record.fees), parse_decimal(record.funding))
    _same(f"closure of {record.position_id}", subtract(parse_decimal(record.gross), costs), record.net)


def _partial(record: PartialTaken) -> None:
    net = subtract(parse_decimal(record.gross), parse_decimal(record.fees))
    _same(f"partial take {record.partial_id}", net, record.net)


def _same(subject: str, computed: Decimal, stated: str) -> None:
    if computed != parse_decimal(stated):
        raise MoneyDoesNotAddUp(
            f"{subject}: gross - fees - funding is {computed}, but net says {stated}",
            hint="nothing was written; this is a defect of whoever computed the result",
        )


_RULES: dict[type[Record], Callable[..., None]] = {Posted: _posted, PositionClosed: _closed, PartialTaken: _partial}

CHECKED = frozenset(_RULES)
"""The kinds of record that have something to add up."""
