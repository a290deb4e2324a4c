"""The exchange's half: the ledger held against what OKX itself says. Runs with --online."""

from __future__ import annotations

from collections.abc import Iterator

from scalpctl.analysis.audit.books import Books
from scalpctl.analysis.audit.findings import RED, YELLOW, Finding, Needs, NotJudged, check
from scalpctl.analysis.audit.protection import from_exchange
from scalpctl.analysis.statement import statement
from scalpctl.core.instants import MICROS_PER_SECOND, Instant, rfc3339

PLAN = "`scalpctl reconcile` prints the plan with its evidence"
DOCTOR = "`scalpctl doctor --online` names each setting and its cure"

DAY_US = 86_400 * MICROS_PER_SECOND


@check("AU-24", section=9, severity=RED, title="Positions are those of the exchange", cure=PLAN, needs=Needs.EXCHANGE)
def positions(books: Books) -> Iterator[Finding]:
    """Instrument, side and size of every position, ours and theirs."""
    yield from from_exchange(books, "position_appeared", "position_vanished", "position_flipped", "position_resized")


@check("AU-25", section=9, severity=RED, title="Open orders are those of the exchange", cure=PLAN, needs=Needs.EXCHANGE)
def orders(books: Books) -> Iterator[Finding]:
    """Every open order of an engine is on both sides; one that another ledger left is listed (yellow). Orders that
    people and other programs keep are theirs.
    """
    yield from from_exchange(books, "orphan_order", "order_lives", "order_gone")


@check(
    "AU-26",
    section=9,
    severity=RED,
    title="Executions are those of the exchange, digit for digit",
    cure=PLAN,
    needs=Needs.EXCHANGE,
)
def fills(books: Books) -> Iterator[Finding]:
    """Every execution the exchange still lists is in the ledger with the same digits, and the other way round."""
    yield from from_exchange(books, "fill_missing_here", "fill_missing_there", "fill_conflict")


_UNMATCHED = (
    "SELECT bill_id, seq, type, sub_type, balance_change FROM bills WHERE matched_to IS NULL AND billed_at <= :settled "
    "AND billed_at "
    "BETWEEN :since AND :until"
)
_TWICE = (
    "SELECT b.matched_to, count(*) AS n, dsum(b.balance_change) AS billed, min(b.seq) AS seq FROM bills b WHERE "
    "b.matched_to IS NOT NULL "
    "AND b.matched_to NOT LIKE 'internal:%' AND b.billed_at BETWEEN :since AND :until GROUP BY b.matched_to HAVING n > "
    "1"
)


@check(
    "AU-28",
    section=9,
    severity=RED,
    title="Every bill is booked once, and the ledger's cash is the exchange's",
    cure="`scalpctl reconcile --statement`",
)
def bills(books: Books) -> Iterator[Finding]:
    """Every mirrored bill is matched to exactly one booking. With --online: opening plus all changes is the closing
    balance, which is the ledger's cash and the exchange's, to the last digit.
    """
    for row in books.rows(_UNMATCHED):
        yield Finding(f"bill {row['bill_id']}", f"{row['balance_change']} is booked nowhere", rows=(row,))
    for row in books.rows(_TWICE):
        yield Finding(row["matched_to"], f"{row['n']} bills claim this booking", rows=(row,))
    if books.exchange is not None:
        proof = statement(books.reader, books.exchange)
        if not proof.holds:
            what = f"ledger cash {proof.ledger_cash}, exchange {proof.exchange_cash}, closing {proof.closing}"
            yield Finding("statement", what, rows=tuple(proof.orphan_bills[:20]))


@check(
    "AU-29",
    section=9,
    severity=YELLOW,
    title="Account settings are those the ledger expects",
    cure=DOCTOR,
    needs=Needs.EXCHANGE,
)
def settings(books: Books) -> Iterator[Finding]:
    """Leverage, margin mode, margin transfers, position mode, account level: a wrong mode is red, a different leverage
    yellow.
    """
    if isinstance(books.account, str):
        raise NotJudged(books.account)
    yield from from_exchange(books, "leverage")
    yield from _account(books, "mode", "level", "transfers", "leverage", "environment")


@check(
    "AU-47",
    section=13,
    severity=RED,
    title="The API key cannot withdraw and is bound to this address",
    cure=DOCTOR,
    needs=Needs.EXCHANGE,
)
def key(books: Books) -> Iterator[Finding]:
    """A key that can withdraw is red; so is one that is not bound to an IP address where real money is traded, and
    yellow elsewhere: it works from anywhere, and expires after 14 idle days.
    """
    if isinstance(books.account, str):
        raise NotJudged(books.account)
    if not books.account:
        raise NotJudged(
            "the embedded exchange's key opens nothing else"
            if books.env in {"sim", "paper"}
            else "needs the exchange: --online"
        )
    yield from _account(books, "permissions", "ip binding")


@check(
    "AU-49",
    section=2,
    severity=YELLOW,
    title="Nothing held is about to be delisted or suspended",
    cure="`scalpctl close INSTRUMENT` before it happens",
    needs=Needs.EXCHANGE,
)
def delisting(books: Books) -> Iterator[Finding]:
    """Instruments held that are not live at the exchange, or leave its list within a week (red within a day)."""
    listed = {one["instrument"]: one for one in books.picture().get("instruments", ())}
    for row in books.rows("SELECT position_id, seq, inst_id FROM positions WHERE state <> 'closed'"):
        seen = listed.get(row["inst_id"], {"state": "live", "expires_at": None})
        if seen["state"] != "live":
            said = f"is {seen['state']} at the exchange and held by {row['position_id']}"
            yield Finding(row["inst_id"], said, RED, (row,))
        elif seen["expires_at"] is not None and seen["expires_at"] - books.now < 7 * DAY_US:
            said = f"leaves the list at {rfc3339(Instant(seen['expires_at']))} and is held by {row['position_id']}"
            yield Finding(row["inst_id"], said, RED if seen["expires_at"] - books.now < DAY_US else YELLOW, (row,))


def _account(books: Books, *words: str) -> Iterator[Finding]:
    for row in () if isinstance(books.account, str) else books.account:
        if row["grade"] in {"warn", "fail"} and any(word in row["check"].lower() for word in words):
            yield Finding(row["check"], row["found"], RED if row["grade"] == "fail" else YELLOW, (row,))
