"""Where the price went after an exit: was it early, right or late, and what was left or saved."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scalpctl.analysis.session.trades import Trade

MINUTES = (1, 5, 15)
MINUTE_US = 60_000_000
HALF = Decimal("0.5")
RIGHT_BPS = 5.0
"""A move smaller than this after the exit is noise: the exit was right."""

Row = dict[str, Any]


@dataclass(slots=True)
class Path:
    """Prices of one instrument over time."""

    times: list[int]
    prices: list[float]

    def at(self, instant: int) -> float | None:
        """Give the price known at an instant; nothing beyond the end of what was heard."""
        index = bisect_right(self.times, instant) - 1
        if index < 0 or not self.times or instant > self.times[-1]:
            return None
        return self.prices[index]

    def between(self, first: int, last: int) -> tuple[list[int], list[float]]:
        """Give the part between two instants."""
        one, two = bisect_right(self.times, first - 1), bisect_right(self.times, last)
        return self.times[one:two], self.prices[one:two]


Paths = Mapping[str, Path]


def after_exit(trades: Sequence[Trade], paths: Paths) -> Row:
    """Give for every trade the move after 1, 5 and 15 minutes, and by cause how often it was early, right or late."""
    judged = [_judged(one, paths[one.instrument]) for one in trades if one.instrument in paths and one.exit_price]
    rows = [row for row in judged if row["verdict"] is not None]
    by_cause: dict[str, Row] = {}
    for row in rows:
        known = by_cause.setdefault(
            row["cause"], {"cause": row["cause"], "early": 0, "right": 0, "late": 0, "moved": []}
        )
        known[row["verdict"]] += 1
        known["moved"].append(row["left"])
    shown = [
        {name: row[name] for name in ("cause", "early", "right", "late")}
        | {"left": round(sum(row["moved"]), 8), "average": round(sum(row["moved"]) / len(row["moved"]), 8)}
        for row in by_cause.values()
    ]
    return {
        "judged": len(rows),
        "not_judged": len(trades) - len(rows),
        "by_cause": sorted(shown, key=lambda row: -abs(row["left"])),
        "trades": rows,
        "why_not": None if paths else "there is no tape of these prices",
    }


def _judged(one: Trade, path: Path) -> Row:
    """Count what holding on would have brought, in money: positive was left on the table, negative was saved."""
    sign, price = (1 if one.side == "long" else -1), float(one.exit_price or 0)
    row: Row = {"position_id": one.position_id, "cause": one.cause, "left": 0.0, "verdict": None}
    for minutes in MINUTES:
        later = path.at(one.closed_at + minutes * MINUTE_US)
        moved = None if later is None else sign * (later - price)
        row[f"after_{minutes}m"] = None if moved is None else round(moved * float(one.coins), 8)
        if moved is not None and minutes == MINUTES[-1]:
            row |= {"left": row[f"after_{minutes}m"], "verdict": _verdict(one, moved / price * 10_000)}
    return row


def _verdict(one: Trade, bps: float) -> str:
    """Early: it would have earned more. Late: it was right to leave, with less than half of the best profit kept."""
    if bps > RIGHT_BPS:
        return "early"
    return "late" if one.kept is not None and one.kept < HALF else "right"
