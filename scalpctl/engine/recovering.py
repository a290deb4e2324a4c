"""Where the exchange stands against what we believe: after a start, after every reconnect, and by comparison.

There is one path. A clean start, a start after a crash and a reconnect all come through ``resync``.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from scalpctl.core import drift as drifts
from scalpctl.core.causes import Cause
from scalpctl.core.drift import Drift, DriftKind, Held
from scalpctl.core.evidence import Evidence
from scalpctl.core.exchange.reports import AlgoReport, OrderReport, PositionReport
from scalpctl.core.exchange.requests import CancelAlgo, CancelOrder, Lane
from scalpctl.core.exits.watch import Watch
from scalpctl.core.instants import Instant
from scalpctl.core.limits import Limit
from scalpctl.core.money import ZERO, exact
from scalpctl.core.names import is_ours
from scalpctl.core.orders import OrderEvent, OrderState, step
from scalpctl.core.positions import Position
from scalpctl.core.protection import COVERED
from scalpctl.core.records.base import Json
from scalpctl.core.records.money import DriftDetected, DriftExplained
from scalpctl.core.records.positions import PositionOpened
from scalpctl.engine import account, billing, booking, exiting, guarding, opening, ordering, releasing, unplaced
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Holding
from scalpctl.engine.effects import Investigate
from scalpctl.engine.unplaced import APPEARED, MARGIN_US
from scalpctl.ports.feeds import Resync

SEARCH_US = 3_600_000_000
"""How far before its beginning the executions of a disputed position are searched."""
LEFT_BEHIND = ("left_behind", "certain", "cancelled")
"""What comes of what another ledger left at the exchange: why it stands, how sure that is, and what was done."""
LOOKS_US = 3_000_000
"""How long the executions of a position that appeared are looked for before it is taken over without them."""
_ACTIONS = {DriftKind.MARGIN_MODE: "left alone: it is held in the other margin mode, beside a position of ours"}


def resync(ctx: Context, heard: Resync) -> None:
    """Bring our books in line: fills first, then orders, stops, bills, and only then compare positions."""
    account.positions(ctx, heard.positions)
    for fill in booking.in_order(ctx.desks.values(), heard.fills):
        desk = ctx.desks.get(fill.inst_id)
        if desk is not None:
            booking.filled(ctx, desk, fill)
    account.leave_out_what_is_over(ctx)
    orders(ctx, heard.orders)
    algos(ctx, heard.algos)
    opening.begin(ctx, heard.bills, heard.taken_at)
    billing.bills(ctx, heard.bills)
    first, ctx.recovered = not ctx.recovered, True
    for desk in ctx.desks.values():
        if first and desk.theirs is not None and desk.holding is None:
            _look_for(ctx, desk, desk.theirs)
        elif first and desk.holding is not None and desk.holding.ordered_by:
            _go_on_closing(ctx, desk, desk.holding)
        unplaced.look(ctx, desk)
    compare(ctx)


def _go_on_closing(ctx: Context, desk: Desk, holding: Holding) -> None:
    shown = Evidence.of("ledger", operator=holding.ordered_by)
    exiting.vote(ctx, desk, holding, Cause.OPERATOR, shown, actor=holding.ordered_by)


def orders(ctx: Context, pending: tuple[OrderReport, ...]) -> None:
    """Take every resting order; ours that is not listed is asked for, one we do not know is a stray."""
    listed = {report.client_id: report for report in pending}
    for client_id, (desk, working) in list(ctx.orders.items()):
        report = listed.get(client_id)
        if report is not None:
            if working.order.state is OrderState.INTENDED:
                working.order = step(working.order, OrderEvent.NO_ANSWER)
            ordering.reported(ctx, working, report)
        elif working.order.is_open:
            if working.order.state is OrderState.INTENDED:
                working.order = step(working.order, OrderEvent.NO_ANSWER)
                ordering.note(ctx, working)
            ordering.ask(ctx, desk, working)
    for report in pending:
        if report.client_id not in ctx.orders:
            _stray_order(ctx, report)


def algos(ctx: Context, pending: tuple[AlgoReport, ...]) -> None:
    """Take every conditional order: a stop of ours that is gone is missed, one that guards nothing is removed."""
    listed = {report.client_id: report for report in pending}
    guarded = set[str]()
    for desk in ctx.desks.values():
        _others_guard(desk, pending)
        holding = desk.holding
        if holding is None or not holding.guard.protection_id:
            continue
        known = (holding.guard.protection_id, *holding.guard.unanswered)
        guarded.update(known)
        report = next((listed[client_id] for client_id in known if client_id in listed), None)
        if report is not None:
            guarding.reported(ctx, holding, report)
        else:
            guarding.missed(ctx, holding)
    for client_id, report in listed.items():
        if client_id in ctx.loose.released:
            releasing.stands(ctx, client_id)
        elif client_id not in guarded:
            _stray_algo(ctx, report)


def swept(ctx: Context, pending: tuple[AlgoReport, ...] | None) -> None:
    """Remove stops of ours that stand though they should not; one nobody knows of only when two lists have shown it.

    No frame may ever have told of it. What is missing proves nothing here: a stop that should stand is asked for by id.
    """
    if pending is None or not ctx.recovered:
        return
    guards = [desk.holding.guard for desk in ctx.desks.values() if desk.holding is not None]
    before, ctx.loose.suspected = ctx.loose.suspected, set()
    for report in pending:
        if report.client_id in ctx.loose.released:
            releasing.stands(ctx, report.client_id)
        elif is_ours(report.client_id) and not any(guard.knows(report.client_id) for guard in guards):
            ctx.loose.suspected.add(report.client_id)
            if report.client_id in before:
                _stray_algo(ctx, report)


def algo(ctx: Context, report: AlgoReport) -> None:
    """Take word of one conditional order that guards nothing here: it may have arrived late."""
    if not releasing.reported(ctx, report) and ctx.recovered and report.stands:
        _stray_algo(ctx, report)


def _stray_algo(ctx: Context, report: AlgoReport) -> None:
    if is_ours(report.client_id) and not _guards_still(ctx, report):
        seen = {"algo_id": report.algo_id, "client_id": report.client_id}
        _stray(ctx, "orphan_algo", report.inst_id, seen, LEFT_BEHIND)
        ctx.do(CancelAlgo(report.client_id, report.inst_id, report.algo_id))


def _others_guard(desk: Desk, pending: tuple[AlgoReport, ...]) -> None:
    """Note whether somebody else keeps the one stop for the whole position there may be: ours stands beside it."""
    guard = None if desk.holding is None else desk.holding.guard
    whole = [one.client_id for one in pending if one.inst_id == desk.inst_id and one.close_fraction is not None]
    desk.whole_kept = any(guard is None or not guard.knows(client_id) for client_id in whole)
    if guard is not None and guard.state not in COVERED:
        guard.beside |= desk.whole_kept


def _guards_still(ctx: Context, report: AlgoReport) -> bool:
    """Tell whether a stop another ledger left behind is all that guards a position: it goes when another one stands."""
    desk = ctx.desks.get(report.inst_id)
    if desk is None:  # nothing is traded there: whoever holds it keeps what guards it
        return any(one.inst_id == report.inst_id for one in (ctx.account.elsewhere or {}).values())
    if desk.theirs is None:
        return account.is_doubtful(ctx)
    return desk.holding is None or not desk.holding.guard.covers(desk.theirs.contracts)


def compare(ctx: Context) -> None:
    """Compare sizes, and act on a difference only after two pictures some time apart have shown it."""
    if not ctx.recovered:
        return
    ours = [_ours(desk) for desk in ctx.desks.values() if desk.holding is not None or desk.is_busy]
    theirs = [_theirs(desk.theirs) for desk in ctx.desks.values() if desk.theirs is not None]
    limits = next(iter(ctx.desks.values())).rules.drift if ctx.desks else None
    if limits is None:
        return
    found = (*drifts.compare(ours, theirs, limits), *_beside(ctx))
    ctx.drift, believed = drifts.observe(ctx.drift, found, ctx.at, limits)
    for drift in believed:
        _believed(ctx, drift)
    _resolved(ctx, {(drift.inst_id, drift.kind.value) for drift in found})


def _beside(ctx: Context) -> Iterator[Drift]:
    """Give what is held in the other margin mode beside a position of ours: executions do not tell the two apart."""
    for report in (ctx.account.elsewhere or {}).values():
        desk = ctx.desks.get(report.inst_id)
        if desk is not None:
            yield Drift(DriftKind.MARGIN_MODE, report.inst_id, _ours(desk), _theirs(report))


def adopt(ctx: Context, desk: Desk, report: PositionReport) -> Holding:
    """Take over a position whose fills cannot be had: size, price and time are the exchange's own."""
    average = report.average_price or ZERO
    position = Position(
        desk.instrument,
        report.side,
        report.created_at,
        contracts=report.contracts,
        contracts_max=report.contracts,
        value=Fraction(report.contracts.value) * Fraction(average),
    )
    holding = Holding(
        position_id=ctx.names.thing("position"),
        origin="adopted",
        position=position,
        leverage=report.leverage or Decimal(1),
        margin_mode=report.margin_mode,
        parameter_set=desk.regime.regime.value,
        regime=desk.regime.regime,
        watch=Watch(desk.rules.prices),
        guard=guarding.begin(ctx, beside=desk.whole_kept),
        foreign=True,
        managed=ctx.plan.safety.manages("adopted"),
        borrowed=report.contracts,
        adopted_at=ctx.at,
    )
    desk.holding = holding
    ctx.record(
        PositionOpened(
            position_id=holding.position_id,
            session_id=ctx.session_id,
            inst_id=desk.inst_id,
            side=report.side.value,
            margin_mode=(report.margin_mode or ctx.plan.settled.margin_mode).value,
            origin="adopted",
            opened_at=report.created_at,
            parameter_set=holding.parameter_set,
        )
    )
    booking.changed(ctx, desk, holding)
    return holding


