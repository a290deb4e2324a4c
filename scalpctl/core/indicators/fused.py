"""RSI, MACD and ATR of one instrument in one object: the same numbers at half the price of three."""

from __future__ import annotations

from math import inf
from typing import Any, Self

from scalpctl.core.indicators.atr import Atr
from scalpctl.core.indicators.checks import refuse
from scalpctl.core.indicators.macd import Macd
from scalpctl.core.indicators.rsi import NEUTRAL, Rsi


class Fused:
    """Warms up with the three separate indicators, then updates all of them in one straight run of arithmetic."""

    __slots__ = (
        "_a",
        "_atr",
        "_fast",
        "_fast_k",
        "_gain",
        "_last",
        "_loss",
        "_macd",
        "_n",
        "_rsi",
        "_signal_k",
        "_slow",
        "_slow_k",
        "atr",
        "histogram",
        "line",
        "ready",
        "rsi",
        "signal",
    )

    def __init__(self, rsi: Rsi, macd: Macd, atr: Atr) -> None:
        """Take three indicators, cold or restored, and run them as one."""
        self._rsi, self._macd, self._atr = rsi, macd, atr
        self._n, self._a = 1.0 / rsi.period, 1.0 / atr.period
        self._fast_k = 2.0 / (macd._fast.period + 1)  # noqa: SLF001  one family: the fused form continues its members
        self._slow_k = 2.0 / (macd._slow.period + 1)  # noqa: SLF001  a state restores its own kind
        self._signal_k = 2.0 / (macd._signal.period + 1)  # noqa: SLF001  a state restores its own kind
        self._last = self._gain = self._loss = self._fast = self._slow = 0.0
        self.rsi = NEUTRAL
        self.line = self.signal = self.histogram = self.atr = 0.0
        self.ready = False
        self._take_over()

    def update(self, high: float, low: float, close: float) -> bool:
        """Take the next bar (or three times the same price); True once every number is warm."""
        if not 0.0 < low <= close <= high < inf:
            raise refuse((high, low, close))
        if not self.ready:
            self._rsi.update(close)
            self._macd.update(close)
            self._atr.update(high, low, close)
            return self._take_over()
        last = self._last
        self._last = close
        change = close - last
        n = self._n
        if change > 0.0:
            self._gain = gain = self._gain + (change - self._gain) * n
            self._loss = loss = self._loss - self._loss * n
        else:
            self._gain = gain = self._gain - self._gain * n
            self._loss = loss = self._loss - (change + self._loss) * n
        moved = gain + loss
        self.rsi = 100.0 * gain / moved if moved > 0.0 else NEUTRAL
        self._fast = fast = self._fast + (close - self._fast) * self._fast_k
        self._slow = slow = self._slow + (close - self._slow) * self._slow_k
        self.line = line = fast - slow
        self.signal = signal = self.signal + (line - self.signal) * self._signal_k
        self.histogram = line - signal
        if last > high:
            high = last
        elif last < low:
            low = last
        self.atr += (high - low - self.atr) * self._a
        return True

    def _take_over(self) -> bool:
        """Copy the warm numbers once all three have them."""
        rsi, macd, atr = self._rsi, self._macd, self._atr
        line, signal = macd.line, macd.signal
        if rsi.value is None or line is None or signal is None or atr.value is None:
            return False
        self._last, self._gain, self._loss = rsi.last, rsi.gain, rsi.loss
        self._fast = macd._fast.value or 0.0  # noqa: SLF001  a state restores its own kind
        self._slow = macd._slow.value or 0.0  # noqa: SLF001  a state restores its own kind
        self.rsi, self.line, self.signal, self.histogram, self.atr = rsi.value, line, signal, line - signal, atr.value
        self.ready = True
        return True

    def _hand_back(self) -> None:
        """Write the running numbers back into the three indicators."""
        rsi, macd, atr = self._rsi, self._macd, self._atr
        rsi.last = atr.last = self._last
        rsi.gain, rsi.loss, rsi.value = self._gain, self._loss, self.rsi
        macd._fast.value, macd._slow.value = self._fast, self._slow  # noqa: SLF001  a state restores its own kind
        macd._signal.value = self.signal  # noqa: SLF001  a state restores its own kind
        macd.line, macd.signal = self.line, self.signal
        atr.value = self.atr

    def to_state(self) -> dict[str, Any]:
        """Give the whole state as plain builtins: that of the three indicators."""
        if self.ready:
            self._hand_back()
        return {"rsi": self._rsi.to_state(), "macd": self._macd.to_state(), "atr": self._atr.to_state()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Continue from a stored state."""
        return cls(Rsi.from_state(state["rsi"]), Macd.from_state(state["macd"]), Atr.from_state(state["atr"]))
