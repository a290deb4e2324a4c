"""What went wrong or differently: drifts, latches, churn, partial takes and their remainders, margin against plan."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from scalpctl.analysis.session.scope import Scope
from scalpctl.analysis.session.trades import Trade
from scalpctl.analysis.summary import Reader
from scalpctl.core.money import ZERO, add

Row = dict[str, Any]
CHURN_US = 5 * 60 * 1_000_000

_DRIFTS = """
SELECT drift_id, kind, inst_id AS instrument, cause, position_id, detected_at, resolved_at, action, seq FROM drifts
WHERE seq BETWEEN :first AND :last ORDER BY seq
"""
_LATCHES = """
SELECT name, reason, latched_at, cleared_at, cleared_by, seq FROM limit_latches
WHERE seq BETWEEN :first AND :last ORDER BY seq
"""
_PARTIALS = """
SELECT t.position_id, t.net, t.gross, t.fees, t.taken_ratio, t.reason, t.taken_at, t.seq, c.net AS whole_net
FROM partial_takes t LEFT JOIN closures c ON c.position_id = t.position_id AND c.seq <= :last
WHERE t.seq BETWEEN :first AND :last ORDER BY t.seq
"""


def incidents(reader: Reader, scope: Scope, trades: Sequence[Trade]) -> Row:
    """Give the whole chapter."""
    return {
        "drifts": reader.rows(_DRIFTS, scope.named()),
        "latches": reader.rows(_LATCHES, scope.named()),
        "churn": churn(trades),
        "partials": partials(reader.rows(_PARTIALS, scope.named())),
        "planned": planned(trades),
    }


def churn(trades: Sequence[Trade]) -> list[Row]:
    """Give the trades that were opened within five minutes of a loss on the same instrument and side."""
    last: dict[tuple[str, str], Trade] = {}
    found = []
    for one in sorted(trades, key=lambda trade: trade.opened_at):
        before = last.get((one.instrument, one.side))
        if before is not None and not before.won and 0 <= one.opened_at - before.closed_at <= CHURN_US:
            found.append({
                "position_id": one.position_id, "after": before.position_id, "instrument": one.instrument,
                "side": one.side,
                "waited_s": (one.opened_at - before.closed_at) // 1_000_000, "net": format(one.net, "f"),
            })  # fmt: skip
        last[one.instrument, one.side] = one
    return found


def partials(rows: Sequence[Row]) -> Row:
    """Give what partial takes brought, and what became of their remainders."""
    taken = add(*(Decimal(row["net"]) for row in rows), ZERO)
    closed: dict[str, Decimal] = {}
    parts: dict[str, Decimal] = {}
    for row in rows:
        if row["whole_net"] is not None:
            closed[row["position_id"]] = Decimal(row["whole_net"])
            parts[row["position_id"]] = add(parts.get(row["position_id"], ZERO), Decimal(row["net"]))
    rest = [closed[name] - parts[name] for name in closed]
    return {
        "takes": len(rows),
        "net": format(taken, "f"),
        "remainders": len(rest),
        "remainders_won": sum(1 for amount in rest if amount > 0),
        "remainders_net": format(add(*rest, ZERO), "f"),
        "position_ids": sorted(closed),
    }


def planned(trades: Sequence[Trade]) -> Row:
    """Give leverage and margin as planned beside as they were."""
    asked = [one for one in trades if one.leverage_requested is not None and one.leverage is not None]
    other = [one.position_id for one in asked if one.leverage != one.leverage_requested]
    margins = [one for one in trades if one.margin and one.leverage]
    real = add(*(one.notional / one.leverage for one in margins if one.leverage), ZERO)
    return {
        "leverage_as_asked": len(asked) - len(other),
        "leverage_otherwise": other,
        "margin_planned": format(add(*(one.margin for one in margins if one.margin), ZERO), "f"),
        "margin_real": f"{real:.8f}",
    }
