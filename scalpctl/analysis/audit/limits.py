"""Section 11: limits recomputed from executions, latches, endings, margin."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from scalpctl.analysis.audit.books import Books
from scalpctl.analysis.audit.day_loss import after_a_lost_day
from scalpctl.analysis.audit.findings import RED, YELLOW, Finding, Row, check
from scalpctl.core.money import ZERO, add, multiply, ratio, subtract

REPORT = "this is a defect of the engine: keep the ledger and report it with the rows shown"
ROUNDED_UP = Decimal("1.01")
"""An execution may be a little dearer than the price its size was reckoned with."""

_LIVES = (
    "SELECT p.position_id, p.seq, p.session_id, p.inst_id, p.side, p.opened_at, coalesce(p.closed_at, :now) AS "
    "closed_at, "
    "p.leverage, (SELECT "
    "group_concat(e.average_price || '|' || e.contracts) FROM entries e WHERE e.position_id = p.position_id) AS "
    "entered, i.ct_val, "
    "i.ct_mult FROM positions p LEFT JOIN instruments i ON i.inst_id = p.inst_id AND i.version = (SELECT max(version) "
    "FROM "
    "instruments v WHERE v.inst_id = p.inst_id) WHERE p.origin = 'engine' ORDER BY p.opened_at"
)


@check("AU-39", section=11, severity=RED, title="No limit was ever exceeded, whatever the guard said", cure=REPORT)
def policy(books: Books) -> Iterator[Finding]:
    """Largest position, exposure, number of open positions, leverage, entry orders per minute and the day's loss are
    recomputed from executions, orders, cash and results, and held against the limits the session ran with.
    """
    known = {session["session_id"]: (session["settings"] or {}).get("limits") for session in books.sessions}
    limits = {session: its for session, its in known.items() if its}
    lives = [row | {"value": _value(row)} for row in books.rows(_LIVES)]
    yield from _sizes([row for row in lives if row["session_id"] in limits], limits)
    yield from _together(books, lives, limits)
    yield from _rates(books, {session: int(its["entry_orders_per_minute_max"]) for session, its in limits.items()})
    yield from after_a_lost_day(books, limits)


def _value(row: Row) -> Decimal:
    legs = [leg.split("|") for leg in (row["entered"] or "").split(",") if leg]
    coins = multiply(Decimal(row["ct_val"] or "0"), Decimal(row["ct_mult"] or "1"))
    return add(*(multiply(multiply(Decimal(price), Decimal(size)), coins) for price, size in legs), ZERO)


def _sizes(lives: list[Row], limits: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    for row in lives:
        shown, its = (row | {"value": format(row["value"], "f")},), limits[row["session_id"]]
        if row["value"] > Decimal(str(its["max_usd_size"])) * ROUNDED_UP:
            yield Finding(
                row["position_id"], f"was worth {row['value']}, allowed are {its['max_usd_size']}", rows=shown
            )
        if Decimal(row["leverage"] or "0") > Decimal(str(its["leverage_max"])):
            yield Finding(
                row["position_id"], f"had leverage {row['leverage']}, allowed is {its['leverage_max']}", rows=shown
            )


_STEPS = (("opened_at", 1), ("closed_at", 0))


def _together(books: Books, lives: list[Row], limits: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    """Sweep over openings and closings, also of earlier sessions; a closing comes first at the same instant."""
    steps = sorted(
        [(row[at], opening, row) for row in lives if row["opened_at"] < row["closed_at"] for at, opening in _STEPS],
        key=lambda one: one[:2],
    )
    held: dict[str, Row] = {}
    for _, opening, row in steps:
        if not opening:
            held.pop(row["position_id"], None)
            continue
        held[row["position_id"]] = row
        its = limits.get(row["session_id"])
        if its is None:
            continue
        shown = (row | {"value": format(row["value"], "f")},)
        if len(held) > int(its["positions_open_max"]):
            what = f"was one of {len(held)} open positions, allowed are {its['positions_open_max']}"
            yield Finding(row["position_id"], what, rows=shown)
        most = Decimal(str(its["exposure_usd_max"])) * ROUNDED_UP
        if add(*(one["value"] for one in held.values())) > most:
            worth = add(*(_left(books, one, row["opened_at"]) for one in held.values()))
            if worth > most:
                what = f"made all positions worth {worth}, allowed are {its['exposure_usd_max']}"
                yield Finding(row["position_id"], what, rows=shown)


def _left(books: Books, row: Row, at: int) -> Decimal:
    """Give what was left of a position at an instant, at the price it was entered at: parts of it may be gone."""
    sql = "SELECT contracts, action = :closing AS closes FROM fills WHERE position_id = :position AND filled_at < :at"
    closing = "sell" if row["side"] == "long" else "buy"
    fills = books.rows(sql, position=row["position_id"], closing=closing, at=at)
    entered = add(*(Decimal(one["contracts"]) for one in fills if not one["closes"]), ZERO)
    gone = add(*(Decimal(one["contracts"]) for one in fills if one["closes"]), ZERO)
    return multiply(row["value"], ratio(subtract(entered, gone), entered)) if gone else row["value"]


_WITHIN_A_MINUTE = (
    "SELECT decision_id, seq, session_id, decided_at, n FROM (SELECT decision_id, seq, session_id, decided_at, "
    "count(*) OVER (PARTITION BY session_id ORDER BY decided_at RANGE BETWEEN 59999999 PRECEDING AND CURRENT ROW) AS n "
    "FROM decisions WHERE subject = 'entry' AND outcome = 'enter' AND decision_id IN (SELECT decision_id FROM orders "
    "WHERE role = 'entry')) WHERE n > :least"
)


def _rates(books: Books, most: dict[str, int]) -> Iterator[Finding]:
    """Count decisions to enter that led to an order, not the moves of one order towards the price."""
    for row in books.rows(_WITHIN_A_MINUTE, least=min(most.values(), default=0)) if most else ():
        allowed = most.get(row["session_id"])
        if allowed is not None and row["n"] > allowed:
            what = f"was the {row['n']}th entry within a minute, {allowed} are allowed"
            yield Finding(row["decision_id"], what, rows=(row,))


_WHILE_LATCHED = (
    "SELECT o.client_id, o.seq, o.inst_id, l.name, l.latch_id, l.seq AS latch_seq FROM orders o JOIN limit_latches l "
    "ON "
    "o.seq > l.seq AND o.intended_at > l.latched_at AND (l.cleared_at IS NULL OR o.intended_at < l.cleared_at) WHERE "
    "o.role = 'entry' AND o.intended_at BETWEEN :since AND :until AND l.name NOT LIKE '%:%'"
)


@check("AU-40", section=11, severity=RED, title="Nothing was entered while a limit held", cure=REPORT)
def latches(books: Books) -> Iterator[Finding]:
    """No entry order was intended while a limit for all instruments was latched; every latch has its reason, and every
    release says who let go of it and why.
    """
    for row in books.rows(_WHILE_LATCHED):
        yield Finding(row["client_id"], f"entered {row['inst_id']} while {row['name']} held", rows=(row,))
    sql = (
        "SELECT latch_id, seq, name, reason, cleared_by, clear_reason FROM limit_latches WHERE latched_at BETWEEN "
        ":since AND :until AND "
        "(reason = '' OR (cleared_at IS NOT NULL AND (coalesce(cleared_by, '') = '' OR coalesce(clear_reason, '') = "
        "'')))"
    )
    for row in books.rows(sql):
        yield Finding(row["latch_id"], f"{row['name']} was set or released without a reason", rows=(row,))


@check(
    "AU-41",
    section=11,
    severity=YELLOW,
    title="Sessions end in order",
    cure="`scalpctl sessions`; the log of the service says why it died",
)
def endings(books: Books) -> Iterator[Finding]:
    """A session that crashed is yellow (its stops held, the next start continued); more than five starts within ten
    minutes, or a quarantined session, are red.
    """
    for row in books.sessions:
        rows = (
            {"table": "sessions", "seq": row["seq"], "session_id": row["session_id"], "end_reason": row["end_reason"]},
        )
        if row["end_kind"] in {"crashed", "quarantined"}:
            bad = row["end_kind"] == "quarantined"
            yield Finding(
                f"session {row['session_id']}", f"{row['end_kind']}: {row['end_reason']}", RED if bad else YELLOW, rows
            )
    starts = [row["started_at"] for row in books.sessions]
    for first, sixth in zip(starts, starts[5:], strict=False):
        if 0 <= sixth - first < 600_000_000:
            yield Finding(
                "restarts", "more than five starts within ten minutes", RED, ({"first": first, "sixth": sixth},)
            )
            return


_MARGINS = (
    "SELECT seq, position_id, inst_id, at, margin_ratio, margin_ratio_recomputed, liquidation_price, mark_price, "
    "trusted, why FROM "
    "margin_checks WHERE at BETWEEN :since AND :until"
)


@check(
    "AU-42",
    section=11,
    severity=YELLOW,
    title="Margin was never short",
    cure="lower limits.leverage_max, or add margin",
)
def margin(books: Books) -> Iterator[Finding]:
    """The lowest margin ratio and the smallest distance to liquidation of each position, from the exchange's own
    figures: below the threshold yellow, below half of it red. Our own computation must agree within a fifth.
    """
    least = books.thresholds
    seen: set[tuple[str, str]] = set()
    for row in books.rows(_MARGINS):
        for what, value, bound in _readings(row, least.margin_ratio_min, least.liquidation_distance_ratio_min):
            key = (row["position_id"] or row["inst_id"], what)
            if value < bound and key not in seen:
                seen.add(key)
                yield Finding(
                    key[0],
                    f"{what} of {row['inst_id']} fell to {value:.4g}",
                    RED if value < bound / 2 else YELLOW,
                    (row,),
                )
        if row["trusted"] and row["margin_ratio"] and row["margin_ratio_recomputed"]:
            theirs, ours = Decimal(row["margin_ratio"]), Decimal(row["margin_ratio_recomputed"])
            if abs(theirs - ours) * 5 > theirs:
                yield Finding(
                    row["position_id"] or row["inst_id"], f"margin ratio is {theirs} there and {ours} here", rows=(row,)
                )


def _readings(row: Row, ratio: Decimal, distance: Decimal) -> Iterator[tuple[str, Decimal, Decimal]]:
    if not row["trusted"]:
        return
    if row["margin_ratio"]:
        yield "the margin ratio", Decimal(row["margin_ratio"]), ratio
    if row["liquidation_price"] and row["mark_price"] and Decimal(row["liquidation_price"]):
        mark = Decimal(row["mark_price"])
        yield "the distance to liquidation", abs(mark - Decimal(row["liquidation_price"])) / mark, distance
