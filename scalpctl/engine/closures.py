"""Closures: a position that reached zero is closed in the ledger with its cause, the proof, and the whole money."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import isfinite
from typing import Any

from scalpctl.core import limits as brakes
from scalpctl.core.attribution import Attribution, Confidence, Traces, closure_cause, decisive, rank
from scalpctl.core.causes import Cause
from scalpctl.core.exchange.reports import FillReport
from scalpctl.core.gates.state import LastClose
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.money import ZERO, Exact, add, exact, multiply, subtract
from scalpctl.core.pnl import settle
from scalpctl.core.records.money import DriftDetected, DriftExplained
from scalpctl.core.records.positions import PositionClosed
from scalpctl.engine import events, hands
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Holding, Leaving, Role
from scalpctl.engine.effects import Investigate, Reply

EVIDENCE_AFTER_US = MICROS_PER_SECOND // 2
"""The exchange's histories lag behind its pushes."""
FUNDING_WITHIN_US = 60 * MICROS_PER_SECOND
"""How long a closure waits for the bill of a funding that fell into the life of its position."""


def awaited(ctx: Context, desk: Desk, holding: Holding) -> None:
    """Put a flat position in line for its closure."""
    desk.leaving.append(Leaving(holding, Instant(ctx.at + EVIDENCE_AFTER_US)))


def drive(ctx: Context, desk: Desk) -> None:
    """Ask for the evidence of every closure that waits for it."""
    for leaving in desk.leaving:
        if not leaving.asked and ctx.at >= leaving.ask_at:
            leaving.asked = True
            holding = leaving.holding
            since = Instant(holding.position.opened_at - 5 * MICROS_PER_SECOND)
            ctx.do(Investigate(holding.position_id, desk.inst_id, since, foreign=holding.foreign))


def evidence(ctx: Context, desk: Desk, found: events.Evidence) -> Holding | None:
    """Take what the histories say; gives the position whose closure was recorded, None while it must wait."""
    leaving = next((one for one in desk.leaving if one.holding.position_id == found.position_id), None)
    if leaving is None:
        return None
    holding = leaving.holding
    incomplete = found.bills is None or (holding.foreign and (found.orders is None or found.fills is None))
    incomplete = incomplete or _lacks_beginning(ctx, holding)
    if incomplete or _lacks_funding(ctx, desk, holding) or _lacks_proof(ctx, holding, found):
        leaving.asked = False
        leaving.ask_at = Instant(ctx.at + 2 * MICROS_PER_SECOND)
        return None
    desk.leaving.remove(leaving)
    _close(ctx, desk, holding, found)
    return holding


def _lacks_proof(ctx: Context, holding: Holding, found: events.Evidence) -> bool:
    """Tell whether the histories, which lag, may still say who closed it."""
    if not holding.foreign:
        return False
    late = holding.flat_at is None or ctx.at - holding.flat_at > hands.PROOF_WITHIN_US
    if hands.lacks_algo(found, _closed_by(holding), late=late):
        return True
    return not late and _attributed(ctx, holding, found).confidence is Confidence.NONE


def _lacks_beginning(ctx: Context, holding: Holding) -> bool:
    """Tell whether what made an adopted position may still be heard of: it happened since the ledger's opening."""
    if (
        not holding.borrowed
        or not holding.adopted_at
        or holding.flat_at is None
        or ctx.at - holding.flat_at > hands.PROOF_WITHIN_US
    ):
        return False
    return ctx.opened and holding.position.opened_at >= ctx.booked.opened_at


def _lacks_funding(ctx: Context, desk: Desk, holding: Holding) -> bool:
    """Tell whether a funding fell into the position's life whose bill has not been seen."""
    due = desk.funding_due
    if due is None or holding.flat_at is None or not holding.position.opened_at <= due <= holding.flat_at:
        return False
    return ctx.at - holding.flat_at < FUNDING_WITHIN_US


