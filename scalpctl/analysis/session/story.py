"""One trade's whole story: what was decided and what was not, orders, executions, stops, and where the money went."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from scalpctl.analysis.session.trades import Trade
from scalpctl.analysis.summary import Reader
from scalpctl.core.instants import Instant
from scalpctl.core.money import ZERO, add, multiply

Row = dict[str, Any]


def story(reader: Reader, trade: Trade) -> Row:
    """Give facts, timeline and waterfall of one closed position."""
    moments = sorted(_moments(reader, trade), key=lambda one: (one["at"], one["seq"]))
    return {
        "trade": trade.plain(),
        "waterfall": waterfall(reader, trade),
        "proof": _proof(reader, trade.position_id),
        "timeline": moments,
        "lanes": lanes(reader, trade),
        "stops": stops(reader, trade.position_id),
    }


def _moments(reader: Reader, trade: Trade) -> Iterator[Row]:
    ids = {"id": trade.position_id, "decision": trade.decision_id}
    for row in reader.rows("SELECT * FROM decisions WHERE position_id = :id OR decision_id = :decision", ids):
        yield _moment(row["decided_at"], row["seq"], row["subject"], _decided(row))
    sql = (
        "SELECT * FROM orders WHERE position_id = :id OR decision_id = :decision OR client_id IN (SELECT client_id "
        "FROM "
        "fills WHERE position_id = :id) ORDER BY seq"
    )
    for row in reader.rows(sql, ids):
        price = f"@ {row['price']}" if row["price"] else "at market"
        yield _moment(
            row["intended_at"], row["seq"], "order", f"{row['role']}: {row['action']} {row['contracts']} {price}"
        )
        if row["state"] != "filled" and row["finished_at"]:
            why = f" ({row['refusal_code']} {row['refusal']})" if row["refusal_code"] else ""
            yield _moment(row["finished_at"], row["last_seq"], "order", f"{row['role']} {row['state']}{why}")
    for row in reader.rows("SELECT * FROM fills WHERE position_id = :id", ids):
        what = (
            f"{row['action']} {row['contracts']} @ {row['price']}, {row['liquidity'] or 'liquidity unknown'}, fee "
            f"{row['fee']}"
        )
        yield _moment(row["filled_at"], row["seq"], "fill", what)
    yield from _others(reader, ids)


def _others(reader: Reader, ids: Row) -> Iterator[Row]:
    for row in reader.rows("SELECT * FROM protections WHERE position_id = :id", ids):
        yield _moment(row["placed_at"], row["seq"], "stop", f"{row['kind']} placed, {row['state']} now")
        if row["confirmed_at"]:
            yield _moment(row["confirmed_at"], row["seq"], "stop", "confirmed at the exchange")
    for row in reader.rows("SELECT * FROM partial_takes WHERE position_id = :id", ids):
        what = (
            f"took {row['taken_contracts']} @ {row['exit_price']}, net {row['net']}, {row['remaining_contracts']} left"
        )
        yield _moment(row["taken_at"], row["seq"], "partial", what)
    for row in reader.rows("SELECT * FROM drifts WHERE position_id = :id", ids):
        yield _moment(row["detected_at"], row["seq"], "drift", f"{row['kind']}: {row['cause'] or 'not explained yet'}")
    for row in reader.rows("SELECT * FROM postings WHERE position_id = :id AND account = 'funding'", ids):
        yield _moment(row["posted_at"], row["seq"], "funding", f"{row['amount']} {row['ccy']} paid")
    for row in reader.rows("SELECT * FROM closures WHERE position_id = :id", ids):
        yield _moment(row["closed_at"], row["seq"], "closed", f"{row['cause']} by {row['closed_by']}, net {row['net']}")


def _moment(at: int, seq: int, kind: str, what: str) -> Row:
    return {"at": Instant(at), "kind": kind, "what": what, "seq": seq}


def _decided(row: Row) -> str:
    """Say who won; of those that held, how far the nearest was from firing, and who vetoed."""
    if row["subject"] == "entry":
        failed = [gate for gate in _json(row["gates"]) if not gate.get("passed")]
        why = f", refused by {failed[0]['gate']}: {failed[0]['value']} of {failed[0]['limit']}" if failed else ""
        return f"{row['outcome']} on {row['winner']}{why}"
    evidence = {one["name"]: one.get("value") for one in _json(row["evidence"]) if isinstance(one, dict)}
    said = [f"{one['rule']} {one['why']}" for one in _json(row["verdicts"]) if one.get("why") not in {"quiet", None}]
    near = [
        (name.removesuffix(".distance"), value)
        for name, value in evidence.items()
        if name.endswith(".distance") and value is not None
    ]
    shown = ", ".join(f"{name} {value} away" for name, value in near[:4])
    text = f"{row['outcome']}" + (f" by {row['winner']}" if row["winner"] else "")
    return text + (f"; {', '.join(said)}" if said else "") + (f"; {shown}" if shown and not row["winner"] else "")


def waterfall(reader: Reader, trade: Trade) -> list[Row]:
    """Give the steps from the decision's price to what was earned; each step is money, and they add up exactly."""
    fills = reader.rows(
        "SELECT f.*, o.decision_price AS decided, o.price AS asked, o.role FROM fills f LEFT JOIN orders o ON "
        "o.client_id = "
        "f.client_id WHERE f.position_id = :id ORDER BY f.seq",
        {"id": trade.position_id},
    )
    at_decision = _moved(fills, "decided")
    at_order = _moved(fills, "asked")
    steps = [
        ("decided", at_decision),
        ("decision to order", add(at_order, -at_decision)),
        ("order to execution", add(trade.gross, -at_order)),
        ("gross", trade.gross),
        ("fees", -trade.fees),
        ("funding", -trade.funding),
        ("net", trade.net),
    ]
    return [{"step": name, "amount": format(amount, "f")} for name, amount in steps]


