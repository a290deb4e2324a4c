"""Two sessions, or two parameter sets, side by side: what differs, and whether the sample can tell."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from scalpctl.analysis.session.statistics import FEW, performance
from scalpctl.analysis.session.trades import Trade
from scalpctl.core.money import ZERO, add

Row = dict[str, Any]
ROUNDS = 2_000
PAIRED_US = 60_000_000
_SHOWN = (
    "trades", "win_rate", "expectancy", "average_win", "average_loss", "profit_factor", "payoff", "fees_share_of_gross",
)  # fmt: skip


def compare(first: Sequence[Trade], second: Sequence[Trade], settings: tuple[Row, Row]) -> Row:
    """Give figures of both, the difference of their means with its interval, and what their settings differ in."""
    one, two = performance(first), performance(second)
    pairs = _pairs(first, second)
    low, high = _interval(first, second, pairs)
    return {
        "figures": [
            {"figure": "net", "a": _net(first), "b": _net(second)},
            *({"figure": name, "a": one[name], "b": two[name]} for name in _SHOWN),
        ],
        "paired": len(pairs),
        "difference": _difference(first, second, pairs),
        "difference_low": low,
        "difference_high": high,
        "verdict": _verdict(low, high, min(len(first), len(second)), len(pairs)),
        "settings": list(_changed(*settings)),
    }  # fmt: skip


def _net(trades: Sequence[Trade]) -> str:
    return format(add(*(one.net for one in trades), ZERO), "f")


def _pairs(first: Sequence[Trade], second: Sequence[Trade]) -> list[float]:
    """Pair trades of the same instrument and side that were entered in the same minute: one market, decided twice."""
    other: dict[tuple[str, str, int], Trade] = {(t.instrument, t.side, t.opened_at // PAIRED_US): t for t in second}
    found = []
    for one in first:
        twin = other.get((one.instrument, one.side, one.opened_at // PAIRED_US))
        if twin is not None:
            found.append(float(twin.net - one.net))
    return found if len(found) * 2 >= min(len(first), len(second)) else []


def _difference(first: Sequence[Trade], second: Sequence[Trade], pairs: Sequence[float]) -> float | None:
    if pairs:
        return round(sum(pairs) / len(pairs), 8)
    if not first or not second:
        return None
    return round(_mean([float(t.net) for t in second]) - _mean([float(t.net) for t in first]), 8)


def _interval(
    first: Sequence[Trade], second: Sequence[Trade], pairs: Sequence[float]
) -> tuple[float | None, float | None]:
    if len(first) < 2 or len(second) < 2:
        return None, None
    dice, nets = Random(len(first) + len(second)), ([float(t.net) for t in first], [float(t.net) for t in second])

    def once() -> float:
        if pairs:
            return _mean(dice.choices(pairs, k=len(pairs)))
        return _mean(dice.choices(nets[1], k=len(nets[1]))) - _mean(dice.choices(nets[0], k=len(nets[0])))

    drawn = sorted(once() for _ in range(ROUNDS))
    return round(drawn[int(ROUNDS * 0.025)], 8), round(drawn[int(ROUNDS * 0.975) - 1], 8)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _verdict(low: float | None, high: float | None, least: int, pairs: int) -> str:
    if low is None or high is None:
        return "cannot be told: one side has fewer than two trades"
    if least < FEW:
        return f"cannot be told: {least} trades on one side are too few"
    how = "paired" if pairs else "unpaired"
    if low > 0:
        return f"B is better per trade ({how}, 95 %)"
    return f"A is better per trade ({how}, 95 %)" if high < 0 else f"cannot be told: the interval contains zero ({how})"


def _changed(one: Any, two: Any, at: str = "") -> Any:
    if isinstance(one, dict) and isinstance(two, dict):
        for key in sorted(one.keys() | two.keys()):
            yield from _changed(one.get(key), two.get(key), f"{at}.{key}" if at else key)
    elif one != two:
        yield {"setting": at, "a": one, "b": two}