def _close(ctx: Context, desk: Desk, holding: Holding, found: events.Evidence) -> None:
    attribution = _attributed(ctx, holding, found)
    position = holding.position
    fees = add(holding.fees, holding.penalty)
    net = subtract(subtract(holding.gross, fees), holding.funding)
    closed_at = holding.flat_at or ctx.at
    entry, exit_price = _averages(holding)
    ctx.record(
        PositionClosed(
            position_id=holding.position_id,
            session_id=ctx.session_id,
            inst_id=desk.inst_id,
            side=position.side.value,
            cause=attribution.cause.value,
            closed_by=attribution.actor,
            evidence=_proof(holding, attribution),
            pre_close=_before(holding),
            contracts=exact(position.contracts_max),
            entry_price=exact(entry),
            exit_price=exact(exit_price),
            gross=exact(holding.gross),
            fees=exact(fees),
            funding=exact(holding.funding),
            net=exact(net),
            maker_share=exact(_maker_share(holding)),
            mae=exact(_excursion(holding, entry, worst=True)),
            mfe=exact(_excursion(holding, entry, worst=False)),
            leverage=exact(holding.leverage),
            regime=holding.regime.value,
            held_us=max(0, closed_at - position.opened_at),
            opened_at=position.opened_at,
            closed_at=closed_at,
        )
    )
    if not attribution.cause.is_ours and attribution.actor != "engine":
        _drift(ctx, desk, holding, attribution)
    desk.last_close = LastClose(position.side, net, closed_at)
    stopped = attribution.cause.is_stop
    ctx.set_limits(brakes.trade_closed(ctx.limits, desk.inst_id, net, closed_at, desk.rules.limits, stopped=stopped))
    for command_id in holding.waiting_commands:
        _answer(ctx, command_id, holding, result_of(desk, holding, attribution, net))


def _answer(ctx: Context, command_id: str, holding: Holding, result: dict[str, Any]) -> None:
    """Answer whoever asked for closes, once all of them are recorded."""
    waiting = ctx.asked_to_close.get(command_id, [])
    if holding.position_id in waiting:
        waiting.remove(holding.position_id)
    closed = ctx.answers.setdefault(command_id, [])
    closed.append(result)
    if not waiting:
        ctx.do(Reply(command_id, ok=True, result={"state": "closed", "closed": closed}))
        ctx.answers.pop(command_id)
        ctx.asked_to_close.pop(command_id, None)


def result_of(desk: Desk, holding: Holding, attribution: Attribution, net: Decimal) -> dict[str, Any]:
    """Give what a person who asked for a close wants to know."""
    return {
        "position_id": holding.position_id,
        "instrument": desk.inst_id,
        "side": holding.side.value,
        "cause": attribution.cause.value,
        "fills": sum(1 for fill in holding.fills if fill.action is holding.side.closing),
        "fees": exact(holding.fees),
        "net": exact(net),
    }


def _attributed(ctx: Context, holding: Holding, found: events.Evidence) -> Attribution:
    """Say who closed it and why: the fill that made it flat decides."""
    parts: list[tuple[FillReport, Attribution]] = []
    for fill in holding.fills:
        if fill.action is holding.side.opening:
            continue
        parts.append((fill, _attribution_of(ctx, holding, fill, found)))
    if not parts:
        return rank(Traces())[0]
    return closure_cause(tuple(parts))


def _attribution_of(ctx: Context, holding: Holding, fill: FillReport, found: events.Evidence) -> Attribution:
    order = hands.order_in(found, fill.order_id)
    algo = hands.algo_in(found, order)
    known = ctx.orders.get(fill.client_id)
    bills = tuple(bill for bill in found.bills or () if bill.trade_id and bill.trade_id == fill.trade_id)
    history = next((one for one in found.history or () if one.inst_id == fill.inst_id), None)
    traces = Traces(
        fill=fill,
        order=order,
        algo=algo,
        bills=bills,
        history=history if holding.foreign else None,
        own_order=ctx.made(fill.client_id),  # another ledger's closes are its own business
        own_algo=hands.is_own_algo(order, algo),
        own_cause=_own_cause(holding, known[1].role if known is not None else None),
    )
    best = rank(traces)[0]
    if best.cause.is_ours and holding.close is not None:
        return Attribution(best.cause, best.confidence, holding.close.owner.actor, best.evidence)
    return best


def _own_cause(holding: Holding, role: Role | None) -> Cause | None:
    if role is Role.PARTIAL:
        return Cause.PARTIAL_TAKE
    if role is Role.ENTRY:
        return Cause.CROSSED
    return holding.close.owner.cause if holding.close is not None else holding.decided


def _proof(holding: Holding, attribution: Attribution) -> dict[str, Any]:
    votes = [] if holding.close is None else holding.close.votes
    return {
        "confidence": attribution.confidence.name.lower(),
        "records": attribution.evidence.to_plain(),
        "votes": [{"cause": vote.cause.value, "at": vote.at, "actor": vote.actor} for vote in votes],
        "fills": [[fill.trade_id, fill.order_id] for fill in holding.fills if fill.action is holding.side.closing],
        "decided_on": [] if not votes else votes[0].evidence.to_plain(),
    }


