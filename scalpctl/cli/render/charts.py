"""Small drawings for a terminal: sparklines and bars, in plain characters where the terminal has no others."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_TALL = "▁▂▃▄▅▆▇█"
_PLAIN = "_.-=+*#@"


def sparkline(values: Sequence[float], width: int = 60) -> str:
    """Give a line of values as one row of characters."""
    if not values:
        return ""
    shown = _thinned(values, width)
    low, high = min(shown), max(shown)
    marks = _TALL if fancy() else _PLAIN
    span = (high - low) or 1.0
    return "".join(marks[min(7, int((value - low) / span * 8))] for value in shown)


def bar(value: float, largest: float, width: int = 24) -> str:
    """Give a bar whose length is a share of the largest; losses point to the left of the axis."""
    length = round(abs(value) / largest * width) if largest else 0
    mark, axis = ("█", "│") if fancy() else ("#", "|")
    filled = mark * length
    return f"{filled:>{width}}{axis}{'':{width}}" if value < 0 else f"{'':{width}}{axis}{filled:<{width}}"


def fancy() -> bool:
    """Tell whether the output can show more than ASCII."""
    return "utf" in (sys.stdout.encoding or "ascii").lower()


def _thinned(values: Sequence[float], width: int) -> list[float]:
    if len(values) <= width:
        return list(values)
    return [values[int(index * (len(values) - 1) / (width - 1))] for index in range(width)]
