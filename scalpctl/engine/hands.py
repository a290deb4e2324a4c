"""Other hands: what others do to our positions is a drift, explained by the records of the exchange, however late.

An execution that no order of ours made is noticed at once and its order is looked up. Our own stop turns out to be ours
and is no drift; anybody else is named with the proof. Where the records cannot be read nothing is guessed: the drift
stays unexplained and they are asked for again. A closure whose cause was unknown gets it from its drift that way.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from scalpctl.core.attribution import Attribution, Confidence, Traces, rank
from scalpctl.core.exchange.reports import AlgoReport, FillReport, OrderReport
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.money import ZERO, add, exact
from scalpctl.core.names import is_ours
from scalpctl.core.records.money import DriftDetected, DriftExplained
from scalpctl.engine import events
from scalpctl.engine.context import Context
from scalpctl.engine.effects import Investigate

HANDS = "hands:"
"""Marks an investigation that looks for whose an execution was."""
ASK_AFTER_US = MICROS_PER_SECOND // 2
ASK_AGAIN_US, ASK_AGAIN_MAX_US = 2 * MICROS_PER_SECOND, 300 * MICROS_PER_SECOND
ASK_UNREAD_US = 15 * MICROS_PER_SECOND
"""How soon histories are asked for again that could not be read: an outage proves nothing, and ends unannounced."""
PROOF_WITHIN_US = 30 * MICROS_PER_SECOND
"""How long a proof is waited for that the histories, which lag, do not show yet."""
SAY_AFTER_US = 10 * MICROS_PER_SECOND
"""How long an explanation is waited for before the drift is recorded without one."""
GIVE_UP_US = 72 * 3_600 * MICROS_PER_SECOND
"""Asked for this long without an answer, it is beyond the exchange's own memory: nothing more will be learned."""


@dataclass(slots=True)
class Hand:
    """One order of somebody else that touched a position, until its owner is known."""

    inst_id: str
    order_id: str
    position_id: str
    kind: str
    noticed_at: Instant
    ask_at: Instant
    fills: list[FillReport] = field(default_factory=list)
    tries: int = 0
    drift_id: str = ""
    """Set once the drift is recorded."""
    closed: bool = False
    """Whether the closure of the position waits to be judged anew."""


def noticed(ctx: Context, report: FillReport, position_id: str, kind: str) -> None:
    """Notice an execution that no order of ours made."""
    hand = ctx.hands.get((report.inst_id, report.order_id))
    if hand is None:
        at = Instant(ctx.at + ASK_AFTER_US)
        hand = Hand(report.inst_id, report.order_id, position_id, kind, ctx.at, at)
        hand.drift_id = ctx.drifts_open.pop((report.inst_id, kind), "")
        ctx.hands[report.inst_id, report.order_id] = hand
    hand.fills.append(report)


def closed_by(ctx: Context, report: FillReport) -> None:
    """Leave the order that made a position flat to the closure, which names its cause itself."""
    hand = ctx.hands.get((report.inst_id, report.order_id))
    if hand is not None and not hand.drift_id:
        del ctx.hands[report.inst_id, report.order_id]


def unexplained(ctx: Context, position_id: str, report: FillReport, drift_id: str) -> None:
    """Keep asking who closed a position whose closure had to be recorded without a cause."""
    at = Instant(ctx.at + ASK_AGAIN_US)
    ctx.hands[report.inst_id, report.order_id] = Hand(
        report.inst_id, report.order_id, position_id, "vanished", ctx.at, at, [report], drift_id=drift_id, closed=True
    )


def drive(ctx: Context) -> None:
    """Ask about every order whose owner is unknown and whose time has come; say what stays unexplained."""
    for key, hand in list(ctx.hands.items()):
        if not hand.drift_id and ctx.at - hand.noticed_at > SAY_AFTER_US:
            _detected(ctx, hand)
        if ctx.at - hand.noticed_at > GIVE_UP_US:
            del ctx.hands[key]
        elif ctx.at >= hand.ask_at:
            _ask(ctx, hand)


def ask_now(ctx: Context) -> None:
    """Have every open question asked again at once."""
    for hand in ctx.hands.values():
        hand.ask_at = ctx.at


def evidence(ctx: Context, found: events.Evidence) -> None:
    """Judge the orders of an instrument by what the exchange's histories say."""
    inst_id = found.position_id.removeprefix(HANDS)
    if found.orders is None or found.fills is None or found.algos is None:
        _ask_soon(ctx, inst_id)
    if found.orders is None or found.fills is None:
        return
    for key, hand in list(ctx.hands.items()):
        if hand.inst_id == inst_id and not lacks_algo(found, hand.order_id, late=_is_late(ctx, hand)):
            attribution = _judged(hand, found)
            if attribution.confidence is not Confidence.NONE:
                del ctx.hands[key]
                _explained(ctx, hand, attribution)