def adopt_in_time(ctx: Context, desk: Desk) -> None:
    """Take over what appeared by the exchange's word, where its histories cannot be had soon: it needs a stop."""
    if desk.looked_for_at is not None and ctx.at > desk.looked_for_at + LOOKS_US:
        looked_for(ctx, desk)


def looked_for(ctx: Context, desk: Desk) -> None:
    """After its fills were booked: adopt what is still unexplained of a position that appeared."""
    desk.looked_for_at = None
    if desk.theirs is not None and desk.holding is None and not desk.is_busy:
        adopt(ctx, desk, desk.theirs)


def _look_for(ctx: Context, desk: Desk, report: PositionReport) -> None:
    since = Instant(report.created_at - MARGIN_US)
    desk.looked_for_at = desk.looked_for_at or ctx.at
    ctx.do(Investigate(f"{APPEARED}{desk.inst_id}", desk.inst_id, since, foreign=True))


def _ours(desk: Desk) -> Held:
    holding = desk.holding
    if holding is None:
        return Held(desk.inst_id, ZERO, busy=True)
    signed = holding.contracts.value if holding.side.sign > 0 else -holding.contracts.value
    return Held(
        desk.inst_id,
        signed,
        average_price=None if holding.position.is_flat or _goes_on(desk, holding) else holding.position.average_price,
        leverage=holding.leverage,
        margin_mode=holding.margin_mode,
        busy=desk.is_busy,
    )


