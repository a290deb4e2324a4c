"""What we ask of an exchange. Sizes are contracts, prices are Decimals that already sit on the tick."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from scalpctl.core.instants import Instant
from scalpctl.core.money import Contracts
from scalpctl.core.sides import Action, Side


class OrderType(StrEnum):
    """How an order meets the book."""

    POST_ONLY = "post_only"
    LIMIT = "limit"
    MARKET = "market"
    IOC = "ioc"
    FOK = "fok"


class MarginMode(StrEnum):
    """Whose money backs a position."""

    ISOLATED = "isolated"
    CROSS = "cross"


class Lane(StrEnum):
    """Who goes first when the exchange's rate limit is short; in this order."""

    EXIT = "exit"
    PROTECT = "protect"
    CANCEL = "cancel"
    QUERY = "query"
    ENTRY = "entry"


class AlgoKind(StrEnum):
    """The kinds of conditional order an exchange keeps for us."""

    STOP = "conditional"
    OCO = "oco"
    TRIGGER = "trigger"
    TRAILING = "move_order_stop"


class TriggerPrice(StrEnum):
    """Which price fires a conditional order."""

    LAST = "last"
    MARK = "mark"
    INDEX = "index"


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Place one order; ``position_side`` is None in net mode; ``expires_at`` bounds how late it may arrive."""

    client_id: str
    inst_id: str
    action: Action
    type: OrderType
    contracts: Contracts
    price: Decimal | None
    margin_mode: MarginMode
    expires_at: Instant
    position_side: Side | None = None
    reduce_only: bool = False
    lane: Lane = Lane.ENTRY


@dataclass(frozen=True, slots=True)
class AmendOrder:
    """Change price or total size of a resting order; ``cancel_on_fail`` cancels it where the change is impossible."""

    client_id: str
    inst_id: str
    expires_at: Instant
    price: Decimal | None = None
    contracts: Contracts | None = None
    request_id: str = ""
    cancel_on_fail: bool = False
    lane: Lane = Lane.ENTRY


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancel one resting order by its client id."""

    client_id: str
    inst_id: str
    lane: Lane = Lane.CANCEL


@dataclass(frozen=True, slots=True)
class PlaceAlgo:
    """Keep a conditional order at the exchange; ``close_fraction`` 1 closes whatever the position is then."""

    client_id: str
    inst_id: str
    kind: AlgoKind
    action: Action
    margin_mode: MarginMode
    position_side: Side | None = None
    contracts: Contracts | None = None
    close_fraction: Decimal | None = None
    stop_trigger: Decimal | None = None
    take_trigger: Decimal | None = None
    trigger_price: Decimal | None = None
    trigger_type: TriggerPrice = TriggerPrice.MARK
    order_price: Decimal | None = None
    callback_ratio: Decimal | None = None
    callback_spread: Decimal | None = None
    active_price: Decimal | None = None
    reduce_only: bool = True
    lane: Lane = Lane.PROTECT


@dataclass(frozen=True, slots=True)
class AmendAlgo:
    """Move the trigger of a conditional order the exchange keeps."""

    client_id: str
    inst_id: str
    stop_trigger: Decimal | None = None
    take_trigger: Decimal | None = None
    trigger_type: TriggerPrice = TriggerPrice.MARK
    contracts: Contracts | None = None
    lane: Lane = Lane.PROTECT


@dataclass(frozen=True, slots=True)
class CancelAlgo:
    """Cancel a conditional order; the exchange wants its own id where it is known."""

    client_id: str
    inst_id: str
    algo_id: str = ""
    lane: Lane = Lane.CANCEL