def lacks_algo(found: events.Evidence, order_id: str, *, late: bool) -> bool:
    """Tell whether an order names a conditional one that could not be read, or, until it is ``late``, is not listed."""
    order = order_in(found, order_id)
    if order is None or not (order.algo_id or order.algo_client_id):
        return False
    if found.algos is None:
        return not (late and is_ours(order.algo_client_id))
    return not late and algo_in(found, order) is None


def order_in(found: events.Evidence, order_id: str) -> OrderReport | None:
    """Give an order where the histories show it."""
    return next((one for one in found.orders or () if one.order_id == order_id), None)


def algo_in(found: events.Evidence, order: OrderReport | None) -> AlgoReport | None:
    """Give the conditional order that sent an order, where the histories show it."""
    if order is None or not (order.algo_id or order.algo_client_id):
        return None
    algos = found.algos or ()
    return next((one for one in algos if one.algo_id == order.algo_id or one.order_id == order.order_id), None)


def is_own_algo(order: OrderReport | None, algo: AlgoReport | None) -> bool:
    """Tell whether a conditional order of ours sent an order: it says so itself, also where no history has that one."""
    return (order is not None and is_ours(order.algo_client_id)) or (algo is not None and is_ours(algo.client_id))


def _is_late(ctx: Context, hand: Hand) -> bool:
    return ctx.at - hand.noticed_at > PROOF_WITHIN_US


def _ask(ctx: Context, hand: Hand) -> None:
    hand.ask_at = Instant(ctx.at + min(ASK_AGAIN_US << hand.tries, ASK_AGAIN_MAX_US))
    hand.tries = min(hand.tries + 1, 10)
    since = Instant(hand.fills[0].filled_at - 5 * MICROS_PER_SECOND)
    ctx.do(Investigate(f"{HANDS}{hand.inst_id}", hand.inst_id, since, foreign=True))


def _ask_soon(ctx: Context, inst_id: str) -> None:
    soon = Instant(ctx.at + ASK_UNREAD_US)
    for hand in ctx.hands.values():
        if hand.inst_id == inst_id:
            hand.ask_at = min(hand.ask_at, soon)


def _judged(hand: Hand, found: events.Evidence) -> Attribution:
    order = order_in(found, hand.order_id)
    algo = algo_in(found, order)
    fill = hand.fills[-1]
    bills = tuple(bill for bill in found.bills or () if bill.trade_id and bill.trade_id == fill.trade_id)
    own = is_own_algo(order, algo)
    return rank(Traces(fill=fill, order=order, algo=algo, bills=bills, own_algo=own))[0]


def _explained(ctx: Context, hand: Hand, attribution: Attribution) -> None:
    if attribution.actor == "engine" and not hand.closed:
        if hand.drift_id:
            _resolved(ctx, hand, attribution, "it was our own stop")
        return
    if not hand.drift_id:
        _detected(ctx, hand)
    _resolved(ctx, hand, attribution, "booked with the exchange's own fills")


def _resolved(ctx: Context, hand: Hand, attribution: Attribution, action: str) -> None:
    ctx.record(
        DriftExplained(
            drift_id=hand.drift_id,
            cause=attribution.cause.value,
            confidence=attribution.confidence.name.lower(),
            evidence=attribution.evidence.to_plain(),
            explained_at=ctx.at,
            action=action,
            resolved_at=ctx.at,
        )
    )


def _detected(ctx: Context, hand: Hand) -> None:
    hand.drift_id = ctx.names.thing("drift")
    first = hand.fills[0]
    ctx.record(
        DriftDetected(
            drift_id=hand.drift_id,
            session_id=ctx.session_id,
            kind=hand.kind,
            inst_id=hand.inst_id,
            position_id=hand.position_id,
            ours={"contracts": "0"},
            theirs={
                "order_id": hand.order_id,
                "client_id": first.client_id,
                "action": first.action.value,
                "contracts": exact(add(*(fill.contracts.value for fill in hand.fills), ZERO)),
                "trade_ids": [fill.trade_id for fill in hand.fills],
            },
            detected_at=hand.noticed_at,
            action=_ACTIONS[ctx.plan.safety.appeared] if hand.kind == "appeared" else "looking for whose order it was",
        )
    )


_ACTIONS = {
    "protect": "protected with a stop, otherwise left alone",
    "adopt": "protected with a stop and managed by the exit rules",
    "alert": "left alone, entries of this instrument are held back",
    "flatten": "closed",
}
