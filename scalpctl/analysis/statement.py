"""Bills against postings, both ways: whether every change of the exchange's balance is one booking of the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scalpctl.analysis.summary import Reader
from scalpctl.core.money import SETTLE, ZERO, add

Row = dict[str, Any]
EXPLAINED = ":explained"
INTERNAL = "internal:"
"""What a bill is matched to that moved nothing: margin between balance and position."""


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
    settled = (one for one in picture["bills"] if one.get("ccy", SETTLE) == SETTLE)
    bills = {one["bill_id"]: one for one in settled if one["at"] >= since}
    postings = reader.rows(
        "SELECT transaction_id, amount, posted_at FROM postings WHERE account = 'cash' AND ccy = 'USDT' "
        "AND posted_at >= ?",
        (since,),
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
    used |= {"opening", *_taken_back(by_transaction)}
    orphans = [row for row in postings if row["transaction_id"] not in used]
    everything = amount_of(reader.rows("SELECT amount FROM postings WHERE account = 'cash' AND ccy = 'USDT'"))
    changes = add(*(Decimal(bill["change"]) for bill in bills.values()), ZERO)
    moved = amount_of(postings)
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


def _taken_back(moved: Mapping[str, Decimal]) -> Iterator[str]:
    """Give the bookings of bills that were undone to the digit, because their executions were found after all."""
    for name, amount in moved.items():
        first = name.removesuffix(EXPLAINED)
        if first != name and moved.get(first) == -amount:
            yield from (first, name)


def _before(reader: Reader, since: int) -> int:
    rows = reader.rows(
        "SELECT count(*) AS n FROM postings WHERE account = 'cash' AND ccy = 'USDT' AND posted_at < ? "
        "AND transaction_id <> 'opening' AND source_kind <> 'import'",
        (since,),
    )
    return int(rows[0]["n"])


def amount_of(rows: list[Row]) -> Decimal:
    """Add up the amounts of postings."""
    return add(*(Decimal(row["amount"]) for row in rows), ZERO)
