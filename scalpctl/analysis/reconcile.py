"""Ledger against exchange: every difference is a finding with both sides, its evidence and what would be done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec

from scalpctl.analysis.holdings import kept
from scalpctl.analysis.summary import Reader
from scalpctl.core.money import ZERO, add

Row = dict[str, Any]
RED, YELLOW = "red", "yellow"
INTERNAL = "internal:"
"""What a bill is matched to that moved nothing: margin between balance and position."""


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
    """Hold one picture of the exchange against the ledger."""
    return [
        *_fills(reader, picture),
        *_positions(reader, picture),
        *_orders(reader, picture),
        *_stops(reader, picture),
        *_money(reader, picture),
    ]


def _fills(reader: Reader, picture: Row) -> Iterator[Finding]:
    """Executions the exchange has and we do not, or the other way round, or with other numbers."""
    since = picture["since"]
    ours = {
        (row["inst_id"], row["trade_id"], row["order_id"]): row
        for row in reader.rows("SELECT * FROM fills WHERE filled_at >= ?", (since,))
    }
    theirs = {(one["instrument"], one["trade_id"], one["order_id"]): one for one in picture["fills"]}
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
        if our is None:
            yield Finding("position_appeared", RED, inst_id, None, their, "adopt it with its fills, and protect it")
        elif their is None:
            proposal = "close it with the exchange's fills and the cause they prove"
            yield Finding("position_vanished", RED, inst_id, _shown(our), None, proposal, [our["position_id"]])
        else:
            yield from _pair(inst_id, our, their)


def _pair(inst_id: str, our: Row, their: Row) -> Iterator[Finding]:
    if our["side"] != their["side"]:
        yield Finding("position_flipped", RED, inst_id, _shown(our), their, "book the fills that flipped it")
    elif Decimal(our["contracts"]) != Decimal(their["contracts"]):
        yield Finding("position_resized", RED, inst_id, _shown(our), their, "book the fills that resized it")
    elif our["leverage"] and their["leverage"] and Decimal(our["leverage"]) != Decimal(their["leverage"]):
        yield Finding("leverage", YELLOW, inst_id, our["leverage"], their["leverage"], "take the exchange's value")


def _shown(row: Row) -> Row:
    return {name: row[name] for name in ("side", "contracts", "entry_price", "opened_at", "position_id")}


def _orders(reader: Reader, picture: Row) -> Iterator[Finding]:
    known = {row["client_id"]: row for row in reader.rows("SELECT client_id, state, inst_id FROM orders")}
    pending = {one["client_id"]: one for one in picture["orders"]}
    for client_id, one in sorted(pending.items()):
        row = known.get(client_id)
        if row is None:
            yield Finding("orphan_order", YELLOW, one["order_id"], None, one, "leave it: no session of ours sent it")
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
    cash = _sum(reader.rows("SELECT amount FROM postings WHERE account = 'cash'"))
    if cash != Decimal(picture["cash"]):
        shown = format(cash, "f")
        yield Finding("balance_gap", RED, "USDT", shown, picture["cash"], "book the bills that explain it")
    suspense = _sum(reader.rows("SELECT amount FROM postings WHERE account = 'suspense'"))
    if suspense:
        rows = reader.rows("SELECT source_id, amount, posted_at FROM postings WHERE account = 'suspense'")
        yield Finding("suspense", RED, "USDT", format(suspense, "f"), None, "find the executions that explain it", rows)


@dataclass(frozen=True, slots=True)
class Statement:
    """Bills and postings of a time matched one to one: opening + changes = closing, or the orphans say why not."""

    since: int
    opening: str
    changes: str
    closing: str
    ledger_cash: str
    exchange_cash: str
    matched: int
    orphan_bills: list[Row]
    orphan_postings: list[Row]
    postings_before: int = 0
    """Cash postings that lie before ``since``: not part of this proof."""

    @property
    def holds(self) -> bool:
        """Tell whether everything adds up to the last digit."""
        same = Decimal(self.closing) == Decimal(self.ledger_cash) == Decimal(self.exchange_cash)
        return same and not self.orphan_bills and not self.orphan_postings


def statement(reader: Reader, picture: Row) -> Statement:
    """Match every bill of the exchange since an instant with one cash posting, and every cash posting with a bill."""
    since = picture["since"]
    began = reader.rows("SELECT posted_at FROM postings WHERE transaction_id = 'opening' LIMIT 1")
    since = max(since, began[0]["posted_at"] + 1 if began else 0)
    bills = {one["bill_id"]: one for one in picture["bills"] if one["at"] >= since}
    postings = reader.rows(
        "SELECT transaction_id, amount, posted_at FROM postings WHERE account = 'cash' AND posted_at >= ?", (since,)
    )
    by_transaction: dict[str, Decimal] = {}
    for row in postings:
        known = by_transaction.get(row["transaction_id"], ZERO)
        by_transaction[row["transaction_id"]] = add(known, Decimal(row["amount"]))
    links = {row["bill_id"]: row["matched_to"] or "" for row in reader.rows("SELECT bill_id, matched_to FROM bills")}
    orphan_bills, used, matched = list[Row](), set[str](), 0
    for bill_id, bill in sorted(bills.items()):
        link, change = links.get(bill_id, ""), Decimal(bill["change"])
        unmoved = link.startswith(INTERNAL) or (bool(link) and not change)  # nothing moved, so nothing was posted
        if by_transaction.get(link, ZERO if unmoved else None) == change:
            matched += 1
            used.add(link)
        else:
            orphan_bills.append(bill)
    orphans = [row for row in postings if row["transaction_id"] not in used and row["transaction_id"] != "opening"]
    everything = _sum(reader.rows("SELECT amount FROM postings WHERE account = 'cash'"))
    changes = add(*(Decimal(bill["change"]) for bill in bills.values()), ZERO)
    moved = _sum(postings)
    opening = add(everything, -moved)
    return Statement(
        since=since,
        opening=format(opening, "f"),
        changes=format(changes, "f"),
        closing=format(add(opening, changes), "f"),
        ledger_cash=format(everything, "f"),
        exchange_cash=picture["cash"],
        matched=matched,
        orphan_bills=orphan_bills,
        orphan_postings=orphans,
        postings_before=_before(reader, since),
    )


def _before(reader: Reader, since: int) -> int:
    rows = reader.rows(
        "SELECT count(*) AS n FROM postings WHERE account = 'cash' AND posted_at < ? AND transaction_id <> 'opening' "
        "AND source_kind <> 'import'",
        (since,),
    )
    return int(rows[0]["n"])


def _sum(rows: list[Row]) -> Decimal:
    return add(*(Decimal(row["amount"]) for row in rows), ZERO)
