"""Section 3: the trail is complete: every position has its story, every session its beginning and end."""

from __future__ import annotations

from collections.abc import Iterator

from scalpctl.analysis.audit.books import Books, read_json
from scalpctl.analysis.audit.findings import RED, YELLOW, Finding, Row, check

REPORT = "this is a defect of the engine: keep the ledger and report it with the rows shown"
STORY = "`scalpctl analyze-session --trade ID` shows what is known"

_STORIES = (
    "SELECT p.position_id, p.seq, p.origin, p.state, c.cause, c.evidence, "
    "EXISTS (SELECT 1 FROM entries e WHERE e.position_id = p.position_id) AS entered, "
    "EXISTS (SELECT 1 FROM entries e JOIN decisions d ON d.decision_id = e.decision_id WHERE e.position_id = "
    "p.position_id "
    "AND d.gates <> '[]') AS decided, "
    "EXISTS (SELECT 1 FROM fills f WHERE f.position_id = p.position_id) AS executed, "
    "EXISTS (SELECT 1 FROM protections s WHERE s.position_id = p.position_id) AS protected, "
    "p.opened_at < (SELECT min(started_at) FROM sessions) AS taken_over "
    "FROM positions p LEFT JOIN closures c ON c.position_id = p.position_id "
    "WHERE p.opened_at BETWEEN :since AND :until AND p.opened_at <= :settled"
)
_WANTED = {
    "entered": "an entry",
    "decided": "an entry decision with its gates",
    "executed": "executions",
    "protected": "a stop",
}


@check("AU-18", section=3, severity=YELLOW, title="Every position has its whole story", cure=STORY)
def stories(books: Books) -> Iterator[Finding]:
    """A position the engine opened has an entry decision with its gates, executions, and a stop; a closed one has a
    cause with its evidence, whoever closed it. A missing cause or missing evidence is red. What was held before this
    ledger began has its beginning in another one.
    """
    for row in books.rows(_STORIES):
        subject, rows = row["position_id"], (_short(row),)
        if row["state"] == "closed" and not (row["cause"] and read_json(row["evidence"])):
            yield Finding(subject, "was closed without a cause or without its evidence", RED, rows)
        if row["origin"] != "engine" or row["taken_over"]:
            continue
        for name, what in _WANTED.items():
            if not row[name]:
                yield Finding(subject, f"has no record of {what}", rows=rows)


def _short(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "evidence"}


_UNVOTED = (
    "SELECT c.position_id, c.seq, c.cause FROM closures c WHERE c.closed_by = 'engine' AND c.closed_at BETWEEN :since "
    "AND :until "
    "AND c.cause IN ('stop_loss', 'loss_cut', 'smart_exit', 'profit_harvest', 'profit_drawdown', 'take_profit', "
    "'trailing_stop', 'holding_limit') AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.position_id = c.position_id "
    "AND "
    "d.subject = 'exit' AND d.outcome = 'close' AND d.winner = c.cause)"
)
_UNDECIDED = (
    "SELECT o.client_id, o.seq, o.role FROM orders o WHERE o.role IN ('entry', 'partial') AND o.intended_at BETWEEN "
    ":since AND :until "
    "AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.decision_id = o.decision_id) AND NOT EXISTS (SELECT 1 FROM "
    "operator_commands c WHERE c.command = 'close')"
)
_SILENT = (
    "SELECT session_id, connection, event, max(gap) AS gap, count(*) AS n, min(seq) AS seq FROM (SELECT e.session_id, "
    "e.connection, e.event, e.seq, e.at - lag(e.at) OVER (PARTITION BY e.session_id, e.connection ORDER BY e.at) AS "
    "gap FROM "
    "connection_events e WHERE e.event = 'load' AND e.at BETWEEN :since AND :until) GROUP BY session_id, connection, "
    "event "
    "HAVING n > 10 AND max(gap) > 3 * avg(gap) AND max(gap) > 180000000"
)