def _goes_on(desk: Desk, holding: Holding) -> bool:
    """Tell whether at the exchange this is the rest of what ours was before: that had ended, and this had begun."""
    return desk.last_close is not None and holding.began_at < desk.last_close.closed_at


def _theirs(report: PositionReport) -> Held:
    signed = report.contracts.value if report.side.sign > 0 else -report.contracts.value
    return Held(report.inst_id, signed, report.average_price, report.leverage, report.margin_mode)


def _believed(ctx: Context, drift: Drift) -> None:
    """Record a difference, look for its explanation, and hold entries of that instrument back meanwhile.

    One that changes while it is open stays the one it is; it is looked into again.
    """
    desk = ctx.desks[drift.inst_id]
    if drift.kind not in {DriftKind.LEVERAGE, DriftKind.REPRICED, DriftKind.MARGIN_MODE}:
        ctx.trip(Limit.DRIFT, f"{drift.kind.value} {drift.inst_id}", inst_id=drift.inst_id)
    if (drift.inst_id, drift.kind.value) not in ctx.drifts_open:
        _note(ctx, desk, drift)
    if drift.kind is DriftKind.APPEARED and desk.theirs is not None:
        _look_for(ctx, desk, desk.theirs)
    elif desk.holding is not None and drift.kind is not DriftKind.MARGIN_MODE:
        began_at = [desk.holding.position.opened_at, *([desk.theirs.created_at] if desk.theirs is not None else [])]
        since = Instant(min(began_at) - SEARCH_US)  # it may have begun otherwise than we believe
        ctx.do(Investigate(f"{APPEARED}{desk.inst_id}", desk.inst_id, since, foreign=True))


