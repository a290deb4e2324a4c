"""The opening balance: what the account held before this ledger's first bill, the only money that has no bill.

Balance and bills are two readings, and money may move between them. So the opening is posted once they agree: the
balance that was read is the one the newest bill counted left behind, or nothing has moved for a while before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from scalpctl.core.exchange.reports import BalanceReport, BillReport
from scalpctl.core.instants import MICROS_PER_MILLI, MICROS_PER_SECOND, Instant
from scalpctl.core.money import SETTLE, ZERO, add, subtract
from scalpctl.core.records.money import LedgerAccount, Posted
from scalpctl.engine.booking import legs_of
from scalpctl.engine.context import Context
from scalpctl.engine.effects import ReadBalances, ReadBills

SURE_AFTER = 2
"""Lists of bills after which one is certain to have been asked for after the balance was read."""
QUIET_US = 3 * MICROS_PER_SECOND
"""So long before the balance the newest bill must lie where it does not name that balance itself."""
LATE_US = 30 * MICROS_PER_SECOND
"""How late a balance may be heard of at most."""


@dataclass(slots=True)
class Opening:
    """An opening balance that is not known yet."""

    since: Instant
    bills: dict[str, BillReport]
    reading: BalanceReport | None = None
    read_at: Instant = Instant(0)  # noqa: RUF009  immutable
    lists: int = 0


def begin(ctx: Context, bills: Sequence[BillReport], taken_at: Instant) -> None:
    """Begin to look for the opening balance of a ledger that has none: bills are known from here on."""
    if ctx.opened or ctx.opening is not None:
        return
    new = (bill.at for bill in bills if bill.bill_id not in ctx.booked.bills and bill.at >= ctx.booked.opened_at)
    since = min(new, default=max(taken_at, ctx.booked.opened_at))
    ctx.opening = Opening(min(since, ctx.booked.paid_since or since), {})
    ctx.do(ReadBalances())


def balance_read(ctx: Context, report: BalanceReport) -> None:
    """Take a balance, and ask for the bills that led to it."""
    opening = ctx.opening
    if opening is not None and opening.reading is None and report.cash is not None:
        opening.reading, opening.read_at, opening.lists = report, ctx.at, 0
        ctx.do(ReadBills(Instant(opening.since - MICROS_PER_MILLI)))


def bills_read(ctx: Context, reports: Sequence[BillReport]) -> Sequence[BillReport]:
    """Take bills and give those that may be booked: none until they agree with a balance and the opening is posted."""
    opening = ctx.opening
    if opening is None:
        return reports if ctx.opened else ()
    opening.bills |= {bill.bill_id: bill for bill in reports if bill.at >= opening.since}
    cash = None if opening.reading is None else opening.reading.cash
    if opening.reading is None or cash is None:
        return ()
    opening.lists += 1
    counted = _counted(opening, cash)
    if not counted and opening.lists < SURE_AFTER:
        ctx.do(ReadBills(Instant(opening.since - MICROS_PER_MILLI)))
        return ()
    if counted is None:
        opening.reading = None
        return ()
    new = [bill for bill in opening.bills.values() if bill.bill_id not in ctx.booked.bills]  # the others were imported
    moved = add(*(moved_by(bill) for bill in counted if bill.bill_id not in ctx.booked.bills), ZERO)
    begun = min((bill.at for bill in new), default=opening.since)
    _post(ctx, add(cash, _bound(ctx, opening.reading), -moved), begun)
    return new


def moved_by(bill: BillReport) -> Decimal:
    """Give what a bill moved in all: at the account and, with isolated margin, at the position."""
    return add(bill.balance_change, bill.position_balance_change or ZERO)


def _counted(opening: Opening, cash: Decimal) -> list[BillReport] | None:
    """Give the bills that are in a balance: up to the newest one that left it, or all where it was quiet since."""
    settled = (bill for bill in opening.bills.values() if bill.ccy == SETTLE)
    bills = sorted(settled, key=lambda one: (one.at, one.bill_id.rjust(24, "0")))
    for number in range(len(bills), 0, -1):
        if bills[number - 1].balance == cash:
            return bills[:number] if not _doubtful(opening, bills[number - 1]) else None
    unmoved = not bills or subtract(bills[0].balance, bills[0].balance_change) == cash
    if unmoved:
        return []
    quiet = opening.lists >= SURE_AFTER and bills[-1].at < opening.read_at - QUIET_US
    return bills if quiet else None


def _doubtful(opening: Opening, bill: BillReport) -> bool:
    """Tell whether a balance may be older than a bill that left it as it was: money moved at a position only."""
    reading = opening.reading
    if reading is None or bill.balance_change or bill.at <= reading.updated_at:
        return False
    return bool(bill.position_balance_change) and bill.at > opening.read_at - LATE_US


def _bound(ctx: Context, reading: BalanceReport) -> Decimal:
    """Give what isolated positions hold back: from the same reading, or else as the positions say."""
    if reading.bound is not None:
        return reading.bound
    here = (desk.theirs for desk in ctx.desks.values() if desk.theirs is not None)
    return add(*(one.margin or ZERO for one in (*here, *(ctx.account.elsewhere or {}).values())), ZERO)


def _post(ctx: Context, cash: Decimal, at: Instant) -> None:
    ctx.opening, ctx.opened = None, True
    if cash.is_zero():
        return
    ctx.booked.opened_at = at
    ctx.record(
        Posted(
            transaction_id="opening",
            reason="opening_balance",
            position_id=None,
            inst_id=None,
            source_kind="balance",
            source_id=SETTLE,
            bill_id=None,
            posted_at=at,
            legs=tuple(legs_of(LedgerAccount.TRANSFER, SETTLE, cash)),
        )
    )
