"""Ledger against exchange: every difference is a finding with both sides, its evidence and what would be done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec

from scalpctl.analysis.holdings import kept
from scalpctl.analysis.statement import amount_of
from scalpctl.analysis.summary import Reader
from scalpctl.core.instants import Instant
from scalpctl.core.names import is_ours

Row = dict[str, Any]
RED, YELLOW = "red", "yellow"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference."""

    kind: str
    severity: str
    subject: str
    ours: Any
    theirs: Any
    proposal: str
    evidence: list[Any] = field(default_factory=list)

    def plain(self) -> Row:
        """Give it for a program."""
        return asdict(self)


def digest(findings: list[Finding]) -> str:
    """Name a plan, so that carrying it out can be refused when the world has moved on."""
    return sha256(msgspec.json.encode([one.plain() for one in findings], order="sorted")).hexdigest()[:16]


def compare(reader: Reader, picture: Row) -> list[Finding]:
    """Hold one picture of the exchange against the ledger; of what is done elsewhere only the money is compared."""
    here = _here(reader, picture)
    return [
        *_fills(reader, here),
        *_positions(reader, here),
        *_orders(reader, here),
        *_stops(reader, here),
        *_money(reader, here),
    ]


def confirmed(before: list[Finding], now: list[Finding]) -> list[Finding]:
    """Give what two comparisons show: one picture may be older than what an engine has written since."""
    seen = {(one.kind, one.subject) for one in before}
    return [one for one in now if (one.kind, one.subject) in seen]


_FIRST = (
    "SELECT min(at) AS at FROM (SELECT min(filled_at) AS at FROM fills UNION ALL SELECT min(billed_at) FROM bills "
    "UNION ALL SELECT posted_at FROM postings WHERE transaction_id = 'opening')"
)


def first_known(reader: Reader) -> Instant:
    """Give since when the ledger knows anything: what the exchange has before that is no matter of comparison."""
    return Instant(reader.rows(_FIRST)[0]["at"] or 0)


def elsewhere(reader: Reader, picture: Row) -> list[str]:
    """Give the instruments others hold something in where this ledger has nothing to compare it with."""
    traded = _traded(reader, picture)
    return sorted({one["instrument"] for one in picture["positions"] if traded and one["instrument"] not in traded})


def others_orders(reader: Reader, picture: Row) -> list[Row]:
    """Give the orders somebody else keeps at the exchange, in instruments traded here."""
    return [one for one in _here(reader, picture)["orders"] if not is_ours(one["client_id"])]


def _here(reader: Reader, picture: Row) -> Row:
    """Leave out what belongs to instruments nothing was ever traded in; their bills are booked, nothing else is."""
    traded = _traded(reader, picture)
    if not traded:
        return picture
    lists = ("positions", "orders", "algos", "fills")
    return picture | {name: [one for one in picture[name] if one["instrument"] in traded] for name in lists}


def _traded(reader: Reader, picture: Row) -> set[str]:
    known = {str(row["inst_id"]) for row in reader.rows("SELECT DISTINCT inst_id FROM instruments")}
    return known and known | set(picture.get("traded", ()))


_BOOKED_BY_BILL = (  # others traded there before anything was traded here
    "SELECT b.inst_id, b.trade_id, b.order_id FROM postings p JOIN bills b ON b.matched_to = p.transaction_id "
    "WHERE p.account = 'elsewhere'"
)


def _fills(reader: Reader, picture: Row) -> Iterator[Finding]:
    """Executions the exchange has and we do not, or the other way round, or with other numbers."""
    since = picture["since"]
    ours = {
        (row["inst_id"], row["trade_id"], row["order_id"]): row
        for row in reader.rows("SELECT * FROM fills WHERE filled_at >= ?", (since,))
    }
    theirs = {(one["instrument"], one["trade_id"], one["order_id"]): one for one in picture["fills"]}
    (opening,) = reader.rows("SELECT max(posted_at) AS at FROM postings WHERE transaction_id = 'opening'")
    for key in [key for key, one in theirs.items() if one["at"] < (opening["at"] or 0) and key not in ours]:
        del theirs[key]  # its money is in the balance the ledger began with
    for row in reader.rows(_BOOKED_BY_BILL):
        theirs.pop((row["inst_id"], row["trade_id"], row["order_id"]), None)
    for key in sorted(theirs.keys() - ours.keys()):
        yield Finding("fill_missing_here", RED, ":".join(key), None, theirs[key], "book it from the exchange's record")
    for key in sorted(ours.keys() - theirs.keys()):
        row = ours[key]
        shown = {"price": row["price"], "contracts": row["contracts"]}
        yield Finding("fill_missing_there", RED, ":".join(key), shown, None, "nothing: a person must look")
    for key in sorted(ours.keys() & theirs.keys()):
        pair = [(ours[key][name], theirs[key][name]) for name in ("price", "contracts", "fee")]
        if any(one != two and Decimal(one) != Decimal(two or "0") for one, two in pair):
            yield Finding("fill_conflict", RED, ":".join(key), pair, theirs[key], "nothing: a person must look")


