"""What a ledger remembers of earlier sessions, and how a machine takes it up: fills first, they are the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from scalpctl.core import fills as executions
from scalpctl.core import limits as brakes
from scalpctl.core import positions
from scalpctl.core.attribution import decisive
from scalpctl.core.causes import Cause
from scalpctl.core.exchange.reports import BillReport, FillReport
from scalpctl.core.exchange.requests import MarginMode, OrderType
from scalpctl.core.exits.state import ChainState, state_from_plain
from scalpctl.core.exits.watch import Watch
from scalpctl.core.gates.state import LastClose
from scalpctl.core.indicators.study import Study
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.limits import Limit
from scalpctl.core.money import ZERO, Contracts, add, subtract
from scalpctl.core.names import stem_of
from scalpctl.core.orders import Order, OrderState
from scalpctl.core.protection import ProtectionState
from scalpctl.core.regime import Regime
from scalpctl.core.sides import Action, Side
from scalpctl.engine import closures, hands
from scalpctl.engine.booked import FillKey
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Guard, Holding, Role, Working
from scalpctl.engine.hands import Hand
from scalpctl.engine.markets import spec_of


@dataclass(frozen=True, slots=True)
class RememberedOrder:
    """An order of an earlier session that was not over, as the ledger has it."""

    client_id: str
    inst_id: str
    role: str
    action: Action
    type: str
    price: Decimal | None
    contracts: Decimal
    filled: Decimal
    reduce_only: bool
    position_id: str | None
    decision_price: Decimal | None
    state: str
    order_id: str
    intended_at: Instant
    expires_at: Instant
    reported: Decimal = ZERO
    """What the exchange has said is executed: more than ``filled`` while not every execution has been heard of."""


@dataclass(frozen=True, slots=True)
class RememberedStop:
    """A stop whose end the ledger does not know, or only from a list that may have been an old one."""

    protection_id: str
    algo_id: str
    trigger: Decimal | None
    state: str


@dataclass(frozen=True, slots=True)
class RememberedPosition:
    """A position without a closure: its fills, its stop, and what the exit rules remember."""

    position_id: str
    inst_id: str
    side: Side
    origin: str
    opened_at: Instant
    leverage: Decimal
    parameter_set: str
    fills: tuple[FillReport, ...]
    funding: Decimal
    penalty: Decimal
    entered: bool
    stops: tuple[RememberedStop, ...]
    """Every stop that may stand, the likeliest first: one whose answer was lost may be newer than the one that does."""
    trail_state: dict[str, Any] | None
    decided: Cause | None = None
    ordered_by: str = ""
    """Why it was being closed, if it was."""
    contracts: Contracts = Contracts(ZERO)  # noqa: RUF009  immutable
    entry_price: Decimal = ZERO
    adopted_at: Instant = Instant(0)  # noqa: RUF009  immutable
    margin_mode: str = ""


@dataclass(frozen=True, slots=True)
class Remembered:
    """Everything a start needs to continue instead of starting over."""

    instruments: tuple[tuple[Instrument, int], ...] = ()
    positions: tuple[RememberedPosition, ...] = ()
    orders: tuple[RememberedOrder, ...] = ()
    fills: Mapping[FillKey, Instant] = field(default_factory=dict)
    bills: Mapping[str, Instant] = field(default_factory=dict)
    bills_until: Instant = Instant(0)  # noqa: RUF009  immutable
    known_until: Instant | None = None
    last_closes: Mapping[str, LastClose] = field(default_factory=dict)
    limits: dict[str, Any] | None = None
    latches: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Ids of the latches that hold, by limit and instrument."""
    latched: tuple[brakes.Held, ...] = ()
    closed_since: tuple[tuple[str, Decimal, Instant, bool], ...] = ()
    """Results recorded after the limits were last written down: instrument, net, instant, whether it was a stop."""
    opened: bool = False
    opened_at: Instant = Instant(0)  # noqa: RUF009  immutable
    paid_since: Instant | None = None
    cash: Decimal = ZERO
    waiting: tuple[BillReport, ...] = ()
    """Bills whose execution had not been seen yet."""
    suspended: Mapping[FillKey, BillReport] = field(default_factory=dict)
    elsewhere: Mapping[FillKey, BillReport] = field(default_factory=dict)
    drifts: Mapping[tuple[str, str], str] = field(default_factory=dict)
    hands: tuple[Hand, ...] = ()
    """Orders of others whose owner was not known when the last session ended."""
    sessions: tuple[str, ...] = ()
    """Every session the ledger knows of."""
    entered: int = 0
    """Positions entered since the ledger began."""
    crashes: tuple[Instant, ...] = ()
    """When the latest sessions that never came to an end began."""


