"""What the books show afterwards that no exchange can see: how fast an emergency was, and how far a trail had come."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.conftest import Play
from simulation.oracles import final

from scalpctl.core.causes import PROTECTIVE

AT_ONCE_S = 2.0
"""Longest from a protective reason to an order that closes, or to the end, while nothing disturbs."""


def emergency(folder: Path) -> list[str]:
    """Play positions that fall where no stop fires, so that only the engine can close them; judge how fast it is."""
    play = Play(folder / "root", world="crash", seed=4)
    play.session(0.6, schedule="- {at: 1m, do: algos-fail}\n- {at: 20m, do: jump, ratio: '-0.03'}\n")
    return [*slow(play), *final(play)]


def restarts(folder: Path) -> list[str]:
    """Play positions whose trail has begun over several starts; judge whether each goes on from where it was."""
    play = Play(folder / "root", world="squeeze", seed=8)
    for _ in range(5):
        play.session(0.1)
    return [*backwards(play), *final(play)]


def slow(play: Any) -> Iterator[str]:
    """Give the protective reasons that no close followed at once."""
    protective = ", ".join(f"'{cause.value}'" for cause in PROTECTIVE)
    reasons = play.rows(_REASONS.format(protective=protective))
    if not reasons:
        yield "E0: nothing here was an emergency"
    for row in reasons:
        waited = ((row["acted_at"] or row["closed_at"] or row["now"]) - row["decided_at"]) / 1e6
        if waited > AT_ONCE_S:
            yield f"E1: {row['winner']} of {row['inst_id']} waited for {waited:.1f} s"


def backwards(play: Any) -> Iterator[str]:
    """Give the positions of which a later record knows a worse best price, or a looser trailing stop."""
    known: dict[tuple[str, str], Decimal] = {}
    for row in play.rows(_TRAILS):
        for name in ("peak_price", "trail_stop"):
            before, value = known.get((row["position_id"], name)), row[name]
            if before is not None and (value is None or (Decimal(value) - before) * row["sign"] < 0):
                yield f"E2: {name} of {row['position_id']} went from {before} to {value}"
            if value is not None:
                known[row["position_id"], name] = Decimal(value)
    if not known:
        yield "E0: nothing here has ever trailed"


_REASONS = (
    "SELECT d.inst_id, d.winner, min(d.decided_at) AS decided_at, c.closed_at, (SELECT max(ts_us) FROM journal) AS "
    "now, (SELECT min(max(o.intended_at, d.decided_at)) FROM orders o WHERE o.position_id = d.position_id AND "
    "o.role = 'close' AND coalesce(o.finished_at, o.intended_at) >= d.decided_at) AS acted_at FROM decisions d "
    "LEFT JOIN closures c ON c.position_id = d.position_id WHERE d.subject = 'exit' AND d.outcome = 'close' AND "
    "d.winner IN ({protective}) GROUP BY d.position_id"
)
_TRAILS = (
    "SELECT p.position_id, CASE p.side WHEN 'long' THEN 1 ELSE -1 END AS sign, json_extract(j.body, "
    "'$.trail_state.peak_price') AS peak_price, json_extract(j.body, '$.trail_state.trail_stop') AS trail_stop FROM "
    "journal j JOIN protections s ON s.protection_id = json_extract(j.body, '$.protection_id') JOIN positions p ON "
    "p.position_id = s.position_id WHERE j.kind = 'protection_changed' AND json_extract(j.body, '$.trail_state') NOT "
    "NULL ORDER BY j.seq"
)