@check("AU-19", section=3, severity=YELLOW, title="No kind of record falls silent", cure=REPORT)
def silence(books: Books) -> Iterator[Finding]:
    """Every closing by a rule has the decision of that rule, every entry and partial order its decision, and what is
    noted at regular times is never missing for three times as long as usual.
    """
    for row in books.rows(_UNVOTED):
        yield Finding(row["position_id"], f"was closed by {row['cause']}, and no decision of it says so", rows=(row,))
    for row in books.rows(_UNDECIDED):
        yield Finding(row["client_id"], f"{row['role']} order without a decision", rows=(row,))
    for row in books.rows(_SILENT):
        what = f"{row['connection']} {row['event']} was silent for {row['gap'] // 1_000_000} s"
        yield Finding(f"session {row['session_id']}", what, rows=(row,))


_TIMES = (
    "SELECT 'positions' AS tbl, seq, position_id AS subject, opened_at AS first, closed_at AS last FROM positions "
    "WHERE "
    "closed_at < opened_at OR opened_at > :later UNION ALL SELECT 'closures', seq, position_id, opened_at, closed_at "
    "FROM closures "
    "WHERE closed_at < opened_at OR closed_at > :later UNION ALL SELECT 'fills', seq, trade_id, filled_at, received_at "
    "FROM fills "
    "WHERE filled_at > :later OR received_at > :later UNION ALL SELECT 'orders', seq, client_id, intended_at, "
    "finished_at FROM orders "
    "WHERE finished_at < intended_at OR intended_at > :later UNION ALL SELECT 'sessions', seq, session_id, started_at, "
    "ended_at FROM "
    "sessions WHERE ended_at < started_at OR started_at > :later"
)
_BACKWARDS = (
    "SELECT j.seq, j.ts_us, b.ts_us AS before FROM journal j CROSS JOIN journal b ON b.seq = j.seq - 1 WHERE "
    "b.ts_us - j.ts_us > 1000000 AND j.ts_us BETWEEN :since AND :until AND j.writer_id = b.writer_id"
)
_TOLERANCE_US = 60_000_000


@check(
    "AU-20",
    section=3,
    severity=YELLOW,
    title="Times are possible and in order",
    cure="check the machine's clock: chrony or systemd-timesyncd",
)
def times(books: Books) -> Iterator[Finding]:
    """Nothing lies in the future, nothing ends before it begins (red), and the journal's own time never goes back by
    more than a second within one run.
    """
    for row in books.rows(_TIMES, later=books.now + _TOLERANCE_US):
        yield Finding(f"{row['tbl']} {row['subject']}", f"from {row['first']} to {row['last']} cannot be", RED, (row,))
    for row in books.rows(_BACKWARDS):
        yield Finding(
            f"journal {row['seq']}", f"time went back by {(row['before'] - row['ts_us']) / 1e6:.1f} s", rows=(row,)
        )


@check(
    "AU-52",
    section=3,
    severity=RED,
    title="Every session begins, ends, and says what it ran with",
    cure="the next start seals a crashed session",
)
def sessions(books: Books) -> Iterator[Finding]:
    """A session has its configuration word for word and the digest of its code. It ended, was sealed as crashed by the
    next start, or is running now; the last one, dead and not yet sealed, is yellow.
    """
    known = books.sessions
    for row in known:
        subject = f"session {row['session_id']}"
        rows = ({"table": "sessions", "seq": row["seq"], "session_id": row["session_id"]},)
        if not isinstance(row["settings"], dict) or not row["code_digest"] or not row["config_digest"]:
            yield Finding(subject, "its configuration or the digest of its code is missing", rows=rows)
        if row["ended_at"] is None and row is not known[-1]:
            yield Finding(subject, "never ended, and a later one began", rows=rows)
        elif row["ended_at"] is None and not books.engine_alive:
            yield Finding(subject, "has no end, and no engine is running", YELLOW, rows)
