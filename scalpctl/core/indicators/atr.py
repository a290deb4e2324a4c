"""Wilder's average true range."""

from __future__ import annotations

from typing import Any, Self

from scalpctl.core.indicators.checks import check_bar, check_period, slots_from_state, slots_to_state


class Atr:
    """ATR of bars, in price units; ``value`` is None until ``period`` true ranges have been seen."""

    __slots__ = ("count", "last", "period", "total", "value")

    def __init__(self, period: int = 14) -> None:
        """Start cold."""
        check_period(period)
        self.period = period
        self.count = 0
        self.last = 0.0
        self.total = 0.0
        self.value: float | None = None

    def update(self, high: float, low: float, close: float) -> float | None:
        """Take the next bar and give the average range, if it is warm."""
        check_bar(high, low, close)
        last, self.last = self.last, close
        self.count += 1
        if self.count == 1:
            return None
        spread = max(high, last) - min(low, last)
        if self.value is not None:
            self.value += (spread - self.value) / self.period
        else:
            self.total += spread
            if self.count == self.period + 1:
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
