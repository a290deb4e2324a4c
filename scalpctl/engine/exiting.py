"""Exits: the chain is asked, its winner votes, and one close request per position is carried out, whoever asked."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from scalpctl.core import closing
from scalpctl.core.causes import Cause
from scalpctl.core.closing import CloseEvent, CloseRequest, CloseState, Nothing, Vote
from scalpctl.core.evidence import Evidence
from scalpctl.core.exchange.requests import OrderType
from scalpctl.core.exits.chain import Decision
from scalpctl.core.exits.verdicts import Kind
from scalpctl.core.exits.view import Alarms, Quoted, View
from scalpctl.core.instants import MICROS_PER_SECOND
from scalpctl.core.maker import Purpose, Quoter, within
from scalpctl.core.money import ZERO, Contracts, add, exact, multiply, subtract
from scalpctl.core.orders import OrderState
from scalpctl.core.pnl import settle
from scalpctl.core.records.positions import PartialTaken
from scalpctl.core.records.trading import Decided
from scalpctl.core.sides import Side
from scalpctl.engine import executing, ordering
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Execution, Holding, Role, Working
from scalpctl.engine.facts import facts_of
from scalpctl.engine.ordering import Wanted

WITHDRAW_PATIENCE_US = MICROS_PER_SECOND
"""How long an urgent close waits for an own entry to be cancelled before it goes ahead."""
LEFT_PATIENCE_US = 5 * MICROS_PER_SECOND
"""How long a close waits for a closing order of before to be over; it cannot open anything, so not for ever."""
POSTED_PATIENCE_US = 3 * MICROS_PER_SECOND
"""How long an urgent close may rest at one price: a market that moves away must not leave it there."""
COLLAR_RATIO = Decimal("0.01")
"""Furthest from the mark an urgent close is priced when the exchange refuses a market order."""


def evaluate(ctx: Context, desk: Desk, holding: Holding) -> None:
    """Ask the chain about a position, record what changed, and act on its winner.

    Nobody would follow what is begun once the end is reached: what is left then has its stop.
    """
    if ctx.finished or not holding.managed or not holding.contracts:
        return
    view = View(
        facts_of(ctx, desk, holding),
        ctx.at,
        desk.rules.prices,
        exit_price=_exit_price(desk, holding),
        mark=_mark(desk),
        reading=desk.study.reading,
        alarms=Alarms(margin=holding.margin),
    )
    decision = desk.rules.exits.chain.evaluate(view, holding.chain)
    holding.chain = decision.state
    holding.watch.keep(decision.band)
    winner = decision.winner
    acts = winner is not None and (holding.close is None or winner.kind is Kind.CLOSE)
    if winner is None or not acts:
        if decision.standing != holding.standing:
            _record(ctx, desk, holding, decision)
        return
    if winner.kind is Kind.PARTIAL:
        _take_part(ctx, desk, holding, decision)
    elif holding.close is None or all(known.cause is not winner.rule for known in holding.close.votes):
        _record(ctx, desk, holding, decision)
        vote(ctx, desk, holding, winner.rule, decision.evidence(), recorded=True)


def vote(
    ctx: Context, desk: Desk, holding: Holding, cause: Cause, evidence: Evidence, actor: str = "engine", *,
    recorded: bool = False,
) -> None:  # fmt: skip
    """Add a reason to close a position, which is written down if it is not yet; the first opens its one request."""
    cast = Vote(cause, ctx.at, evidence, actor)
    if holding.close is not None:
        before, holding.close = holding.close, closing.add_vote(holding.close, cast)
        if holding.close is before:
            return
        _try_now(ctx, desk, holding)
    else:
        asked = closing.request(ctx.names.thing("close"), desk.inst_id, holding.contracts, cast)
        if asked is Nothing.ALREADY_FLAT:
            return
        assert isinstance(asked, CloseRequest)  # noqa: S101  the other member of the union is handled above
        holding.close = asked
    if not recorded:
        _record_order(ctx, desk, holding, cast)  # a start after a crash must still know why
    drive(ctx, desk)


def _try_now(ctx: Context, desk: Desk, holding: Holding) -> None:
    """Let a new reason, as a person's order, end the pause after what was refused before it."""
    holding.retry_at = min(holding.retry_at, ctx.at)
    if desk.execution is not None and desk.execution.role is Role.CLOSE:
        desk.execution.resume_at = min(desk.execution.resume_at, ctx.at)