def _before(holding: Holding) -> dict[str, Any]:
    return {
        "origin": holding.origin,
        "leverage": exact(holding.leverage),
        "regime": holding.regime.value,
        "strength": None if holding.strength is None else exact(holding.strength),
        "chain": holding.chain.to_plain(),
        "protection": holding.guard.state.value,
        "penalty": exact(holding.penalty),
    }


def _averages(holding: Holding) -> tuple[Decimal, Decimal]:
    """Give the average prices of the way in and out; where executions of the way in are unknown, the result says it."""
    side, position = holding.side, holding.position
    opening = [fill for fill in holding.fills if fill.action is side.opening]
    left = _average([fill for fill in holding.fills if fill.action is side.closing])
    if sum((fill.contracts.value for fill in opening), ZERO) >= position.contracts_closed.value or not left:
        return _average(opening), left
    coins = Fraction(position.instrument.coins(position.contracts_closed).value)
    return settle(Fraction(left) - Fraction(holding.gross) * side.sign / coins), left


def _average(fills: list[FillReport]) -> Decimal:
    if not fills:
        return ZERO
    value = sum((Fraction(fill.price) * Fraction(fill.contracts.value) for fill in fills), Fraction(0))
    return settle(value / sum((Fraction(fill.contracts.value) for fill in fills), Fraction(0)))


def _maker_share(holding: Holding) -> Decimal:
    whole = sum((Fraction(fill.contracts.value) for fill in holding.fills), Fraction(0))
    maker = sum((Fraction(fill.contracts.value) for fill in holding.fills if fill.liquidity == "maker"), Fraction(0))
    return settle(maker / whole) if whole else ZERO


def extremes(holding: Holding) -> tuple[Exact | None, Exact | None]:
    """Give the highest and the lowest price at which the position could have been closed; None where none was seen."""
    seen = (holding.watch.highest, holding.watch.lowest)
    highest, lowest = (exact(Decimal(repr(one))) if isfinite(one) and one > 0 else None for one in seen)
    return highest, lowest


def _excursion(holding: Holding, entry: Decimal, *, worst: bool) -> Decimal:
    """Give the furthest the price went against (or for) the position, in quote currency of its largest size."""
    seen = holding.watch.lowest if (holding.side.sign > 0) is worst else holding.watch.highest
    if not entry or not isfinite(seen) or seen <= 0:
        return ZERO
    moved = multiply(subtract(Decimal(repr(seen)), entry), Decimal(holding.side.sign))
    coins = holding.position.instrument.coins(holding.position.contracts_max).value
    moved = min(moved, ZERO) if worst else max(moved, ZERO)
    return multiply(moved, coins)


def _drift(ctx: Context, desk: Desk, holding: Holding, attribution: Attribution) -> None:
    """Record that somebody else closed what was ours, with the cause, or that nobody knows who did."""
    seen = ctx.drifts_open.pop((desk.inst_id, "vanished"), None)
    drift_id = seen or ctx.names.thing("drift")
    known = attribution.confidence > Confidence.NONE
    if seen is None:
        _vanished(ctx, desk, holding, drift_id)
    ctx.record(
        DriftExplained(
            drift_id=drift_id,
            cause=attribution.cause.value,
            confidence=attribution.confidence.name.lower(),
            evidence=attribution.evidence.to_plain(),
            explained_at=ctx.at,
            action="closed in the ledger with the exchange's own fills and bills",
            resolved_at=ctx.at if known else None,
        ),
    )
    if not known and holding.fills:
        last = decisive(holding.fills, holding.side.closing)
        hands.unexplained(ctx, holding.position_id, last, drift_id)


def _closed_by(holding: Holding) -> str:
    return decisive(holding.fills, holding.side.closing).order_id if holding.fills else ""


def _vanished(ctx: Context, desk: Desk, holding: Holding, drift_id: str) -> None:
    ctx.record(
        DriftDetected(
            drift_id=drift_id,
            session_id=ctx.session_id,
            kind="vanished",
            inst_id=desk.inst_id,
            position_id=holding.position_id,
            ours={"contracts": exact(holding.position.contracts_max), "side": holding.side.value},
            theirs={"contracts": "0", "order_id": _closed_by(holding)},
            detected_at=ctx.at,
            action="booked",
        )
    )
