"""Where exact numbers become floats for bounds and measures, and where an estimate becomes a number of a record."""

from __future__ import annotations

from decimal import Decimal


def estimate(value: Decimal) -> float:
    """Give the nearest float; order is kept, so a float comparison never turns an exact one around."""
    return float(value)


def rounded(estimated: float) -> Decimal:
    """Take an estimate into the exact world, rounded so that its digits mean something."""
    return Decimal(f"{estimated:.10f}")