def drive(ctx: Context, desk: Desk) -> None:
    """Carry the close of a desk's position one step further, if it has one and may go on."""
    holding = desk.holding
    if holding is None or holding.close is None or holding.close.is_over or holding.contracts.value <= ZERO:
        return
    close = holding.close
    if close.state is CloseState.HURRYING or not _is_its_close(desk.execution, holding):
        executing.withdraw(ctx, desk)
    if close.state is CloseState.HURRYING and desk.execution is None:
        close = holding.close = closing.advance(close, CloseEvent.QUOTE_ENDED)
    if close.state is not CloseState.REQUESTED or ctx.at < holding.retry_at:
        return
    if desk.execution is not None:
        waited = ctx.at - close.owner.at > WITHDRAW_PATIENCE_US
        if not (close.is_urgent and waited and desk.execution.role is Role.ENTRY):
            return
    if _waits_for_what_is_left(ctx, desk, close):
        return
    if close.is_urgent:
        _take(ctx, desk, holding)
    elif desk.execution is None:
        _quote(ctx, desk, holding)


def _waits_for_what_is_left(ctx: Context, desk: Desk, close: CloseRequest) -> bool:
    """Tell whether a close waits for one that nobody follows any more; for one that rests not longer than it must."""
    left = [one for one in ordering.withdraw_unfollowed(ctx, desk) if one.reduce_only]
    if any(one.type is not OrderType.POST_ONLY for one in left):
        return True  # it never rested: it is being asked for, and may have closed everything
    return bool(left) and ctx.at - close.owner.at <= LEFT_PATIENCE_US


def _is_its_close(execution: Execution | None, holding: Holding) -> bool:
    """Tell whether an execution is the close of this position, not of one that was here before it, and nothing else."""
    if execution is None:
        return False
    return execution.role is Role.CLOSE and execution.position_id == holding.position_id


def finished(ctx: Context, desk: Desk, done: Execution) -> None:
    """Take the end of a partial take or of a patient close, or that nobody follows it any more."""
    holding = desk.holding
    if done.role is Role.PARTIAL:
        if done.fills:
            _record_part(ctx, desk, holding, done)
        elif holding is not None and done.cause == Cause.PARTIAL_TAKE.value:
            holding.chain = holding.chain.step_returned()
            holding.watch.clear()
        return
    if holding is None or holding.close is None or holding.close.is_over:
        return
    if closing.CLOSING.allows(holding.close.state, CloseEvent.QUOTE_ENDED):
        holding.close = closing.advance(holding.close, CloseEvent.QUOTE_ENDED)
    drive(ctx, desk)


def follow(ctx: Context, desk: Desk) -> None:
    """Follow an urgent closing order to its end, and see what is to be done then."""
    holding = desk.holding
    if holding is None or holding.taking is None:
        return
    working = holding.taking
    if working.order.is_open or not working.order.is_settled:
        if working.order.rests and ctx.at - working.sent_at > POSTED_PATIENCE_US:
            ordering.withdraw(ctx, desk, working)
        ordering.overdue(ctx, desk, working)
        if not working.order.rests or ctx.at - working.sent_at <= POSTED_PATIENCE_US + LEFT_PATIENCE_US:
            return  # otherwise it cannot be taken back; it opens nothing, and the next way is tried
    holding.taking = None
    if not working.order.filled:
        _took_nothing(ctx, desk, holding, working)
    if holding.close is None or holding.close.state is not CloseState.TAKING:
        return
    if working.order.state in {OrderState.REFUSED, OrderState.VOID}:
        holding.close = closing.advance(holding.close, CloseEvent.REFUSED)
        ctx.reread(holding.position.opened_at)  # what is really left decides, not what we believed
    else:
        holding.close = closing.advance(holding.close, CloseEvent.QUOTE_ENDED)
        drive(ctx, desk)


