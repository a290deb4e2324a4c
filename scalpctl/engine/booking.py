"""Fills into the ledger: each counted once, folded into its position, its money posted as the exchange said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from msgspec import UNSET

from scalpctl.core import fills as executions
from scalpctl.core import positions
from scalpctl.core.attribution import decisive
from scalpctl.core.closing import CloseEvent
from scalpctl.core.closing import advance as advance_close
from scalpctl.core.exchange.reports import FillReport, PositionReport
from scalpctl.core.exits.watch import Watch
from scalpctl.core.fills import Fill
from scalpctl.core.money import SETTLE, ZERO, add, exact, multiply, subtract
from scalpctl.core.names import is_ours
from scalpctl.core.positions import Applied
from scalpctl.core.records.money import LedgerAccount, Leg, Posted
from scalpctl.core.records.positions import PositionChanged, PositionOpened
from scalpctl.core.records.trading import FillSeen
from scalpctl.engine import closures, guarding, hands, ordering
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Holding, Role, Working
from scalpctl.engine.facts import forget_facts

EXACT_TO_DIGITS = 8
"""How exactly the exchange's results follow from its own average prices: those have ten digits."""


def filled(ctx: Context, desk: Desk, report: FillReport, *, sought: bool = False, anyhow: bool = False) -> bool:
    """Book one execution, which may have been ``sought`` for what is held; False for one that was booked before.

    One that reduces what nobody here knows of waits until that is found, unless it is to be booked ``anyhow``.
    """
    fill = executions.from_report(report)
    key = fill.identity
    if ctx.booked.has_fill(fill, in_suspense=key in ctx.suspended, sought=sought):
        desk.unplaced.pop(key, None)
        return False
    _, working = ctx.orders.get(report.client_id, (desk, None))
    if working is None and not anyhow and _is_not_booked_yet(ctx, desk, fill, report, sought=sought):
        return False
    desk.unplaced.pop(key, None)
    if working is not None:
        ordering.filled(ctx, working, fill.contracts)
        if desk.execution is not None and desk.execution.working is working:
            desk.execution.fills.append(report)
    holding, applied, kind = _taken(ctx, desk, fill, report, working)
    _belongs_to(desk, holding, working)
    if working is None and not ctx.made(report.client_id):
        hands.noticed(ctx, report, holding.position_id, kind)
    ctx.booked.fills[key] = fill.filled_at
    pnl = report.pnl if report.pnl is not None else applied.gross
    _record(ctx, desk, holding, fill, report, working, pnl)
    _post(ctx, holding, fill, report, pnl)
    holding.gross = add(holding.gross, pnl)
    holding.fees = add(holding.fees, fill.fee_paid)
    if holding is desk.holding:  # otherwise it is flat already
        changed(ctx, desk, holding)
    if applied.beyond:
        _turn(ctx, desk, fill, report, applied)
    return True


def heard(ctx: Context, desk: Desk, report: FillReport) -> bool:
    """Book one execution as it is told; what does not fit before the first picture waits for what that brings."""
    if ctx.recovered or report.client_id in ctx.orders or not _reduced(report) or _fits(desk, report):
        return filled(ctx, desk, report)
    desk.unplaced[executions.from_report(report).identity] = report
    return False


def _fits(desk: Desk, report: FillReport) -> bool:
    """Tell whether a reduction is of what is known to be held: not of more, and not of what has another price."""
    if desk.holding is None:
        return False
    fill = executions.from_report(report)
    applied = positions.apply(desk.holding.position, fill)
    worth = multiply(fill.price, desk.instrument.coins(fill.contracts).value)
    off = abs(subtract(applied.gross, applied.gross if report.pnl is None else report.pnl))
    return not applied.beyond and off <= worth.scaleb(-EXACT_TO_DIGITS)


def in_order(desks: Iterable[Desk], reports: Iterable[FillReport]) -> list[FillReport]:
    """Give executions in the order they happened in, and among them those that have waited for their position."""
    waiting = (report for desk in desks for report in desk.unplaced.values())
    return sorted((*reports, *waiting), key=lambda one: one.filled_at)  # as listed within one instant


