"""What the ledger remembers, read for the engine that continues."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from scalpctl.core.causes import Cause
from scalpctl.core.exchange.reports import BillReport, FillReport
from scalpctl.core.gates.state import LastClose
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.limits import Held, Limit
from scalpctl.core.money import ZERO, Contracts, add
from scalpctl.core.names import session_stem, stem_of
from scalpctl.core.records.money import LedgerAccount
from scalpctl.core.sides import Action, Side
from scalpctl.engine.booked import FillKey, ids_since
from scalpctl.engine.hands import Hand
from scalpctl.engine.memory import Remembered, RememberedOrder, RememberedPosition, RememberedStop
from scalpctl.ledger.reading import LedgerReader

Row = dict[str, Any]


def remembered(reader: LedgerReader) -> Remembered:
    """Read everything a start continues from."""
    open_ones = reader.rows("SELECT * FROM positions WHERE position_id NOT IN (SELECT position_id FROM closures)")
    newest = reader.rows("SELECT max(filled_at) AS at FROM fills")[0]["at"]
    bills_until = reader.rows("SELECT max(billed_at) AS at FROM bills")[0]["at"]
    since = ids_since(Instant(bills_until or 0))
    opened = opened_at(reader)
    paid_since, left_until = _unopened(reader) if opened is None else (None, None)
    known = [at for at in (newest, bills_until) if at is not None and opened is not None]
    limits, noted, noted_at = _limits(reader)
    latches = reader.rows("SELECT * FROM limit_latches WHERE cleared_at IS NULL")
    return Remembered(
        instruments=tuple(_instrument(row) for row in reader.rows(_NEWEST_INSTRUMENTS)),
        positions=tuple(_position(reader, row) for row in open_ones),
        orders=tuple(_order(row) for row in reader.rows(_OPEN_ORDERS)),
        fills={
            (row["inst_id"], row["trade_id"], row["order_id"]): Instant(row["filled_at"])
            for row in reader.rows(_KNOWN_FILLS, (since, opened or 0))
        },
        bills={row["bill_id"]: Instant(row["billed_at"]) for row in reader.rows(_RECENT_BILLS, (since,))},
        bills_until=Instant(bills_until or 0),
        known_until=Instant(max(opened or 0, min(known))) if known else None,
        last_closes={row["inst_id"]: _last(row) for row in reader.rows(_LAST_CLOSES)},
        limits=limits,
        latches={_latch_key(row): row["latch_id"] for row in latches},
        latched=tuple(_held(row) for row in latches),
        closed_since=tuple(_result(row) for row in reader.rows(_CLOSED_SINCE, (noted, noted_at))),
        opened_at=Instant(opened or (left_until or -1) + 1),
        paid_since=paid_since,
        waiting=tuple(map(_bill, reader.rows(_WAITING, (since,)))),
        suspended=_booked_to(reader, LedgerAccount.SUSPENSE, 0),
        elsewhere=_booked_to(reader, LedgerAccount.ELSEWHERE, since),
        drifts={(row["inst_id"] or "", _drift_kind(row)): row["drift_id"] for row in reader.rows(_OPEN_DRIFTS)},
        opened=opened is not None,
        cash=Decimal(reader.rows(_CASH)[0]["cash"] or "0"),
        hands=_hands(reader, newest or 0),
        sessions=_sessions(reader),
        entered=int(reader.rows("SELECT count(*) AS n FROM entries")[0]["n"]),
        crashes=tuple(Instant(row["started_at"]) for row in reader.rows(_CRASHES)),
    )


_CASH = "SELECT dsum(amount) AS cash FROM postings WHERE account = 'cash' AND ccy = 'USDT'"
_OWN_BILLS = (  # no bill is booked before the opening is
    "SELECT 1 FROM bills WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE end_reason LIKE 'imported from %') LIMIT 1"
)
"""An imported history lies before the opening: an engine that begins on it still has to write the balance down."""
_UNOPENED = (
    "SELECT min(CASE p.account WHEN 'cash' THEN p.posted_at END) AS paid_since, "
    "max(CASE p.account WHEN 'transfer' THEN p.posted_at END) AS left_until "
    "FROM postings p JOIN positions o USING (position_id) JOIN sessions s ON s.session_id = o.session_id "
    "WHERE p.reason = 'fill' AND coalesce(s.end_reason, '') NOT LIKE 'imported from %'"
)
_WAITING = (
    "SELECT * FROM bills WHERE matched_to IS NULL AND trade_id IS NOT NULL AND billed_at >= ? ORDER BY billed_at, seq"
)
_BOOKED_TO = (
    "SELECT * FROM bills WHERE trade_id IS NOT NULL AND order_id IS NOT NULL AND matched_to = 'bill:' || bill_id "
    "AND billed_at >= ? AND EXISTS (SELECT 1 FROM postings WHERE transaction_id = matched_to AND account = ?) "
    "AND NOT EXISTS (SELECT 1 FROM postings WHERE transaction_id = matched_to || ':resolved') ORDER BY billed_at, seq"
)
_STOPS = (
    "SELECT * FROM protections WHERE position_id = ? AND (ended_at IS NULL OR (state = 'lost' AND failure = "
    "'not listed')) ORDER BY state = 'live' DESC, seq DESC"
)
_TRAIL = "SELECT trail_state FROM protections WHERE position_id = ? AND trail_state NOT NULL ORDER BY seq DESC LIMIT 1"
_OPEN_DRIFTS = (
    "SELECT * FROM drifts WHERE resolved_at IS NULL AND coalesce(json_extract(theirs, '$.order_id'), '') = ''"
)
_CRASHES = (
    "SELECT started_at FROM sessions WHERE ended_at IS NULL OR end_kind = 'crashed' ORDER BY started_at DESC LIMIT 10"
)
_QUESTIONED = (
    "SELECT d.drift_id, d.kind, d.position_id AS drifted, f.* FROM drifts d JOIN fills f "
    "ON f.inst_id = d.inst_id AND f.order_id = json_extract(d.theirs, '$.order_id') WHERE d.resolved_at IS NULL "
    "ORDER BY f.filled_at, f.seq"
)
_OWNERLESS = (
    "SELECT f.* FROM fills f LEFT JOIN orders o ON o.client_id = f.client_id WHERE o.client_id IS NULL "
    "AND f.filled_at >= ? AND f.order_id NOT IN (SELECT coalesce(json_extract(theirs, '$.order_id'), '') FROM drifts) "
    "AND f.seq NOT IN (SELECT max(l.seq) FROM fills l JOIN closures c ON c.position_id = l.position_id "
    "GROUP BY l.position_id) ORDER BY f.filled_at, f.seq"
)
_OWNERLESS_FOR_US = 3_600_000_000
_NEWEST_INSTRUMENTS = (
    "SELECT i.* FROM instruments i JOIN (SELECT inst_id, max(version) AS version FROM instruments GROUP BY inst_id) n "
    "ON n.inst_id = i.inst_id AND n.version = i.version ORDER BY i.inst_id"
)
_OPEN_ORDERS = (
    "SELECT *, (SELECT dsum(f.contracts) FROM fills f WHERE f.client_id = orders.client_id) AS seen FROM orders "
    "WHERE state IN ('intended', 'sent', 'live', 'partly_filled', 'unknown') ORDER BY seq"
)
_KNOWN_FILLS = (  # those of before the opening belong to positions that were adopted with it
    "SELECT inst_id, trade_id, order_id, filled_at FROM fills WHERE filled_at >= ? OR filled_at < ? "
    "ORDER BY filled_at, seq"
)
_RECENT_BILLS = "SELECT bill_id, billed_at FROM bills WHERE billed_at >= ? ORDER BY billed_at, seq"
_LAST_CLOSES = (
    "SELECT c.inst_id, c.side, c.net, c.closed_at FROM closures c JOIN "
    "(SELECT inst_id, max(seq) AS seq FROM closures GROUP BY inst_id) n ON n.seq = c.seq"
)
_CLOSED_SINCE = (  # by what was recorded after what: another clock tells when it happened, as only imports need
    "SELECT c.inst_id, c.net, c.closed_at, c.cause FROM closures c JOIN sessions s USING (session_id) WHERE c.seq > ? "
    "AND (c.closed_at > ? OR coalesce(s.end_reason, '') NOT LIKE 'imported from %') ORDER BY c.seq"
)


def _instrument(row: Row) -> tuple[Instrument, int]:
    spec = Instrument(
        inst_id=row["inst_id"],
        ct_val=Decimal(row["ct_val"]),
        ct_mult=Decimal(row["ct_mult"]),
        tick_size=Decimal(row["tick_size"]),
        lot_size=Decimal(row["lot_size"]),
        min_contracts=Decimal(row["min_contracts"]),
        settle_ccy=row["settle_ccy"],
        leverage_max=Decimal(row["leverage_max"]),
        state=row["state"],
    )
    return spec, int(row["version"])


def _position(reader: LedgerReader, row: Row) -> RememberedPosition:
    position_id = row["position_id"]
    fills = reader.rows("SELECT * FROM fills WHERE position_id = ? ORDER BY filled_at, seq", (position_id,))
    trail = reader.rows(_TRAIL, (position_id,))
    entered = bool(reader.rows("SELECT 1 FROM entries WHERE position_id = ? LIMIT 1", (position_id,)))
    decided, ordered_by = _decided(reader, position_id)
    return RememberedPosition(
        position_id=position_id,
        inst_id=row["inst_id"],
        side=Side(row["side"]),
        origin=row["origin"],
        opened_at=Instant(row["opened_at"]),
        leverage=Decimal(row["leverage"] or "1"),
        parameter_set=row["parameter_set"],
        fills=tuple(_fill(one) for one in fills),
        funding=-_posted(reader, position_id, "funding"),
        penalty=-_posted(reader, position_id, "liquidation_penalty"),
        entered=entered,
        stops=tuple(map(_stop, reader.rows(_STOPS, (position_id,)))),
        trail_state=msgspec.json.decode(trail[0]["trail_state"]) if trail else None,
        decided=decided,
        ordered_by=ordered_by,
        contracts=Contracts(row["contracts"]),
        entry_price=Decimal(row["entry_price"] or "0"),
        margin_mode=row["margin_mode"],
        adopted_at=Instant(reader.rows("SELECT ts_us FROM journal WHERE seq = ?", (row["seq"],))[0]["ts_us"]),
    )


def _stop(row: Row) -> RememberedStop:
    trigger = Decimal(row["trigger_price"]) if row["trigger_price"] else None
    return RememberedStop(row["protection_id"], row["algo_id"] or "", trigger, row["state"])


def _decided(reader: LedgerReader, position_id: str) -> tuple[Cause | None, str]:
    """Give why a close was decided first, and the person who ordered one, if anybody did."""
    rows = reader.rows(
        "SELECT winner, evidence FROM decisions WHERE position_id = ? AND subject = 'exit' AND outcome = 'close' "
        "ORDER BY seq",
        (position_id,),
    )
    known = [row for row in rows if row["winner"] in tuple(Cause)]
    shown = [msgspec.json.decode(row["evidence"]) for row in known if row["winner"] == Cause.OPERATOR]
    people = [str(item["value"]) for items in shown for item in items if item["name"] == "operator"]
    return (Cause(known[0]["winner"]) if known else None), people[0] if people else ""


def _hands(reader: LedgerReader, newest: int) -> tuple[Hand, ...]:
    """Give the orders of others whose owner was not known when the last session ended."""
    found: dict[tuple[str, str], Hand] = {}
    stems = set(map(stem_of, _sessions(reader)))
    for row in (*reader.rows(_QUESTIONED), *reader.rows(_OWNERLESS, (newest - _OWNERLESS_FOR_US,))):
        fill = _fill(row)
        if session_stem(fill.client_id) in stems:
            continue
        kind, position_id = row.get("kind", "foreign_fill"), row.get("drifted") or row["position_id"] or ""
        at = fill.filled_at
        hand = Hand(fill.inst_id, fill.order_id, position_id, kind, at, at, drift_id=row.get("drift_id", ""))
        hand.closed = kind == "vanished"
        found.setdefault((fill.inst_id, fill.order_id), hand).fills.append(fill)
    return tuple(found.values())


def _sessions(reader: LedgerReader) -> tuple[str, ...]:
    return tuple(row["session_id"] for row in reader.rows("SELECT session_id FROM sessions ORDER BY started_at"))


def _posted(reader: LedgerReader, position_id: str, account: str) -> Decimal:
    """Give what moved through an account for a position, as cash sees it."""
    rows = reader.rows("SELECT amount FROM postings WHERE position_id = ? AND account = ?", (position_id, account))
    return -add(*(Decimal(row["amount"]) for row in rows), ZERO)


def _fill(row: Row) -> FillReport:
    return FillReport(
        inst_id=row["inst_id"],
        trade_id=row["trade_id"],
        order_id=row["order_id"],
        client_id=row["client_id"] or "",
        action=Action(row["action"]),
        position_side=Side(row["position_side"]) if row["position_side"] else None,
        price=Decimal(row["price"]),
        contracts=Contracts(row["contracts"]),
        fee=Decimal(row["fee"]),
        fee_ccy=row["fee_ccy"],
        liquidity=row["liquidity"],
        pnl=Decimal(row["exchange_pnl"]),
        sub_type=row["sub_type"],
        bill_id=row["bill_id"] or "",
        tag="",
        filled_at=Instant(row["filled_at"]),
        source="ledger",
    )


def _order(row: Row) -> RememberedOrder:
    return RememberedOrder(
        client_id=row["client_id"],
        inst_id=row["inst_id"],
        role=row["role"],
        action=Action(row["action"]),
        type=row["order_type"],
        price=Decimal(row["price"]) if row["price"] else None,
        contracts=Decimal(row["contracts"]),
        filled=Decimal(row["seen"] or "0"),
        reduce_only=bool(row["reduce_only"]),
        position_id=row["position_id"],
        decision_price=Decimal(row["decision_price"]) if row["decision_price"] else None,
        state=row["state"],
        order_id=row["order_id"] or "",
        intended_at=Instant(row["intended_at"]),
        expires_at=Instant(row["expires_at"] or row["intended_at"]),
        reported=Decimal(row["filled_contracts"]),
    )


def _booked_to(reader: LedgerReader, account: LedgerAccount, since: int) -> dict[FillKey, BillReport]:
    """Give the bills of executions that stand in an account of their own, because no execution explained them."""
    rows = reader.rows(_BOOKED_TO, (since, account.value))
    return {(row["inst_id"], row["trade_id"], row["order_id"]): _bill(row) for row in rows}


def _bill(row: Row) -> BillReport:
    return BillReport(
        bill_id=row["bill_id"],
        type=row["type"],
        sub_type=row["sub_type"],
        ccy=row["ccy"],
        balance_change=Decimal(row["balance_change"]),
        balance=Decimal(row["balance"]),
        inst_id=row["inst_id"] or "",
        order_id=row["order_id"] or "",
        trade_id=row["trade_id"] or "",
        contracts=None,
        price=None,
        pnl=None,
        fee=None,
        interest=None,
        at=Instant(row["billed_at"]),
    )


def _drift_kind(row: Row) -> str:
    """Name an open drift as the engine does: a bill's by the bill, because there may be several."""
    if row["kind"] != "unmatched_bill":
        return str(row["kind"])
    return f"unmatched_bill:{msgspec.json.decode(row['theirs']).get('bill_id', '')}"