def _took_nothing(ctx: Context, desk: Desk, holding: Holding, working: Working) -> None:
    """Try the next way, after a pause that grows; what only rested for nothing has waited enough."""
    holding.urgent_attempts += 1
    rested = working.type is OrderType.POST_ONLY and ctx.at - working.sent_at > POSTED_PATIENCE_US
    if not rested or working.order.state in {OrderState.REFUSED, OrderState.VOID}:
        attempts, code = holding.urgent_attempts, working.refusal
        holding.retry_at = ordering.again_at(ctx, desk, attempts, code, ordering.URGENT_S)


def take_fraction(ctx: Context, desk: Desk, holding: Holding, contracts: Contracts, command_id: str) -> None:
    """Close a part by order of a person: patiently, as one partial execution."""
    quoter = Quoter(Purpose.EXIT, holding.side.closing, contracts, _reference(desk, holding), ctx.at)
    desk.execution = Execution(
        Role.PARTIAL, quoter, None, holding.position_id, cause=Cause.OPERATOR.value, command_id=command_id
    )


def _take(ctx: Context, desk: Desk, holding: Holding) -> None:
    """Close at once: market, then priced at the collar, then posted at the touch, in turn, while the stop stays.

    Where the exchange takes posted orders only, nothing else is tried: a refusal costs the time of a posted one.
    """
    close = holding.close
    if close is None:
        return
    ways = (OrderType.MARKET, OrderType.IOC, OrderType.POST_ONLY)
    kind = OrderType.POST_ONLY if ctx.at < desk.posted_only_until else ways[holding.urgent_attempts % 3]
    whole = desk.instrument.floor_contracts(holding.contracts)
    contracts = desk.instrument.in_one_order(whole, market=kind is OrderType.MARKET)
    if not contracts:
        return
    holding.close = closing.advance(close, CloseEvent.TAKE)
    holding.taking = ordering.send(
        ctx,
        desk,
        Wanted(
            role=Role.CLOSE,
            action=holding.side.closing,
            type=kind,
            contracts=contracts,
            price=_urgent_price(ctx, desk, holding, kind),
            position_id=holding.position_id,
            decision_id=None,
            decision_price=_reference(desk, holding),
        ),
    )


def _urgent_price(ctx: Context, desk: Desk, holding: Holding, kind: OrderType) -> Decimal | None:
    if kind is OrderType.MARKET:
        return None
    action = holding.side.closing
    price = _reference(desk, holding)
    if kind is OrderType.POST_ONLY:
        price = (desk.bid if action.sign > 0 else desk.ask) or price
    else:
        price = multiply(price, add(Decimal(1), multiply(COLLAR_RATIO, Decimal(action.sign))))
    return within(desk.instrument.passive_price(price, action), desk.furthest(action, ctx.at), action)


def _quote(ctx: Context, desk: Desk, holding: Holding) -> None:
    close = holding.close
    if close is None:
        return
    holding.close = closing.advance(close, CloseEvent.QUOTE)
    contracts = closing.order_contracts(close, holding.contracts)
    quoter = Quoter(Purpose.EXIT, holding.side.closing, contracts, _reference(desk, holding), ctx.at)
    desk.execution = Execution(Role.CLOSE, quoter, None, holding.position_id, cause=close.owner.cause.value)


def _take_part(ctx: Context, desk: Desk, holding: Holding, decision: Decision) -> None:
    """Begin a partial take; while another execution runs its step is given back and asked for again."""
    winner = decision.winner
    if winner is None or winner.contracts is None:
        return
    if desk.execution is not None or holding.close is not None:
        holding.chain = holding.chain.step_returned()
        return
    decision_id = _record(ctx, desk, holding, decision)
    quoter = Quoter(Purpose.EXIT, holding.side.closing, winner.contracts, _reference(desk, holding), ctx.at)
    desk.execution = Execution(Role.PARTIAL, quoter, decision_id, holding.position_id, cause=winner.rule.value)


