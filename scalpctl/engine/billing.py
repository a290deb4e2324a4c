"""The exchange's own lines into the ledger: each mirrored, each matched with what moved its money.

Executions explain the bills of trades. What others do in instruments nothing is traded in has no executions here: its
bills are booked as what happened elsewhere, so that the account's money is known to the last digit all the same.
"""

from __future__ import annotations

from decimal import Decimal

from scalpctl.core import limits as brakes
from scalpctl.core.exchange.reports import BillReport
from scalpctl.core.instants import Instant
from scalpctl.core.money import SETTLE, ZERO, exact, subtract
from scalpctl.core.records.money import (
    BillMatched,
    BillMirrored,
    DriftDetected,
    DriftExplained,
    LedgerAccount,
    Posted,
)
from scalpctl.engine import account, opening
from scalpctl.engine.booked import FillKey
from scalpctl.engine.booking import legs_of, transaction_of
from scalpctl.engine.context import Context
from scalpctl.engine.desk import ONE_FUNDING_US, Desk, Holding
from scalpctl.engine.effects import ReadFills
from scalpctl.engine.facts import forget_facts
from scalpctl.engine.opening import moved_by

TRADE, TRANSFER, LIQUIDATION, MARGIN_TRANSFER, INTEREST, FUNDING = "2", "1", "5", "6", "7", "8"
_BY_TYPE = {INTEREST: LedgerAccount.INTEREST, LIQUIDATION: LedgerAccount.LIQUIDATION_PENALTY}
_OF_THE_ACCOUNT = {TRANSFER, INTEREST}
"""Kinds of bills that are the account's own, whatever instrument they name."""
ASK_AFTER_US = 5_000_000
ASK_AGAIN_US = 20_000_000
"""How long a bill may wait before the executions are read again."""
SUSPENDED_US = 900_000_000
"""How long what explains a bill in suspense is asked for as often; each time all executions since are read."""
UNMATCHED_AFTER_US = 60_000_000
"""How long a trade's bill may wait for its execution before it is a drift."""


def bills(ctx: Context, reports: tuple[BillReport, ...]) -> None:
    """Mirror the exchange's own lines, and post the money no execution explains."""
    for bill in sorted(opening.bills_read(ctx, reports), key=lambda one: (one.at, one.bill_id.rjust(24, "0"))):
        if ctx.booked.has_bill(bill):
            continue
        ctx.booked.add_bill(bill)
        _mirror(ctx, bill)
        if _is_elsewhere(ctx, bill):
            _book_elsewhere(ctx, bill)
        elif bill.trade_id and bill.type != TRANSFER:
            ctx.bills_waiting[bill.bill_id] = bill
        else:
            _book(ctx, bill)
    match_waiting(ctx)
    account.judge(ctx)


def match_waiting(ctx: Context) -> None:
    """Match bills with their executions; one that waits is asked for, one that waits too long is a drift."""
    for bill in list(ctx.bills_waiting.values()):
        key = _execution(bill)
        if key in ctx.booked.fills:
            del ctx.bills_waiting[bill.bill_id]
            ctx.record(BillMatched(bill_id=bill.bill_id, matched_to=transaction_of(*key), matched_at=ctx.at))
        elif ctx.at - bill.at > UNMATCHED_AFTER_US:
            del ctx.bills_waiting[bill.bill_id]
            ctx.suspended[key] = bill
            _suspend(ctx, bill, "no execution explains this bill")
    late = [bill.at for bill in ctx.bills_waiting.values() if ctx.at - bill.at > ASK_AFTER_US]
    pause = ASK_AFTER_US if late else _pause(ctx)
    late += [bill.at for bill in ctx.suspended.values()]  # what explains them may be had again at any time
    if late and ctx.at - ctx.fills_asked_at > pause:
        ctx.fills_asked_at = ctx.at
        ctx.do(ReadFills(Instant(min(late) - ASK_AFTER_US)))
    for bills_of, account_of in (
        (ctx.suspended, LedgerAccount.SUSPENSE),
        (ctx.booked.elsewhere, LedgerAccount.ELSEWHERE),
    ):
        for key in [key for key in bills_of if key in ctx.booked.fills]:
            _explained(ctx, bills_of.pop(key), key, account_of)


