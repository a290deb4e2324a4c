"""Section 12: connections, clocks, rate limits, and the engine's pulse."""

from __future__ import annotations

from collections.abc import Iterator

from scalpctl.analysis.audit.books import Books
from scalpctl.analysis.audit.findings import RED, YELLOW, Finding, check

SECOND_US = 1_000_000
_PULSE = (
    "SELECT session_id, at, seq, at - before AS gap FROM (SELECT h.session_id, h.at, h.seq, coalesce(lag(h.at) OVER "
    "(PARTITION BY "
    "h.session_id ORDER BY h.at), s.started_at) AS before FROM heartbeats h JOIN sessions s ON s.session_id = "
    "h.session_id) "
    "WHERE gap > :heartbeat_gap_s_max * 1000000 AND at BETWEEN :since AND :until"
)


@check(
    "AU-21",
    section=12,
    severity=YELLOW,
    title="The engine's heart never stood still",
    cure="was the machine suspended or overloaded? `journalctl -k`",
)
def pulse(books: Books) -> Iterator[Finding]:
    """A heartbeat is noted every minute. A gap longer than the threshold inside a session is yellow, longer than five
    minutes red: positions had only their stops at the exchange.
    """
    for row in books.rows(_PULSE):
        seconds = row["gap"] // SECOND_US
        yield Finding(
            f"session {row['session_id']}", f"no heartbeat for {seconds} s", RED if seconds > 300 else YELLOW, (row,)
        )


@check(
    "AU-22", section=12, severity=YELLOW, title="Connections hold", cure="check the network; `scalpctl doctor --online`"
)
def reconnects(books: Books) -> Iterator[Finding]:
    """Lost connections, those given up because a channel was silent among them, counted per line and hour: above the
    threshold yellow, above twice the threshold red. A channel that answers when it is asked again is only quiet.
    """
    sql = (
        "SELECT connection, at / 3600000000 AS hour, count(*) AS n, min(seq) AS seq FROM connection_events WHERE event "
        "= 'lost' AND at BETWEEN :since AND :until GROUP BY 1, 2 HAVING n > :reconnects_per_hour_max"
    )
    for row in books.rows(sql):
        bad = row["n"] > 2 * books.thresholds.reconnects_per_hour_max
        yield Finding(
            f"{row['connection']} line", f"was lost {row['n']} times within an hour", RED if bad else YELLOW, (row,)
        )


@check(
    "AU-23",
    section=12,
    severity=YELLOW,
    title="Our clock is the exchange's",
    cure="let chrony or systemd-timesyncd slew the clock",
)
def clocks(books: Books) -> Iterator[Finding]:
    """The difference to the exchange's clock, noted with every heartbeat: above one second yellow, above five red
    (orders would be refused as expired).
    """
    sql = (
        "SELECT session_id, max(abs(clock_offset_us)) AS offset_us, count(*) AS n, min(seq) AS seq FROM heartbeats "
        "WHERE "
        "abs(clock_offset_us) > 1000000 AND at BETWEEN :since AND :until GROUP BY session_id"
    )
    for row in books.rows(sql):
        bad = row["offset_us"] > 5 * SECOND_US
        yield Finding(
            f"session {row['session_id']}",
            f"was off by up to {row['offset_us'] / 1e6:.1f} s",
            RED if bad else YELLOW,
            (row,),
        )


_REFUSED_AGAIN = (
    "SELECT session_id, inst_id, role, action, price, contracts, refusal_code, count(*) AS n, min(seq) AS seq FROM "
    "orders WHERE "
    "refusal_code IS NOT NULL AND intended_at BETWEEN :since AND :until GROUP BY session_id, inst_id, role, action, "
    "price, contracts, "
    "refusal_code, intended_at / 600000000 HAVING n > 3"
)


@check(
    "AU-51",
    section=12,
    severity=YELLOW,
    title="Rate limits are kept and refusals are not repeated",
    cure="fewer instruments, or a larger sub-account limit; for repeats report the rows",
)
def throttling(books: Books) -> Iterator[Finding]:
    """Orders refused for their rate (50011, 50061), and requests the exchange throttled in the same minute, more than
    ten times an hour. The same order refused unchanged more than three times within ten minutes is red.
    """
    limited = (
        "SELECT refusal_code, count(*) AS n, min(seq) AS seq FROM orders WHERE refusal_code IN ('50011', '50061') AND "
        "intended_at "
        "BETWEEN :since AND :until GROUP BY 1"
    )
    for row in books.rows(limited):
        yield Finding(f"code {row['refusal_code']}", f"{row['n']} orders were refused for their rate", rows=(row,))
    slowed = (
        "SELECT at / 3600000000 AS hour, count(*) AS n, min(seq) AS seq FROM connection_events WHERE event = "
        "'throttled' AND at "
        "BETWEEN :since AND :until GROUP BY 1 HAVING n > 10"
    )
    for row in books.rows(slowed):
        yield Finding("requests", f"were throttled {row['n']} times within an hour", rows=(row,))
    for row in books.rows(_REFUSED_AGAIN):
        yield Finding(
            f"{row['inst_id']} {row['role']}", f"was refused {row['n']} times with {row['refusal_code']}", RED, (row,)
        )
