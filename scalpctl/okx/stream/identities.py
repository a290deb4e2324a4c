"""What has been seen already, by identity and never by age: executions, states of orders, versions of positions."""

from __future__ import annotations

from collections import OrderedDict

from scalpctl.core.exchange.reports import FillReport, FlatReport, OrderReport, PositionReport
from scalpctl.core.instants import Instant
from scalpctl.core.money import Contracts

FILLS_KEPT, ORDERS_KEPT = 1_000, 1_000
"""A copy comes with the next reconnect, not days later; the engine remembers far more executions by their ids."""
TERMINAL = ("filled", "canceled", "mmp_canceled")


class SeenFills:
    """Executions by instrument, trade id and order: the second copy is a no-op, a different one a conflict."""

    def __init__(self) -> None:
        """Have seen nothing."""
        self._seen: OrderedDict[tuple[str, str, str], FillReport] = OrderedDict()
        self.duplicates = 0

    def first_copy(self, fill: FillReport) -> FillReport | None:
        """Note an execution; give the copy that came before it, None when it is new."""
        key = (fill.inst_id, fill.trade_id, fill.order_id)
        before = self._seen.get(key)
        if before is not None:
            self.duplicates += 1
            return before
        self._seen[key] = fill
        if len(self._seen) > FILLS_KEPT:
            self._seen.popitem(last=False)
        return None


def contradicts(first: FillReport, second: FillReport) -> bool:
    """Tell whether two copies of an execution differ in anything that is money."""
    return (first.price, first.contracts, first.action) != (second.price, second.contracts, second.action) or (
        first.fee is not None and second.fee is not None and (first.fee, first.fee_ccy) != (second.fee, second.fee_ccy)
    )


class SeenOrders:
    """The furthest state of each order: less filled or older news is no news, and an end is final."""

    def __init__(self) -> None:
        """Have seen nothing."""
        self._seen: OrderedDict[tuple[str, str], tuple[bool, Contracts, Instant]] = OrderedDict()

    def is_news(self, order: OrderReport) -> bool:
        """Note an order's state; tell whether it goes beyond what was known."""
        key = (order.inst_id, order.order_id)
        state = (order.state in TERMINAL, order.filled_contracts, order.updated_at)
        before = self._seen.get(key)
        if before is not None:
            self._seen.move_to_end(key)  # what is seen again and again is not forgotten, however little happens to it
        if before is not None and not _goes_beyond(before, state):
            return False
        self._seen[key] = state
        if len(self._seen) > ORDERS_KEPT:
            self._seen.popitem(last=False)
        return True


class SeenPositions:
    """The newest version of each position; the exchange's id alone is used again for the next one."""

    def __init__(self) -> None:
        """Have seen nothing."""
        self._seen: dict[str, tuple[Instant, Instant]] = {}

    def is_news(self, position: PositionReport | FlatReport, pushed_at: Instant) -> bool:
        """Note a version; tell whether it is newer than what was known."""
        version = (position.updated_at, pushed_at)
        before = self._seen.get(position.position_id)
        if before is not None and version <= before:
            return False
        self._seen[position.position_id] = version
        return True


def _goes_beyond(before: tuple[bool, Contracts, Instant], now: tuple[bool, Contracts, Instant]) -> bool:
    ended_before, filled_before, updated_before = before
    ended, filled, updated = now
    if filled < filled_before or (ended_before and not ended):
        return False
    return filled > filled_before or (ended and not ended_before) or updated > updated_before