def place(ctx: Context, desk: Desk, *, anyhow: bool = False) -> None:
    """Book what has waited for its position, once that is known; or ``anyhow``, as an opening of its own.

    What turns out to be older than this ledger is nobody's: its money is in the opening balance.
    """
    for key, report in sorted(desk.unplaced.items(), key=lambda one: one[1].filled_at):
        if anyhow and ctx.is_before_opening(report.filled_at):
            del desk.unplaced[key]
        else:
            filled(ctx, desk, report, anyhow=anyhow)


def apart(ctx: Context, desk: Desk, reports: Iterable[FillReport]) -> None:
    """Book a whole life that is over beside the one at hand."""
    at_hand, flat_at = desk.holding, desk.flat_at
    desk.holding = None
    for report in reports:
        filled(ctx, desk, report, sought=True)
    desk.holding, desk.flat_at = at_hand, max(flat_at, desk.flat_at)


def _is_not_booked_yet(ctx: Context, desk: Desk, fill: Fill, report: FillReport, *, sought: bool) -> bool:
    """Tell whether an execution is of a life before this ledger, or waits for what it reduced."""
    earlier = ctx.is_before_opening(fill.filled_at)
    if earlier and not sought and _is_older(desk, fill):
        return True
    if not _has_no_place(desk, fill, report):
        return False
    if not earlier:
        desk.unplaced[fill.identity] = report
    return True


def _is_older(desk: Desk, fill: Fill) -> bool:
    """Tell whether an execution is older than anything that is known to have been held."""
    if _explained_late(desk, fill) is not None:
        return False
    return desk.holding is None or fill.filled_at < desk.holding.began_at


def _has_no_place(desk: Desk, fill: Fill, report: FillReport) -> bool:
    """Tell whether an execution reduced something where nothing is known to have been held."""
    if not _reduced(report):
        return False
    if _is_older(desk, fill):
        return True
    holding = desk.holding  # or else it is in the size something was taken over with, as what opened that is
    if holding is None or not holding.borrowed:
        return False
    return fill.action is holding.side.closing and fill.filled_at <= holding.adopted_at


def _taken(
    ctx: Context, desk: Desk, fill: Fill, report: FillReport, working: Working | None
) -> tuple[Holding, Applied, str]:
    """Let an execution open a position, change it, or stand for what one that is flat was taken over with."""
    over, holding = _explained_late(desk, fill), desk.holding
    if over is not None:
        if fill.action is over.side.opening:  # what it had lost again before it was taken over is heard of beside it
            over.borrowed = over.borrowed - min(over.borrowed, fill.contracts)
        over.fills.insert(0, report)
        return over, Applied(over.position, positions.NONE, ZERO, positions.NONE), "foreign_fill"
    if holding is None:
        holding = _open(ctx, desk, fill, report, working)
        return holding, Applied(holding.position, positions.NONE, ZERO, positions.NONE), "appeared"
    _explain(holding, fill)
    applied = positions.apply(holding.position, fill)
    holding.position = applied.position
    holding.fills.append(report)
    holding.foreign = holding.foreign or (working is None and bool(applied.closed))
    return holding, applied, "foreign_fill"


def _reduced(report: FillReport) -> bool:
    """Tell whether an execution reduced something: it has a result, or it was forced, which its id tells."""
    return bool(report.pnl) or report.trade_id.startswith("-")


def _belongs_to(desk: Desk, holding: Holding, working: Working | None) -> None:
    """Let an entry belong to the position that its orders, the newest or one before, have executed into."""
    execution = desk.execution
    if execution is not None and working is not None and execution.role is working.role is Role.ENTRY:
        execution.position_id = holding.position_id


def _explained_late(desk: Desk, fill: Fill) -> Holding | None:
    """Give the position an execution was part of that was taken from the exchange's word, and is flat by now."""
    for leaving in desk.leaving:
        holding = leaving.holding
        fits = fill.action is holding.side.opening and holding.borrowed.value >= fill.contracts.value
        if fill.filled_at <= holding.adopted_at and (fits or fill.filled_at >= holding.position.opened_at):
            return holding
    return None


