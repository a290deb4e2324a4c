"""The stop kept at the exchange: placed with the first fill, confirmed, only tightened, missed at once when gone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from scalpctl.core import protection
from scalpctl.core.causes import Cause
from scalpctl.core.exchange.outcomes import Accepted, Refused, Unknown
from scalpctl.core.exchange.reports import AlgoReport, OrderReport
from scalpctl.core.exchange.requests import AlgoKind, PlaceAlgo
from scalpctl.core.exchange.resolutions import Found, Resolution, Void
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.limits import Limit
from scalpctl.core.money import exact
from scalpctl.core.protection import COVERED, PROTECTION, ProtectionEvent, ProtectionState
from scalpctl.core.records.base import UNSET
from scalpctl.core.records.trading import ProtectionChanged, ProtectionPlaced
from scalpctl.engine import moving, releasing
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Fired, Guard, Holding
from scalpctl.engine.effects import AskAlgo
from scalpctl.engine.events import AlgoAnswered
from scalpctl.engine.triggers import wanted_trigger

AGAIN_US = 5 * MICROS_PER_SECOND
"""How long the close of a position without a stop may take before a stop is tried again beside it."""
FIRED_PATIENCE_US, UNHEARD_US = 2 * MICROS_PER_SECOND, 6 * MICROS_PER_SECOND
"""How long a stop that fired may take to be heard of as executed before that is asked for, and before it is believed
that it could not close everything."""
ONE = Decimal(1)
LEFT_OVER_US = 60 * MICROS_PER_SECOND
PASSED = frozenset(map(str, (*range(51277, 51281), *range(51300, 51309))))
"""The exchange's word that the market is beyond the trigger: such a stop would have fired."""
UNANSWERED = frozenset({ProtectionState.PLACING, ProtectionState.ASKING, ProtectionState.ESCALATED})
"""Where it is not known whether the stop at hand was placed."""
ONE_STOP_ONLY = "51088"
"""The exchange's word that a stop for the whole position stands already."""


def drive(ctx: Context, desk: Desk) -> Cause | None:
    """Do what the protection of a desk's position needs now; gives a cause when the position must be closed at once."""
    holding = desk.holding
    if holding is None or not ctx.plan.safety.guards(holding.origin):
        return None
    guard = holding.guard
    if guard.fired is not None and holding.contracts and _fell_short(ctx, holding, guard.fired):
        return _close_the_rest(ctx, desk, holding)
    event = protection.overdue(guard.state, guard.since, ctx.at, desk.rules.protection)
    if event is ProtectionEvent.TIMED_OUT or (guard.passed and guard.state is ProtectionState.NAKED):
        return _escalate(ctx, desk, holding)
    if event is ProtectionEvent.NO_ANSWER:
        moving.step(ctx, holding, ProtectionEvent.NO_ANSWER)
    if guard.state in {ProtectionState.ASKING, ProtectionState.ASKING_NEW} and not guard.asked:
        guard.asked = True
        ctx.do(AskAlgo(desk.inst_id, guard.protection_id, guard.since))
    if guard.state is ProtectionState.ESCALATED and ctx.at >= guard.retry_at:
        guard.since = ctx.at
        if guard.asked:
            guard.unanswered.append(guard.protection_id)
        _place(ctx, desk, holding)
    elif guard.state is ProtectionState.NAKED and ctx.at >= guard.retry_at:
        _place(ctx, desk, holding)
    elif guard.state is ProtectionState.PROTECTED:
        moving.further(ctx, desk, holding)
    return None


def _escalate(ctx: Context, desk: Desk, holding: Holding) -> Cause:
    """Have a position closed that cannot be given a stop, and try one again beside the close, later and later."""
    guard = holding.guard
    why = f"{desk.inst_id} had no confirmed stop for {desk.rules.protection.escalate_s} s"
    if guard.passed:
        why = f"the market is beyond the stop of {desk.inst_id}"
    moving.step(ctx, holding, ProtectionEvent.TIMED_OUT)
    guard.retry_at = Instant(ctx.at + (guard.later_us() if guard.passed else AGAIN_US))
    guard.passed = False
    ctx.trip(Limit.UNPROTECTED, why)
    return Cause.UNPROTECTED


def answered(ctx: Context, desk: Desk, holding: Holding, answer: AlgoAnswered) -> None:
    """Take the answer to placing, moving or cancelling a stop."""
    guard, outcome = holding.guard, answer.outcome
    if answer.act == "cancel":
        return
    if answer.client_id != guard.protection_id:
        if not isinstance(outcome, Unknown):
            _earlier(ctx, holding, answer.client_id, stands=isinstance(outcome, Accepted), ended="refused")
    elif isinstance(outcome, Accepted):
        guard.algo_id = outcome.exchange_id or guard.algo_id
        _confirmed(ctx, holding)
    elif isinstance(outcome, Refused):
        _refused(ctx, holding, outcome, answer.act)
        if answer.act == "amend":  # it may be how we learn that it is gone
            look(ctx, desk, holding)
    elif PROTECTION.allows(guard.state, ProtectionEvent.NO_ANSWER):  # otherwise the stream was faster
        moving.step(ctx, holding, ProtectionEvent.NO_ANSWER)


