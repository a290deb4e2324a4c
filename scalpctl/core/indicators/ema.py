"""Exponential moving average, seeded with the simple average of its first period."""

from __future__ import annotations

from typing import Any, Self

from scalpctl.core.indicators.checks import check_period, is_price, refuse, slots_from_state, slots_to_state


class Ema:
    """EMA of prices; ``value`` is None until ``period`` prices have been seen."""

    __slots__ = ("count", "period", "total", "value")

    def __init__(self, period: int) -> None:
        """Start cold."""
        check_period(period, 1)
        self.period = period
        self.count = 0
        self.total = 0.0
        self.value: float | None = None

    def update(self, price: float) -> float | None:
        """Take the next price and give the average, if it is warm."""
        if not is_price(price):
            raise refuse(price)
        return self.push(price)

    def push(self, number: float) -> float | None:
        """Take any number (MACD averages differences, which may be negative)."""
        self.count += 1
        value = self.value
        if value is not None:
            value = self.value = value + (number - value) * 2.0 / (self.period + 1)
            return value
        self.total += number
        if self.count == self.period:
            self.value = self.total / self.period
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
