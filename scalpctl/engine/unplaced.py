"""Executions that reduce what nobody here knows of: they wait until the position is found that they were part of.

Taken for an opening, such an execution would turn a position round: its entry is heard of later, and closes it.
"""

from __future__ import annotations

from scalpctl.core.exchange.reports import FillReport
from scalpctl.core.fills import from_report
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.limits import Limit
from scalpctl.core.money import ZERO, add
from scalpctl.engine import booking
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Search
from scalpctl.engine.effects import Investigate
from scalpctl.engine.events import Evidence

APPEARED = "appeared:"
"""Marks an investigation that looks for the fills of a position nobody here opened."""
ASK_EVERY_US, PATIENCE_US = 5 * MICROS_PER_SECOND, 30 * MICROS_PER_SECOND
"""How often what is missing is looked for, and how long where nothing is held that would need a stop."""
BEGINNING_US, BEGINNING_WITHIN_US = 30 * MICROS_PER_SECOND, 600 * MICROS_PER_SECOND
"""How often, and for how long, what made a position is asked for that was taken over without it."""
MARGIN_US = 5 * MICROS_PER_SECOND
"""So long before a position's beginning its executions are looked for."""


def look(ctx: Context, desk: Desk) -> None:
    """Look for the position that waiting executions were part of, and for what made one that was taken over."""
    _look_for_the_beginning(ctx, desk)
    if not desk.unplaced:
        desk.search = None
    if not desk.unplaced or not ctx.recovered:
        return
    first = min(fill.filled_at for fill in desk.unplaced.values())
    if desk.search is None:  # nothing is entered where it is not known what was held
        ctx.trip(Limit.DRIFT, f"what was closed in {desk.inst_id} is being looked for", inst_id=desk.inst_id)
    search = desk.search = desk.search or Search(ctx.at, first)
    if search.asking or ctx.at < search.asked_at + ASK_EVERY_US:
        return
    began = first if desk.theirs is None else desk.theirs.created_at
    search.since, search.asked_at = min(search.since, first, Instant(began - MARGIN_US)), ctx.at
    search.asking = True
    ctx.do(Investigate(f"{APPEARED}{desk.inst_id}", desk.inst_id, search.since, foreign=True))


def _look_for_the_beginning(ctx: Context, desk: Desk) -> None:
    """Ask again for the executions that made what was taken over by the exchange's word, for some minutes."""
    holding = desk.holding
    if holding is None or not holding.borrowed or not ctx.recovered or ctx.at < desk.beginning_asked_at + BEGINNING_US:
        return
    if ctx.at < holding.adopted_at + BEGINNING_WITHIN_US:
        desk.beginning_asked_at = ctx.at
        since = Instant(holding.position.opened_at - MARGIN_US)
        ctx.do(Investigate(f"{APPEARED}{desk.inst_id}", desk.inst_id, since, foreign=True))


def sought_since(desk: Desk) -> Instant | None:
    """Give since when executions are looked for as part of what is held, or of what was where nothing is."""
    began = [] if desk.theirs is None else [desk.theirs.created_at]
    if desk.search is not None and desk.holding is None:
        began.append(desk.search.since)
    return min(began, default=None)


def sought(ctx: Context, desk: Desk, found: Evidence) -> None:
    """Place what waits, now that histories have been read; what they do not explain is taken as it is in the end."""
    search = desk.search
    if search is not None:
        search.asking = False
    if not desk.unplaced or search is None or found.fills is None or found.history is None:
        return
    booking.apart(ctx, desk, _whole_life(ctx, desk, search, found.fills))
    if not desk.unplaced:
        return
    first = min(fill.filled_at for fill in desk.unplaced.values())
    lives = (one for one in found.history if one.inst_id == desk.inst_id)
    began = [one.opened_at for one in lives if one.opened_at <= first <= one.updated_at]
    since = Instant(min(began) - MARGIN_US) if began else first
    if since < search.since:
        desk.search = Search(ctx.at, since)
        look(ctx, desk)
    elif desk.theirs is not None or ctx.at - search.begun_at > PATIENCE_US:
        booking.place(ctx, desk, anyhow=True)


def _whole_life(ctx: Context, desk: Desk, search: Search, fills: tuple[FillReport, ...]) -> list[FillReport]:
    """Give the executions of a life that was over before the one at hand began; none while they do not add up."""
    if desk.holding is None:
        return []
    older = [one for one in booking.in_order([desk], fills) if search.since <= one.filled_at < desk.holding.began_at]
    new = {key: one for one in older if (key := from_report(one).identity) not in ctx.booked.fills}
    left = add(*(one.contracts.value * one.action.sign for one in new.values()), ZERO)
    return [] if left else list(new.values())
