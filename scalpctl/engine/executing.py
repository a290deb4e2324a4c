"""Carries one maker-first execution: posts, waits, moves, and in the end gives up (an entry) or takes (an exit)."""

from __future__ import annotations

from dataclasses import replace

from scalpctl.core import limits as brakes
from scalpctl.core import maker
from scalpctl.core.exchange.requests import OrderType
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.maker import GiveUp, MakerEvent, MakerState, Purpose, Quote, Stop, Take
from scalpctl.core.money import Contracts
from scalpctl.core.orders import OrderState
from scalpctl.engine import ordering
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Execution, Role, Working
from scalpctl.engine.ordering import Wanted

LESS_TO_REDUCE = frozenset({"51112", "51148", "51169", "51205", "51206"})
"""The exchange's word that less is there than an order would reduce, or nothing."""
NOTHING_LEFT_US = 5 * MICROS_PER_SECOND
VAIN_US, VAIN_MAX = MICROS_PER_SECOND, 2
"""An order that ended by itself within this time, unfilled, was in vain; after so many the next one waits."""
_BY_ORDER = {
    OrderState.LIVE: MakerEvent.ACCEPTED,
    OrderState.PARTLY_FILLED: MakerEvent.ACCEPTED,
    OrderState.UNKNOWN: MakerEvent.NO_ANSWER,
}


def advance(ctx: Context, desk: Desk) -> Execution | None:
    """Do what the execution of a desk needs now; gives it back when it is over."""
    execution = desk.execution
    if execution is None:
        return None
    if execution.role is Role.ENTRY and _is_held_back(ctx, desk):
        withdraw(ctx, desk)
    if execution.working is not None:
        _follow(ctx, desk, execution, execution.working)
    if execution.working is None and not _is_over(execution):
        if not execution.quoter.withdrawn and (ctx.at < execution.resume_at or not ctx.recovered):
            return None  # before the first picture of a session nobody knows whether there is anything to close
        _decide(ctx, desk, execution)
    if execution.working is None and _is_over(execution):
        desk.execution = None
        return execution
    return None


def _is_held_back(ctx: Context, desk: Desk) -> bool:
    """Tell whether an entry under way is not wanted any more: by a limit, or in a state in which none is made."""
    return desk.instrument.state != "live" or brakes.latched(ctx.limits, desk.inst_id, ctx.at) is not None


def withdraw(ctx: Context, desk: Desk) -> None:
    """Ask for the end of the execution under way: its order is cancelled, and what was filled stays filled."""
    execution = desk.execution
    if execution is None or execution.quoter.withdrawn:
        return
    execution.quoter = replace(execution.quoter, withdrawn=True)
    execution.resume_at = ctx.at
    if execution.working is not None:
        _cancel(ctx, desk, execution, execution.working, MakerEvent.WITHDRAWN)


def _is_over(execution: Execution) -> bool:
    return execution.quoter.state in maker.MAKER.final


def _follow(ctx: Context, desk: Desk, execution: Execution, working: Working) -> None:
    """Bring the execution in line with what is known about its order."""
    order = working.order
    if order.is_open:
        event = _BY_ORDER.get(order.state)
        if event is not None:
            _step(execution, event)
        if working.cancelling and execution.quoter.state is MakerState.RESTING:
            _step(execution, MakerEvent.WITHDRAWN)
        if order.rests and execution.quoter.state is MakerState.CANCELLING:
            ordering.withdraw(ctx, desk, working)
        _patience(ctx, desk, execution, working)
        ordering.overdue(ctx, desk, working)
    elif order.is_settled:
        _ended(ctx, desk, execution, working)
    else:
        ordering.overdue(ctx, desk, working)


def _patience(ctx: Context, desk: Desk, execution: Execution, working: Working) -> None:
    quoter = execution.quoter
    own = desk.bid if quoter.action.sign > 0 else desk.ask
    if own is not None:
        own = maker.within(own, desk.furthest(quoter.action, ctx.at), quoter.action)
    event = maker.patience(quoter, own, ctx.at, desk.rules.maker)
    if event is not None:
        _cancel(ctx, desk, execution, working, event)


def _cancel(ctx: Context, desk: Desk, execution: Execution, working: Working, event: MakerEvent) -> None:
    _step(execution, event)
    if working.order.state is not OrderState.SENT:  # an unanswered order is cancelled once it is known to exist
        ordering.withdraw(ctx, desk, working)


