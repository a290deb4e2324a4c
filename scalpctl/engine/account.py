"""The account as the exchange tells it: equity for limits, positions for gates and margin safety."""

from __future__ import annotations

from decimal import Decimal

from scalpctl.core import limits as brakes
from scalpctl.core import margin
from scalpctl.core.exchange.reports import BalanceReport, FlatReport, PositionReport
from scalpctl.core.exchange.requests import MarginMode
from scalpctl.core.instants import Instant
from scalpctl.core.margin import MarginReading
from scalpctl.core.money import SETTLE, Exact, add, exact, multiply, ratio, subtract
from scalpctl.core.pnl import gross
from scalpctl.core.records.positions import MarginChecked, PositionChanged
from scalpctl.engine import guarding, opening
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Holding
from scalpctl.engine.effects import ReadBills
from scalpctl.engine.facts import forget_facts

EXPLAINED_WITHIN_US, BILLS_PAUSE_US = 30_000_000, 2_000_000
"""How long the limits wait for the bill that explains a balance, and how often it is asked for."""
NOTICEABLE_RATIO = Decimal("0.001")
"""Share of the equity below which an unexplained difference cannot trip anything."""


def balance(ctx: Context, report: BalanceReport) -> None:
    """Take one currency; the settlement currency's equity is what limits are judged by."""
    if report.ccy != SETTLE or report.equity is None:
        return
    account = ctx.account
    account.equity, account.available, account.seen_at = report.equity, report.available, ctx.at
    account.binds = any((report.bound, report.imr, report.unrealised))
    if account.doubted and not account.binds:
        account.doubted = False
        ctx.reread(Instant(ctx.at - EXPLAINED_WITHIN_US))
    opening.balance_read(ctx, report)
    account.unjudged = report
    judge(ctx)


def judge(ctx: Context) -> None:
    """Judge the limits by the newest equity, once the ledger knows of the money in it: a transfer is no loss."""
    account = ctx.account
    report = account.unjudged
    if report is None or report.equity is None or not ctx.recovered:
        return
    if _is_unexplained(ctx, report):
        since = account.unexplained_since = account.unexplained_since or ctx.at
        if ctx.at - since < EXPLAINED_WITHIN_US:
            _ask_for_bills(ctx)
            return
    else:
        account.unexplained_since = None
    account.unjudged = None
    account.judged_since = account.judged_since or ctx.at
    ctx.set_limits(brakes.equity_seen(ctx.limits, report.equity, ctx.at, ctx.limit_parameters))


def is_doubtful(ctx: Context) -> bool:
    """Tell whether a picture shows nothing held while the balance says otherwise: exchanges have told such pictures."""
    shown = bool(ctx.account.elsewhere) or any(desk.theirs is not None for desk in ctx.desks.values())
    ctx.account.doubted |= ctx.account.binds and not shown
    return ctx.account.binds and not shown


def _is_unexplained(ctx: Context, report: BalanceReport) -> bool:
    if not ctx.opened or report.cash is None or report.bound is None or report.equity is None:
        return False
    difference = subtract(add(report.cash, report.bound), ctx.account.cash)
    return bool(abs(difference) > multiply(abs(report.equity), NOTICEABLE_RATIO))


def _ask_for_bills(ctx: Context) -> None:
    if ctx.at - ctx.account.bills_asked_at > BILLS_PAUSE_US:
        ctx.account.bills_asked_at = ctx.at
        ctx.do(ReadBills(Instant(ctx.booked.bills_until - EXPLAINED_WITHIN_US)))


def positions(ctx: Context, reports: tuple[PositionReport, ...]) -> None:
    """Take every open position: now, and only now, missing means none."""
    ctx.account.elsewhere = {}
    for desk in ctx.desks.values():
        desk.theirs = None
    for report in sorted(reports, key=lambda one: one.margin_mode is not ctx.plan.settled.margin_mode):
        position(ctx, report)


def _is_over(ctx: Context, report: PositionReport) -> bool:
    """Tell whether a picture is older than the execution that made its position flat: it shows what is over."""
    desk = ctx.desks.get(report.inst_id)
    if desk is None or not report.contracts or desk.flat_mode not in {None, report.margin_mode}:
        return False
    return report.updated_at < desk.flat_at


def leave_out_what_is_over(ctx: Context) -> None:
    """Forget what a picture shows that has ended since: executions heard of after it have said so."""
    for desk in ctx.desks.values():
        if desk.theirs is not None and _is_over(ctx, desk.theirs):
            desk.theirs = None


