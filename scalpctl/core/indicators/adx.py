"""Wilder's directional movement: how strong a trend is, and which way."""

from __future__ import annotations

from typing import Any, Self

from scalpctl.core.indicators.checks import check_bar, check_period, slots_from_state, slots_to_state


class Adx:
    """ADX, +DI and -DI of bars, each 0 to 100; one instance belongs to one instrument.

    The DIs are warm after ``period`` bars beyond the first, the ADX after twice that, less one.
    """

    __slots__ = (
        "count",
        "dx_total",
        "last_close",
        "last_high",
        "last_low",
        "minus",
        "minus_di",
        "period",
        "plus",
        "plus_di",
        "true_range",
        "value",
    )

    def __init__(self, period: int = 14) -> None:
        """Start cold."""
        check_period(period)
        self.period = period
        self.count = 0
        self.last_high = self.last_low = self.last_close = 0.0
        self.plus = self.minus = self.true_range = 0.0
        self.dx_total = 0.0
        self.plus_di: float | None = None
        self.minus_di: float | None = None
        self.value: float | None = None

    def update(self, high: float, low: float, close: float) -> float | None:
        """Take the next bar and give the ADX, if it is warm."""
        check_bar(high, low, close)
        up, down = high - self.last_high, self.last_low - low
        spread = max(high, self.last_close) - min(low, self.last_close)
        self.last_high, self.last_low, self.last_close = high, low, close
        self.count += 1
        if self.count == 1:
            return None
        if self.count > self.period:
            self._fade()
        if down > 0 and down > up:
            self.minus += down
        elif up > 0 and up > down:
            self.plus += up
        self.true_range += spread
        if self.count <= self.period:
            return None
        self._direct()
        return self.value

    def _fade(self) -> None:
        """Let the sums forget one period-th, Wilder's smoothing."""
        self.plus -= self.plus / self.period
        self.minus -= self.minus / self.period
        self.true_range -= self.true_range / self.period

    def _direct(self) -> None:
        """Turn the sums into the directional indicators and the ADX."""
        moved = self.true_range > 0.0
        self.plus_di = 100.0 * (self.plus / self.true_range) if moved else 0.0
        self.minus_di = 100.0 * (self.minus / self.true_range) if moved else 0.0
        both = self.plus_di + self.minus_di
        strength = 100.0 * (abs(self.plus_di - self.minus_di) / both) if both > 0.0 else None
        if self.value is not None:
            if strength is not None:  # no direction at all leaves the ADX where it was
                self.value = (self.value * (self.period - 1) + strength) / self.period
            return
        self.dx_total += strength or 0.0
        if self.count == 2 * self.period:
            self.value = self.dx_total / self.period

    def to_state(self) -> dict[str, Any]:
        """Give the whole state as plain builtins."""
        return slots_to_state(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Continue from a stored state."""
        made = cls(state["period"])
        slots_from_state(made, state)
        return made
