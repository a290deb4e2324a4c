"""Section 9, protection: was anybody naked, for how long, and is every position covered now."""

from __future__ import annotations

from collections.abc import Iterator

from scalpctl.analysis.audit.books import Books
from scalpctl.analysis.audit.findings import RED, YELLOW, Finding, Row, check

SECOND_US = 1_000_000
PROTECT = "start the engine: it protects within 3 s; or `scalpctl close`"

_STANDING = (
    "SELECT p.position_id, p.inst_id, p.seq, p.opened_at, p.state, (SELECT count(*) FROM protections s WHERE "
    "s.position_id = "
    "p.position_id AND s.ended_at IS NULL AND s.confirmed_at IS NOT NULL AND s.state <> 'lost') AS stops, (SELECT "
    "max(s.ended_at) "
    "FROM protections s WHERE s.position_id = p.position_id) AS ended FROM positions p WHERE p.opened_at <= :settled "
    "AND "
    "(p.state <> 'closed' OR p.closed_at <= :settled) AND p.opened_at BETWEEN :since AND :until"
)


@check("AU-27", section=9, severity=RED, title="Every open position has one stop, every closed one none", cure=PROTECT)
def naked(books: Books) -> Iterator[Finding]:
    """As the ledger knows it: an open position has exactly one confirmed stop of its whole size, and the stop of a
    closed position has ended. With --online the exchange's own list is held against it as well.
    """
    for row in books.rows(_STANDING):
        if row["state"] == "closed":
            if row["stops"]:
                yield Finding(row["position_id"], f"is flat, and its stop in {row['inst_id']} never ended", rows=(row,))
        elif row["stops"] == 0 and (row["ended"] or 0) <= books.settled:
            yield Finding(row["position_id"], f"{row['inst_id']} is open without a stop", rows=(row,))
        elif row["stops"] > 1:
            yield Finding(row["position_id"], f"{row['inst_id']} has {row['stops']} stops", rows=(row,))
    if books.exchange is not None:
        yield from from_exchange(books, "missing_stop", "orphan_algo")


def from_exchange(books: Books, *kinds: str) -> Iterator[Finding]:
    """Give what holding the ledger against the exchange found, of some kinds."""
    from scalpctl.analysis.reconcile import compare

    if "compared" not in books.extra:
        books.extra["compared"] = compare(books.reader, books.picture())
    for one in books.extra["compared"]:
        if one.kind in kinds:
            what = f"{one.kind.replace('_', ' ')}: ours {one.ours}, theirs {one.theirs}"
            yield Finding(
                one.subject, what, RED if one.severity == "red" else YELLOW, ({"ours": one.ours, "theirs": one.theirs},)
            )


_COVER = (
    "SELECT p.position_id, p.inst_id, p.seq, p.opened_at, coalesce(p.closed_at, :now) AS closed_at, s.confirmed_at, "
    "s.ended_at "
    "FROM positions p LEFT JOIN protections s ON s.position_id = p.position_id AND s.confirmed_at IS NOT NULL "
    "WHERE p.opened_at BETWEEN :since AND :until AND p.origin = 'engine' "
    "AND p.opened_at >= (SELECT min(started_at) FROM sessions) ORDER BY p.seq, s.confirmed_at"
)


@check(
    "AU-31",
    section=9,
    severity=YELLOW,
    title="Nobody was naked for long",
    cure="what delayed the stop? `scalpctl analyze-session --trade ID`",
)
def naked_seconds(books: Books) -> Iterator[Finding]:
    """The seconds without a confirmed stop in the life of each position that was opened here, at its beginning and
    between stops: above the threshold yellow, above a minute red.
    """
    worst = 0
    for row, seconds in naked_times(books.rows(_COVER)):
        worst = max(worst, seconds)
        if seconds > books.thresholds.naked_s_max * SECOND_US:
            bad = seconds > 60 * SECOND_US
            what = f"{row['inst_id']} had no stop for {seconds / SECOND_US:.1f} s"
            yield Finding(row["position_id"], what, RED if bad else YELLOW, (row,))
    books.extra["naked_max_us"] = worst


def naked_times(rows: list[Row]) -> Iterator[tuple[Row, int]]:
    """Give the microseconds without a stop for every position, from rows ordered by position and confirmation."""
    lives: dict[str, list[Row]] = {}
    for row in rows:
        lives.setdefault(row["position_id"], []).append(row)
    for covers in lives.values():
        covered_until, gap, end = covers[0]["opened_at"], 0, covers[0]["closed_at"]
        for one in covers:
            if one["confirmed_at"] is None:
                continue
            gap += max(0, min(one["confirmed_at"], end) - covered_until)
            covered_until = max(covered_until, one["ended_at"] or end)
        yield covers[0], gap + max(0, end - covered_until)
