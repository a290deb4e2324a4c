"""The one place where an exact number becomes a float: for bounds and measures that never become money again."""

from __future__ import annotations

from decimal import Decimal


def estimate(value: Decimal) -> float:
    """Give the nearest float; order is kept, so a float comparison never turns an exact one around."""
    return float(value)
