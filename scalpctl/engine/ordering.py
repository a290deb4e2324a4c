"""Orders leave and come back here: intended before they are sent, asked about when nobody knows, never sent twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scalpctl.core import limits as brakes
from scalpctl.core import orders
from scalpctl.core.exchange.outcomes import Accepted, Outcome, Refused, Unknown
from scalpctl.core.exchange.reports import OrderReport
from scalpctl.core.exchange.requests import CancelOrder, Lane, MarginMode, OrderType, PlaceOrder
from scalpctl.core.exchange.resolutions import FilledUnseen, Found, Resolution, Void
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.money import Contracts, exact
from scalpctl.core.orders import Order, OrderEvent, OrderState
from scalpctl.core.records.trading import OrderChanged, OrderIntended
from scalpctl.core.sides import Action
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Role, Working
from scalpctl.engine.effects import AskOrder, ReadFills
from scalpctl.engine.events import Placed

CANCEL_PATIENCE_US = 3 * MICROS_PER_SECOND
"""How long an order that was cancelled, or never rests, may take to be reported as over before it is asked for."""
FORGET_AFTER_US = 3 * 3_600 * MICROS_PER_SECOND
"""An order that is over is remembered this long: reports that are later than the exchange's own memory do not exist."""
THIN_BOOK, THIN_FOR_US = "54012", 30 * MICROS_PER_SECOND
"""The exchange takes only posted orders of an instrument whose book is thin; how long it is taken at its word."""
NOT_TRADED = frozenset({"51021", "51022", "51027", "51028"})
"""The exchange's word that an instrument is not open yet, suspended, over or being settled."""
FROZEN = frozenset({"50007", "50009", "51024", "50041", "50051", "50052", "50059", "50072", "51010"})
"""The exchange's word that the account itself is blocked, may not trade this where its owner lives, or not in this
margin mode: there is no use in asking for another entry before a person has done something."""
SUSPENDED_US = 20 * MICROS_PER_SECOND
URGENT_S, PATIENT_S = (0.5, 1, 2, 4, 7), (0.5, 2, 30)
"""Pauses after the first, the second, … refusal in a row: what must be is tried in several ways and does not give up;
what has time leaves a request alone that was refused three times. What executes nothing is paced like the former."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order that should be sent."""

    role: Role
    action: Action
    type: OrderType
    contracts: Contracts
    price: Decimal | None
    position_id: str | None
    decision_id: str | None
    decision_price: Decimal | None

    @property
    def reduce_only(self) -> bool:
        """Tell whether it may only make a position smaller: everything but an entry."""
        return self.role is not Role.ENTRY

    @property
    def lane(self) -> Lane:
        """Give its place in the queue."""
        return Lane.ENTRY if self.role is Role.ENTRY else Lane.EXIT


def send(ctx: Context, desk: Desk, wanted: Wanted) -> Working:
    """Record the intent, then have the order sent; its id is used once and never again."""
    client_id = ctx.names.order(wanted.role.value)
    expires_at = Instant(ctx.at + ctx.plan.safety.order_expires_us)
    margin_mode = mode_of(ctx, desk, wanted.role)
    held_apart = None if wanted.role is Role.ENTRY else desk.held_apart
    ctx.record(
        OrderIntended(
            client_id=client_id,
            session_id=ctx.session_id,
            position_id=wanted.position_id,
            decision_id=wanted.decision_id,
            role=wanted.role.value,
            inst_id=desk.inst_id,
            inst_version=desk.version,
            action=wanted.action.value,
            position_side=held_apart.value if held_apart is not None else None,
            order_type=wanted.type.value,
            price=None if wanted.price is None else exact(wanted.price),
            contracts=exact(wanted.contracts),
            post_only=wanted.type is OrderType.POST_ONLY,
            reduce_only=wanted.reduce_only,
            margin_mode=margin_mode.value,
            decision_price=None if wanted.decision_price is None else exact(wanted.decision_price),
            intended_at=ctx.at,
            expires_at=expires_at,
        )
    )
    ctx.do(
        PlaceOrder(
            client_id=client_id,
            inst_id=desk.inst_id,
            action=wanted.action,
            type=wanted.type,
            contracts=wanted.contracts,
            price=wanted.price,
            margin_mode=margin_mode,
            expires_at=expires_at,
            position_side=held_apart,
            reduce_only=wanted.reduce_only,
            lane=wanted.lane,
        )
    )
    order = orders.step(Order(client_id, desk.inst_id, wanted.contracts, expires_at), OrderEvent.SENDING)
    working = Working(
        order=order, role=wanted.role, action=wanted.action, type=wanted.type, price=wanted.price,
        reduce_only=wanted.reduce_only, position_id=wanted.position_id, decision_price=wanted.decision_price,
        sent_at=ctx.at,
    )  # fmt: skip
    ctx.orders[client_id] = (desk, working)
    if wanted.role is Role.ENTRY:
        ctx.set_limits(brakes.order_sent(ctx.limits, ctx.at))
    return working