def _note(ctx: Context, desk: Desk, drift: Drift) -> None:
    drift_id = ctx.names.thing("drift")
    ctx.drifts_open[drift.inst_id, drift.kind.value] = drift_id
    ctx.record(
        DriftDetected(
            drift_id=drift_id,
            session_id=ctx.session_id,
            kind=drift.kind.value,
            inst_id=drift.inst_id,
            position_id=desk.holding.position_id if desk.holding is not None else None,
            ours=_shown(drift.ours),
            theirs=_shown(drift.theirs),
            detected_at=ctx.at,
            action=_ACTIONS.get(drift.kind, "looking for the fills that explain it"),
        )
    )


def _shown(held: Held | None) -> Json:
    if held is None:
        return {"contracts": "0"}
    return {
        "contracts": exact(held.contracts),
        "average_price": None if held.average_price is None else exact(held.average_price),
        "leverage": None if held.leverage is None else exact(held.leverage),
    }


def _resolved(ctx: Context, still: set[tuple[str, str]]) -> None:
    """Close the drifts that no picture shows any more."""
    pictures = {kind.value for kind in DriftKind}
    for key in [key for key in ctx.drifts_open if key[1] in pictures and key not in still]:
        drift_id = ctx.drifts_open.pop(key)
        shown = Evidence.of("positions", picture="agrees again")
        ctx.record(
            DriftExplained(
                drift_id=drift_id, cause="settled", confidence="certain", evidence=shown.to_plain(),
                explained_at=ctx.at, action="our books agree with the exchange again", resolved_at=ctx.at,
            )
        )  # fmt: skip


def _stray_order(ctx: Context, report: OrderReport) -> None:
    seen = {"order_id": report.order_id, "client_id": report.client_id, "contracts": exact(report.contracts)}
    if is_ours(report.client_id):
        _stray(ctx, "orphan_order", report.inst_id, seen, LEFT_BEHIND)
        ctx.do(CancelOrder(report.client_id, report.inst_id, Lane.CANCEL))
    else:
        whose = Cause.OTHER_CLIENT if report.client_id else Cause.MANUAL
        _stray(ctx, "orphan_order", report.inst_id, seen, (whose.value, "likely", "left alone: it is not ours"))


def _stray(ctx: Context, kind: str, inst_id: str, seen: dict[str, str], what: tuple[str, str, str]) -> None:
    """Note once what stands at the exchange and is no order of this ledger: nothing about it is left open."""
    key = f"{kind}:{inst_id}:{seen['client_id'] or seen['order_id']}"
    if key in ctx.loose.noted:
        return
    ctx.loose.noted[key] = ctx.at
    drift_id, (cause, confidence, action) = ctx.names.thing("drift"), what
    ctx.record(
        DriftDetected(
            drift_id=drift_id, session_id=ctx.session_id, kind=kind, inst_id=inst_id, position_id=None, ours={},
            theirs=seen, detected_at=ctx.at, action=action,
        ),
        DriftExplained(
            drift_id=drift_id, cause=cause, confidence=confidence, evidence=seen, explained_at=ctx.at,
            action=action, resolved_at=ctx.at,
        ),
    )  # fmt: skip
