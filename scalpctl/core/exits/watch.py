"""The cheap question before the chain: can this tick change anything at all."""

from __future__ import annotations

from math import inf

from scalpctl.core.estimates import estimate
from scalpctl.core.exits.bands import Band
from scalpctl.core.exits.view import PriceParameters
from scalpctl.core.instants import MICROS_PER_SECOND

CAUTION = 0.999
"""Prices this near to disagreeing are left to the exact comparison."""


class Watch:
    """Remembers the band of the last evaluation, and the best and worst exit price seen meanwhile.

    ``clear`` it on everything that is not a price or the passing of time: a fill, a closed candle, a margin reading,
    an emergency, other parameters. A stale or absurd price always asks the chain.
    """

    __slots__ = (
        "_age_us",
        "_apart",
        "_exit_high",
        "_exit_low",
        "_guard_high",
        "_guard_low",
        "_until",
        "highest",
        "lowest",
    )

    def __init__(self, limits: PriceParameters) -> None:
        """Start knowing nothing, so that the first tick is evaluated."""
        self._age_us = limits.exit_age_s * MICROS_PER_SECOND
        self._apart = estimate(limits.disagree_ratio) * CAUTION
        self.highest, self.lowest = 0.0, inf
        self.clear()

    def clear(self) -> None:
        """Forget the band: the next tick is evaluated."""
        self._exit_low = self._guard_low = inf
        self._exit_high = self._guard_high = -inf
        self._until = 0

    def keep(self, band: Band) -> None:
        """Take the band of a decision."""
        self._exit_low, self._exit_high = band.exit_low, band.exit_high
        self._guard_low, self._guard_high = band.guard_low, band.guard_high
        self._until = band.until

    def needs(self, exit_price: float, guard_price: float, at: int, exit_at: int) -> bool:
        """Tell whether the chain must be asked about this exit price, guard price and instant."""
        if exit_price > self.highest:
            self.highest = exit_price
        if exit_price < self.lowest:
            self.lowest = exit_price
        return not (
            self._exit_low < exit_price < self._exit_high
            and self._guard_low < guard_price < self._guard_high
            and at < self._until
            and at - exit_at <= self._age_us
            and -self._apart * guard_price < exit_price - guard_price < self._apart * guard_price
        )
