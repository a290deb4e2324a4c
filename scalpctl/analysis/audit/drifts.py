"""Section 9, drift: where exchange and ledger disagreed, and whether it was explained."""

from __future__ import annotations

from collections.abc import Iterator

from scalpctl.analysis.audit.books import Books
from scalpctl.analysis.audit.findings import RED, YELLOW, Finding, check

RECONCILE = "`scalpctl reconcile` looks for the evidence; `scalpctl drifts` lists what is known"


@check("AU-30", section=9, severity=RED, title="Every drift is resolved, and drifts are rare", cure=RECONCILE)
def unresolved(books: Books) -> Iterator[Finding]:
    """A drift that is not resolved after ten minutes is red. More drifts of unknown cause in a day than the threshold,
    and positions that vanish and appear again within five minutes, are yellow.
    """
    open_ones = (
        "SELECT drift_id, seq, kind, inst_id, detected_at FROM drifts WHERE resolved_at IS NULL AND detected_at < :now "
        "- 600000000 "
        "AND detected_at BETWEEN :since AND :until"
    )
    for row in books.rows(open_ones):
        minutes = (books.now - row["detected_at"]) // 60_000_000
        yield Finding(
            row["drift_id"], f"{row['kind']} of {row['inst_id']} is open since {minutes} minutes", rows=(row,)
        )
    rate = (
        "SELECT detected_at / 86400000000 AS day, count(*) AS n, min(seq) AS seq FROM drifts WHERE detected_at BETWEEN "
        ":since AND "
        ":until AND coalesce(cause, 'unknown') = 'unknown' GROUP BY 1 HAVING n > :drifts_per_day_max"
    )
    for row in books.rows(rate):
        yield Finding("drifts", f"{row['n']} of unknown cause in one day", YELLOW, (row,))
    flapping = (
        "SELECT a.drift_id, a.seq, a.inst_id, b.drift_id AS again FROM drifts a JOIN drifts b ON b.inst_id = a.inst_id "
        "AND a.kind = "
        "'vanished' AND b.kind = 'appeared' AND b.detected_at BETWEEN a.detected_at AND a.detected_at + 300000000 "
        "WHERE "
        "a.detected_at BETWEEN :since AND :until AND coalesce(a.cause, 'unknown') = 'unknown'"
    )
    for row in books.rows(flapping):
        yield Finding(
            row["drift_id"], f"{row['inst_id']} vanished and appeared again as {row['again']}", YELLOW, (row,)
        )


@check("AU-54", section=9, severity=YELLOW, title="Every closing by others has its cause", cure=RECONCILE)
def unexplained(books: Books) -> Iterator[Finding]:
    """The share of closures whose cause is still unknown: above none yellow, above two in a hundred red."""
    sql = (
        "SELECT position_id, closed_seq AS seq, instrument, net FROM trades WHERE origin <> 'imported' AND cause = "
        "'unknown' AND closed_at "
        "BETWEEN :since AND "
        ":until AND closed_at <= :settled"
    )
    found = books.rows(sql)
    whole = books.rows("SELECT count(*) AS n FROM closures WHERE closed_at BETWEEN :since AND :until")[0]["n"]
    bad = len(found) * 50 > whole
    for row in found:
        yield Finding(
            row["position_id"], f"nobody knows who closed {row['instrument']}", RED if bad else YELLOW, (row,)
        )