def _pause(ctx: Context) -> int:
    """Give how long to leave alone what explains a bill in suspense: the longer it has been there, the longer."""
    newest = max((bill.at for bill in ctx.suspended.values()), default=ctx.at)
    return max(ASK_AGAIN_US, (ctx.at - newest - SUSPENDED_US) // 8)


def _execution(bill: BillReport) -> FillKey:
    """Name the execution a bill is of."""
    return bill.inst_id, bill.trade_id, bill.order_id


def _explained(ctx: Context, bill: BillReport, key: FillKey, booked_to: LedgerAccount) -> None:
    """Take money back from where its bill was booked, because the execution that explains it was found after all."""
    ctx.record(
        Posted(
            transaction_id=f"bill:{bill.bill_id}:explained",
            reason=booked_to.value,
            position_id=None,
            inst_id=bill.inst_id or None,
            source_kind="bill",
            source_id=bill.bill_id,
            bill_id=bill.bill_id,
            posted_at=bill.at,
            legs=tuple(legs_of(booked_to, bill.ccy, moved_by(bill).copy_negate())),
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


def _is_elsewhere(ctx: Context, bill: BillReport) -> bool:
    """Tell whether a bill is of an instrument nothing is traded in, so that no execution will ever explain it."""
    return bill.inst_id not in {"", *ctx.desks} and bill.type not in _OF_THE_ACCOUNT


def _amount(bill: BillReport) -> Decimal:
    """Give what a bill is about; a funding that moved neither balance names a result."""
    moved = moved_by(bill)
    return bill.pnl or ZERO if bill.type == FUNDING and moved.is_zero() else moved


def _book_elsewhere(ctx: Context, bill: BillReport) -> None:
    """Post what others did where nothing is traded; what buys or sells a currency is no result, but moves money."""
    amount = _amount(bill)
    if amount.is_zero():
        _nothing_moved(ctx, bill)
    elif bill.inst_id.count("-") == 1:  # a pair of currencies: no derivative
        _transferred(ctx, bill, amount)
    else:
        _post(ctx, bill, LedgerAccount.ELSEWHERE, amount, None)
        if bill.trade_id:
            ctx.booked.elsewhere[_execution(bill)] = bill


def _transferred(ctx: Context, bill: BillReport, amount: Decimal) -> None:
    _post(ctx, bill, LedgerAccount.TRANSFER, amount, None)
    judged = ctx.account.judged_since
    if bill.ccy == SETTLE and (judged is None or bill.at > judged):  # otherwise it is in the equity already
        ctx.set_limits(brakes.money_moved(ctx.limits, amount))


def _nothing_moved(ctx: Context, bill: BillReport) -> None:
    what = "margin" if bill.type == MARGIN_TRANSFER else "nothing"
    ctx.record(BillMatched(bill_id=bill.bill_id, matched_to=f"internal:{what}", matched_at=ctx.at))


def _book(ctx: Context, bill: BillReport) -> None:
    """Post a bill no execution explains to the account it speaks of; what nobody can explain goes to suspense."""
    amount = _amount(bill)
    if bill.type == FUNDING:
        _funding(ctx, bill, amount)
    elif bill.type == TRANSFER:
        _transferred(ctx, bill, amount)
    elif bill.type in _BY_TYPE:
        _post(ctx, bill, _BY_TYPE[bill.type], amount, _penalised(ctx, bill, amount))
    elif amount.is_zero():
        _nothing_moved(ctx, bill)
    else:
        _suspend(ctx, bill, f"type {bill.type} sub-type {bill.sub_type} is not known here")


def _funding(ctx: Context, bill: BillReport, amount: Decimal) -> None:
    desk = ctx.desks.get(bill.inst_id)
    holding = _held_at(desk, bill) if desk is not None else None
    if desk is not None:
        desk.funding_billed_at = max(desk.funding_billed_at, bill.at)
        if desk.funding_due is not None and desk.funding_due <= bill.at + ONE_FUNDING_US:
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


def _post(ctx: Context, bill: BillReport, booked_to: LedgerAccount, amount: Decimal, holding: Holding | None) -> None:
    legs = legs_of(booked_to, bill.ccy, amount)
    transaction = f"bill:{bill.bill_id}"
    if legs:
        ctx.record(
            Posted(
                transaction_id=transaction,
                reason=booked_to.value,
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
