"""The account as the exchange tells it: equity for limits, positions for gates and margin safety, bills for money."""

from __future__ import annotations

from decimal import Decimal

from scalpctl.core import limits as brakes
from scalpctl.core import margin
from scalpctl.core.exchange.reports import BalanceReport, BillReport, FlatReport, PositionReport
from scalpctl.core.exchange.requests import MarginMode
from scalpctl.core.instants import Instant
from scalpctl.core.margin import MarginReading
from scalpctl.core.money import ZERO, Exact, add, exact, multiply, ratio, subtract
from scalpctl.core.pnl import gross
from scalpctl.core.records.money import (
    BillMatched,
    BillMirrored,
    DriftDetected,
    DriftExplained,
    LedgerAccount,
    Posted,
)
from scalpctl.core.records.positions import MarginChecked, PositionChanged
from scalpctl.engine import guarding, opening
from scalpctl.engine.booking import SETTLE, legs_of, transaction_of
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Holding
from scalpctl.engine.effects import ReadBills, ReadFills
from scalpctl.engine.facts import forget_facts
from scalpctl.engine.opening import moved_by

TRADE, TRANSFER, LIQUIDATION, MARGIN_TRANSFER, INTEREST, FUNDING = "2", "1", "5", "6", "7", "8"
_BY_TYPE = {
    TRANSFER: LedgerAccount.TRANSFER,
    INTEREST: LedgerAccount.INTEREST,
    LIQUIDATION: LedgerAccount.LIQUIDATION_PENALTY,
}
ASK_AFTER_US = 5_000_000
ASK_AGAIN_US = 20_000_000
"""How long a bill may wait before the executions are read again."""
EXPLAINED_WITHIN_US, BILLS_PAUSE_US = 30_000_000, 2_000_000
"""How long the limits wait for the bill that explains a balance, and how often it is asked for."""
NOTICEABLE_RATIO = Decimal("0.001")
"""Share of the equity below which an unexplained difference cannot trip anything."""
UNMATCHED_AFTER_US = 60_000_000
"""How long a trade's bill may wait for its execution before it is a drift."""


def balance(ctx: Context, report: BalanceReport) -> None:
    """Take one currency; the settlement currency's equity is what limits are judged by."""
    if report.ccy != SETTLE or report.equity is None:
        return
    account = ctx.account
    account.equity, account.available, account.seen_at = report.equity, report.available, ctx.at
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
    return desk is not None and bool(report.contracts) and report.updated_at < desk.flat_at


def position(ctx: Context, report: PositionReport) -> None:
    """Take one position: what the exchange holds, and how near it is to liquidation."""
    desk = ctx.desks.get(report.inst_id)
    if _is_over(ctx, report):
        return
    if desk is None or _is_beside(desk, report):
        if ctx.account.elsewhere is not None:
            ctx.account.elsewhere[report.position_id] = report
        return
    desk.theirs = report if report.contracts else None
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


def _ratio_here(ctx: Context, desk: Desk, report: PositionReport) -> Decimal | None:
    """Recompute an isolated margin ratio from the size and the average price of our own books; None where they differ.

    The margin that was moved in and the tier's maintenance rate are the exchange's word: nobody else knows them.
    """
    holding, mark, bound, fees = desk.holding, report.mark_price, report.margin, ctx.account.fees
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


def bills(ctx: Context, reports: tuple[BillReport, ...]) -> None:
    """Mirror the exchange's own lines, and post the money no execution explains."""
    for bill in sorted(opening.bills_read(ctx, reports), key=lambda one: (one.at, one.bill_id.rjust(24, "0"))):
        if ctx.booked.has_bill(bill):
            continue
        ctx.booked.add_bill(bill)
        _mirror(ctx, bill)
        if bill.trade_id and bill.type != TRANSFER:
            ctx.bills_waiting[bill.bill_id] = bill
        else:
            _book(ctx, bill)
    match_waiting(ctx)
    judge(ctx)


def match_waiting(ctx: Context) -> None:
    """Match bills with their executions; one that waits is asked for, one that waits too long is a drift."""
    for bill in list(ctx.bills_waiting.values()):
        key = (bill.inst_id, bill.trade_id, bill.order_id)
        if key in ctx.booked.fills:
            del ctx.bills_waiting[bill.bill_id]
            ctx.record(BillMatched(bill_id=bill.bill_id, matched_to=transaction_of(*key), matched_at=ctx.at))
        elif ctx.at - bill.at > UNMATCHED_AFTER_US:
            del ctx.bills_waiting[bill.bill_id]
            ctx.suspended[key] = bill
            _suspend(ctx, bill, "no execution explains this bill")
    late = [bill.at for bill in ctx.bills_waiting.values() if ctx.at - bill.at > ASK_AFTER_US]
    pause = ASK_AFTER_US if late else ASK_AGAIN_US
    late += [bill.at for bill in ctx.suspended.values()]  # what explains them may be had again at any time
    if late and ctx.at - ctx.fills_asked_at > pause:
        ctx.fills_asked_at = ctx.at
        ctx.do(ReadFills(Instant(min(late) - ASK_AFTER_US)))
    for key in [key for key in ctx.suspended if key in ctx.booked.fills]:
        _explained(ctx, ctx.suspended.pop(key), key)


