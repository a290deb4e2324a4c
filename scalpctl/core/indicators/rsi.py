"""Wilder's relative strength index."""

from __future__ import annotations

from math import inf
from typing import Any, Self

from scalpctl.core.indicators.checks import check_period, refuse, slots_from_state, slots_to_state

NEUTRAL = 50.0


class Rsi:
    """RSI of prices, 0 to 100; ``value`` is None until ``period`` changes have been seen.

    A series that never moved reads 50. TA-Lib says 0 there, which a rule would take for oversold.
    """

    __slots__ = ("count", "gain", "last", "loss", "period", "value")

    def __init__(self, period: int = 14) -> None:
        """Start cold."""
        check_period(period)
        self.period = period
        self.count = 0
        self.last = 0.0
        self.gain = 0.0
        self.loss = 0.0
        self.value: float | None = None

    def update(self, price: float) -> float | None:
        """Take the next price and give the index, if it is warm."""
        if not 0.0 < price < inf:
            raise refuse(price)
        change, self.last = price - self.last, price
        self.count += 1
        if self.count == 1:
            return None
        up, down = (change, 0.0) if change > 0 else (0.0, -change)
        period = self.period
        if self.count <= period + 1:
            self.gain += up / period
            self.loss += down / period
            if self.count <= period:
                return None
        else:
            self.gain += (up - self.gain) / period
            self.loss += (down - self.loss) / period
        moved = self.gain + self.loss
        self.value = 100.0 * self.gain / moved if moved > 0.0 else NEUTRAL
        return self.value

    def to_state(self) -> dict[str, Any]:
        """Give the whole state as plain builtins."""
        return slots_to_state(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Continue from a stored state."""
        made = cls(state["period"])
        slots_from_state(made, state)
        return made
