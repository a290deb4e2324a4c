"""Strays: orders and conditional orders at the exchange that we do not know, and positions without a stop there."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from scalpctl.core.evidence import Evidence
from scalpctl.core.exchange.reports import AlgoReport, FillReport, OrderReport, PositionReport


class StrayKind(StrEnum):
    """What was found that should not be, or is missing."""

    ORPHAN_ORDER = "orphan_order"
    ORPHAN_ALGO = "orphan_algo"
    MISSING_STOP = "missing_stop"
    FOREIGN_FILL = "foreign_fill"


@dataclass(frozen=True, slots=True)
class Stray:
    """One finding: its kind, the instrument, the exchange's id of it, and what was seen."""

    kind: StrayKind
    inst_id: str
    exchange_id: str
    evidence: Evidence


def orphan_orders(known: Collection[str], pending: Iterable[OrderReport]) -> tuple[Stray, ...]:
    """Give resting orders whose client id our ledger does not know."""
    return tuple(
        Stray(
            StrayKind.ORPHAN_ORDER,
            order.inst_id,
            order.order_id,
            Evidence.of(
                "orders", client_id=order.client_id, action=order.action.value, contracts=order.contracts.value
            ),
        )
        for order in pending
        if order.client_id not in known
    )


def orphan_algos(known: Collection[str], pending: Iterable[AlgoReport]) -> tuple[Stray, ...]:
    """Give conditional orders whose client id our ledger does not know."""
    return tuple(
        Stray(
            StrayKind.ORPHAN_ALGO,
            algo.inst_id,
            algo.algo_id,
            Evidence.of("algos", client_id=algo.client_id, kind=algo.kind, state=algo.state),
        )
        for algo in pending
        if algo.client_id not in known
    )


def foreign_fills(known_orders: Collection[str], fills: Iterable[FillReport]) -> tuple[Stray, ...]:
    """Give fills of orders our ledger does not know, by the exchange's order id."""
    return tuple(
        Stray(
            StrayKind.FOREIGN_FILL,
            fill.inst_id,
            fill.trade_id,
            Evidence.of("fills", order_id=fill.order_id, client_id=fill.client_id, contracts=fill.contracts.value),
        )
        for fill in fills
        if fill.order_id not in known_orders
    )


def missing_stops(positions: Iterable[PositionReport], algos: Iterable[AlgoReport]) -> tuple[Stray, ...]:
    """Give open positions that no live stop at the exchange covers wholly, whoever placed it."""
    live = [algo for algo in algos if algo.state == "live" and algo.stop_trigger is not None]
    return tuple(
        Stray(
            StrayKind.MISSING_STOP,
            position.inst_id,
            position.position_id,
            Evidence.of("positions and algos", contracts=position.contracts.value, side=position.side.value),
        )
        for position in positions
        if position.contracts and not any(_covers(algo, position) for algo in live)
    )


def _covers(algo: AlgoReport, position: PositionReport) -> bool:
    if algo.inst_id != position.inst_id or algo.action is not position.side.closing:
        return False
    if algo.position_side not in {None, position.side}:
        return False
    whole = algo.close_fraction is not None and algo.close_fraction >= 1
    return whole or (algo.contracts is not None and algo.contracts.value >= position.contracts.value)
