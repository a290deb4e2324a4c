"""Open positions as the ledger has them, and beside them what the exchange says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from scalpctl.analysis.summary import Reader
from scalpctl.core.money import ZERO, add

Row = dict[str, Any]


def kept(reader: Reader) -> list[Row]:
    """Give every position that has no closure, with its stop and its fees so far."""
    found = []
    for row in reader.rows("SELECT * FROM positions WHERE position_id NOT IN (SELECT position_id FROM closures)"):
        fills = reader.rows("SELECT fee FROM fills WHERE position_id = ?", (row["position_id"],))
        stops = reader.rows(
            "SELECT trigger_price, state FROM protections WHERE position_id = ? ORDER BY seq DESC LIMIT 1",
            (row["position_id"],),
        )
        found.append({
            "position_id": row["position_id"],
            "instrument": row["inst_id"],
            "side": row["side"],
            "contracts": row["contracts"],
            "entry_price": row["entry_price"],
            "leverage": row["leverage"],
            "opened_at": row["opened_at"],
            "origin": row["origin"],
            "protection": row["protection_state"] or "none",
            "stop": stops[0]["trigger_price"] if stops else None,
            "fees": format(add(*(-Decimal(fill["fee"]) for fill in fills), ZERO), "f"),
        })  # fmt: skip
    return found


def beside(ours: list[Row], theirs: list[Row] | None, *, live: bool) -> list[Row]:
    """Put both views side by side; ``drift`` says at a glance whether they agree."""
    if theirs is None:
        return [row | {"exchange_contracts": None, "drift": "unknown"} for row in ours]
    at_exchange = {row["instrument"]: row for row in theirs}
    rows = [_one(row, at_exchange.pop(row["instrument"], None), live=live) for row in ours if Decimal(row["contracts"])]
    rows.extend(
        row | {"contracts": None, "exchange_contracts": row["contracts"], "drift": "appeared"}
        for row in at_exchange.values()
    )
    return rows


def _one(ours: Row, theirs: Row | None, *, live: bool) -> Row:
    if theirs is None:
        return ours | {"exchange_contracts": "0", "drift": "vanished"}
    same = Decimal(theirs["contracts"]) == Decimal(ours["contracts"]) and theirs["side"] == ours["side"]
    shown = {name: theirs.get(name) for name in ("mark_price", "margin_ratio", "closing") if theirs.get(name)}
    shown["unrealised"] = theirs.get("unrealised_net") if live else theirs.get("unrealised")
    return ours | shown | {"exchange_contracts": theirs["contracts"], "drift": "none" if same else "resized"}
