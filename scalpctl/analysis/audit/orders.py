"""Section 5: orders, races and duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from scalpctl.analysis.audit.books import Books
from scalpctl.analysis.audit.findings import RED, Finding, check
from scalpctl.core.causes import Cause

RECONCILE = "`scalpctl reconcile` compares with the exchange and plans what to do"
REPORT = "this is a defect of the engine: keep the ledger and report it with the rows shown"


@check(
    "AU-11",
    section=5,
    severity=RED,
    title="One execution, one position; one position, one closure, one cause",
    cure=REPORT,
)
def once(books: Books) -> Iterator[Finding]:
    """No execution counts for two positions, none lies outside the life of its position, and a closed position has
    exactly one closure with one known cause.
    """
    elsewhere = (
        "SELECT f.inst_id, f.trade_id, f.seq, f.position_id, p.position_id AS booked_to FROM postings p JOIN fills f "
        "ON "
        "p.source_kind = 'fill' AND p.source_id = f.inst_id || ':' || f.trade_id || ':' || f.order_id WHERE p.leg = 0 "
        "AND coalesce(p.position_id, '') <> coalesce(f.position_id, '') AND f.filled_at BETWEEN :since AND :until"
    )
    for row in books.rows(elsewhere):
        yield Finding(row["trade_id"], f"executed for {row['position_id']}, booked to {row['booked_to']}", rows=(row,))
    halves = (
        "SELECT p.position_id, p.seq, p.state, c.cause FROM positions p LEFT JOIN closures c ON c.position_id = "
        "p.position_id "
        "WHERE p.opened_at BETWEEN :since AND :until AND (p.state = 'closed') <> (c.position_id IS NOT NULL)"
    )
    for row in books.rows(halves):
        yield Finding(row["position_id"], f"is {row['state']}, its closure says {row['cause']}", rows=(row,))
    for row in books.rows("SELECT position_id, seq, cause FROM closures WHERE closed_at BETWEEN :since AND :until"):
        if row["cause"] not in tuple(Cause):
            yield Finding(row["position_id"], f"{row['cause']!r} is not a cause", rows=(row,))


_ORPHANS = (
    "SELECT f.inst_id, f.trade_id, f.order_id, f.client_id, f.position_id, f.seq FROM fills f WHERE f.filled_at "
    "BETWEEN "
    ":since AND :until AND f.received_at <= :settled AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.client_id = "
    "f.client_id) AND NOT EXISTS (SELECT 1 FROM drifts d WHERE d.inst_id = f.inst_id AND (d.position_id = "
    "f.position_id "
    "OR json_extract(d.theirs, '$.order_id') = f.order_id)) AND NOT EXISTS (SELECT 1 FROM closures c WHERE "
    "c.position_id "
    "= f.position_id AND c.cause IN ('exchange_stop', 'exchange_take_profit', 'exchange_trailing', 'exchange_algo')) "
    "AND NOT EXISTS (SELECT 1 FROM positions p WHERE p.position_id = f.position_id AND p.origin <> 'engine')"
)


@check(
    "AU-13", section=5, severity=RED, title="Every execution belongs to an order of ours or to a drift", cure=RECONCILE
)
def orphans(books: Books) -> Iterator[Finding]:
    """An execution is ours (its order is in the ledger), our stop's (the closure says so), or somebody else's (a drift
    says so). Anything else would be money without an owner.
    """
    for row in books.rows(_ORPHANS):
        yield Finding(
            f"{row['inst_id']}:{row['trade_id']}",
            f"order {row['order_id']} is not ours and no drift explains it",
            rows=(row,),
        )


@check("AU-14", section=5, severity=RED, title="No order stays intended, sent or unknown", cure=RECONCILE)
def stuck(books: Books) -> Iterator[Finding]:
    """The outcome of every order is found out within a minute: asked for by its client id until it is found or void."""
    sql = (
        "SELECT client_id, seq, role, inst_id, state, intended_at FROM orders WHERE state IN ('intended', 'sent', "
        "'unknown') "
        "AND intended_at <= :settled AND intended_at BETWEEN :since AND :until"
    )
    for row in books.rows(sql):
        yield Finding(
            row["client_id"], f"{row['role']} of {row['inst_id']} has been {row['state']} for too long", rows=(row,)
        )


@check("AU-15", section=5, severity=RED, title="What never was an order never executed", cure=REPORT)
def impossible(books: Books) -> Iterator[Finding]:
    """An order that was refused or declared void has no execution."""
    sql = (
        "SELECT o.client_id, o.seq, o.state, o.filled_contracts, (SELECT count(*) FROM fills f WHERE f.client_id = "
        "o.client_id) "
        "AS fills FROM orders o WHERE o.state IN ('void', 'refused') AND o.intended_at BETWEEN :since AND :until"
    )
    for row in books.rows(sql):
        if row["fills"] or Decimal(row["filled_contracts"]):
            yield Finding(row["client_id"], f"is {row['state']} and has {row['fills']} executions", rows=(row,))


_PROTECTIVE = ", ".join(f"'{cause.value}'" for cause in Cause if cause.is_protective)
_LEFT_RESTING = (
    "a.order_type = 'post_only' AND a.reduce_only AND coalesce(b.intended_at > 5000000 + CASE WHEN b.session_id <> "
    "a.session_id THEN (SELECT s.started_at FROM sessions s WHERE s.session_id = b.session_id) ELSE coalesce((SELECT "
    "min(d.decided_at) FROM decisions d WHERE d.position_id = a.position_id AND d.subject = 'exit' AND d.outcome = "
    "'close' AND d.decided_at > a.intended_at), CASE WHEN EXISTS (SELECT 1 FROM decisions d "
    "WHERE d.position_id = a.position_id AND d.subject = 'exit' AND d.outcome = 'close' AND d.decided_at <= "
    f"a.intended_at AND d.winner IN ({_PROTECTIVE})) THEN a.intended_at + 3000000 END) END, 0)"
)
"""Since when a close may wait for one: since its session began, or since a further reason to close was found; and
since its own posted order should have been over, where it is urgent."""


@check("AU-16", section=5, severity=RED, title="Nothing was ordered twice", cure=REPORT)
def duplicates(books: Books) -> Iterator[Finding]:
    """One decision never has two orders alive at the same time, and one position never two closing orders; but one
    that rests, and that the exchange does not take back within five seconds, holds up no urgent close.
    """
    sql = (
        "SELECT a.client_id, b.client_id AS other, a.role, a.seq, b.seq AS other_seq FROM orders a JOIN orders b ON "
        "{same} "
        "AND b.role = a.role AND b.seq > a.seq AND b.intended_at < coalesce(a.finished_at, :now) WHERE a.state NOT IN "
        "('refused', 'void') AND b.state NOT IN ('refused', 'void') AND a.intended_at BETWEEN :since AND :until {more}"
    )
    for same, more in (
        ("b.decision_id = a.decision_id", ""),
        ("b.position_id = a.position_id", f"AND a.role = 'close' AND NOT ({_LEFT_RESTING})"),
    ):
        for row in books.rows(sql.format(same=same, more=more)):
            yield Finding(row["client_id"], f"{row['role']} was ordered again as {row['other']}", rows=(row,))


_SUMS = (
    "SELECT o.client_id, o.seq, o.state, o.contracts, o.filled_contracts, coalesce(s.filled, '0') AS executed FROM "
    "orders o LEFT "
    "JOIN (SELECT client_id, dsum(contracts) AS filled FROM fills WHERE client_id IS NOT NULL GROUP BY client_id) s ON "
    "s.client_id = o.client_id WHERE o.intended_at BETWEEN :since AND :until AND coalesce(o.finished_at, :now) <= "
    ":settled "
    "AND o.state NOT IN ('void', 'refused')"
)
_STEPS = (
    "SELECT seq, json_extract(body, '$.client_id') AS client_id, json_extract(body, '$.filled_contracts') AS filled "
    "FROM journal WHERE kind = 'order_changed' AND ts_us BETWEEN :since AND :until AND filled IS NOT NULL ORDER BY seq"
)


@check(
    "AU-17", section=5, severity=RED, title="Executed sizes agree with what orders say of themselves", cure=RECONCILE
)
def executed(books: Books) -> Iterator[Finding]:
    """The executions of an order add up to its executed size; an order is filled exactly when nothing is left of it;
    and its executed size never became smaller.
    """
    for row in books.rows(_SUMS):
        wanted, said, executed_size = (Decimal(row[name]) for name in ("contracts", "filled_contracts", "executed"))
        if said != executed_size:
            yield Finding(row["client_id"], f"says {said} executed, its executions say {executed_size}", rows=(row,))
        elif (row["state"] == "filled") != (said == wanted):
            yield Finding(row["client_id"], f"is {row['state']} with {said} of {wanted} executed", rows=(row,))
    most: dict[str, Decimal] = {}
    for row in books.rows(_STEPS):
        size = Decimal(row["filled"])
        if size < most.get(row["client_id"], size):
            yield Finding(row["client_id"], f"executed size fell to {size} from {most[row['client_id']]}", rows=(row,))
        most[row["client_id"]] = size


@check("AU-53", section=5, severity=RED, title="No order without size, direction or position", cure=REPORT)
def pointless(books: Books) -> Iterator[Finding]:
    """An attempt to close a position of size zero, or in no known direction, is never sent: the state is synchronised
    instead.
    """
    sql = (
        "SELECT client_id, seq, role, action, contracts, position_id FROM orders WHERE intended_at BETWEEN :since AND "
        ":until AND "
        "(CAST(contracts AS REAL) <= 0 OR action NOT IN ('buy', 'sell') OR (role <> 'entry' AND position_id IS NULL))"
    )
    for row in books.rows(sql):
        yield Finding(
            row["client_id"], f"{row['role']}: {row['action']} {row['contracts']} of {row['position_id']}", rows=(row,)
        )
    refused = (
        "SELECT client_id, seq, role, refusal_code FROM orders o WHERE refusal_code = '51169' AND role <> 'entry' AND "
        "intended_at BETWEEN :since AND :until AND finished_at <= :settled AND NOT EXISTS (SELECT 1 FROM closures c "
        "WHERE c.position_id = o.position_id) AND NOT EXISTS (SELECT 1 FROM drifts d WHERE d.inst_id = o.inst_id AND "
        "abs(d.detected_at - o.intended_at) < 300000000)"
    )
    for row in books.rows(refused):
        yield Finding(row["client_id"], "closed what was not there any more, and nothing says why", rows=(row,))