def look(ctx: Context, desk: Desk, holding: Holding) -> None:
    """Ask whether the stop is still there: the frame that says it was cancelled may have been lost."""
    guard = holding.guard
    if guard.state is ProtectionState.PROTECTED and not guard.asked:
        guard.asked = True
        ctx.do(AskAlgo(desk.inst_id, guard.protection_id, guard.since))


def resolved(ctx: Context, holding: Holding, client_id: str, resolution: Resolution) -> None:
    """Take what asking for a stop found."""
    guard = holding.guard
    if client_id != guard.protection_id:
        _earlier_resolved(ctx, holding, client_id, resolution)
        return
    guard.asked = False
    if isinstance(resolution, Found) and isinstance(resolution.report, AlgoReport):
        guard.take_size(resolution.report)
        if guard.state is not ProtectionState.PROTECTED or resolution.report.state != "live":
            reported(ctx, holding, resolution.report)
    elif isinstance(resolution, Void) and guard.state in COVERED:
        missed(ctx, holding)
    elif isinstance(resolution, Unknown):
        return
    elif PROTECTION.allows(guard.state, ProtectionEvent.NOT_FOUND):
        ctx.record(ProtectionChanged(protection_id=guard.protection_id, state="void", ended_at=ctx.at))
        moving.step(ctx, holding, ProtectionEvent.NOT_FOUND)
        if guard.one_stands and guard.state is ProtectionState.NAKED:
            _one_stands(ctx, holding)


def reported(ctx: Context, holding: Holding, report: AlgoReport) -> None:
    """Take the exchange's report of the stop."""
    guard = holding.guard
    if report.client_id != guard.protection_id:
        _earlier(ctx, holding, report.client_id, stands=report.stands, trigger=report.stop_trigger)
        if report.client_id == guard.protection_id:  # it is the one at hand now, as large as it is
            guard.take_size(report)
        return
    guard.algo_id = report.algo_id or guard.algo_id
    if report.stands:
        guard.take_size(report)
        if guard.state is ProtectionState.REPLACING and not moving.was_moved(guard, report):
            return  # it was seen before it was moved
        if guard.state is ProtectionState.ASKING_NEW and not moving.was_moved(guard, report):  # whatever was said
            moving.step(ctx, holding, ProtectionEvent.NOT_FOUND)
            moving.failed(ctx, holding)
            return
        _confirmed(ctx, holding)
    elif report.state == "effective":
        _fired(ctx, holding, report.updated_at or ctx.at)
    else:
        failure = report.fail_code or report.state
        changed = ProtectionChanged(
            protection_id=guard.protection_id, state="lost", ended_at=report.updated_at or ctx.at, failure=failure
        )
        ctx.record(changed)
        _lost(ctx, holding)


def executed(ctx: Context, holding: Holding, report: OrderReport) -> None:
    """Take the report of the order a stop sent when it fired: the book, or the price limits, may not have let it."""
    over = report.state == "canceled" and report.filled_contracts < report.contracts
    if over and report.algo_client_id == holding.guard.protection_id:
        _fired(ctx, holding, ctx.at).fell_short = True


def _fired(ctx: Context, holding: Holding, at: Instant) -> Fired:
    """Note that a stop fired; its order may be heard of before it is."""
    guard = holding.guard
    if guard.fired is None:
        guard.fired = Fired(ctx.at)
        ctx.record(ProtectionChanged(protection_id=guard.protection_id, state="fired", ended_at=at))
    return guard.fired


def _lost(ctx: Context, holding: Holding) -> None:
    """Begin anew without a stop: time counts from here where one stood."""
    guard = holding.guard
    if PROTECTION.allows(guard.state, ProtectionEvent.LOST):
        moving.step(ctx, holding, ProtectionEvent.LOST)
    guard.state = ProtectionState.NAKED if guard.state is not ProtectionState.ESCALATED else guard.state


def _fell_short(ctx: Context, holding: Holding, fired: Fired) -> bool:
    """Tell whether a stop that fired has left something; where its executions are only late they are asked for."""
    waited = ctx.at - fired.heard_at
    if waited >= FIRED_PATIENCE_US and not fired.asked:
        fired.asked = True
        ctx.reread(holding.position.opened_at)
    return ctx.recovered and (fired.fell_short or waited >= UNHEARD_US)  # a first picture brings what is unheard


