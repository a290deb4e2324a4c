"""Asks every gate about an entry: before it is sized, once it is sized, and again after its leverage was set."""

from __future__ import annotations

from decimal import Decimal

from scalpctl.core import limits, protection
from scalpctl.core.costs import Edge, edge
from scalpctl.core.estimates import rounded
from scalpctl.core.evidence import Evidence
from scalpctl.core.gates import market, state
from scalpctl.core.gates.market import Sight
from scalpctl.core.gates.state import Standing
from scalpctl.core.gates.verdicts import Entrance, GateVerdict, Skip, at_most, unless
from scalpctl.core.margin import MarginAnswer, MarginState, MarginVerdict, Trust, liquidation_price
from scalpctl.core.money import ZERO, add, multiply
from scalpctl.core.sides import Side
from scalpctl.core.signals.rules import Signal
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, EntryPlan
from scalpctl.engine.exposure import Exposure, exposure

MAINTENANCE_RATE = Decimal("0.01")
"""A cautious maintenance rate for the estimate whether a stop comes before liquidation; most tiers ask for less."""


def first(ctx: Context, desk: Desk, signal: Signal) -> tuple[Entrance, Edge]:
    """Ask every gate, in order; all of them answer, so that the record shows how near each was."""
    rules, reading = desk.rules, desk.study.reading
    atr = rounded(reading.atr_ratio) if reading is not None else ZERO
    sight, committed = _sight(ctx, desk, signal), exposure(ctx)
    fees = ctx.account.fees.get(desk.inst_id)
    worth = Edge(ZERO, ZERO, ZERO, ZERO)
    if fees is not None:
        worth = edge(atr, rounded(signal.strength), fees, _funding_of(ctx, desk, signal.side), rules.costs)
    rate = Decimal(desk.funding.rate_text) if desk.funding is not None else None
    verdicts: list[GateVerdict] = [
        *state.judge_standing(_standing(ctx, desk, committed)),
        *market.judge_freshness(sight, rules.market),
        *market.judge_price(signal.side, sight, rules.market),
        *state.judge_rest(signal.side, desk.last_close, ctx.at, rules.reentry),
        state.judge_saturation(signal.side, list(desk.heard), ctx.at, rules.reentry),
        market.judge_funding(signal.side, sight, rate, rules.market),
        _correlation(ctx, desk, signal.side, committed),
        market.judge_costs(worth) if fees is not None else unless(Skip.COSTS, "the fee rates are unknown", "exchange"),
        market.judge_stop(rules.protection.stop_ratio, worth.cost_ratio, atr, rules.market),
        market.judge_margin(_margin(ctx)),
    ]
    return Entrance(tuple(verdicts)), worth


def last(ctx: Context, desk: Desk, plan: EntryPlan) -> tuple[GateVerdict, ...]:
    """Ask what can only be asked of a sized entry: the size itself, the exposure, and liquidation beyond the stop."""
    sized, committed = plan.sized, exposure(ctx)
    held, worth = committed.positions, committed.notional
    whole = None if worth is None else add(worth, sized.notional.value)
    most = desk.rules.sizing.profiles[sized.profile].positions_max
    liquidation = _liquidation(ctx, desk, plan)
    in_time = protection.is_before_liquidation(plan.stop, plan.decision_price, liquidation, desk.rules.protection)
    near = "" if in_time else "liquidation is too near the stop"
    return (
        unless(Skip.SIZE, sized.refusal.value if sized.refusal is not None else "", "sizing"),
        at_most(Skip.POSITIONS_MAX, None if held is None else held + 1, most, "profile"),
        at_most(Skip.SIZE, whole, ctx.plan.settled.exposure_max, "exchange"),
        unless(Skip.STOP_NEAR_LIQUIDATION, near, f"{plan.choice.capped}x"),
    )


def _liquidation(ctx: Context, desk: Desk, plan: EntryPlan) -> Decimal | None:
    """Estimate where the entry alone would be liquidated."""
    coins = desk.instrument.coins(plan.sized.contracts).value
    fees = ctx.account.fees.get(desk.inst_id)
    if not coins:
        return None
    rates = (MAINTENANCE_RATE, fees.taker_rate if fees is not None else ZERO)
    return liquidation_price(plan.side, coins, plan.decision_price, backing=plan.sized.margin, rates=rates)


def still(ctx: Context, desk: Desk, plan: EntryPlan) -> Entrance:
    """Ask again what may have changed while the leverage was set."""
    fresh = market.judge_freshness(_sight(ctx, desk, plan.signal), desk.rules.market)
    return Entrance((*state.judge_standing(_standing(ctx, desk, exposure(ctx))), *fresh))


def _standing(ctx: Context, desk: Desk, committed: Exposure) -> Standing:
    known = ctx.usable and ctx.recovered and ctx.account.elsewhere is not None
    holding = desk.holding is not None or (desk.theirs is not None and bool(desk.theirs.contracts))
    return Standing(
        latch=limits.blocks_entry(ctx.limits, desk.inst_id, ctx.at, desk.rules.limits, unsent=committed.unsent),
        traded=desk.traded and desk.instrument.state == "live",
        announced=state.forbidden_by(
            desk.instrument.expires_at, ctx.maintenance, ctx.at, ctx.plan.safety.quiet_before_maintenance_us
        ),
        warm=not desk.warming,
        position_open=holding if known else None,
        order_open=desk.execution is not None or desk.inst_id in committed.entering,
        close_running=bool(desk.leaving),
        positions=committed.positions if known else None,
        positions_max=ctx.plan.settled.positions_max,
    )


def _sight(ctx: Context, desk: Desk, signal: Signal) -> Sight:
    reading = desk.study.reading
    return Sight(
        at=ctx.at,
        signal_at=signal.seen_at,
        signal_price=rounded(signal.price),
        bid=desk.bid,
        ask=desk.ask,
        book_at=desk.ticker.exchange_at if desk.ticker is not None else None,
        mark=Decimal(desk.mark.price_text) if desk.mark is not None else None,
        last_close=reading.close if reading is not None else 0.0,
        atr=reading.atr if reading is not None else 0.0,
        funding_at=desk.funding.funding_at if desk.funding is not None else None,
    )


def _funding_of(ctx: Context, desk: Desk, side: Side) -> Decimal:
    """Give the funding rate this side would pay, if a funding falls into the time a position is usually held."""
    if desk.funding is None or desk.funding.funding_at - ctx.at > 1_800_000_000:
        return ZERO
    return multiply(Decimal(desk.funding.rate_text), Decimal(side.sign))


def _correlation(ctx: Context, desk: Desk, side: Side, committed: Exposure) -> GateVerdict:
    others = [
        (other.inst_id, list(other.returns))
        for other in ctx.desks.values()
        if other is not desk and committed.sides.get(other.inst_id) is side
    ]
    if not others:
        return unless(Skip.CORRELATED, "")
    return market.judge_correlation(list(desk.returns), others, desk.rules.market)


def _margin(ctx: Context) -> MarginVerdict | None:
    """Give the worst margin verdict of all positions; with none open, a known equity is enough."""
    verdicts = [desk.holding.margin for desk in ctx.desks.values() if desk.holding is not None and desk.holding.margin]
    bad = next((verdict for verdict in verdicts if verdict.answer is not MarginAnswer.SAFE), None)
    if bad is not None:
        return bad
    seen = ctx.account.seen_at
    if ctx.account.equity is None or seen is None or ctx.at - seen > ctx.plan.safety.account_age_us:
        return None
    return MarginVerdict(MarginAnswer.SAFE, Trust.TRUSTED, None, ZERO, Evidence(), MarginState())
