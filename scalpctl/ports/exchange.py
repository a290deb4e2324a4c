"""What an exchange does for us: writes with three-valued outcomes; reads that answer or raise."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from scalpctl.core.exchange.outcomes import Outcome
from scalpctl.core.exchange.reports import (
    AccountReport,
    AlgoReport,
    BalanceReport,
    BillReport,
    ClosedPositionReport,
    FillReport,
    OrderReport,
    PositionReport,
)
from scalpctl.core.exchange.requests import (
    AmendAlgo,
    AmendOrder,
    CancelAlgo,
    CancelOrder,
    MarginMode,
    PlaceAlgo,
    PlaceOrder,
)
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.market import Candle, Maintenance
from scalpctl.core.sides import Side
from scalpctl.ports.feeds import Resync


class TradeGateway(Protocol):
    """Writes. None of them is ever retried; ``Unknown`` is resolved by asking for the client id."""

    async def place(self, order: PlaceOrder) -> Outcome:
        """Place one order."""
        ...

    async def amend(self, change: AmendOrder) -> Outcome:
        """Change one resting order."""
        ...

    async def cancel(self, order: CancelOrder) -> Outcome:
        """Cancel one resting order."""
        ...

    async def place_many(self, orders: Sequence[PlaceOrder]) -> tuple[Outcome, ...]:
        """Place several; each item has its own outcome, in the order asked."""
        ...

    async def amend_many(self, changes: Sequence[AmendOrder]) -> tuple[Outcome, ...]:
        """Change several resting orders; each item has its own outcome, in the order asked."""
        ...

    async def cancel_many(self, orders: Sequence[CancelOrder]) -> tuple[Outcome, ...]:
        """Cancel several; each item has its own outcome, in the order asked."""
        ...

    async def place_algo(self, algo: PlaceAlgo) -> Outcome:
        """Keep a conditional order at the exchange."""
        ...

    async def amend_algo(self, change: AmendAlgo) -> Outcome:
        """Move the trigger of a conditional order."""
        ...

    async def cancel_algo(self, algo: CancelAlgo) -> Outcome:
        """Cancel a conditional order."""
        ...

    async def set_leverage(self, inst_id: str, leverage: Decimal, mode: MarginMode, side: Side | None) -> Outcome:
        """Set the leverage new margin is computed with."""
        ...

    async def cancel_all_after(self, seconds: int) -> Outcome:
        """Arm (or with 0 disarm) the exchange's own dead man's switch for resting orders."""
        ...


class AccountReader(Protocol):
    """Reads of our own account. An answer is complete, or it is an ExchangeUnavailable: never quietly empty."""

    async def resync(self, since: Instant) -> Resync:
        """Give where things stand: positions first, then orders, then what explains both and is never older."""
        ...

    async def account(self) -> AccountReport:
        """Give the account's setup."""
        ...

    async def leverages(self, inst_ids: Sequence[str], mode: MarginMode) -> dict[str, Decimal | None]:
        """Give the leverage in force by instrument."""
        ...

    async def balances(self) -> tuple[BalanceReport, ...]:
        """Give every currency."""
        ...

    async def positions(self) -> tuple[PositionReport, ...]:
        """Give every open swap position."""
        ...

    async def order(self, inst_id: str, client_id: str) -> OrderReport | None:
        """Give one order by our id; None only when the exchange says that it does not exist."""
        ...

    async def order_numbered(self, inst_id: str, order_id: str) -> OrderReport | None:
        """Give one order by the exchange's id, whoever placed it; None only when the exchange says so."""
        ...

    async def algo(self, inst_id: str, client_id: str) -> AlgoReport | None:
        """Give one conditional order by our id; None only when the exchange says that it does not exist."""
        ...

    async def orders_pending(self) -> tuple[OrderReport, ...]:
        """Give every resting order."""
        ...

    async def orders_since(self, since: Instant) -> tuple[OrderReport, ...]:
        """Give finished orders, oldest first, as far back as the exchange keeps them."""
        ...

    async def algos_pending(self) -> tuple[AlgoReport, ...]:
        """Give every conditional order the exchange keeps."""
        ...

    async def algos_since(self, since: Instant) -> tuple[AlgoReport, ...]:
        """Give finished conditional orders, oldest first."""
        ...

    async def fills_since(self, since: Instant) -> tuple[FillReport, ...]:
        """Give fills, oldest first."""
        ...

    async def bills_since(self, since: Instant) -> tuple[BillReport, ...]:
        """Give the exchange's ledger lines, oldest first."""
        ...

    async def positions_closed_since(self, since: Instant) -> tuple[ClosedPositionReport, ...]:
        """Give the exchange's position history, oldest first."""
        ...


class MarketReader(Protocol):
    """Reads of public data."""

    async def server_time(self) -> Instant:
        """Give the exchange's own clock."""
        ...

    async def instruments(self) -> tuple[Instrument, ...]:
        """Give every linear swap it lists."""
        ...

    async def maintenance(self) -> tuple[Maintenance, ...]:
        """Give the maintenance that is announced or under way."""
        ...

    async def candles(self, inst_id: str, bar: str, count: int) -> tuple[Candle, ...]:
        """Give the latest candles, oldest first."""
        ...