def _close_the_rest(ctx: Context, desk: Desk, holding: Holding) -> Cause:
    """Let go of a stop that has done what it could: what is left is closed at once, and gets another one meanwhile."""
    holding.guard.fired = None
    _lost(ctx, holding)
    ctx.trip(Limit.UNPROTECTED, f"the stop of {desk.inst_id} fired and left {holding.contracts.value} contracts")
    return Cause.UNPROTECTED


def _earlier_resolved(ctx: Context, holding: Holding, client_id: str, resolution: Resolution) -> None:
    if isinstance(resolution, Found) and isinstance(resolution.report, AlgoReport):
        reported(ctx, holding, resolution.report)
    elif isinstance(resolution, Void):
        _earlier(ctx, holding, client_id, stands=False)


def _earlier(
    ctx: Context, holding: Holding, client_id: str, *, stands: bool, trigger: Decimal | None = None, ended: str = "void"
) -> None:
    """Take word of a stop placed before the one at hand: what stands guards the position, the rest is let go of."""
    guard = holding.guard
    if stands and guard.state in COVERED:
        return
    guard.unanswered.remove(client_id)
    if not stands:
        ctx.record(ProtectionChanged(protection_id=client_id, state=ended, ended_at=ctx.at))
        return
    guard.unanswered.append(guard.protection_id)
    guard.protection_id, guard.algo_id, guard.asked = client_id, "", False
    guard.trigger, guard.wanted = trigger or guard.trigger, None
    _confirmed(ctx, holding)


def missed(ctx: Context, holding: Holding) -> None:
    """Take a complete list of conditional orders in which the stop is missing; one just asked for may be on its way."""
    guard = holding.guard
    if guard.fired is not None:
        guard.fired.fell_short |= ctx.at - guard.fired.heard_at >= FIRED_PATIENCE_US
    elif guard.state in COVERED:
        ctx.record(
            ProtectionChanged(protection_id=guard.protection_id, state="lost", ended_at=ctx.at, failure="not listed")
        )
        guard.unanswered.append(guard.protection_id)  # the list may have been an old one
        moving.step(ctx, holding, ProtectionEvent.LOST)


def misplaced(ctx: Context, desk: Desk, holding: Holding) -> None:
    """Take back a stop that was placed in another margin mode than its position is held in: it guards nothing."""
    if holding.guard.protection_id:
        _let_go(ctx, desk, holding.guard, "lost", "it was placed in another margin mode")
        holding.guard = begin(ctx)


def released(ctx: Context, desk: Desk, holding: Holding) -> None:
    """Let go of the stop of a position that is flat; an orphan must never open the other side."""
    guard = holding.guard
    _let_go(ctx, desk, guard, "released")
    if PROTECTION.allows(guard.state, ProtectionEvent.FLAT):
        guard.state = PROTECTION.next(guard.state, ProtectionEvent.FLAT)


def _let_go(ctx: Context, desk: Desk, guard: Guard, state: str, why: Any = UNSET) -> None:
    """Have every stop of a guard cancelled that may stand, or that may come to stand still."""
    at_hand = (guard.protection_id, guard.algo_id, guard.state in UNANSWERED)
    stops = (at_hand, *((one, "", True) for one in guard.unanswered))
    for protection_id, algo_id, may_arrive in stops:
        if protection_id:
            ctx.record(ProtectionChanged(protection_id=protection_id, state=state, ended_at=ctx.at, failure=why))
            releasing.begin(ctx, desk.inst_id, protection_id, algo_id, may_arrive=may_arrive)


def _place(ctx: Context, desk: Desk, holding: Holding) -> None:
    guard = holding.guard
    guard.protection_id = ctx.names.order("stop")
    guard.trigger = guard.wanted = wanted_trigger(desk, holding)
    guard.algo_id, guard.asked, guard.fired, guard.grows_to = "", False, None, None
    guard.sized = holding.contracts if guard.beside or guard.one_stands else None
    ctx.record(
        ProtectionPlaced(
            protection_id=guard.protection_id, position_id=holding.position_id, inst_id=desk.inst_id,
            kind="stop_full" if guard.sized is None else "stop_sized", trigger_price=exact(guard.trigger),
            trigger_type="mark", callback_ratio=None, active_price=None, placed_at=ctx.at,
        )
    )  # fmt: skip
    moving.step(ctx, holding, ProtectionEvent.PLACE)
    ctx.do(
        PlaceAlgo(
            client_id=guard.protection_id,
            inst_id=desk.inst_id,
            kind=AlgoKind.STOP,
            action=holding.side.closing,
            margin_mode=holding.margin_mode or ctx.plan.settled.margin_mode,
            position_side=desk.held_apart,
            contracts=guard.sized,
            close_fraction=ONE if guard.sized is None else None,
            stop_trigger=guard.trigger,
        )
    )