def recall(ctx: Context, remembered: Remembered) -> None:
    """Bring a fresh machine to where the last session left off."""
    ctx.stems.update(map(stem_of, remembered.sessions))
    for instrument, version in remembered.instruments:
        _desk(ctx, instrument, version)
        ctx.versions[instrument.inst_id] = (version, spec_of(instrument))
    for position in remembered.positions:
        _position(ctx, ctx.desks[position.inst_id], position)
    for order in remembered.orders:
        _order(ctx, ctx.desks[order.inst_id], order)
    for inst_id, last in remembered.last_closes.items():
        if inst_id in ctx.desks:
            desk = ctx.desks[inst_id]
            desk.last_close = last
            if last.closed_at > desk.flat_at:  # nobody wrote down its mode: it is nearly always the one traded in
                desk.flat_at, desk.flat_mode = last.closed_at, ctx.plan.settled.margin_mode
    ctx.booked.recall(remembered.fills, remembered.bills, remembered.bills_until)
    ctx.booked.opened_at, ctx.opened = remembered.opened_at, remembered.opened
    ctx.booked.paid_since = remembered.paid_since
    ctx.account.cash = remembered.cash
    ctx.drifts_open.update(remembered.drifts)
    ctx.bills_waiting.update({bill.bill_id: bill for bill in remembered.waiting})
    ctx.suspended.update(remembered.suspended)
    ctx.booked.elsewhere.update(remembered.elsewhere)
    ctx.hands.update({(hand.inst_id, hand.order_id): hand for hand in remembered.hands})
    for holding in [leaving.holding for desk in ctx.desks.values() for leaving in desk.leaving]:
        if holding.fills:
            hands.closed_by(ctx, decisive(holding.fills, holding.side.closing))
    ctx.crashes, ctx.entered = remembered.crashes, remembered.entered
    ctx.booked.known_until = remembered.known_until
    _limits(ctx, remembered)


def _desk(ctx: Context, instrument: Instrument, version: int) -> None:
    rules = ctx.plan.rules(instrument.inst_id, Regime.RANGING)
    study = Study(instrument.inst_id, ctx.plan.study(instrument.inst_id))
    traded = instrument.inst_id in ctx.plan.settled.inst_ids
    ctx.desks[instrument.inst_id] = Desk(instrument, version, rules, study, traded=traded)


def _position(ctx: Context, desk: Desk, kept: RememberedPosition) -> None:
    """Fold a position's fills again: size, price and result are never read back, they follow."""
    position, borrowed = _begun(desk, kept)
    gross, fees = ZERO, ZERO
    for report in kept.fills:
        fill = executions.from_report(report)
        position = positions.apply(position, fill).position
        gross = add(gross, report.pnl or ZERO)
        fees = add(fees, fill.fee_paid)
    holding = Holding(
        position_id=kept.position_id,
        origin=kept.origin,
        position=position,
        leverage=kept.leverage,
        margin_mode=_mode(ctx, kept),
        parameter_set=kept.parameter_set,
        regime=Regime(kept.parameter_set) if kept.parameter_set in tuple(Regime) else Regime.RANGING,
        watch=Watch(desk.rules.prices),
        guard=_guard(kept),
        chain=ChainState() if kept.trail_state is None else state_from_plain(kept.trail_state),
        fills=list(kept.fills),
        gross=gross,
        fees=fees,
        funding=kept.funding,
        penalty=kept.penalty,
        entered=kept.entered,
        foreign=kept.origin != "engine" or _others_reduced(ctx, kept),
        managed=ctx.plan.safety.manages(kept.origin),
        decided=kept.decided,
        ordered_by=kept.ordered_by,
        borrowed=borrowed,
        adopted_at=kept.adopted_at if kept.origin == "adopted" else Instant(0),
    )
    if position.is_flat:
        holding.flat_at = position.closed_at
        if position.closed_at is not None and position.closed_at > desk.flat_at:
            desk.flat_at, desk.flat_mode = position.closed_at, holding.margin_mode
        closures.awaited(ctx, desk, holding)
    else:
        desk.holding = holding