def _ended(ctx: Context, desk: Desk, execution: Execution, working: Working) -> None:
    """Count what an order that is over has filled, and see what is left."""
    execution.working = None
    quoter = replace(execution.quoter, filled=execution.quoter.filled + working.order.filled)
    execution.quoter = quoter
    if not desk.instrument.floor_contracts(quoter.left):
        _step(execution, MakerEvent.FILLED)
        return
    refused = working.order.state in {OrderState.REFUSED, OrderState.VOID}
    if refused:
        execution.refusals += 1
        execution.resume_at = ordering.again_at(ctx, desk, execution.refusals, working.refusal, ordering.PATIENT_S)
        if working.refusal in LESS_TO_REDUCE and desk.holding is not None:  # what is really left decides
            execution.resume_at = max(execution.resume_at, Instant(ctx.at + NOTHING_LEFT_US))
            ctx.reread(desk.holding.position.opened_at)
    else:
        _pace(ctx, desk, execution, working)
    crossed = MakerEvent.CROSSED if working.type is OrderType.POST_ONLY else MakerEvent.CANCELLED
    for event in (MakerEvent.REFUSED, crossed, MakerEvent.CANCELLED) if refused else (crossed, MakerEvent.CANCELLED):
        if maker.MAKER.allows(execution.quoter.state, event):
            _step(execution, event)
            break
    if execution.role is Role.ENTRY and working.order.state is OrderState.REFUSED:  # it would be refused once more
        execution.gave_up = GiveUp.REFUSED.value
        _finish(execution, MakerEvent.GIVE_UP)


def _pace(ctx: Context, desk: Desk, execution: Execution, working: Working) -> None:
    """Let the next order wait where one after the other was taken and executed nothing."""
    execution.refusals = 0
    in_vain = not working.order.filled and not working.cancelling and ctx.at - working.sent_at < VAIN_US
    execution.vain = execution.vain + 1 if in_vain else 0
    if execution.vain > VAIN_MAX:
        execution.resume_at = ordering.again_at(ctx, desk, execution.vain - VAIN_MAX, "", ordering.URGENT_S)


def _decide(ctx: Context, desk: Desk, execution: Execution) -> None:
    """Say what comes next: a quote, for an exit taking, or the end."""
    quoter = execution.quoter
    contracts = desk.instrument.in_one_order(_what_is_left(desk, execution))
    if not contracts:
        _finish(execution, MakerEvent.FILLED if not quoter.left else MakerEvent.GIVE_UP)
        return
    decision = maker.decide(
        quoter,
        desk.instrument,
        desk.book,
        ctx.at,
        desk.rules.maker,
        posted_only=ctx.at < desk.posted_only_until,
        furthest=desk.furthest(quoter.action, ctx.at),
    )
    if isinstance(decision, Stop):
        if decision.reason is GiveUp.NO_BOOK and quoter.purpose is Purpose.EXIT:
            execution.resume_at = Instant(ctx.at + MICROS_PER_SECOND)
            return
        execution.gave_up = decision.reason.value
        _finish(execution, MakerEvent.GIVE_UP)
        return
    if quoter.purpose is Purpose.ENTRY and _is_stale(ctx, desk):
        return  # the next price says where to quote; where none comes the signal grows old
    _send(ctx, desk, execution, decision, contracts)


def _is_stale(ctx: Context, desk: Desk) -> bool:
    """Tell whether the price that was heard last is too old to open anything at, as the gate of the decision does."""
    heard = desk.ticker
    return heard is None or ctx.at - heard.exchange_at > desk.rules.market.price_age_s * MICROS_PER_SECOND


def _send(ctx: Context, desk: Desk, execution: Execution, decision: Quote | Take, contracts: Contracts) -> None:
    quote = isinstance(decision, Quote)
    price = decision.price if isinstance(decision, Quote) else decision.limit_price
    if execution.quoter.state is MakerState.DECIDING:
        _step(execution, MakerEvent.REQUOTE if quote else MakerEvent.TAKE)
    if quote:
        execution.quoter = maker.placed(execution.quoter, price, ctx.at)
    execution.working = ordering.send(
        ctx,
        desk,
        Wanted(
            role=execution.role,
            action=execution.quoter.action,
            type=OrderType.POST_ONLY if quote else OrderType.IOC,
            contracts=contracts,
            price=price,
            position_id=execution.position_id,
            decision_id=execution.decision_id,
            decision_price=execution.quoter.decided_price,
        ),
    )


def _what_is_left(desk: Desk, execution: Execution) -> Contracts:
    left, holding = execution.quoter.left, desk.holding
    if execution.role is not Role.ENTRY:  # another position may have come in the place of the one it was to close
        same = holding is not None and holding.position_id == execution.position_id
        left = min(left, holding.contracts if holding is not None and same else Contracts(0))
    return desk.instrument.floor_contracts(left)


def _finish(execution: Execution, event: MakerEvent) -> None:
    if execution.quoter.state is MakerState.QUOTING:  # nothing was ever sent
        state = MakerState.DONE if event is MakerEvent.FILLED else MakerState.GIVEN_UP
        execution.quoter = replace(execution.quoter, state=state)
        return
    _step(execution, event)


def _step(execution: Execution, event: MakerEvent) -> None:
    """Take a step of the table where it has one; what a state does not care about changes nothing."""
    if maker.MAKER.allows(execution.quoter.state, event):
        execution.quoter = maker.advance(execution.quoter, event)
