"""Section 4: values that work and deserve a look."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from scalpctl.analysis.audit.books import Books, read_json
from scalpctl.analysis.audit.findings import RED, YELLOW, Finding, check
from scalpctl.core.money import multiply

STALE_US = 2_000_000
SLOW_SHARE = 20
"""One order in so many may be slow."""

_ENTRIES = (
    "SELECT e.entry_id, e.seq, p.inst_id, p.side, e.decision_price, e.average_price FROM entries e JOIN positions p ON "
    "p.position_id "
    "= e.position_id WHERE e.decision_price IS NOT NULL AND e.entered_at BETWEEN :since AND :until"
)
_EXITS = (
    "SELECT f.trade_id, f.seq, f.inst_id, o.action, o.decision_price, f.price FROM fills f JOIN orders o ON "
    "o.client_id = f.client_id "
    "WHERE o.role IN ('close', 'partial') AND o.decision_price IS NOT NULL AND f.filled_at BETWEEN :since AND :until"
)


@check(
    "AU-32",
    section=4,
    severity=YELLOW,
    title="Slippage, latency and trailing distance are within their limits",
    cure="tighten strategy.parameters.gates, or move closer to the exchange",
)
def limits(books: Books) -> Iterator[Finding]:
    """Slippage of entries and exits against the price of the decision, as a share of it; the time from intent to
    acknowledgement, when more than one order in twenty is slow; trailing distances below the minimum.
    """
    most = books.thresholds
    for row in books.rows(_ENTRIES):
        worse = _worse(row["side"] == "long", row["decision_price"], row["average_price"])
        if worse > most.entry_slippage_ratio_max:
            yield Finding(row["entry_id"], f"{row['inst_id']} was entered {worse:.4%} worse than decided", rows=(row,))
    for row in books.rows(_EXITS):
        worse = _worse(row["action"] == "buy", row["decision_price"], row["price"])
        if worse > most.exit_slippage_ratio_max:
            yield Finding(
                f"{row['inst_id']}:{row['trade_id']}", f"was left {worse:.4%} worse than decided", rows=(row,)
            )
    yield from _slow(books)
    for session in books.sessions:
        yield from _trails(session, most.trail_ratio_min)


def _worse(buying: bool, decided: str, done: str) -> Decimal:  # noqa: FBT001  a direction, not a switch
    moved = (Decimal(done) - Decimal(decided)) / Decimal(decided)
    return moved if buying else -moved


def _slow(books: Books) -> Iterator[Finding]:
    sql = (
        "SELECT session_id, count(*) AS n, sum(acked_at - intended_at > :latency_ms_max * 1000) AS slow, max(acked_at "
        "- intended_at) "
        "AS worst_us FROM orders WHERE acked_at IS NOT NULL AND intended_at BETWEEN :since AND :until GROUP BY "
        "session_id"
    )
    for row in books.rows(sql):
        if row["slow"] * SLOW_SHARE > row["n"] and row["slow"] >= 5:
            what = f"{row['slow']} of {row['n']} orders took longer than {books.thresholds.latency_ms_max} ms"
            yield Finding(f"session {row['session_id']}", what, rows=(row,))


def _trails(session: dict[str, Any], least: Decimal) -> Iterator[Finding]:
    settings = session["settings"]
    if not isinstance(settings, dict):
        return
    for place, value in _named(settings.get("strategy", {}), "trail_ratio"):
        if Decimal(str(value)) < least:
            yield Finding(
                f"session {session['session_id']}",
                f"{place} is {value}",
                rows=({"table": "sessions", "seq": session["seq"]},),
            )


def _named(tree: Any, name: str, place: str = "strategy") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items() if isinstance(tree, dict) else ():
        here = f"{place}.{key}"
        if key == name:
            yield here, value
        yield from _named(value, name, here)


_RESULTS = (
    "SELECT position_id, seq, inst_id, cause, net, contracts, entry_price, (SELECT dsum(coins) FROM fills f WHERE "
    "f.position_id = c.position_id) AS coins FROM closures c WHERE closed_at BETWEEN :since AND :until"
)
_PROFITABLE = ("take_profit", "profit_harvest", "profit_drawdown", "exchange_take_profit")
_LOSING = ("stop_loss", "loss_cut", "emergency")


@check(
    "AU-33",
    section=4,
    severity=YELLOW,
    title="A cause does not contradict the money",
    cure="`scalpctl analyze-session --trade ID`: what happened between decision and execution?",
)
def contradictions(books: Books) -> Iterator[Finding]:
    """A closing for profit that lost, or a stop that won, by more than the allowed share of its value: the price moved
    between decision and execution. More than one closure in twenty is red.
    """
    rows = books.rows(_RESULTS)
    wrong = [row for row in rows if _contradicts(row, books.thresholds.contradiction_ratio_max)]
    bad = len(wrong) * 20 > len(rows) and len(wrong) >= 3
    for row in wrong:
        yield Finding(row["position_id"], f"{row['cause']} ended with {row['net']}", RED if bad else YELLOW, (row,))


def _contradicts(row: dict[str, Any], share: Decimal) -> bool:
    value = multiply(Decimal(row["coins"] or "0"), Decimal(row["entry_price"])) / 2  # in and out are both counted
    net, allowed = Decimal(row["net"]), value * share
    return (row["cause"] in _PROFITABLE and net < -allowed) or (row["cause"] in _LOSING and net > allowed)


@check(
    "AU-34",
    section=4,
    severity=RED,
    title="Decisions rest on fresh data, and guards on another source",
    cure="this is a defect of the engine: keep the ledger and report it",
)
def freshness(books: Books) -> Iterator[Finding]:
    """No gate that judges the age of data passed above its own limit, and no position was both judged and guarded by
    one and the same stale price.
    """
    sql = (
        "SELECT decision_id, seq, subject, gates, evidence FROM decisions WHERE outcome IN ('enter', 'close') AND "
        "decided_at BETWEEN :since AND :until"
    )
    for row in books.rows(sql):
        for gate in read_json(row["gates"]) or ():
            if str(gate.get("gate", "")).startswith("stale") and gate.get("passed") and _above(gate):
                yield Finding(
                    row["decision_id"],
                    f"{gate['gate']} passed with {gate['value']} of {gate['limit']}",
                    rows=({"seq": row["seq"]},),
                )
        if row["subject"] == "exit":
            named = {one.get("name"): one for one in read_json(row["evidence"]) or () if isinstance(one, dict)}
            pair = [named[name].get("source") for name in ("net", "guard_net") if name in named]
            age_us = named.get("exit_price", {}).get("age_us") or 0
            if len(pair) == 2 and pair[0] == pair[1] and age_us > STALE_US:
                what = f"value and guard both come from one price, {age_us / 1e6:.1f} s old"
                yield Finding(row["decision_id"], what, rows=({"seq": row["seq"]},))


def _above(gate: dict[str, Any]) -> bool:
    try:
        return Decimal(str(gate["value"])) > Decimal(str(gate["limit"]))
    except ArithmeticError:
        return False
