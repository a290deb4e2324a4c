"""From candle to fill: how many signals there were, which gate refused how many, and what became of the orders."""

from __future__ import annotations

from typing import Any

from scalpctl.analysis.session.scope import Scope
from scalpctl.analysis.summary import Reader

Row = dict[str, Any]

_OUTCOMES = """
SELECT outcome, count(*) AS times, min(seq) AS first_seq, max(seq) AS last_seq FROM decisions
WHERE session_id IN (SELECT value FROM json_each(:sessions)) AND subject = 'entry' AND seq
  BETWEEN :first AND :last GROUP BY outcome ORDER BY times DESC
"""
_ORDERS = """
SELECT CASE WHEN finished_at > :ends THEN 'live' ELSE state END AS state, count(*) AS times FROM orders
WHERE session_id IN (SELECT value FROM json_each(:sessions)) AND role = 'entry' AND seq BETWEEN :first AND :last
GROUP BY 1
"""


def funnel(reader: Reader, scope: Scope) -> Row:
    """Give every step and every refusal reason."""
    outcomes = reader.rows(_OUTCOMES, scope.named())
    skipped = [
        row | {"reason": row["outcome"].removeprefix("skip:")} for row in outcomes if row["outcome"].startswith("skip:")
    ]
    orders = {row["state"]: row["times"] for row in reader.rows(_ORDERS, scope.named())}
    (entries,) = reader.rows("SELECT count(*) AS n FROM entries WHERE seq BETWEEN :first AND :last", scope.named())
    weak = sum(row["times"] for row in skipped if row["reason"] == "too_weak")
    decided = sum(row["times"] for row in outcomes if row["outcome"] == "enter")
    whole = decided + sum(row["times"] for row in skipped)
    steps = [
        ("evaluated", whole), ("signals", whole - weak), ("passed every gate", decided),
        ("orders", sum(orders.values())), ("filled orders", orders.get("filled", 0)), ("entries", entries["n"]),
    ]  # fmt: skip
    given_up = sum(row["times"] for row in outcomes if row["outcome"] == "given_up")
    return {
        "steps": [{"step": name, "count": count} for name, count in steps],
        "refused": [{name: row[name] for name in ("reason", "times", "first_seq", "last_seq")} for row in skipped],
        "given_up": given_up,
        "conversion": f"{decided / whole:.4f}" if whole else None,
    }