def _confirmed(ctx: Context, holding: Holding) -> None:
    guard = holding.guard
    if guard.state in {ProtectionState.PROTECTED, ProtectionState.RELEASED}:
        return
    if guard.state is ProtectionState.NAKED:  # it was given up, and stands after all
        moving.step(ctx, holding, ProtectionEvent.PLACE)
    first = guard.state not in COVERED
    moving.step(ctx, holding, ProtectionEvent.CONFIRMED)
    if guard.state is ProtectionState.REMOVING_OLD:  # it was moved, not replaced: there is no old one to remove
        moving.step(ctx, holding, ProtectionEvent.OLD_REMOVED)
    guard.trigger, guard.wanted = guard.wanted or guard.trigger, None
    guard.sized, guard.grows_to = guard.grows_to or guard.sized, None
    guard.refusals, guard.passed, guard.one_stands = 0, False, False
    changes: dict[str, Any] = {"trail_state": holding.chain.to_plain()}
    if guard.trigger is not None:
        changes["trigger_price"] = exact(guard.trigger)
    if guard.algo_id:
        changes["algo_id"] = guard.algo_id
    if first:
        changes["confirmed_at"] = ctx.at
        if guard.beside:  # what stands beside it may be left over from another ledger: that goes now
            ctx.reread(Instant(ctx.at - LEFT_OVER_US))
    ctx.record(ProtectionChanged(protection_id=guard.protection_id, state="live", **changes))
    _without_the_outgrown(ctx, holding)


def _without_the_outgrown(ctx: Context, holding: Holding) -> None:
    """Let go of a stop that could not be enlarged, now that a larger one stands."""
    guard = holding.guard
    outgrown, guard.outgrown = guard.outgrown, ""
    if outgrown in guard.unanswered:  # otherwise it is over, or the one at hand again
        guard.unanswered.remove(outgrown)
        why = "it was smaller than its position"
        ctx.record(ProtectionChanged(protection_id=outgrown, state="released", ended_at=ctx.at, failure=why))
        releasing.begin(ctx, holding.position.instrument.inst_id, outgrown, "", may_arrive=False)


def _refused(ctx: Context, holding: Holding, outcome: Refused, act: str) -> None:
    guard = holding.guard
    if act == "amend" and guard.state not in COVERED:
        return  # it is about a stop that is gone already
    guard.retry_at = Instant(ctx.at + (moving.RETRY_US if holding.close is None else AGAIN_US))
    why = f"{outcome.code} {outcome.message}"[:200]
    if act == "amend":
        ctx.record(ProtectionChanged(protection_id=guard.protection_id, state="live", failure=why))
    else:
        ctx.record(ProtectionChanged(protection_id=guard.protection_id, state="refused", ended_at=ctx.at, failure=why))
    if PROTECTION.allows(guard.state, ProtectionEvent.REFUSED):
        moving.step(ctx, holding, ProtectionEvent.REFUSED)
    if act == "amend":
        moving.failed(ctx, holding)
    guard.passed = outcome.code in PASSED and holding.managed and guard.state is ProtectionState.NAKED
    if outcome.code == ONE_STOP_ONLY and guard.state is ProtectionState.NAKED:
        _one_stands(ctx, holding)


def _one_stands(ctx: Context, holding: Holding) -> None:
    """Take the exchange's word that the whole position has its one stop or target: one of ours, or somebody else's."""
    guard = holding.guard
    guard.one_stands = bool(guard.unanswered)
    if not guard.unanswered:
        guard.retry_at = guard.retry_at if guard.beside else ctx.at  # at once, but only once
        guard.beside = True
        return
    if holding.close is not None and guard.sized is None:  # no time to find out: one with a size may stand beside it
        guard.retry_at = ctx.at
        return
    guard.protection_id, guard.asked = guard.unanswered.pop(0), False
    for event in (ProtectionEvent.PLACE, ProtectionEvent.NO_ANSWER):  # one before stands: ask for it again
        moving.step(ctx, holding, event)


def remember(ctx: Context, holding: Holding) -> None:
    """Have the rules' memory of a position written where a restart finds it, when it has changed."""
    if holding.saved == holding.chain or not holding.guard.protection_id or holding.guard.state not in COVERED:
        return
    holding.saved = holding.chain
    protection_id = holding.guard.protection_id
    ctx.record(ProtectionChanged(protection_id=protection_id, state="live", trail_state=holding.chain.to_plain()))


def begin(ctx: Context, *, beside: bool = False) -> Guard:
    """Begin the guard of a position that is new to us: naked from now on, unless another's stop is known ``beside``."""
    return Guard(since=ctx.at, beside=beside)
