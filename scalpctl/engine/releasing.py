"""Stops let go of: each is followed until the exchange has said that it is gone.

A placement that was given up may arrive after its position was closed, and after its cancellation was answered: such a
stop would close a later position of that side at an old price.
"""

from __future__ import annotations

from dataclasses import dataclass

from scalpctl.core.exchange.outcomes import Accepted, Outcome, Refused
from scalpctl.core.exchange.reports import AlgoReport
from scalpctl.core.exchange.requests import CancelAlgo
from scalpctl.core.exchange.resolutions import Found, Resolution, Void
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.engine.context import Context
from scalpctl.engine.effects import AskAlgo
from scalpctl.engine.events import AlgoAnswered

ARRIVES_WITHIN_US = 31 * MICROS_PER_SECOND
"""A request is signed for thirty seconds: what has not arrived by then never will."""
AGAIN_US = 2 * MICROS_PER_SECOND
KEPT_US = 600 * MICROS_PER_SECOND
NOT_THERE = frozenset({"51400", "51603"})
"""The exchange's words that there is nothing to cancel: it is over, or has not arrived yet."""


@dataclass(slots=True)
class Released:
    """A stop that was let go of, until the exchange has said that it is gone."""

    inst_id: str
    algo_id: str
    at: Instant
    ask_at: Instant
    """When to ask for it, unless it is known to be gone by then."""
    may_arrive: bool
    """Whether its placement was never answered: that there is nothing to cancel says nothing then."""
    means_from: Instant
    """Since when it must have been asked for, for "not there" to mean anything: it had not arrived before, or stood."""
    cancelling: bool = False
    again: bool = False
    """Whether it was said to stand while a cancellation was under way."""
    asked: bool = False
    gone: bool = False


def begin(ctx: Context, inst_id: str, client_id: str, algo_id: str, *, may_arrive: bool) -> None:
    """Have a stop cancelled, and follow it: one that was never answered ``may_arrive`` after its cancellation."""
    arrived_at = Instant(ctx.at + ARRIVES_WITHIN_US)
    means_from = arrived_at if may_arrive else ctx.at
    ctx.loose.released[client_id] = Released(inst_id, algo_id, ctx.at, arrived_at, may_arrive, means_from)
    _cancel(ctx, client_id)


def answered(ctx: Context, answer: AlgoAnswered) -> None:
    """Take the answer to cancelling a stop that was let go of, or a late one to placing it."""
    one = ctx.loose.released.get(answer.client_id)
    if one is None or one.gone:
        return
    if answer.act == "place":
        one.gone = isinstance(answer.outcome, Refused)
        if isinstance(answer.outcome, Accepted):
            stands(ctx, answer.client_id)
    elif answer.act == "cancel":
        _cancelled(ctx, answer.client_id, one, answer.outcome)


def reported(ctx: Context, report: AlgoReport) -> bool:
    """Take the exchange's report of a stop that was let go of; False where it is none."""
    one = ctx.loose.released.get(report.client_id)
    if one is None:
        return False
    if not report.stands:
        one.gone = True
    elif not one.gone:  # otherwise it is an old report
        stands(ctx, report.client_id)
    return True


def stands(ctx: Context, client_id: str) -> None:
    """Have a stop cancelled that stands although it was let go of: once more, if that is under way already."""
    one = ctx.loose.released[client_id]
    one.gone, one.may_arrive, one.means_from = False, False, ctx.at
    if one.cancelling:
        one.again = True
    else:
        _cancel(ctx, client_id)


def resolved(ctx: Context, client_id: str, resolution: Resolution) -> None:
    """Take what asking for a stop found that was let go of."""
    one = ctx.loose.released.get(client_id)
    if one is None:
        return
    one.asked, one.ask_at = False, max(one.means_from, Instant(ctx.at + AGAIN_US))
    if isinstance(resolution, Found) and isinstance(resolution.report, AlgoReport):
        reported(ctx, resolution.report)
    elif isinstance(resolution, Void) and resolution.last_asked_at >= one.means_from:
        one.gone = True


def drive(ctx: Context) -> None:
    """Ask for what nobody has said to be gone, as soon as an answer means something."""
    for client_id, one in ctx.loose.released.items():
        if not (one.gone or one.asked or one.cancelling) and ctx.at >= one.ask_at:
            one.asked = True
            ctx.do(AskAlgo(one.inst_id, client_id, one.at))


def all_gone(ctx: Context) -> bool:
    """Tell whether nothing that was let go of may still stand."""
    return all(one.gone for one in ctx.loose.released.values())


def forget_old(ctx: Context) -> None:
    """Let go of what is long gone."""
    long_gone = [key for key, one in ctx.loose.released.items() if one.gone and ctx.at - one.at > KEPT_US]
    for key in long_gone:
        del ctx.loose.released[key]


def _cancel(ctx: Context, client_id: str) -> None:
    one = ctx.loose.released[client_id]
    one.cancelling, one.again = True, False
    ctx.do(CancelAlgo(client_id, one.inst_id, one.algo_id))


def _cancelled(ctx: Context, client_id: str, one: Released, outcome: Outcome) -> None:
    one.cancelling = False
    nothing_there = not isinstance(outcome, Accepted) and outcome.code in NOT_THERE
    if isinstance(outcome, Accepted) or (nothing_there and not one.may_arrive and not one.again):
        one.gone = True
    elif one.again:
        _cancel(ctx, client_id)
    elif not nothing_there:  # it may not have been heard
        one.ask_at = Instant(ctx.at + AGAIN_US)