def _record_part(ctx: Context, desk: Desk, holding: Holding | None, done: Execution) -> None:
    """Record a partial take with the money of its own fills."""
    held = holding if holding is not None and holding.position_id == done.position_id else None
    taken_contracts = Contracts(add(*(fill.contracts.value for fill in done.fills)))
    value = add(*(multiply(fill.price, fill.contracts.value) for fill in done.fills))
    gross = add(*(fill.pnl or ZERO for fill in done.fills))
    fees = add(*(-(fill.fee or ZERO) for fill in done.fills)) or ZERO
    remaining = held.contracts if held is not None else Contracts(ZERO)
    opened = held.position if held is not None else None
    whole = opened.contracts_max if opened is not None else taken_contracts
    entry = opened.average_price if opened is not None and remaining else ZERO
    last = done.fills[-1]
    ctx.record(
        PartialTaken(
            partial_id=ctx.names.thing("partial"),
            position_id=done.position_id or "",
            inst_id=desk.inst_id,
            side=(Side.LONG if done.quoter.action.sign < 0 else Side.SHORT).value,
            client_id=last.client_id or None,
            decision_id=done.decision_id,
            taken_contracts=exact(taken_contracts),
            taken_coins=exact(desk.instrument.coins(taken_contracts)),
            taken_ratio=exact(_share(taken_contracts.value, whole.value)),
            remaining_contracts=exact(remaining),
            remaining_coins=exact(desk.instrument.coins(remaining)),
            gross=exact(gross),
            fees=exact(fees),
            net=exact(subtract(gross, fees)),
            entry_price=exact(entry),
            exit_price=exact(_share(value, taken_contracts.value)),
            held_us=ctx.at - opened.opened_at if opened is not None else 0,
            reason=done.cause,
            taken_at=last.filled_at,
        )
    )


def _share(part: Decimal, whole: Decimal) -> Decimal:
    return settle(Fraction(part) / Fraction(whole))


def _record(ctx: Context, desk: Desk, holding: Holding, decision: Decision) -> str:
    """Record a decision that differs from the last one recorded."""
    holding.standing = decision.standing
    decision_id = ctx.names.thing("decision")
    winner = decision.winner
    ctx.record(
        Decided(
            decision_id=decision_id,
            session_id=ctx.session_id,
            position_id=holding.position_id,
            inst_id=desk.inst_id,
            decided_at=ctx.at,
            subject="exit",
            outcome=winner.kind.value if winner is not None else Kind.HOLD.value,
            winner=winner.rule.value if winner is not None else None,
            verdicts=[
                {"rule": one.rule.value, "kind": one.kind.value, "why": one.why.value} for one in decision.verdicts
            ],
            gates=[],
            evidence=decision.evidence().to_plain(),
            parameters={"set": holding.parameter_set, "sources": desk.rules.sources},
        )
    )
    return decision_id


def _record_order(ctx: Context, desk: Desk, holding: Holding, cast: Vote) -> None:
    """Record a close that no rule asked for: a person, the end of a session, a stop that cannot be had."""
    ctx.record(
        Decided(
            decision_id=ctx.names.thing("decision"),
            session_id=ctx.session_id,
            position_id=holding.position_id,
            inst_id=desk.inst_id,
            decided_at=ctx.at,
            subject="exit",
            outcome="close",
            winner=cast.cause.value,
            verdicts=[],
            gates=[],
            evidence=cast.evidence.to_plain(),
            parameters={"set": holding.parameter_set, "sources": {}},
        )
    )


def _exit_price(desk: Desk, holding: Holding) -> Quoted | None:
    price = desk.bid if holding.side.sign > 0 else desk.ask
    if price is None or desk.ticker is None:
        return None
    return Quoted(price, "ticker", desk.ticker.exchange_at)


def _mark(desk: Desk) -> Quoted | None:
    mark = desk.mark
    return None if mark is None else Quoted(Decimal(mark.price_text), "mark", mark.exchange_at)


def _reference(desk: Desk, holding: Holding) -> Decimal:
    """Give the price a decision about this position is compared with: what it could be closed at now."""
    price = desk.bid if holding.side.sign > 0 else desk.ask
    if price is not None:
        return price
    return Decimal(desk.mark.price_text) if desk.mark is not None else holding.position.average_price
