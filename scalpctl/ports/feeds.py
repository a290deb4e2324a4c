"""Who listens to the exchange: market values and reports of our own account, already typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from scalpctl.core.exchange.notices import LiquidationNear, MoneyMoved
from scalpctl.core.exchange.reports import (
    AlgoReport,
    BalanceReport,
    BillReport,
    FillReport,
    FlatReport,
    OrderReport,
    PositionReport,
)
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.market import Book, Candle, FundingRate, MarkPrice, PriceLimit, Ticker, Trade

MarketValue = Instrument | Ticker | Trade | Book | Candle | MarkPrice | FundingRate | PriceLimit
AccountNews = (
    OrderReport | FillReport | PositionReport | FlatReport | AlgoReport | BalanceReport | MoneyMoved | LiquidationNear
)


@dataclass(frozen=True, slots=True)
class Resync:
    """Where things stand at the exchange, asked after a (re)connect; every list is complete."""

    taken_at: Instant
    positions: tuple[PositionReport, ...]
    orders: tuple[OrderReport, ...]
    algos: tuple[AlgoReport, ...]
    fills: tuple[FillReport, ...]
    bills: tuple[BillReport, ...]


@dataclass(frozen=True, slots=True)
class PositionsSnapshot:
    """Every open position the exchange pushed, all pages together: only now does missing mean something."""

    positions: tuple[PositionReport, ...]


@dataclass(frozen=True, slots=True)
class AlgosPending:
    """Every conditional order the exchange keeps, asked for after their line came back."""

    algos: tuple[AlgoReport, ...]


@dataclass(frozen=True, slots=True)
class FillConflict:
    """A second copy of an execution that differs from the first: one of them is wrong, and a person must look."""

    first: FillReport
    second: FillReport


class MarketSink(Protocol):
    """Takes market values; it must not wait."""

    def market(self, value: MarketValue) -> None:
        """Take one value; the newest of an instrument is enough."""
        ...


class AccountSink(Protocol):
    """Takes news of our own account; none of them may be dropped, and it must not wait."""

    def account(self, news: AccountNews | Resync | PositionsSnapshot | AlgosPending | FillConflict) -> None:
        """Take one piece of news."""
        ...

    def usable(self, *, ready: bool) -> None:
        """Learn whether the private line may be relied on; while it may not, ask REST and open nothing."""
        ...
