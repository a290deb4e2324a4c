"""The channels: what each carries, on which path it lives, and the frame around its rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from scalpctl.okx.wire.account import BalanceAndPositionRow, BalanceRow, LiquidationWarningRow, PositionRow
from scalpctl.okx.wire.algos import AlgoPush
from scalpctl.okx.wire.base import Row
from scalpctl.okx.wire.market import (
    BookRow,
    CandleRow,
    FundingRow,
    IndexTickerRow,
    InstrumentRow,
    LeanBook,
    LeanTicker,
    MarkPriceRow,
    OpenInterestRow,
    PriceLimitRow,
    StatusRow,
    TickerRow,
    TradeRow,
)
from scalpctl.okx.wire.operations import ChannelArg
from scalpctl.okx.wire.orders import FillPush, OrderPush

T = TypeVar("T")


class Path(StrEnum):
    """The three doors of the WebSocket host."""

    PUBLIC = "/ws/v5/public"
    PRIVATE = "/ws/v5/private"
    BUSINESS = "/ws/v5/business"


class Push(Row, Generic[T], kw_only=True, omit_defaults=True):
    """Rows of a channel; pages of a snapshot are numbered and count only together."""

    arg: ChannelArg
    action: str = ""
    event_type: str = ""
    cur_page: int | None = None
    last_page: bool | None = None
    data: list[T]


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel: its path, its row, whether it needs a login and whether subscribing sends a snapshot.

    ``lean`` is the part of the row that the hot path reads; frames it cannot read are read again as whole rows.
    """

    name: str
    path: Path
    row: Any
    login: bool = False
    snapshot: bool = False
    lean: Any = None


BARS = ("1m", "3m", "5m", "15m", "30m", "1H", "2H", "4H", "6Hutc", "12Hutc", "1Dutc")

_PLAIN = (
    Channel("tickers", Path.PUBLIC, TickerRow, snapshot=True, lean=LeanTicker),
    Channel("bbo-tbt", Path.PUBLIC, BookRow, snapshot=True, lean=LeanBook),
    Channel("books5", Path.PUBLIC, BookRow, snapshot=True, lean=LeanBook),
    Channel("books", Path.PUBLIC, BookRow, snapshot=True),
    Channel("trades", Path.PUBLIC, TradeRow),
    Channel("mark-price", Path.PUBLIC, MarkPriceRow, snapshot=True),
    Channel("funding-rate", Path.PUBLIC, FundingRow, snapshot=True),
    Channel("price-limit", Path.PUBLIC, PriceLimitRow, snapshot=True),
    Channel("index-tickers", Path.PUBLIC, IndexTickerRow),
    Channel("open-interest", Path.PUBLIC, OpenInterestRow),
    Channel("instruments", Path.PUBLIC, InstrumentRow),
    Channel("status", Path.PUBLIC, StatusRow),
    Channel("trades-all", Path.BUSINESS, TradeRow),
    Channel("account", Path.PRIVATE, BalanceRow, login=True, snapshot=True),
    Channel("positions", Path.PRIVATE, PositionRow, login=True, snapshot=True),
    Channel("balance_and_position", Path.PRIVATE, BalanceAndPositionRow, login=True, snapshot=True),
    Channel("orders", Path.PRIVATE, OrderPush, login=True),
    Channel("fills", Path.PRIVATE, FillPush, login=True),
    Channel("liquidation-warning", Path.PRIVATE, LiquidationWarningRow, login=True),
    Channel("orders-algo", Path.BUSINESS, AlgoPush, login=True),
    Channel("algo-advance", Path.BUSINESS, AlgoPush, login=True, snapshot=True),
)
_CANDLES = tuple(
    Channel(f"{kind}{bar}", Path.BUSINESS, CandleRow)
    for kind in ("candle", "mark-price-candle", "index-candle")
    for bar in BARS
)

CHANNELS: dict[str, Channel] = {channel.name: channel for channel in _PLAIN + _CANDLES}
"""Every channel by its exact name."""
