"""The first thing a report says: gross - fees - funding = net, and how net becomes the change of the balance."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from scalpctl.analysis.session.scope import Scope
from scalpctl.analysis.session.trades import Trade
from scalpctl.analysis.summary import Reader
from scalpctl.core.money import ZERO, add

_CASH = """
SELECT l.reason, c.seq AS closed_seq, p.position_id, dsum(l.amount) AS amount,
       l.seq BETWEEN :first AND :last AS inside, min(l.seq) AS seq
FROM postings l LEFT JOIN positions p ON p.position_id = l.position_id
LEFT JOIN closures c ON c.position_id = l.position_id
WHERE l.account = 'cash' AND l.ccy = 'USDT' AND (l.seq BETWEEN :first AND :last OR c.seq BETWEEN :first AND :last)
GROUP BY l.reason, p.position_id, inside
"""
TRANSFERS = ("transfer", "opening_balance")


def identity(reader: Reader, scope: Scope, trades: list[Trade]) -> dict[str, Any]:
    """Give both sides of the identity, and every step from one to the other."""
    gross, fees, funding, net = (
        _sum(getattr(one, name) for one in trades) for name in ("gross", "fees", "funding", "net")
    )
    steps = _steps(reader, scope)
    change = add(net, -steps["booked_before"], steps["still_open"], steps["other"])
    cash = add(*steps["inside"], ZERO)
    return {
        "gross": _text(gross),
        "fees": _text(fees),
        "funding": _text(funding),
        "net": _text(net),
        "booked_before": _text(steps["booked_before"]),
        "still_open": _text(steps["still_open"]),
        "other": _text(steps["other"]),
        "balance_change": _text(cash),
        "transfers": _text(steps["transfers"]),
        "holds": add(gross, -fees, -funding) == net and change == cash,
        "sources": {"closures": ranges(one.seq for one in trades), "postings": f"{scope.first_seq}-{scope.last_seq}"},
    }


def _steps(reader: Reader, scope: Scope) -> dict[str, Any]:
    steps: dict[str, Any] = {"booked_before": ZERO, "still_open": ZERO, "other": ZERO, "transfers": ZERO, "inside": []}
    for row in reader.rows(_CASH, scope.named()):
        amount = Decimal(row["amount"])
        closed = row["closed_seq"] is not None and scope.first_seq <= row["closed_seq"] <= scope.last_seq
        if row["reason"] in TRANSFERS:
            steps["transfers"] = add(steps["transfers"], amount) if row["inside"] else steps["transfers"]
            continue
        if row["inside"]:
            steps["inside"].append(amount)
        if closed and not row["inside"]:
            steps["booked_before"] = add(steps["booked_before"], amount)
        elif row["inside"] and not closed:
            where = "other" if row["position_id"] is None else "still_open"
            steps[where] = add(steps[where], amount)
    return steps


def ranges(numbers: Any) -> str:
    """Spell row numbers shortly: 3-7,9."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number <= found[-1][1] + 1:
            found[-1][1] = max(found[-1][1], number)
        else:
            found.append([number, number])
    return ",".join(str(one) if one == two else f"{one}-{two}" for one, two in found)


def _sum(values: Any) -> Decimal:
    return add(*values, ZERO)


def _text(value: Decimal) -> str:
    return format(value, "f")
