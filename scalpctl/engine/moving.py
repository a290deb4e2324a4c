"""Moves a stop that stands: after the trailing stop, or so that it covers what has come to its position."""

from __future__ import annotations

from scalpctl.core import protection
from scalpctl.core.exchange.reports import AlgoReport
from scalpctl.core.exchange.requests import AmendAlgo
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.protection import COVERED, PROTECTION, ProtectionEvent, ProtectionState
from scalpctl.core.records.positions import PositionChanged
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Guard, Holding
from scalpctl.engine.triggers import wanted_trigger

RETRY_US = MICROS_PER_SECOND // 2


def further(ctx: Context, desk: Desk, holding: Holding) -> None:
    """Ask for what a stop that stands needs: its size first, then its place."""
    if not _enlarge(ctx, desk, holding):
        _tighten(ctx, desk, holding)


def _enlarge(ctx: Context, desk: Desk, holding: Holding) -> bool:
    """Let a stop with a size cover what has come to its position; gives whether that is under way."""
    guard = holding.guard
    if guard.sized is None or holding.contracts.value <= guard.sized.value:
        return False
    guard.wanted, guard.since, guard.grows_to = guard.trigger, ctx.at, holding.contracts
    step(ctx, holding, ProtectionEvent.TIGHTEN)
    ctx.do(AmendAlgo(client_id=guard.protection_id, inst_id=desk.inst_id, contracts=holding.contracts))
    return True


def _tighten(ctx: Context, desk: Desk, holding: Holding) -> None:
    """Move the stop after the trailing stop, where that is configured and worth it."""
    guard = holding.guard
    if guard.trigger is None or not ctx.plan.safety.mirror_trailing or ctx.at < guard.retry_at:
        return
    wanted = wanted_trigger(desk, holding)
    if not protection.improves(holding.side, wanted, guard.trigger, desk.rules.protection):
        return
    guard.wanted = wanted
    guard.retry_at = Instant(ctx.at + RETRY_US)
    guard.since = ctx.at
    step(ctx, holding, ProtectionEvent.TIGHTEN)
    ctx.do(AmendAlgo(client_id=guard.protection_id, inst_id=desk.inst_id, stop_trigger=wanted))


def was_moved(guard: Guard, report: AlgoReport) -> bool:
    """Tell whether a stop that stands is where it was asked to be, and as large."""
    grown = guard.grows_to is None or guard.sized is None or guard.sized.value >= guard.grows_to.value
    return grown and guard.wanted in {None, report.stop_trigger}


def failed(ctx: Context, holding: Holding) -> None:
    """Leave a stop alone that is not moved; where it is too small, one as large as the position comes beside it."""
    guard = holding.guard
    grows, guard.wanted, guard.grows_to = guard.grows_to is not None, None, None
    guard.retry_at = Instant(ctx.at + (0 if grows else guard.later_us()))
    if grows and guard.state is ProtectionState.PROTECTED:
        guard.unanswered.append(guard.protection_id)
        guard.outgrown = guard.protection_id
        step(ctx, holding, ProtectionEvent.LOST)


def step(ctx: Context, holding: Holding, event: ProtectionEvent) -> None:
    """Take a step; how a position is protected is part of its row."""
    guard = holding.guard
    before = guard.state
    guard.state = PROTECTION.next(before, event)
    if guard.state is ProtectionState.NAKED and before in COVERED:
        guard.since = ctx.at
        guard.retry_at = min(guard.retry_at, ctx.at)  # what a move waits for a new stop does not
    if guard.state is not before:
        ctx.record(PositionChanged(position_id=holding.position_id, protection_state=guard.state.value))