def position(ctx: Context, report: PositionReport) -> None:
    """Take one position: what the exchange holds, and how near it is to liquidation."""
    desk = ctx.desks.get(report.inst_id)
    if _is_over(ctx, report):
        return
    if desk is None or _is_beside(desk, report):
        if ctx.account.elsewhere is not None:
            ctx.account.elsewhere[report.position_id] = report
        return
    desk.theirs = desk.told = report if report.contracts else None
    if report.leverage is not None and report.margin_mode in {None, ctx.plan.settled.margin_mode}:
        desk.leverage = report.leverage  # each margin mode has its own
    desk.reading = MarginReading(
        source="positions",
        seen_at=ctx.at,
        margin_ratio=report.margin_ratio,
        liquidation_price=report.liquidation_price,
        imr=report.imr or report.margin,
        mmr=report.mmr,
    )
    desk.ratio_here = _ratio_here(ctx, desk, report)
    if desk.holding is not None:
        _taken_as_told(ctx, desk, desk.holding, report)
        assess(ctx, desk, desk.holding)


def _taken_as_told(ctx: Context, desk: Desk, holding: Holding, report: PositionReport) -> None:
    """Take over what only the exchange knows of a position: its leverage, and the margin mode of one others opened."""
    if report.leverage is not None and report.leverage != holding.leverage:
        holding.leverage = report.leverage
        forget_facts(holding)
    if report.margin_mode is None or holding.margin_mode is not None:
        return
    holding.margin_mode = report.margin_mode
    if report.margin_mode is not ctx.plan.settled.margin_mode:
        ctx.record(PositionChanged(position_id=holding.position_id, margin_mode=report.margin_mode.value))
        guarding.misplaced(ctx, desk, holding)


def _is_beside(desk: Desk, report: PositionReport) -> bool:
    """Tell whether it is another position than the one at hand: margin modes do not mix, each holds its own."""
    known = desk.holding.margin_mode if desk.holding is not None else None
    if known is None and desk.theirs is not None:
        known = desk.theirs.margin_mode
    return None not in {known, report.margin_mode} and report.margin_mode is not known


def flat(ctx: Context, report: FlatReport) -> None:
    """Take the exchange's word that a position is gone."""
    desk = ctx.desks.get(report.inst_id)
    if ctx.account.elsewhere is not None:
        ctx.account.elsewhere.pop(report.position_id, None)
    if desk is not None and desk.theirs is not None and desk.theirs.position_id == report.position_id:
        desk.theirs = None
    if desk is not None and desk.told is not None and desk.told.position_id == report.position_id:
        desk.told = None


def _ratio_here(ctx: Context, desk: Desk, report: PositionReport) -> Decimal | None:
    """Recompute an isolated margin ratio from the size and the average price of our own books; None where they differ.

    The margin that was moved in and the tier's maintenance rate are the exchange's word: nobody else knows them.
    """
    holding, mark, bound = desk.holding, report.mark_price, report.margin
    fees = ctx.account.fees.get(desk.inst_id)
    if holding is None or holding.position.is_flat or holding.contracts != report.contracts or fees is None:
        return None
    if report.margin_mode is not MarginMode.ISOLATED or not mark or bound is None or report.mmr is None:
        return None
    unrealised = gross(desk.instrument, holding.side, holding.contracts, (holding.position.average_price, mark))
    maintenance = ratio(report.mmr, desk.instrument.notional(holding.contracts, mark).value)
    rates = (maintenance, fees.taker_rate)
    return margin.isolated_ratio(
        desk.instrument, holding.contracts, mark, margin=bound, unrealised=unrealised, rates=rates
    )


def assess(ctx: Context, desk: Desk, holding: Holding) -> None:
    """Judge margin safety, also without a new reading: not knowing becomes an answer after a stated time."""
    before = holding.margin
    verdict = margin.assess(desk.reading, desk.ratio_here, holding.margin_state, ctx.at, desk.rules.margin)
    holding.margin, holding.margin_state = verdict, verdict.state
    if before is not None and (before.answer, before.trust) == (verdict.answer, verdict.trust):
        return
    holding.watch.clear()
    reading = desk.reading
    ctx.record(
        MarginChecked(
            session_id=ctx.session_id,
            position_id=holding.position_id,
            inst_id=desk.inst_id,
            at=ctx.at,
            margin_ratio=_exact(reading.margin_ratio if reading else None),
            margin_ratio_recomputed=_exact(desk.ratio_here),
            liquidation_price=_exact(reading.liquidation_price if reading else None),
            mark_price=exact(Decimal(desk.mark.price_text)) if desk.mark is not None else None,
            imr=_exact(reading.imr if reading else None),
            mmr=_exact(reading.mmr if reading else None),
            trusted=verdict.trust is margin.Trust.TRUSTED,
            why=f"{verdict.answer.value}: {verdict.trust.value}",
            components=verdict.evidence.to_plain(),
        )
    )


def _exact(value: Decimal | None) -> Exact | None:
    return None if value is None else exact(value)
