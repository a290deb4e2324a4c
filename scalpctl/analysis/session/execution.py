"""How orders fared: maker share and what takers cost, slippage, latency, age of data, refusals, connections."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from scalpctl.analysis.audit.protection import naked_times
from scalpctl.analysis.session.scope import Scope
from scalpctl.analysis.summary import Reader
from scalpctl.core.money import ZERO, add, multiply

Row = dict[str, Any]
BPS = Decimal(10_000)

_FILLS = """
SELECT f.seq, f.liquidity, f.fee, f.price, f.coins, f.action, o.role, o.decision_price, o.client_id
FROM fills f LEFT JOIN orders o ON o.client_id = f.client_id WHERE f.seq BETWEEN :first AND :last
"""
_LATENCY = """
SELECT role, acked_at - intended_at AS ack_us, finished_at - intended_at AS done_us,
  CASE WHEN finished_at > :ends THEN 'live' ELSE state END AS state FROM orders
WHERE session_id IN (SELECT value FROM json_each(:sessions)) AND seq BETWEEN :first AND :last
  AND acked_at IS NOT NULL
"""
_AGES = """
SELECT gates, seq FROM decisions WHERE session_id IN (SELECT value FROM json_each(:sessions)) AND outcome = 'enter'
  AND seq BETWEEN :first AND :last
"""
_COVER = """
SELECT p.position_id, p.inst_id, p.opened_at, min(coalesce(p.closed_at, :ends), :ends) AS closed_at, s.confirmed_at,
  CASE WHEN s.ended_at <= :ends THEN s.ended_at END AS ended_at
FROM positions p LEFT JOIN protections s ON s.position_id = p.position_id AND s.confirmed_at <= :ends
WHERE p.seq BETWEEN :first AND :last AND p.origin = 'engine' ORDER BY p.seq, s.confirmed_at
"""


def execution(reader: Reader, scope: Scope) -> Row:
    """Give the whole chapter."""
    fills = reader.rows(_FILLS, scope.named())
    return {
        "liquidity": _liquidity(fills),
        "slippage_bps": {role: _slippage(fills, role) for role in ("entry", "partial", "close")},
        "latency_ms": _latency(reader.rows(_LATENCY, scope.named())),
        "data_age_s": _ages(reader.rows(_AGES, scope.named())),
        "refusals": reader.rows(_REFUSALS, scope.named()),
        "connections": reader.rows(_CONNECTIONS, scope.named()),
        "naked": _naked(reader, scope),
    }


_REFUSALS = """
SELECT refusal_code AS code, role, count(*) AS times, min(refusal) AS text, min(seq) AS first_seq FROM orders
WHERE session_id IN (SELECT value FROM json_each(:sessions)) AND refusal_code IS NOT NULL
  AND seq BETWEEN :first AND :last GROUP BY refusal_code, role ORDER BY times DESC
"""
_CONNECTIONS = """
SELECT connection, event, count(*) AS times, min(seq) AS first_seq FROM connection_events
WHERE session_id IN (SELECT value FROM json_each(:sessions))
  AND event IN ('lost', 'stale', 'refused', 'throttled', 'malformed') AND seq BETWEEN :first AND :last
GROUP BY connection, event ORDER BY connection, event
"""


def _liquidity(fills: Sequence[Row]) -> Row:
    found: Row = {}
    for kind in ("maker", "taker"):
        mine = [row for row in fills if row["liquidity"] == kind]
        fees = add(*(-Decimal(row["fee"]) for row in mine), ZERO)
        value = add(*(multiply(Decimal(row["price"]), Decimal(row["coins"])) for row in mine), ZERO)
        found[kind] = {"fills": len(mine), "fees": format(fees, "f"), "value": format(value, "f")}
    known = found["maker"]["fills"] + found["taker"]["fills"]
    found["maker_share"] = f"{found['maker']['fills'] / known:.4f}" if known else None
    entries = [row for row in fills if row["role"] == "entry"]
    makers = sum(row["liquidity"] == "maker" for row in entries)
    found["maker_share_of_entries"] = f"{makers / len(entries):.4f}" if entries else None
    found["taker_extra"] = _extra(found)
    return found


def _extra(found: Row) -> str | None:
    """What the takers paid beyond the makers' rate."""
    maker, taker = found["maker"], found["taker"]
    if not Decimal(maker["value"]) or not Decimal(taker["value"]):
        return None
    rate = Decimal(maker["fees"]) / Decimal(maker["value"])
    return f"{Decimal(taker['fees']) - rate * Decimal(taker['value']):.8f}"


def _slippage(fills: Sequence[Row], role: str) -> Row:
    """Positive is worse than decided, in basis points of the price."""
    worse = []
    for row in fills:
        if row["role"] == role and row["decision_price"]:
            moved = (Decimal(row["price"]) / Decimal(row["decision_price"]) - 1) * BPS
            worse.append(float(moved if row["action"] == "buy" else -moved))
    return spread(worse)


def spread(values: Sequence[float]) -> Row:
    """Give count, mean, median, 95th percentile and worst of some values."""
    if not values:
        return {"n": 0, "mean": None, "p50": None, "p95": None, "worst": None}
    ordered = sorted(values)
    return {
        "n": len(ordered), "mean": round(sum(ordered) / len(ordered), 4), "p50": round(ordered[len(ordered) // 2], 4),
        "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 4), "worst": round(ordered[-1], 4),
    }  # fmt: skip


def _latency(rows: Sequence[Row]) -> Row:
    filled = [row["done_us"] / 1_000 for row in rows if row["state"] == "filled" and row["done_us"] is not None]
    return {"intent_to_ack": spread([row["ack_us"] / 1_000 for row in rows]), "intent_to_filled": spread(filled)}


def _ages(rows: Sequence[Row]) -> Row:
    ages: dict[str, list[float]] = {"stale_signal": [], "stale_price": []}
    for row in rows:
        for gate in msgspec.json.decode(row["gates"]):
            if gate.get("gate") in ages and isinstance(gate.get("value"), int | float):
                ages[gate["gate"]].append(float(gate["value"]))
    return {"signal": spread(ages["stale_signal"]), "price": spread(ages["stale_price"])}


def _naked(reader: Reader, scope: Scope) -> Row:
    times = [(row["position_id"], us / 1e6) for row, us in naked_times(reader.rows(_COVER, scope.named()))]
    worst = max(times, key=lambda one: one[1], default=("", 0.0))
    return {
        "worst_s": round(worst[1], 3),
        "worst_position_id": worst[0] or None,
        "total_s": round(sum(one[1] for one in times), 3),
    }
