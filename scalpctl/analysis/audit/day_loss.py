"""The loss of a day, recomputed from results and cash: what was entered although the limit was reached."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from scalpctl.analysis.audit.books import END, Books
from scalpctl.analysis.audit.findings import Finding, Row
from scalpctl.core.money import ZERO, add, multiply

DAY_US = 86_400_000_000
NOT_REALISED = Decimal("1.1")
"""A day is judged by the equity it began with: its cash, and somewhat more or less that was not realised yet."""

_RESULTS = "SELECT seq, closed_at / :day_us AS day, closed_at, net FROM closures WHERE session_id NOT NULL ORDER BY seq"
_MOVED = (
    "SELECT posted_at / :day_us AS day, account, dsum(amount) AS amount FROM postings WHERE account IN ('cash', "
    "'transfer') AND ccy = 'USDT' GROUP BY 1, 2 ORDER BY 1"
)
_RELEASES = "SELECT cleared_at FROM limit_latches WHERE name = 'daily_loss' AND cleared_at NOT NULL ORDER BY cleared_at"
_ENTRIES = (
    "SELECT client_id, seq, session_id, inst_id, intended_at FROM orders WHERE role = 'entry' AND seq > :known AND "
    "intended_at < :until AND intended_at / :day_us = :day ORDER BY seq"
)


@dataclass(frozen=True, slots=True)
class _Lost:
    """A day, or what followed a person's resume on it, whose loss reached the limit."""

    day: int
    lost: Decimal
    known_from: int
    until: int


def after_a_lost_day(books: Books, limits: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Give entry orders intended on a day whose recorded results had reached the limit of the order's own session.

    A person who resumes begins the count anew.
    """
    ratios = {session: Decimal(str(its["daily_loss_ratio_max"])) for session, its in limits.items()}
    openings = _openings(books) if ratios else {}
    for ratio in sorted(set(ratios.values())):
        for lost in _lost(books, openings, multiply(ratio, NOT_REALISED)):
            named = {"known": lost.known_from, "until": lost.until, "day": lost.day, "day_us": DAY_US}
            for row in books.rows(_ENTRIES, **named):
                if ratios.get(row["session_id"]) == ratio:
                    yield _finding(row, lost, openings[lost.day])


def _openings(books: Books) -> dict[int, Decimal]:
    """Give each day's opening: the cash of the days before it, and what was brought or taken on it."""
    openings: dict[int, Decimal] = {}
    cash = ZERO
    for day, rows in groupby(books.rows(_MOVED, day_us=DAY_US), key=lambda row: row["day"]):
        moved = {row["account"]: Decimal(row["amount"]) for row in rows}
        openings[day] = add(cash, -moved.get("transfer", ZERO))
        cash = add(cash, moved.get("cash", ZERO))
    return openings


def _lost(books: Books, openings: Mapping[int, Decimal], ratio: Decimal) -> Iterator[_Lost]:
    """Add up results in the order they were recorded in, and give each point at which they were too much."""
    releases = [0, *(int(row["cleared_at"]) for row in books.rows(_RELEASES)), END]

    def period(row: Row) -> tuple[int, int]:
        return row["day"], bisect_right(releases, row["closed_at"])

    results = sorted(books.rows(_RESULTS, day_us=DAY_US), key=period)  # sorting leaves each period's own order
    for (day, ends), rows in groupby(results, key=period):
        most, lost = multiply(openings.get(day, ZERO), ratio), ZERO
        for row in rows:
            lost = add(lost, -Decimal(row["net"]))
            if ZERO < most <= lost:
                yield _Lost(day, lost, row["seq"], releases[ends])
                break


def _finding(row: Row, lost: _Lost, opening: Decimal) -> Finding:
    what = f"entered {row['inst_id']} after the day had lost {lost.lost} of {opening}"
    return Finding(row["client_id"], what, rows=(row, {"table": "closures", "seq": lost.known_from}))
