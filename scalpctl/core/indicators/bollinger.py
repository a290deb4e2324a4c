"""Bollinger bands: the simple average and its population standard deviation over a window."""

from __future__ import annotations

from math import fsum, sqrt
from typing import Any, Self

from scalpctl.core.indicators.checks import check_period, is_price, refuse, slots_from_state, slots_to_state


class Bollinger:
    """Middle, upper and lower band; all None until ``period`` prices have been seen."""

    __slots__ = ("deviation", "middle", "period", "prices", "width")

    def __init__(self, period: int = 20, width: float = 2.0) -> None:
        """Start cold; ``width`` is in standard deviations."""
        check_period(period)
        self.period = period
        self.width = width
        self.prices: list[float] = []
        self.middle: float | None = None
        self.deviation: float | None = None

    @property
    def upper(self) -> float | None:
        """Give the upper band, if warm."""
        if self.middle is None or self.deviation is None:
            return None
        return self.middle + self.width * self.deviation

    @property
    def lower(self) -> float | None:
        """Give the lower band, if warm."""
        if self.middle is None or self.deviation is None:
            return None
        return self.middle - self.width * self.deviation

    def update(self, price: float) -> float | None:
        """Take the next price and give the middle band, if it is warm."""
        if not is_price(price):
            raise refuse(price)
        prices = self.prices
        prices.append(price)
        if len(prices) > self.period:
            del prices[0]
        if len(prices) == self.period:  # two passes: running squares lose all digits on a quiet, expensive coin
            middle = fsum(prices) / self.period
            self.middle = middle
            self.deviation = sqrt(fsum((value - middle) ** 2 for value in prices) / self.period)
        return self.middle

    def to_state(self) -> dict[str, Any]:
        """Give the whole state as plain builtins."""
        return slots_to_state(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Continue from a stored state."""
        made = cls(state["period"], state["width"])
        slots_from_state(made, state)
        return made