def _explain(holding: Holding, fill: Fill) -> None:
    """Let an execution that made an adopted position what it was take the place of the exchange's word."""
    position = holding.position
    if not holding.borrowed or fill.action is not position.side.opening or fill.filled_at > holding.adopted_at:
        return
    covered = min(holding.borrowed, fill.contracts)
    share = Fraction(covered.value) / Fraction(position.contracts.value)
    holding.borrowed = holding.borrowed - covered
    holding.position = replace(
        position,
        contracts=position.contracts - covered,
        contracts_max=position.contracts_max - covered,
        value=position.value * (1 - share),
    )


def changed(ctx: Context, desk: Desk, holding: Holding) -> None:
    """Bring everything that depends on a position's size in line with it; a flat one waits for its closure."""
    forget_facts(holding)
    position = holding.position
    if position.is_flat:
        _flat(ctx, desk, holding)
        return
    ctx.record(
        PositionChanged(
            position_id=holding.position_id,
            contracts=exact(position.contracts),
            entry_price=exact(position.average_price),
            leverage=exact(holding.leverage),
        )
    )


def _open(ctx: Context, desk: Desk, fill: Fill, report: FillReport, working: Working | None) -> Holding:
    """Begin a position with its first fill; one that no entry of ours opened has appeared, and is marked so."""
    ours = is_ours(report.client_id) if working is None else working.role is Role.ENTRY
    origin = "engine" if ours else "appeared"
    position = positions.opened(desk.instrument, fill)
    entry = desk.execution.entry if desk.execution is not None else None
    told = _told(desk, fill)
    holding = Holding(
        position_id=ctx.names.thing("position"),
        origin=origin,
        position=position,
        leverage=_leverage(desk, None if entry is not None else told),
        margin_mode=ctx.plan.settled.margin_mode if ours else (told.margin_mode if told else None),
        parameter_set=desk.regime.regime.value,
        regime=desk.regime.regime,
        watch=Watch(desk.rules.prices),
        guard=guarding.begin(ctx, beside=desk.whole_kept and working is None),
        fills=[report],
        foreign=not ours,
        managed=ctx.plan.safety.manages(origin),
        strength=None if entry is None else Decimal(repr(round(entry.signal.strength, 6))),
    )
    desk.holding = holding
    if working is not None:
        working.position_id = holding.position_id
    ctx.record(
        PositionOpened(
            position_id=holding.position_id,
            session_id=ctx.session_id,
            inst_id=desk.inst_id,
            side=position.side.value,
            margin_mode=(holding.margin_mode or ctx.plan.settled.margin_mode).value,
            origin=holding.origin,
            opened_at=fill.filled_at,
            parameter_set=holding.parameter_set,
        )
    )
    return holding


def _told(desk: Desk, fill: Fill) -> PositionReport | None:
    """Give the exchange's word on what an execution was part of, though the newest picture may not show it."""
    past = desk.told if desk.told is not None and desk.told.updated_at >= fill.filled_at else None
    return desk.theirs or past


def _leverage(desk: Desk, told: PositionReport | None) -> Decimal:
    if told is not None and told.leverage is not None:
        return told.leverage
    return desk.leverage if desk.leverage is not None else Decimal(1)


def _record(
    ctx: Context, desk: Desk, holding: Holding, fill: Fill, report: FillReport, working: Working | None, pnl: Decimal
) -> None:  # fmt: skip
    decision_price = working.decision_price if working is not None else None
    slippage = None
    if decision_price is not None:
        slippage = exact(multiply(subtract(fill.price, decision_price), Decimal(fill.action.sign)))
    ctx.record(
        FillSeen(
            inst_id=fill.inst_id,
            trade_id=fill.key,
            order_id=fill.order_id,
            client_id=report.client_id or None,
            position_id=holding.position_id,
            action=fill.action.value,
            position_side=fill.position_side.value if fill.position_side is not None else None,
            price=exact(fill.price),
            contracts=exact(fill.contracts),
            coins=exact(desk.instrument.coins(fill.contracts)),
            fee=exact(report.fee if report.fee is not None else ZERO),
            fee_ccy=report.fee_ccy or SETTLE,
            liquidity=fill.liquidity,
            exchange_pnl=exact(pnl),
            sub_type=report.sub_type,
            category="",
            bill_id=report.bill_id or None,
            decision_price=exact(decision_price) if decision_price is not None else None,
            slippage=slippage,
            source=report.source,
            filled_at=fill.filled_at,
            received_at=ctx.at,
        )
    )


