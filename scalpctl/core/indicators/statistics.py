"""Window statistics of closed candles: averages, range, reversals and volume; unknown volume stays unknown."""

from __future__ import annotations

from itertools import pairwise
from math import fsum
from typing import Any, Self

from scalpctl.core.indicators.checks import check_bar, check_period
from scalpctl.core.market import Candle


class Window:
    """The last candles of one instrument and what they say; a candle without volume does not count as silence."""

    __slots__ = ("long", "rows", "short")

    def __init__(self, short: int = 20, long: int = 50) -> None:
        """Start empty; warm once ``long`` candles have been seen."""
        check_period(short)
        check_period(long, short)
        self.short, self.long = short, long
        self.rows: list[tuple[float, float, float, float]] = []

    def update(self, candle: Candle) -> None:
        """Take the next closed candle."""
        check_bar(candle.high, candle.low, candle.close)
        self.rows.append((candle.high, candle.low, candle.close, candle.contracts))
        if len(self.rows) > self.long:
            del self.rows[0]

    @property
    def ready(self) -> bool:
        """Tell whether the longer window is full."""
        return len(self.rows) == self.long

    @property
    def average(self) -> float:
        """Give the mean close of the longer window."""
        return fsum(row[2] for row in self.rows) / len(self.rows)

    @property
    def deviation_ratio(self) -> float:
        """Give how far the last close is from the longer average, as a share of it (always positive)."""
        return abs(self.rows[-1][2] / self.average - 1.0)

    @property
    def range_ratio(self) -> float:
        """Give the width of the shorter window from lowest low to highest high, as a share of the last close."""
        recent = self.rows[-self.short :]
        return (max(row[0] for row in recent) - min(row[1] for row in recent)) / recent[-1][2]

    @property
    def reversals(self) -> int:
        """Count how often the closes of the shorter window changed direction."""
        closes = [row[2] for row in self.rows[-self.short :]]
        moves = [right - left for left, right in pairwise(closes) if right != left]
        return sum(1 for left, right in pairwise(moves) if (left > 0) != (right > 0))

    @property
    def volume_ratio(self) -> float | None:
        """Give the last volume over the mean of the shorter window; None where candles came without volume."""
        volumes = [row[3] for row in self.rows[-self.short :]]
        if not volumes or min(volumes) <= 0.0:
            return None
        return volumes[-1] * len(volumes) / fsum(volumes)

    def to_state(self) -> dict[str, Any]:
        """Give the whole state as plain builtins."""
        return {"short": self.short, "long": self.long, "rows": [list(row) for row in self.rows]}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Continue from a stored state."""
        made = cls(state["short"], state["long"])
        made.rows = [(row[0], row[1], row[2], row[3]) for row in state["rows"]]
        return made