def mode_of(ctx: Context, desk: Desk, role: Role) -> MarginMode:
    """Give the margin mode an order is for: what closes a position must name the one the position is held in."""
    held = desk.holding.margin_mode if desk.holding is not None and role is not Role.ENTRY else None
    return held or ctx.plan.settled.margin_mode


def withdraw(ctx: Context, desk: Desk, working: Working) -> None:
    """Have an order cancelled; asking once is enough, and what nobody knows about is cleared up first."""
    if working.cancelling or not working.order.is_open:
        return
    working.cancelling = True
    working.late_since = ctx.at
    lane = Lane.EXIT if working.reduce_only else Lane.CANCEL
    ctx.do(CancelOrder(working.order.client_id, desk.inst_id, lane))


def withdraw_unfollowed(ctx: Context, desk: Desk) -> list[Working]:
    """Withdraw what nobody follows, as an order that an earlier session left resting; gives what is not over yet."""
    holding, execution = desk.holding, desk.execution
    followed = {id(holding.taking) if holding is not None else 0, id(execution.working) if execution is not None else 0}
    left = [one for at, one in ctx.orders.values() if at is desk and one.order.is_open and id(one) not in followed]
    for working in left:
        if working.order.rests:
            withdraw(ctx, desk, working)
        overdue(ctx, desk, working)
    return left


def placed(ctx: Context, desk: Desk, working: Working, answer: Placed) -> None:
    """Take the answer to an order."""
    before, outcome = working.order, answer.outcome
    if isinstance(outcome, Unknown) and not before.is_open:
        return  # it was cleared up meanwhile, by a report or by asking
    working.order = orders.answered(before, outcome)
    changes: dict[str, Any] = {"sent_at": answer.sent_at}
    if isinstance(outcome, Accepted):
        changes |= {"order_id": outcome.exchange_id, "acked_at": outcome.acked_at or ctx.at}
    elif isinstance(outcome, Refused) and working.order.state is OrderState.REFUSED:
        changes |= {"refusal_code": outcome.code, "refusal": outcome.message[:200], "finished_at": ctx.at}
        working.refusal = outcome.code
        if outcome.code == THIN_BOOK:
            desk.posted_only_until = Instant(ctx.at + THIN_FOR_US)
        if working.role is Role.ENTRY:
            _entry_refused(ctx, desk, outcome)
    elif isinstance(outcome, Unknown):
        changes |= {"refusal_code": outcome.code, "refusal": outcome.why[:200]}
    note(ctx, working, **changes)
    if working.order.state is OrderState.UNKNOWN:
        ask(ctx, desk, working)


def _entry_refused(ctx: Context, desk: Desk, outcome: Refused) -> None:
    """Count a refused entry; where the account may enter nothing one is enough."""
    said = f"{outcome.code} {outcome.message[:100]}"
    if outcome.code in FROZEN:
        ctx.trip(brakes.Limit.REFUSALS, f"this account may enter nothing: {desk.inst_id} was refused with {said}")
        return
    why = f"the last of {desk.inst_id} with {said}"
    ctx.set_limits(brakes.order_refused(ctx.limits, ctx.at, why, ctx.limit_parameters))


def cancelled(ctx: Context, desk: Desk, working: Working, outcome: Outcome) -> None:
    """Take the answer to a cancellation: only a report ends an order, and a refusal is a reason to ask."""
    if not isinstance(outcome, Accepted) and working.order.is_open:
        ask(ctx, desk, working)


