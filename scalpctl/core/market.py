"""What the market says: floats for estimates, the exchange's own text for anything that becomes an order."""

from __future__ import annotations

from msgspec import Struct

from scalpctl.core.instants import Instant
from scalpctl.core.sides import Action


class Ticker(Struct, frozen=True, gc=False):
    """Last, best bid and best ask of one instrument at one instant of the exchange."""

    inst_id: str
    last: float
    bid: float
    ask: float
    last_text: str
    bid_text: str
    ask_text: str
    bid_contracts: float
    ask_contracts: float
    exchange_at: Instant


class Trade(Struct, frozen=True, gc=False):
    """One public execution; ``action`` is the taker's."""

    inst_id: str
    trade_id: str
    price: float
    contracts: float
    action: Action
    exchange_at: Instant


class BookLevel(Struct, frozen=True, gc=False):
    """One price level with its exact text."""

    price: float
    contracts: float
    price_text: str


class Book(Struct, frozen=True):
    """The best levels of one instrument, best first."""

    inst_id: str
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]
    sequence: int
    exchange_at: Instant


class Candle(Struct, frozen=True, gc=False):
    """One bar; ``confirmed`` once the exchange will not change it any more."""

    inst_id: str
    bar: str
    opened_at: Instant
    open: float
    high: float
    low: float
    close: float
    contracts: float
    confirmed: bool


class MarkPrice(Struct, frozen=True, gc=False):
    """The price margin and liquidation are computed from."""

    inst_id: str
    price: float
    price_text: str
    exchange_at: Instant


class FundingRate(Struct, frozen=True, gc=False):
    """The running forecast of the next funding payment."""

    inst_id: str
    rate: float
    rate_text: str
    funding_at: Instant
    next_funding_at: Instant | None
    exchange_at: Instant


class Maintenance(Struct, frozen=True):
    """A time in which the exchange does not trade; the end may not be known."""

    title: str
    begins_at: Instant
    ends_at: Instant | None


class PriceLimit(Struct, frozen=True, gc=False):
    """The highest buy and lowest sell price the exchange accepts; None while it sets no limit."""

    inst_id: str
    buy_max_text: str | None
    sell_min_text: str | None
    exchange_at: Instant
