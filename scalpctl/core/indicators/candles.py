"""Folding of prices into candles on the exchange's clock; what does not fit is refused with a reason."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self

from scalpctl.core.indicators.checks import is_price
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.market import Candle
from scalpctl.errors import InvariantBroken

BARS = {"1m": 60, "3m": 180, "5m": 300, "15m": 900, "1H": 3600}


class Folded(StrEnum):
    """What became of one price."""

    INSIDE = "inside"
    CLOSED = "closed"
    CLOSED_AFTER_GAP = "closed_after_gap"
    NOT_A_PRICE = "not_a_price"
    OUT_OF_ORDER = "out_of_order"


class Folder:
    """Builds the forming candle of one instrument and hands out the closed one.

    ``closed`` is the last candle that ended. After a gap of more than one bar the caller warms its indicators again.
    """

    __slots__ = (
        "bar",
        "bar_us",
        "close",
        "closed",
        "contracts",
        "ends_at",
        "high",
        "inst_id",
        "low",
        "open",
        "seen_at",
    )

    def __init__(self, inst_id: str, bar: str = "1m") -> None:
        """Start without a candle."""
        if bar not in BARS:
            message = f"{bar!r} is not a bar this engine folds; it folds {', '.join(BARS)}"
            raise InvariantBroken(message)
        self.inst_id, self.bar = inst_id, bar
        self.bar_us = BARS[bar] * MICROS_PER_SECOND
        self.seen_at = self.ends_at = 0
        self.open = self.high = self.low = self.close = self.contracts = 0.0
        self.closed: Candle | None = None

    def add(self, price: float, exchange_at: int, contracts: float = 0.0) -> Folded:
        """Take one price at the exchange's time; say whether a candle ended before it."""
        if not is_price(price):
            return Folded.NOT_A_PRICE
        if exchange_at < self.seen_at:
            return Folded.OUT_OF_ORDER
        self.seen_at = exchange_at
        if exchange_at < self.ends_at:
            if price > self.high:
                self.high = price
            elif price < self.low:
                self.low = price
            self.close = price
            self.contracts += contracts
            return Folded.INSIDE
        return self._roll(price, exchange_at, contracts)

    def _roll(self, price: float, exchange_at: int, contracts: float) -> Folded:
        """End the running candle and open the next one with this price."""
        started, missed = self.ends_at != 0, exchange_at >= self.ends_at + self.bar_us
        if started:
            self.closed = self.forming(confirmed=True)
        self.ends_at = exchange_at - exchange_at % self.bar_us + self.bar_us
        self.open = self.high = self.low = self.close = price
        self.contracts = contracts
        if not started:
            return Folded.INSIDE
        return Folded.CLOSED_AFTER_GAP if missed else Folded.CLOSED

    def forming(self, *, confirmed: bool = False) -> Candle:
        """Give the running candle, for the rules that ask for it by name."""
        if self.ends_at == 0:
            message = f"{self.inst_id}: no price has opened a candle yet"
            raise InvariantBroken(message)
        return Candle(
            inst_id=self.inst_id,
            bar=self.bar,
            opened_at=Instant(self.ends_at - self.bar_us),
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            contracts=self.contracts,
            confirmed=confirmed,
        )

    def to_state(self) -> dict[str, Any]:
        """Give the running candle as plain builtins; the closed one was handed out already."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "closed"}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Continue from a stored state."""
        made = cls(state["inst_id"], state["bar"])
        for name, value in state.items():
            setattr(made, name, value)
        return made