def _positions(reader: Reader, picture: Row) -> Iterator[Finding]:
    ours = {row["instrument"]: row for row in kept(reader) if Decimal(row["contracts"])}
    theirs = {one["instrument"]: one for one in picture["positions"]}
    for inst_id in sorted(ours.keys() | theirs.keys()):
        our, their = ours.get(inst_id), theirs.get(inst_id)
        if our is not None and their is not None:
            yield from _pair(inst_id, our, their)
        elif our is not None:
            proposal = "close it with the exchange's fills and the cause they prove"
            yield Finding("position_vanished", RED, inst_id, _shown(our), None, proposal, [our["position_id"]])
        elif their is not None:
            proposal = "adopt it with its fills, and protect it"
            yield Finding("position_appeared", RED, inst_id, None, _lasting(their), proposal)


def _pair(inst_id: str, our: Row, their: Row) -> Iterator[Finding]:
    if our["side"] != their["side"]:
        yield Finding("position_flipped", RED, inst_id, _shown(our), _lasting(their), "book the fills that flipped it")
    elif Decimal(our["contracts"]) != Decimal(their["contracts"]):
        yield Finding("position_resized", RED, inst_id, _shown(our), _lasting(their), "book the fills that resized it")
    elif our["leverage"] and their["leverage"] and Decimal(our["leverage"]) != Decimal(their["leverage"]):
        yield Finding("leverage", YELLOW, inst_id, our["leverage"], their["leverage"], "take the exchange's value")


def _lasting(row: Row) -> Row:
    """Give what stays while nobody trades: a plan must not have another name at every tick."""
    names = ("side", "contracts", "average_price", "leverage", "margin_mode", "opened_at")
    return {name: row[name] for name in names if name in row}


def _shown(row: Row) -> Row:
    return {name: row[name] for name in ("side", "contracts", "entry_price", "opened_at", "position_id")}


def _orders(reader: Reader, picture: Row) -> Iterator[Finding]:
    known = {row["client_id"]: row for row in reader.rows("SELECT client_id, state, inst_id FROM orders")}
    pending = {one["client_id"]: one for one in picture["orders"] if is_ours(one["client_id"])}
    for client_id, one in sorted(pending.items()):
        row = known.get(client_id)
        if row is None:
            yield Finding("orphan_order", YELLOW, one["order_id"], None, one, "cancel it: another ledger left it")
        elif row["state"] in {"filled", "cancelled", "refused", "void"}:
            yield Finding("order_lives", RED, client_id, row["state"], "live", "take the exchange's word and cancel it")
    for client_id, row in sorted(known.items()):
        if row["state"] in {"sent", "live", "partly_filled", "unknown", "intended"} and client_id not in pending:
            yield Finding("order_gone", YELLOW, client_id, row["state"], None, "ask what became of it by its id")


def _stops(reader: Reader, picture: Row) -> Iterator[Finding]:
    ours = {row["protection_id"] for row in reader.rows("SELECT protection_id FROM protections")}
    held = {one["instrument"] for one in picture["positions"]}
    size = {_guards(one): abs(Decimal(one["contracts"])) for one in picture["positions"]}
    guarded = {_guards(one) for one in picture["algos"] if _covers(one, size.get(_guards(one)))}
    for inst_id, mode in sorted({_guards(one) for one in picture["positions"]} - guarded):
        other = f"a stop stands in another margin mode than {mode}" if inst_id in dict(guarded) else None
        yield Finding("missing_stop", RED, inst_id, None, other, "place a stop for the whole position")
    for one in picture["algos"]:
        if one["client_id"] in ours and one["instrument"] not in held:
            yield Finding("orphan_algo", RED, one["algo_id"], None, one, "cancel it: it guards nothing")


def _covers(algo: Row, size: Decimal | None) -> bool:
    """Tell whether it is a stop that closes all of a position: whatever it is then, or as much as there is."""
    sized = algo.get("contracts")
    return algo["stop"] is not None and (
        algo["whole"] or (size is not None and sized is not None and Decimal(sized) >= size)
    )


def _guards(one: Row) -> tuple[str, str]:
    """Give what tells positions apart, and which of them a stop can close: the instrument and its margin mode."""
    return str(one["instrument"]), str(one.get("margin_mode") or "")


def _money(reader: Reader, picture: Row) -> Iterator[Finding]:
    cash = amount_of(reader.rows("SELECT amount FROM postings WHERE account = 'cash' AND ccy = 'USDT'"))
    if cash != Decimal(picture["cash"]):
        shown = format(cash, "f")
        yield Finding("balance_gap", RED, "USDT", shown, picture["cash"], "book the bills that explain it")
    rows = reader.rows("SELECT ccy, source_id, amount, posted_at FROM postings WHERE account = 'suspense'")
    for ccy in sorted({row["ccy"] for row in rows}):
        waiting = [row for row in rows if row["ccy"] == ccy]
        if suspense := amount_of(waiting):
            proposal = "find the executions that explain it"
            yield Finding("suspense", RED, ccy, format(suspense, "f"), None, proposal, waiting)
