"""The same trades cut in every way people ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from scalpctl.analysis.session.statistics import FEW
from scalpctl.analysis.session.trades import Trade
from scalpctl.core.instants import to_datetime
from scalpctl.core.money import ZERO, add

HELD = (
    (30, "under 30 s"),
    (60, "30-60 s"),
    (120, "1-2 min"),
    (300, "2-5 min"),
    (600, "5-10 min"),
    (1_800, "10-30 min"),
)


def by_everything(trades: Sequence[Trade]) -> dict[str, list[dict[str, Any]]]:
    """Give the breakdown by every dimension."""
    return {name: breakdown(trades, key) for name, key in DIMENSIONS.items()}


def breakdown(trades: Sequence[Trade], key: Callable[[Trade], str]) -> list[dict[str, Any]]:
    """Give one row per value: counts, exact money, and the trades behind it; the most costly first."""
    groups: dict[str, list[Trade]] = {}
    for one in trades:
        groups.setdefault(key(one), []).append(one)
    rows = [_row(value, group) for value, group in groups.items()]
    return sorted(rows, key=lambda row: (Decimal(row["net"]), row["value"]))


def _row(value: str, group: list[Trade]) -> dict[str, Any]:
    totals = {name: add(*(getattr(one, name) for one in group), ZERO) for name in ("gross", "fees", "funding", "net")}
    best = add(*(one.mfe for one in group if one.mfe and one.mfe > 0), ZERO)
    wins = sum(one.won for one in group)
    return {
        "value": value,
        "trades": len(group),
        "wins": wins,
        "win_rate": f"{wins / len(group):.4f}",
        **{name: format(amount, "f") for name, amount in totals.items()},
        "average": f"{totals['net'] / len(group):.8f}",
        "kept": f"{totals['gross'] / best:.4f}" if best and totals["gross"] > 0 else None,
        "held_s": sum(one.held_us for one in group) // len(group) // 1_000_000,
        "few": len(group) < FEW,
        "position_ids": [one.position_id for one in group],
    }


def _held(one: Trade) -> str:
    seconds = one.held_us // 1_000_000
    return next((name for limit, name in HELD if seconds < limit), "over 30 min")


def _strength(one: Trade) -> str:
    if one.strength is None:
        return "none"
    low = min(int(one.strength * 5), 4)
    return f"{low / 5:.1f}-{(low + 1) / 5:.1f}"


DIMENSIONS: dict[str, Callable[[Trade], str]] = {
    "cause": lambda one: one.cause,
    "instrument": lambda one: one.instrument,
    "side": lambda one: one.side,
    "hour": lambda one: f"{to_datetime(one.closed_at):%H}",
    "regime": lambda one: one.regime or "unknown",
    "leverage": lambda one: "unknown" if one.leverage is None else f"{one.leverage:f}",
    "strength": _strength,
    "holding": _held,
    "parameter_set": lambda one: one.parameter_set or "none",
    "signal": lambda one: one.signal or "none",
    "origin": lambda one: one.origin,
    "session": lambda one: one.session_id,
}