def reported(ctx: Context, working: Working, report: OrderReport) -> None:
    """Take the exchange's report of an order."""
    before = working.order
    working.order = orders.reported(before, report)
    working.asked = False
    average = report.average_price
    known = working.order.state is before.state and working.order.reported == before.reported
    if known and average in {None, working.average_price} and working.order.contracts == before.contracts:
        return
    changes: dict[str, Any] = {"order_id": report.order_id, **_executed(before, working.order)}
    if average is not None:
        working.average_price = average
        changes["average_price"] = exact(average)
    if not working.order.is_open:
        changes["finished_at"] = report.updated_at
        if report.cancel_source:
            changes["cancel_source"] = report.cancel_source
    note(ctx, working, **changes)


def _executed(before: Order, now: Order) -> dict[str, Any]:
    """Give what the ledger is to hear of an order's executions, and of its size where others have changed that."""
    size = {} if now.contracts == before.contracts else {"contracts": exact(now.contracts)}
    return {"filled_contracts": exact(now.reported), **size}


def filled(ctx: Context, working: Working, contracts: Contracts) -> None:
    """Count a fill."""
    before = working.order
    working.order = orders.filled(before, contracts)
    changes = _executed(before, working.order)
    if working.order.state is not before.state and not working.order.is_open:
        changes["finished_at"] = ctx.at
    note(ctx, working, **changes)


def resolved(ctx: Context, desk: Desk, working: Working, resolution: Resolution) -> None:
    """Take what asking found; an order that never was is void, one that was forgotten was cancelled unfilled."""
    working.asked = False
    if isinstance(resolution, Found) and isinstance(resolution.report, OrderReport):
        reported(ctx, working, resolution.report)
    elif isinstance(resolution, Void):
        _gone(ctx, working, resolution)
    elif isinstance(resolution, Unknown) and working.order.is_open:
        ask(ctx, desk, working)
    elif isinstance(resolution, FilledUnseen):
        working.late_since = ctx.at


def _gone(ctx: Context, working: Working, resolution: Void) -> None:
    if working.order.state in {OrderState.INTENDED, OrderState.SENT}:
        working.order = orders.step(working.order, OrderEvent.NO_ANSWER)
    if working.order.state is OrderState.UNKNOWN:
        working.order = orders.step(working.order, OrderEvent.GONE)
        note(ctx, working, finished_at=ctx.at, refusal=f"not found {resolution.asked} times, no fill")
    elif working.order.is_open:  # it lived, was cancelled unfilled, and has been forgotten since
        working.order = orders.step(working.order, OrderEvent.SEEN_CANCELLED)
        note(ctx, working, finished_at=ctx.at, cancel_source="forgotten")


def ask(ctx: Context, desk: Desk, working: Working) -> None:
    """Have an order cleared up by its client id, once at a time."""
    if not working.asked:
        working.asked = True
        ctx.do(AskOrder(desk.inst_id, working.order.client_id, working.sent_at, working.order.expires_at))


def note(ctx: Context, working: Working, **changes: Any) -> None:
    """Record what is now known about an order."""
    ctx.record(OrderChanged(client_id=working.order.client_id, state=working.order.state.value, **changes))


def overdue(ctx: Context, desk: Desk, working: Working) -> None:
    """Ask for an order whose end, or whose fills, are late."""
    over = not working.order.is_open or (working.order.rests and working.type is not OrderType.POST_ONLY)
    if over and not working.order.is_settled and working.late_since is None:  # what takes is over at once, told or not
        working.late_since = ctx.at
    late = working.late_since is not None and ctx.at - working.late_since > CANCEL_PATIENCE_US
    if late and not working.order.is_settled:
        working.late_since = ctx.at
        if working.order.is_open:
            working.cancelling = False
            ask(ctx, desk, working)
        else:  # its end was told, its executions were not
            ctx.do(ReadFills(Instant(working.sent_at - MICROS_PER_SECOND)))


def again_at(ctx: Context, desk: Desk, refusals: int, code: str, pauses_s: Sequence[float]) -> Instant:
    """Give when to try again after so many refusals; an instrument that is suspended says itself when it trades."""
    if desk.instrument.state == "suspend" or code in NOT_TRADED:
        return Instant(ctx.at + SUSPENDED_US)
    return Instant(ctx.at + int(pauses_s[min(refusals, len(pauses_s)) - 1] * MICROS_PER_SECOND))


def forget_old(ctx: Context) -> None:
    """Let go of orders that were over so long ago that nothing more can be heard of them."""
    old = [
        client_id
        for client_id, (_, working) in ctx.orders.items()
        if working.order.is_settled and ctx.at - working.sent_at > FORGET_AFTER_US
    ]
    for client_id in old:
        del ctx.orders[client_id]