def _moved(fills: list[Row], name: str) -> Decimal:
    """What the position would have earned at other prices: sales minus purchases; the real ones where none is known."""
    legs = []
    for row in fills:
        worth = multiply(Decimal(row[name] or row["price"]), Decimal(row["coins"]))
        legs.append(worth if row["action"] == "sell" else -worth)
    return add(*legs, ZERO)


def lanes(reader: Reader, trade: Trade) -> list[Row]:
    """Give one lane per exit rule: what it said from when to when."""
    sql = (
        "SELECT decided_at, verdicts FROM decisions WHERE position_id = :id AND subject = 'exit' ORDER BY decided_at, "
        "seq"
    )
    found: dict[str, list[Row]] = {}
    for row in reader.rows(sql, {"id": trade.position_id}):
        for verdict in _json(row["verdicts"]):
            said = verdict.get("why") if verdict.get("kind") == "hold" else verdict.get("kind")
            lane = found.setdefault(str(verdict.get("rule")), [])
            if not lane or lane[-1]["said"] != said:
                if lane:
                    lane[-1]["until_at"] = row["decided_at"]
                lane.append({"said": str(said), "from_at": row["decided_at"], "until_at": trade.closed_at})
    return [{"rule": rule, "states": states} for rule, states in found.items()]


def stops(reader: Reader, position_id: str) -> list[list[Any]]:
    """Give where the stop stood from when on."""
    sql = (
        "SELECT j.ts_us AS at, coalesce(json_extract(j.body, '$.trigger_price'), json_extract(j.body, "
        "'$.trail_state.trail_stop')) AS price FROM journal j JOIN protections p ON p.protection_id = "
        "json_extract(j.body, "
        "'$.protection_id') WHERE p.position_id = :id AND j.kind IN ('protection_placed', 'protection_changed') AND "
        "j.seq "
        "BETWEEN p.seq AND p.last_seq AND price IS NOT NULL ORDER BY j.seq"
    )
    line: list[list[Any]] = []
    for row in reader.rows(sql, {"id": position_id}):
        if not line or line[-1][1] != row["price"]:
            line.append([row["at"], row["price"]])
    return line


def _proof(reader: Reader, position_id: str) -> Any:
    rows = reader.rows(
        "SELECT cause, closed_by, evidence, pre_close, seq FROM closures WHERE position_id = :id", {"id": position_id}
    )
    return [row | {"evidence": _json(row["evidence"]), "pre_close": _json(row["pre_close"])} for row in rows]


def _json(text: str) -> Any:
    return msgspec.json.decode(text)
