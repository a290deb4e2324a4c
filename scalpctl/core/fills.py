"""Fills: the only thing that changes a position; each counted once, whatever comes twice or late."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from scalpctl.core.exchange.reports import FillReport
from scalpctl.core.instants import Instant
from scalpctl.core.money import ZERO, Contracts, canonical
from scalpctl.core.sides import Action, Side
from scalpctl.errors import InvariantBroken


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. ``fee_paid`` is positive when it cost us; ``key`` is unique per instrument."""

    inst_id: str
    key: str
    order_id: str
    client_id: str
    action: Action
    position_side: Side | None
    price: Decimal
    contracts: Contracts
    fee_paid: Decimal
    liquidity: str
    filled_at: Instant
    sub_type: str = ""

    @property
    def identity(self) -> tuple[str, str, str]:
        """Give what tells it from every other execution: instrument, trade, order."""
        return self.inst_id, self.key, self.order_id

    def __post_init__(self) -> None:
        """Refuse an execution of nothing, or at no price."""
        if self.contracts.value <= ZERO or self.price <= ZERO:
            message = f"{self.inst_id}: {self.contracts} contracts at {self.price} is no fill"
            raise InvariantBroken(message)


def from_report(report: FillReport) -> Fill:
    """Read the exchange's fill; its fee is negative when paid, ours is positive."""
    return Fill(
        inst_id=report.inst_id,
        key=key_of(report),
        order_id=report.order_id,
        client_id=report.client_id,
        action=report.action,
        position_side=report.position_side,
        price=report.price,
        contracts=report.contracts,
        fee_paid=ZERO if report.fee is None or report.fee.is_zero() else report.fee.copy_negate(),
        liquidity=report.liquidity,
        filled_at=report.filled_at,
        sub_type=report.sub_type,
    )


def key_of(report: FillReport) -> str:
    """Give the trade id, or a digest of the execution where the exchange sent none; never a random one."""
    if report.trade_id not in {"", "0"}:
        return report.trade_id
    parts = (report.order_id, canonical(report.contracts.value), str(report.filled_at), canonical(report.price))
    return "x" + hashlib.sha256("|".join((*parts, report.bill_id)).encode()).hexdigest()[:24]


def in_order(fills: Iterable[Fill]) -> tuple[Fill, ...]:
    """Give the fills once each, oldest first; two different fills under one key are refused."""
    seen: dict[tuple[str, str], Fill] = {}
    for fill in fills:
        known = seen.setdefault((fill.inst_id, fill.key), fill)
        if (known.price, known.contracts, known.action) != (fill.price, fill.contracts, fill.action):
            message = f"{fill.inst_id} fill {fill.key} came twice with different numbers"
            raise InvariantBroken(message)
    return tuple(sorted(seen.values(), key=_age))


def _age(fill: Fill) -> tuple[int, int, str]:
    number = int(fill.key) if fill.key.lstrip("-").isdigit() else 0
    return fill.filled_at, number, fill.key