def _last(row: Row) -> LastClose:
    return LastClose(Side(row["side"]), Decimal(row["net"]), Instant(row["closed_at"]))


def _limits(reader: LedgerReader) -> tuple[dict[str, Any] | None, int, int]:
    rows = reader.rows("SELECT seq, at, limits FROM heartbeats WHERE limits <> '{}' ORDER BY seq DESC LIMIT 1")
    return (msgspec.json.decode(rows[0]["limits"]), rows[0]["seq"], rows[0]["at"]) if rows else (None, 0, 0)


def opened_at(reader: LedgerReader) -> Instant | None:
    """Give since when a ledger follows its account: its opening, 0 for the account's whole life, None for not yet."""
    rows = reader.rows("SELECT posted_at FROM postings WHERE transaction_id = 'opening' LIMIT 1")
    if rows:
        return Instant(rows[0]["posted_at"])
    return Instant(0) if reader.rows(_OWN_BILLS) else None


def _unopened(reader: LedgerReader) -> tuple[Instant | None, Instant | None]:
    """Give the first execution that was paid in cash before there was an opening, and the last one left to it."""
    (row,) = reader.rows(_UNOPENED)
    return row["paid_since"], row["left_until"]


def _latch_key(row: Row) -> tuple[str, str]:
    limit, _, inst_id = row["name"].partition(":")
    return limit, inst_id


def _held(row: Row) -> Held:
    limit, inst_id = _latch_key(row)
    return Held(Limit(limit), inst_id, Instant(row["latched_at"]), row["reason"])


def _result(row: Row) -> tuple[str, Decimal, Instant, bool]:
    return row["inst_id"], Decimal(row["net"]), Instant(row["closed_at"]), Cause(row["cause"]).is_stop
