"""Keeps one desk going: its execution, its close, its stop, in the order in which they must not wait for each other."""

from __future__ import annotations

from scalpctl.core.causes import Cause
from scalpctl.core.closing import CloseEvent, CloseState
from scalpctl.core.closing import advance as advance_close
from scalpctl.core.evidence import Evidence
from scalpctl.core.instants import Instant
from scalpctl.engine import closures, commands, entering, executing, exiting, guarding
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Execution, Role

ROUNDS_MAX = 8
"""Most executions that may end and begin on one event; more would be a loop."""


def pursue(ctx: Context, desk: Desk) -> None:
    """Do everything a desk needs after something has changed; protection first, because nothing may delay it."""
    _guard(ctx, desk)
    _policy(ctx, desk)
    _stand_back(ctx, desk)
    for _ in range(ROUNDS_MAX):
        done = executing.advance(ctx, desk) or _left_behind(desk, ctx.at)
        if done is None:
            break
        if done.role is Role.ENTRY:
            entering.finished(ctx, desk, done)
        else:
            exiting.finished(ctx, desk, done)
        if done.command_id is not None:
            commands.part_finished(ctx, done.command_id, done.taken)
    exiting.follow(ctx, desk)
    exiting.drive(ctx, desk)
    executing.advance(ctx, desk)
    closures.drive(ctx, desk)


def close(ctx: Context, desk: Desk, cause: Cause, evidence: Evidence, actor: str = "engine") -> None:
    """Have a desk's position closed for a reason; every reason comes through here."""
    if desk.holding is not None:
        exiting.vote(ctx, desk, desk.holding, cause, evidence, actor)
        executing.advance(ctx, desk)


def checked(ctx: Context, desk: Desk) -> None:
    """After a complete picture of positions: a close that asked what is left goes on, or finds that nothing is."""
    holding = desk.holding
    if holding is None or holding.close is None or holding.close.state is not CloseState.CHECKING:
        return
    if desk.theirs is not None:
        holding.close = advance_close(holding.close, CloseEvent.STILL_OPEN)
        exiting.drive(ctx, desk)


def _policy(ctx: Context, desk: Desk) -> None:
    """Close what nobody here opened, where that is wanted."""
    holding = desk.holding
    if holding is not None and holding.close is None and ctx.plan.safety.flattens(holding.origin):
        exiting.vote(ctx, desk, holding, Cause.DRIFT_POLICY, Evidence.of("configuration", origin=holding.origin))


def _stand_back(ctx: Context, desk: Desk) -> None:
    """Take an entry out of the book where its position is over, or somebody else holds something now.

    It would open another one beside every gate, or add to what is held, or close it.
    """
    execution, holding = desk.execution, desk.holding
    if execution is None or execution.role is not Role.ENTRY:
        return
    if execution.position_id != (None if holding is None else holding.position_id):
        executing.withdraw(ctx, desk)


def _left_behind(desk: Desk, at: Instant) -> Execution | None:
    """Let go of a withdrawn order that is not over, where an urgent close has waited for it: it opens nothing."""
    execution, close = desk.execution, desk.holding.close if desk.holding is not None else None
    if execution is None or close is None or execution.role is Role.ENTRY or not execution.quoter.withdrawn:
        return None
    if not close.is_urgent or at - close.owner.at <= exiting.LEFT_PATIENCE_US:
        return None
    desk.execution = None
    return execution


def _guard(ctx: Context, desk: Desk) -> None:
    cause = guarding.drive(ctx, desk)
    if cause is not None and desk.holding is not None:
        shown = Evidence.of("protection", state=desk.holding.guard.state.value, since=desk.holding.guard.since)
        exiting.vote(ctx, desk, desk.holding, cause, shown)