def _others_reduced(ctx: Context, kept: RememberedPosition) -> bool:
    """Tell whether an order that was not one of ours, as a stop's is, made a position smaller."""
    return any(one.action is kept.side.closing and not ctx.made(one.client_id) for one in kept.fills)


def _begun(desk: Desk, kept: RememberedPosition) -> tuple[positions.Position, Contracts]:
    """Give what a position was before its first own execution: nothing, what was adopted, or what a turn left over."""
    empty = positions.Position(desk.instrument, kept.side, kept.opened_at)
    known = add(*(one.contracts.value * one.action.sign * kept.side.sign for one in kept.fills), ZERO)
    borrowed = Contracts(subtract(kept.contracts.value, known))
    if borrowed.value <= ZERO or not _began_with_some(kept):
        return empty, Contracts(ZERO)
    value = Fraction(borrowed.value) * _first_price(kept, borrowed)
    return replace(empty, contracts=borrowed, contracts_max=borrowed, value=value), borrowed


def _first_price(kept: RememberedPosition, borrowed: Contracts) -> Fraction:
    """Work back from today's average to the price of what was there before the executions that are known."""
    held, share, rest = Fraction(borrowed.value), Fraction(1), Fraction(0)
    for one in kept.fills:
        size = Fraction(one.contracts.value)
        if one.action is not kept.side.opening:
            held -= size  # closing leaves the average as it is
            if held <= 0:
                break
            continue
        share *= held / (held + size)
        rest = (rest * held + Fraction(one.price) * size) / (held + size)
        held += size
    return (Fraction(kept.entry_price) - rest) / share


def _began_with_some(kept: RememberedPosition) -> bool:
    """Tell a position that was something before its first fill from one that its last fill turned round."""
    if kept.origin == "adopted" or kept.contracts:
        return True
    return bool(kept.fills) and kept.fills[0].action is not kept.side.opening


def _mode(ctx: Context, kept: RememberedPosition) -> MarginMode | None:
    """Give whose margin backs a position, where that is known: of what others opened the usual one is only a guess."""
    mode = MarginMode(kept.margin_mode) if kept.margin_mode in tuple(MarginMode) else None
    return None if kept.origin != "engine" and mode is ctx.plan.settled.margin_mode else mode


def _guard(kept: RememberedPosition) -> Guard:
    """Continue with the stops the ledger knows; the exchange's list will confirm one, or it is asked for by its id."""
    first = next((one for one in kept.stops if one.state != "lost"), None)
    others = [one.protection_id for one in kept.stops if one is not first]
    if first is None:
        return Guard(unanswered=others)
    state = ProtectionState.PROTECTED if first.state == "live" else ProtectionState.ASKING
    return Guard(
        state=state,
        protection_id=first.protection_id,
        unanswered=others,
        algo_id=first.algo_id,
        trigger=first.trigger,
    )


def _order(ctx: Context, desk: Desk, kept: RememberedOrder) -> None:
    order = Order(
        kept.client_id,
        kept.inst_id,
        Contracts(kept.contracts),
        kept.expires_at,
        state=OrderState(kept.state),
        exchange_id=kept.order_id,
        filled=Contracts(kept.filled),
        reported=Contracts(max(kept.filled, kept.reported)),
    )
    working = Working(
        order=order,
        role=Role(kept.role) if kept.role in tuple(Role) else Role.CLOSE,
        action=kept.action,
        type=OrderType(kept.type),
        price=kept.price,
        reduce_only=kept.reduce_only,
        position_id=kept.position_id,
        decision_price=kept.decision_price,
        sent_at=kept.intended_at,
    )
    ctx.orders[kept.client_id] = (desk, working)


def _limits(ctx: Context, remembered: Remembered) -> None:
    def limits_of(inst_id: str) -> brakes.LimitParameters:
        return ctx.plan.rules(inst_id, Regime.RANGING).limits

    book = brakes.Book() if remembered.limits is None else brakes.from_plain(remembered.limits)
    for inst_id, net, at, stopped in remembered.closed_since:
        book = brakes.trade_closed(book, inst_id, net, at, limits_of(inst_id), stopped=stopped)
    book = brakes.recalled(book, remembered.latched, limits_of)
    ids = {(Limit(limit), inst_id): latch_id for (limit, inst_id), latch_id in remembered.latches.items()}
    ctx.remember_latches(book, ids)