def transaction_of(inst_id: str, trade_id: str, order_id: str) -> str:
    """Name the transaction that posts one execution."""
    return f"fill:{inst_id}:{trade_id}:{order_id}"


def _post(ctx: Context, holding: Holding, fill: Fill, report: FillReport, pnl: Decimal) -> None:
    """Post what an execution moved: result and fee, against cash, or what was brought in if the opening has it."""
    ccy = report.fee_ccy or SETTLE
    fee = report.fee if report.fee is not None else ZERO
    against = LedgerAccount.TRANSFER if ctx.is_before_opening(fill.filled_at) else LedgerAccount.CASH
    if against is LedgerAccount.CASH and not ctx.opened:
        ctx.booked.paid(fill.filled_at)
    legs = [
        *legs_of(LedgerAccount.PNL, ccy, pnl, against),
        *legs_of(LedgerAccount.FEE, ccy, fee, against),
    ]
    if not legs:
        return
    ctx.record(
        Posted(
            transaction_id=transaction_of(fill.inst_id, fill.key, fill.order_id),
            reason="fill",
            position_id=holding.position_id,
            inst_id=fill.inst_id,
            source_kind="fill",
            source_id=f"{fill.inst_id}:{fill.key}:{fill.order_id}",
            bill_id=report.bill_id or None,
            posted_at=fill.filled_at,
            legs=tuple(legs),
        )
    )


def legs_of(
    account: LedgerAccount, ccy: str, amount: Decimal, against: LedgerAccount = LedgerAccount.CASH
) -> list[Leg]:  # fmt: skip
    """Give the two legs of money that came in (positive) or went out, against its account; none for nothing."""
    if amount.is_zero():
        return []
    return [
        Leg(account=against, ccy=ccy, amount=exact(amount)),
        Leg(account=account, ccy=ccy, amount=exact(amount.copy_negate())),
    ]


def _flat(ctx: Context, desk: Desk, holding: Holding) -> None:
    """Let go of a position that has reached zero: its stop is released, its closure waits for the evidence."""
    holding.flat_at = desk.flat_at = holding.position.closed_at or ctx.at
    desk.flat_mode = holding.margin_mode
    peak, trough = closures.extremes(holding)
    ctx.record(
        PositionChanged(
            position_id=holding.position_id,
            contracts=exact(ZERO),
            peak_price=peak or UNSET,
            trough_price=trough or UNSET,
        )
    )
    if holding.close is not None and not holding.close.is_over:
        holding.close = advance_close(holding.close, CloseEvent.FLAT)
    guarding.released(ctx, desk, holding)
    if holding.fills:
        hands.closed_by(ctx, decisive(holding.fills, holding.side.closing))
    desk.holding, desk.whole_kept = None, False
    desk.reading = desk.ratio_here = None  # the next position is not judged by the figures of this one
    closures.awaited(ctx, desk, holding)


def _turn(ctx: Context, desk: Desk, fill: Fill, report: FillReport, applied: Applied) -> None:
    """Open the other side with what one execution had left over (net mode); its money is posted already."""
    rest = replace(fill, contracts=applied.beyond, fee_paid=ZERO)
    part = replace(report, contracts=applied.beyond, fee=ZERO, pnl=ZERO)
    _, working = ctx.orders.get(report.client_id, (desk, None))
    holding = _open(ctx, desk, rest, part, None if working is None or working.role is not Role.ENTRY else working)
    _belongs_to(desk, holding, working)
    changed(ctx, desk, holding)
