"""What the machine wants done, after its records are durable. Each effect that has an answer comes back as an event."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scalpctl.core.exchange.requests import (
    AmendAlgo,
    CancelAlgo,
    CancelOrder,
    MarginMode,
    PlaceAlgo,
    PlaceOrder,
)
from scalpctl.core.instants import Instant


@dataclass(frozen=True, slots=True)
class SetLeverage:
    """Set the leverage of an instrument; answered by LeverageAnswered."""

    inst_id: str
    leverage: Decimal
    mode: MarginMode


@dataclass(frozen=True, slots=True)
class AskOrder:
    """Find out what became of an order; answered by Resolved."""

    inst_id: str
    client_id: str
    sent_at: Instant
    expires_at: Instant


@dataclass(frozen=True, slots=True)
class AskAlgo:
    """Find out what became of a conditional order; answered by Resolved."""

    inst_id: str
    client_id: str
    sent_at: Instant


@dataclass(frozen=True, slots=True)
class Investigate:
    """Gather what the exchange's histories say about a position since an instant; answered by Evidence."""

    position_id: str
    inst_id: str
    since: Instant
    foreign: bool
    """Whether somebody else had a hand in it: then orders, conditional orders and position history are read too."""


@dataclass(frozen=True, slots=True)
class ReadBills:
    """Read the exchange's ledger lines since an instant; answered by BillsRead."""

    since: Instant


@dataclass(frozen=True, slots=True)
class ReadFills:
    """Read executions since an instant, because one was not told; answered by FillsRead."""

    since: Instant


@dataclass(frozen=True, slots=True)
class ReadPositions:
    """Read every open position; answered by PositionsRead."""


@dataclass(frozen=True, slots=True)
class ReadBalances:
    """Read the account's money; answered by one balance per currency."""


@dataclass(frozen=True, slots=True)
class ReadSetup:
    """Read how the account is set up; answered by SetupRead."""


@dataclass(frozen=True, slots=True)
class ReadAlgos:
    """Read every conditional order; answered by AlgosRead."""


@dataclass(frozen=True, slots=True)
class ReadLeverages:
    """Read the leverage in force; answered by LeveragesRead."""

    inst_ids: tuple[str, ...]
    mode: MarginMode


@dataclass(frozen=True, slots=True)
class ReadAnnouncements:
    """Read which instruments the exchange lists and when it will be down; answered by Announced."""


@dataclass(frozen=True, slots=True)
class ReadCandles:
    """Read past candles to warm an instrument's indicators; answered by CandlesRead."""

    inst_id: str
    bar: str
    count: int


@dataclass(frozen=True, slots=True)
class Reread:
    """Ask for positions, orders, conditional orders, fills and bills together; answered by Resync."""

    since: Instant


@dataclass(frozen=True, slots=True)
class DeadManSwitch:
    """Arm (or with 0 disarm) the exchange's own cancellation of resting entries."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer a person's command."""

    command_id: str
    ok: bool
    result: dict[str, Any]
    message: str = ""


@dataclass(frozen=True, slots=True)
class Finish:
    """Everything an orderly end needs is done; what the last executions were billed may still be unread."""

    left_open: int
    bills_since: Instant


Effect = (
    PlaceOrder
    | CancelOrder
    | PlaceAlgo
    | AmendAlgo
    | CancelAlgo
    | SetLeverage
    | AskOrder
    | AskAlgo
    | Investigate
    | ReadBills
    | ReadFills
    | ReadPositions
    | ReadBalances
    | ReadSetup
    | ReadAlgos
    | ReadLeverages
    | ReadAnnouncements
    | ReadCandles
    | Reread
    | DeadManSwitch
    | Reply
    | Finish
)
