"""Bands: the prices and the deadline between which no exit rule can change its mind, so ticks inside may be skipped.

Bands are floats on the hot path. Each bound is pulled inwards by far more than a float's rounding, so a skipped price
is certainly inside; a price near a bound is evaluated exactly. A property test compares both.
"""

from __future__ import annotations

from decimal import Decimal
from math import inf, nextafter

from msgspec import Struct

from scalpctl.core.estimates import estimate
from scalpctl.core.instants import Instant
from scalpctl.core.sides import Side

FOREVER = Instant(2**62)
MARGIN = 1e-9
"""Share of the price by which a bound is pulled inwards: a million times a float's rounding, a thousandth of a tick."""


class Band(Struct, frozen=True, gc=False):
    """Exit prices, guard prices and a deadline, all exclusive; outside any of them the chain must be asked again."""

    exit_low: float = -inf
    exit_high: float = inf
    guard_low: float = -inf
    guard_high: float = inf
    until: int = FOREVER

    def holds(self, exit_price: float, guard_price: float, at: int) -> bool:
        """Tell whether nothing can have changed."""
        return (
            self.exit_low < exit_price < self.exit_high
            and self.guard_low < guard_price < self.guard_high
            and at < self.until
        )


EVERYWHERE = Band()
NOWHERE = Band(exit_low=inf, exit_high=-inf)


def above(value: Decimal) -> float:
    """Give a bound certainly above that price."""
    near = estimate(value)
    return near + abs(near) * MARGIN


def below(value: Decimal) -> float:
    """Give a bound certainly below that price."""
    near = estimate(value)
    return near - abs(near) * MARGIN


def not_better(price: Decimal, side: Side) -> Band:
    """Give the band of exit prices that are not better than one; equal floats of 15 digits are equal prices."""
    near = estimate(price)
    if side is Side.LONG:
        return Band(exit_high=nextafter(near, inf))
    return Band(exit_low=nextafter(near, -inf))


def meet(bands: list[Band]) -> Band:
    """Give the part that all bands share."""
    exit_low = guard_low = -inf
    exit_high = guard_high = inf
    until: int = FOREVER
    for band in bands:
        if band is EVERYWHERE:
            continue
        if band.exit_low > exit_low:
            exit_low = band.exit_low
        if band.exit_high < exit_high:
            exit_high = band.exit_high
        if band.guard_low > guard_low:
            guard_low = band.guard_low
        if band.guard_high < guard_high:
            guard_high = band.guard_high
        if band.until < until:
            until = band.until
    return Band(exit_low, exit_high, guard_low, guard_high, until)
