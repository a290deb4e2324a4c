"""Moving average convergence divergence: the distance of two averages, and the average of that distance."""

from __future__ import annotations

from math import inf
from typing import Any, Self

from scalpctl.core.indicators.checks import check_period, refuse
from scalpctl.core.indicators.ema import Ema
from scalpctl.errors import InvariantBroken


class Macd:
    """MACD line, signal and histogram; all None until the signal line is warm.

    The fast average starts when the slow one does (as in TA-Lib), seeded from the prices just before.
    """

    __slots__ = ("_fast", "_signal", "_slow", "_wait", "line", "signal")

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        """Start cold."""
        check_period(fast)
        if slow <= fast:
            message = f"the slow period {slow} must exceed the fast period {fast}"
            raise InvariantBroken(message)
        self._fast = Ema(fast)
        self._slow = Ema(slow)
        self._signal = Ema(signal)
        self._wait = slow - fast
        self.line: float | None = None
        self.signal: float | None = None

    @property
    def histogram(self) -> float | None:
        """Give line minus signal, if warm."""
        return None if self.line is None or self.signal is None else self.line - self.signal

    def update(self, price: float) -> float | None:
        """Take the next price and give the histogram, if it is warm."""
        if not 0.0 < price < inf:
            raise refuse(price)
        if self._wait:
            self._wait -= 1
        else:
            self._fast.push(price)
        slow = self._slow.push(price)
        if slow is None or self._fast.value is None:
            return None
        line = self._fast.value - slow
        signal = self._signal.push(line)
        if signal is None:
            return None
        self.line, self.signal = line, signal
        return line - signal

    def to_state(self) -> dict[str, Any]:
        """Give the whole state as plain builtins."""
        return {
            "fast": self._fast.to_state(),
            "slow": self._slow.to_state(),
            "average": self._signal.to_state(),
            "wait": self._wait,
            "line": self.line,
            "signal": self.signal,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Continue from a stored state."""
        made = cls(state["fast"]["period"], state["slow"]["period"], state["average"]["period"])
        made._fast = Ema.from_state(state["fast"])
        made._slow = Ema.from_state(state["slow"])
        made._signal = Ema.from_state(state["average"])
        made._wait, made.line, made.signal = state["wait"], state["line"], state["signal"]
        return made