def _explained(ctx: Context, bill: BillReport, key: tuple[str, str, str]) -> None:
    """Take money out of suspense, because the execution that explains it has been found after all."""
    ctx.record(
        Posted(
            transaction_id=f"bill:{bill.bill_id}:explained",
            reason="suspense",
            position_id=None,
            inst_id=bill.inst_id or None,
            source_kind="bill",
            source_id=bill.bill_id,
            bill_id=bill.bill_id,
            posted_at=ctx.at,
            legs=tuple(legs_of(LedgerAccount.SUSPENSE, bill.ccy, moved_by(bill).copy_negate())),
        ),
        BillMatched(bill_id=bill.bill_id, matched_to=transaction_of(*key), matched_at=ctx.at),
    )
    drift_id = ctx.drifts_open.pop((bill.inst_id, f"unmatched_bill:{bill.bill_id}"), None)
    if drift_id is not None:
        ctx.record(
            DriftExplained(
                drift_id=drift_id, cause="late_fill", confidence="certain", evidence={"fill": ":".join(key)},
                explained_at=ctx.at, action="matched with its execution", resolved_at=ctx.at,
            )
        )  # fmt: skip


def _mirror(ctx: Context, bill: BillReport) -> None:
    ctx.record(
        BillMirrored(
            bill_id=bill.bill_id,
            type=bill.type,
            sub_type=bill.sub_type,
            ccy=bill.ccy,
            balance_change=exact(moved_by(bill)),
            balance=exact(bill.balance),
            inst_id=bill.inst_id or None,
            order_id=bill.order_id or None,
            trade_id=bill.trade_id or None,
            billed_at=bill.at,
        )
    )


def _book(ctx: Context, bill: BillReport) -> None:
    """Post a bill no execution explains to the account it speaks of; what nobody can explain goes to suspense."""
    amount = moved_by(bill)
    if bill.type == FUNDING:
        _funding(ctx, bill, amount if not amount.is_zero() else bill.pnl or ZERO)
    elif bill.type == MARGIN_TRANSFER and amount.is_zero():
        ctx.record(BillMatched(bill_id=bill.bill_id, matched_to="internal:margin", matched_at=ctx.at))
    elif bill.type in _BY_TYPE:
        _post(ctx, bill, _BY_TYPE[bill.type], amount, _penalised(ctx, bill, amount))
        judged = ctx.account.judged_since
        if bill.type == TRANSFER and (judged is None or bill.at > judged):  # otherwise it is in the equity already
            ctx.set_limits(brakes.money_moved(ctx.limits, amount))
    elif amount.is_zero():
        ctx.record(BillMatched(bill_id=bill.bill_id, matched_to="internal:nothing", matched_at=ctx.at))
    else:
        _suspend(ctx, bill, f"type {bill.type} sub-type {bill.sub_type} is not known here")


def _funding(ctx: Context, bill: BillReport, amount: Decimal) -> None:
    desk = ctx.desks.get(bill.inst_id)
    holding = _held_at(desk, bill) if desk is not None else None
    if desk is not None:
        desk.funding_due = None
    _post(ctx, bill, LedgerAccount.FUNDING, amount, holding)
    if holding is not None and desk is not None:
        holding.funding = subtract(holding.funding, amount)
        forget_facts(holding)


def _penalised(ctx: Context, bill: BillReport, amount: Decimal) -> Holding | None:
    """Charge a liquidation's penalty to the position that was liquidated, where the bill is of one."""
    desk = ctx.desks.get(bill.inst_id) if bill.type == LIQUIDATION else None
    holding = _held_at(desk, bill) if desk is not None else None
    if holding is not None:
        holding.penalty = subtract(holding.penalty, amount)
    return holding


def _held_at(desk: Desk, bill: BillReport) -> Holding | None:
    """Give the position a bill belongs to: the one that was open then."""
    lives = [leaving.holding for leaving in desk.leaving]
    if desk.holding is not None:
        lives.append(desk.holding)
    for holding in lives:
        ended = holding.flat_at
        if holding.position.opened_at <= bill.at and (ended is None or bill.at <= ended + UNMATCHED_AFTER_US):
            return holding
    return None


def _post(ctx: Context, bill: BillReport, account: LedgerAccount, amount: Decimal, holding: Holding | None) -> None:
    legs = legs_of(account, bill.ccy, amount)
    transaction = f"bill:{bill.bill_id}"
    if legs:
        ctx.record(
            Posted(
                transaction_id=transaction,
                reason=account.value,
                position_id=None if holding is None else holding.position_id,
                inst_id=bill.inst_id or None,
                source_kind="bill",
                source_id=bill.bill_id,
                bill_id=bill.bill_id,
                posted_at=bill.at,
                legs=tuple(legs),
            )
        )
    ctx.record(BillMatched(bill_id=bill.bill_id, matched_to=transaction, matched_at=ctx.at))


def _suspend(ctx: Context, bill: BillReport, why: str) -> None:
    """Put money nobody can explain where it is seen: into suspense, with a drift that stays open."""
    _post(ctx, bill, LedgerAccount.SUSPENSE, moved_by(bill), None)
    drift_id = ctx.names.thing("drift")
    ctx.drifts_open[bill.inst_id, f"unmatched_bill:{bill.bill_id}"] = drift_id
    ctx.record(
        DriftDetected(
            drift_id=drift_id,
            session_id=ctx.session_id,
            kind="unmatched_bill",
            inst_id=bill.inst_id or None,
            position_id=None,
            ours={},
            theirs={
                "bill_id": bill.bill_id,
                "type": bill.type,
                "sub_type": bill.sub_type,
                "amount": exact(moved_by(bill)),
            },
            detected_at=ctx.at,
            action=why,
        )
    )
