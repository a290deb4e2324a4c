"""What has to be done as time goes by: patience, protection, readings, the dead man's switch, and an orderly end."""

from __future__ import annotations

from scalpctl.core import limits as brakes
from scalpctl.core.causes import Cause
from scalpctl.core.evidence import Evidence
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.limits import Limit
from scalpctl.core.protection import COVERED
from scalpctl.engine import (
    account,
    announcements,
    billing,
    executing,
    exiting,
    guarding,
    hands,
    markets,
    ordering,
    recovering,
    releasing,
    setup,
    trading,
    unplaced,
)
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Role
from scalpctl.engine.effects import (
    DeadManSwitch,
    Finish,
    ReadAlgos,
    ReadAnnouncements,
    ReadBalances,
    ReadBills,
    ReadPositions,
)

FLAT_POSITIONS_EVERY_S = 20
"""Also while nothing is held: a frame that was lost must not hide somebody else's position until the next reconnect."""
STOPS_EVERY_S, UNFOLLOWED_EVERY_S = 15, 5
POSITIONS_EVERY_S, BALANCES_EVERY_S, BILLS_EVERY_S = 4, 10, 20
SWITCH_EVERY_S, MEMORY_EVERY_S, FORGET_EVERY_S = 8, 15, 600
SWEEP_EVERY_S, SWEEP_AT_S = 20, 7
"""Seen twice by then, a stop of ours that guards nothing is removed within three quarters of a minute."""
BILLS_OVERLAP_US = 30 * MICROS_PER_SECOND
WARM_AGAIN_S = 5
STORM_AFTER, STORM_WITHIN_US = 5, 600 * MICROS_PER_SECOND


def second(ctx: Context) -> None:
    """Do what is due this second."""
    ctx.seconds += 1
    ctx.set_limits(brakes.released(ctx.limits, ctx.at))
    for desk in ctx.desks.values():
        _desk(ctx, desk)
    if _positions_are_due(ctx):
        ctx.do(ReadPositions())
    if not ctx.recovered:
        return
    billing.match_waiting(ctx)
    account.judge(ctx)
    hands.drive(ctx)
    releasing.drive(ctx)
    _read(ctx)
    if ctx.seconds % SWITCH_EVERY_S == 0 and ctx.usable and ctx.ending is None:
        ctx.do(DeadManSwitch(ctx.plan.safety.cancel_all_after_s))
    setup.read_in_time(ctx)
    if ctx.seconds % FORGET_EVERY_S == 0:
        ordering.forget_old(ctx)
        releasing.forget_old(ctx)
        ctx.booked.forget_old()
    if ctx.ending is not None:
        _finish(ctx)


def _read(ctx: Context) -> None:
    """Have read what is due this second."""
    if ctx.seconds % BALANCES_EVERY_S == 0:
        ctx.do(ReadBalances())
    if ctx.seconds % BILLS_EVERY_S == 0:
        ctx.do(ReadBills(Instant(ctx.booked.bills_until - BILLS_OVERLAP_US)))
    if ctx.seconds % SWEEP_EVERY_S == SWEEP_AT_S:
        ctx.do(ReadAlgos())
    if ctx.seconds % announcements.READ_EVERY_S == 1:
        ctx.do(ReadAnnouncements())


def _positions_are_due(ctx: Context) -> bool:
    """Tell whether to read positions now: a history that cannot be read yet leaves nobody in the dark about margins."""
    every_s = POSITIONS_EVERY_S if ctx.held or ctx.drift.suspected else FLAT_POSITIONS_EVERY_S
    pictured = any(desk.holding is not None and desk.reading is not None for desk in ctx.desks.values())
    return ctx.seconds % every_s == 0 and (ctx.recovered or pictured)


def begin(ctx: Context) -> None:
    """Only protect when the engine keeps crashing: whatever it is, opening more will not help."""
    recent = [at for at in ctx.crashes if ctx.at - at <= STORM_WITHIN_US]
    if len(recent) >= STORM_AFTER:
        why = f"{len(recent)} sessions crashed within {STORM_WITHIN_US // (60 * MICROS_PER_SECOND)} minutes"
        ctx.trip(Limit.RESTARTS, f"{why}: positions are protected, nothing is entered until a person resumes")


def end(ctx: Context, reason: str, *, flatten: bool) -> None:
    """Begin an orderly end: no more entries, own entries cancelled, stops stay, positions closed if that is wanted."""
    if ctx.ending is None:
        ctx.ending, ctx.flatten = reason, flatten
    for desk in ctx.desks.values():
        desk.wanted = None
        if desk.execution is not None and desk.execution.role is Role.ENTRY:
            executing.withdraw(ctx, desk)
        ordering.withdraw_unfollowed(ctx, desk)
        if flatten and desk.holding is not None:
            trading.close(ctx, desk, Cause.SESSION_END, Evidence.of("session", reason=reason))
        trading.pursue(ctx, desk)


def _desk(ctx: Context, desk: Desk) -> None:
    if desk.warming and ctx.seconds % WARM_AGAIN_S == 0:
        markets.warm(ctx, desk)
    if ctx.seconds % UNFOLLOWED_EVERY_S == 0:
        ordering.withdraw_unfollowed(ctx, desk)
    recovering.adopt_in_time(ctx, desk)
    unplaced.look(ctx, desk)
    rate = desk.funding
    holding = desk.holding
    if holding is not None and ctx.seconds % STOPS_EVERY_S == 0:
        guarding.look(ctx, desk, holding)
    if holding is not None:
        if rate is not None and rate.funding_at <= ctx.at:
            markets.funding_passed(desk, rate.funding_at)
        account.assess(ctx, desk, holding)
        if ctx.seconds % MEMORY_EVERY_S == 0:
            guarding.remember(ctx, holding)
        markets.ask_rules(ctx, desk, holding)
        announcements.leave_in_time(ctx, desk, holding)
        if ctx.flatten and holding.close is None:
            exiting.vote(ctx, desk, holding, Cause.SESSION_END, Evidence.of("session", reason=ctx.ending))
    trading.pursue(ctx, desk)


def _finish(ctx: Context) -> None:
    """Say that the end is reached once no order is under way, every closure is recorded and only wanted stops stand."""
    under_way = any(one.order.is_open for _, one in ctx.orders.values())
    if ctx.finished or under_way or not releasing.all_gone(ctx):
        return
    for desk in ctx.desks.values():
        if desk.execution is not None or desk.leaving:
            return
        holding = desk.holding
        if holding is None:
            continue
        if ctx.flatten or (holding.close is not None and not holding.close.is_over):
            return
        if holding.guard.state not in COVERED and ctx.plan.safety.guards(holding.origin):
            return
        guarding.remember(ctx, holding)
    ctx.finished = True
    ctx.do(DeadManSwitch(0), Finish(ctx.held, Instant(ctx.booked.bills_until - BILLS_OVERLAP_US)))
