"""Entries: a closed candle speaks, every gate is asked, size and leverage are worked out, all of it is recorded."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from scalpctl.core import leverage, limits, protection, sizing
from scalpctl.core.costs import Edge
from scalpctl.core.estimates import rounded
from scalpctl.core.evidence import Evidence
from scalpctl.core.exchange.notices import MoneyMoved
from scalpctl.core.exchange.outcomes import Accepted, Outcome
from scalpctl.core.gates.verdicts import Entrance, GateVerdict, Skip
from scalpctl.core.instants import MICROS_PER_SECOND
from scalpctl.core.leverage import LeverageChoice
from scalpctl.core.maker import Purpose, Quoter
from scalpctl.core.money import ZERO, Contracts, Quote, add, exact
from scalpctl.core.pnl import settle
from scalpctl.core.records.positions import EntryMade, LeverageChosen
from scalpctl.core.records.trading import Decided
from scalpctl.core.sides import Side
from scalpctl.core.signals.choice import choose
from scalpctl.core.signals.rules import Signal, speak
from scalpctl.core.sizing import Sized, SizingInputs
from scalpctl.engine import gates
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, EntryPlan, Execution, Role
from scalpctl.engine.effects import ReadLeverages, SetLeverage
from scalpctl.engine.events import LeveragesRead
from scalpctl.engine.exposure import exposure

OWN_LEVERAGE_US = 10 * MICROS_PER_SECOND
"""Within this what we set is announced."""


def consider(ctx: Context, desk: Desk) -> None:
    """Ask the candle that has just closed whether to enter; a skip has one enumerated reason."""
    ctx.set_limits(limits.released(ctx.limits, ctx.at))  # on record before anything is entered
    reading = desk.study.reading
    if reading is None or ctx.ending is not None or ctx.closed_to_entries:
        return
    signals = speak(desk.inst_id, reading, ctx.plan.settled.signals, desk.rules.signals)
    trend = Side.LONG if reading.plus_di >= reading.minus_di else Side.SHORT
    choice = choose(signals, desk.regime.regime, trend, desk.rules.choice)
    if choice.signal is None:
        _skip(ctx, desk, choice.skipped or Skip.NO_SIGNAL, None, Entrance(()), Evidence())
        return
    signal = choice.signal
    entrance, worth = gates.first(ctx, desk, signal)
    desk.heard.append((ctx.at, signal.side))
    if entrance.skip is not None:
        _skip(ctx, desk, entrance.skip, signal, entrance, worth.evidence())
        return
    _enter(ctx, desk, signal, entrance, worth)


def leverage_answered(ctx: Context, desk: Desk, granted: Decimal, outcome: Outcome) -> None:
    """Go on with an entry once its leverage is confirmed, if time has taken nothing of what let it in."""
    confirmed = isinstance(outcome, Accepted)
    desk.leverage, desk.leverage_doubted = granted if confirmed else None, not ctx.usable
    ctx.account.leverage_set_at = ctx.at
    plan = desk.wanted
    if plan is None or plan.choice.capped != granted:  # given up meanwhile, or another one waits for its own answer
        return
    desk.wanted = None
    gone = gates.still(ctx, desk, plan).skip
    if confirmed and gone is None:
        _begin(ctx, desk, plan)
        return
    _choice(ctx, desk, plan.choice, granted if confirmed else None)
    _given_up(ctx, desk, plan, gone.value if confirmed and gone is not None else "leverage_not_confirmed")


def leverages_read(ctx: Context, read: LeveragesRead) -> None:
    """Take the leverage in force from the exchange."""
    for inst_id, in_force in read.leverages:
        desk = ctx.desks.get(inst_id)
        if desk is not None:
            desk.leverage, desk.leverage_doubted = in_force, False


def money_moved(ctx: Context, moved: MoneyMoved) -> None:
    """Take word that a leverage was set: as many as we have set just now are announced as ours."""
    if moved.kind != "set_leverage":
        return
    account = ctx.account
    account.leverages_due = account.leverages_due if ctx.at - account.leverage_set_at < OWN_LEVERAGE_US else 0
    if account.leverages_due:
        account.leverages_due -= 1
    else:
        doubt_leverage(ctx)


def doubt_leverage(ctx: Context) -> None:
    """Doubt every leverage once somebody may have set one; until it was read an entry sets its own anew."""
    for desk in ctx.desks.values():
        desk.leverage_doubted = True
    read_leverage(ctx)


def read_leverage(ctx: Context) -> None:
    """Have the leverage read that is doubted, as soon as nothing can change it unheard."""
    doubted = tuple(desk.inst_id for desk in ctx.desks.values() if desk.leverage_doubted and desk.traded)
    if doubted and ctx.usable:
        ctx.do(ReadLeverages(doubted, ctx.plan.settled.margin_mode))


def finished(ctx: Context, desk: Desk, done: Execution) -> None:
    """Record what became of an entry: made, or given up with the reason."""
    plan = done.entry
    if plan is None:
        return
    if not done.fills:
        _given_up(ctx, desk, plan, done.gave_up or "not_filled")
        return
    contracts = sum((Fraction(fill.contracts.value) for fill in done.fills), Fraction(0))
    value = sum((Fraction(fill.price) * Fraction(fill.contracts.value) for fill in done.fills), Fraction(0))
    average = settle(value / contracts)
    size = settle(contracts)
    holding = desk.holding
    if holding is not None and holding.position_id == done.position_id:
        holding.entered = True
    notional = desk.instrument.notional(Contracts(size), average).value
    ctx.record(
        EntryMade(
            entry_id=ctx.names.thing("entry"),
            position_id=done.position_id or "",
            client_id=done.fills[0].client_id or None,
            decision_id=plan.decision_id,
            signal=plan.signal.kind.value,
            strength=exact(rounded(plan.signal.strength)),
            regime=plan.regime.value,
            sizing=plan.sized.evidence.to_plain(),
            leverage_requested=exact(plan.choice.requested),
            leverage_granted=exact(desk.leverage or plan.choice.capped),
            margin=exact(settle(Fraction(notional) / Fraction(desk.leverage or plan.choice.capped))),
            decision_price=exact(plan.decision_price),
            average_price=exact(average),
            contracts=exact(size),
            fees=exact(add(*(-(fill.fee or ZERO) for fill in done.fills), ZERO)),
            entered_at=done.fills[0].filled_at,
        )
    )
    _count(ctx)


def _count(ctx: Context) -> None:
    """Count a position; the last small one with real money has entries wait for a person."""
    ctx.entered += 1
    if ctx.entered == ctx.plan.safety.ramp_positions:
        ctx.trip(limits.Limit.RAMP, f"the first {ctx.entered} positions are made, as small as can be: look at them")


def _enter(ctx: Context, desk: Desk, signal: Signal, entrance: Entrance, worth: Edge) -> None:
    """Work out leverage and size; when both stand, record the decision and begin."""
    reading = desk.study.reading
    own = desk.bid if signal.side is Side.LONG else desk.ask
    if reading is None or own is None:
        return
    atr, strength = rounded(reading.atr_ratio), rounded(signal.strength)
    choice = leverage.choose(
        strength, desk.regime.regime, atr, exchange_max=desk.instrument.leverage_max, limits=desk.rules.leverage
    )
    sized = _size(ctx, desk, strength, atr, (own, choice.capped, worth.cost_ratio))
    stop = protection.trigger(desk.instrument, signal.side, own, desk.rules.protection)
    plan = EntryPlan("", signal, signal.side, choice, sized, desk.regime.regime, own, stop)
    entrance = Entrance((*entrance.verdicts, *gates.last(ctx, desk, plan)))
    shown = worth.evidence() + _prefixed("leverage", choice.evidence) + _prefixed("size", sized.evidence)
    if entrance.skip is not None:
        _skip(ctx, desk, entrance.skip, signal, entrance, shown)
        return
    desk.profile = sized.profile
    desk.skipped = ""
    plan.decision_id = _decided(ctx, desk, "enter", signal, entrance, shown)
    if desk.leverage != choice.capped or desk.leverage_doubted:
        desk.wanted = plan
        ctx.account.leverage_set_at, ctx.account.leverages_due = ctx.at, ctx.account.leverages_due + 1
        ctx.do(SetLeverage(desk.inst_id, choice.capped, ctx.plan.settled.margin_mode))
        return
    _begin(ctx, desk, plan)


def _size(ctx: Context, desk: Desk, strength: Decimal, atr: Decimal, at: tuple[Decimal, Decimal, Decimal]) -> Sized:
    price, geared, cost = at
    account = ctx.account
    inputs = SizingInputs(
        equity=Quote(account.equity or ZERO),
        margin_used=Quote(exposure(ctx).margin),
        margin_free=Quote(account.available if account.available is not None else account.equity or ZERO),
        price=price,
        leverage=geared,
        strength=strength,
        atr_ratio=atr,
        stop_ratio=add(desk.rules.protection.stop_ratio, cost),
        profile_held=desk.profile,
        ramping=ctx.entered < ctx.plan.safety.ramp_positions,
    )
    return sizing.size(desk.instrument, inputs, desk.rules.sizing)


def _begin(ctx: Context, desk: Desk, plan: EntryPlan) -> None:
    """Begin the execution of an entry."""
    _choice(ctx, desk, plan.choice, desk.leverage)
    quoter = Quoter(Purpose.ENTRY, plan.side.opening, plan.sized.contracts, plan.decision_price, ctx.at)
    desk.execution = Execution(Role.ENTRY, quoter, plan.decision_id, None, entry=plan)


def _choice(ctx: Context, desk: Desk, choice: LeverageChoice, granted: Decimal | None) -> None:
    shown = choice.evidence
    ctx.record(
        LeverageChosen(
            session_id=ctx.session_id,
            position_id=None,
            inst_id=desk.inst_id,
            at=ctx.at,
            strength=exact(choice.strength),
            regime_multiplier=exact(Decimal(str(shown.get("regime_multiple")))),
            volatility_multiplier=exact(Decimal(str(shown.get("volatility_multiple")))),
            adjusted_strength=exact(choice.adjusted),
            category=choice.category.value,
            requested=exact(choice.requested),
            capped=exact(choice.capped),
            granted=None if granted is None else exact(granted),
            working=shown.to_plain(),
        )
    )


def _given_up(ctx: Context, desk: Desk, plan: EntryPlan, why: str) -> None:
    shown = Evidence.of("execution", reason=why, decision=plan.decision_id)
    _decided(ctx, desk, "given_up", plan.signal, Entrance(()), shown)


def _skip(
    ctx: Context, desk: Desk, reason: Skip, signal: Signal | None, entrance: Entrance, shown: Evidence
) -> None:  # fmt: skip
    """Record a skip when its reason differs from the last one; silence of all signals is not worth a row."""
    if reason is Skip.NO_SIGNAL or (reason.value == desk.skipped and signal is None):
        desk.skipped = reason.value
        return
    desk.skipped = reason.value
    _decided(ctx, desk, f"skip:{reason.value}", signal, entrance, shown)


def _decided(
    ctx: Context, desk: Desk, outcome: str, signal: Signal | None, entrance: Entrance, shown: Evidence
) -> str:  # fmt: skip
    decision_id = ctx.names.thing("decision")
    heard = _prefixed("signal", signal.evidence) if signal is not None else Evidence()
    ctx.record(
        Decided(
            decision_id=decision_id,
            session_id=ctx.session_id,
            position_id=None,
            inst_id=desk.inst_id,
            decided_at=ctx.at,
            subject="entry",
            outcome=outcome,
            winner=signal.kind.value if signal is not None else None,
            verdicts=[] if signal is None else [{"side": signal.side.value, "strength": signal.strength}],
            gates=[_gate(verdict) for verdict in entrance.verdicts],
            evidence=(heard + shown).to_plain(),
            parameters={"regime": desk.regime.regime.value, "sources": desk.rules.sources},
        )
    )
    return decision_id


def _gate(verdict: GateVerdict) -> dict[str, Any]:
    return {
        "gate": verdict.gate.value,
        "passed": verdict.passed,
        "value": _plain(verdict.value),
        "limit": _plain(verdict.limit),
        "source": verdict.source,
    }


def _plain(value: Any) -> Any:
    return exact(value) if isinstance(value, Decimal) else value


def _prefixed(prefix: str, shown: Evidence) -> Evidence:
    return Evidence(tuple(replace(item, name=f"{prefix}.{item.name}") for item in shown))
