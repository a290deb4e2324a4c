"""Why a position was closed by somebody else: a ranking over evidence, best first; nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from scalpctl.core.causes import Cause
from scalpctl.core.evidence import Evidence
from scalpctl.core.exchange.reports import AlgoReport, BillReport, ClosedPositionReport, FillReport, OrderReport
from scalpctl.core.sides import Action


class Confidence(IntEnum):
    """How much the evidence proves."""

    NONE = 0
    SUPPORTED = 1
    PRESUMED = 2
    LIKELY = 3
    CERTAIN = 4


@dataclass(frozen=True, slots=True)
class Traces:
    """What was found for one closing fill: the fill, its order and algo, bills and history around it.

    ``own_order`` and ``own_algo`` tell whether our ledger knows the client ids; ``own_cause`` is the cause it recorded.
    """

    fill: FillReport | None = None
    order: OrderReport | None = None
    algo: AlgoReport | None = None
    bills: tuple[BillReport, ...] = ()
    history: ClosedPositionReport | None = None
    own_order: bool = False
    own_algo: bool = False
    own_cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """One possible cause, how sure it is, who acted, and the evidence."""

    cause: Cause
    confidence: Confidence
    actor: str
    evidence: Evidence


def _has_bill(traces: Traces, types: tuple[str, ...]) -> str:
    return next((bill.type for bill in traces.bills if bill.type in types), "")


def _sub_type(traces: Traces) -> str:
    return "" if traces.fill is None else traces.fill.sub_type


def _category(traces: Traces) -> str:
    return "" if traces.order is None else traces.order.category


def _history(traces: Traces) -> str:
    return "" if traces.history is None else traces.history.type


@dataclass(frozen=True, slots=True)
class Forced:
    """One way the exchange closes by force, and what each kind of record says then."""

    cause: Cause
    categories: tuple[str, ...]
    sub_types: tuple[str, ...]
    bills: tuple[str, ...]
    history: tuple[str, ...]


FORCED = (
    Forced(Cause.LIQUIDATION, ("full_liquidation",), ("104", "105", "106", "107"), ("5",), ("3",)),
    Forced(Cause.PARTIAL_LIQUIDATION, ("partial_liquidation",), ("100", "101", "102", "103"), (), ("4",)),
    Forced(Cause.AUTO_DELEVERAGED, ("adl",), ("125", "126", "127", "128"), ("9",), ("5", "6")),
    Forced(Cause.DELIVERY, ("delivery",), ("112", "113"), ("3",), ()),
    Forced(Cause.FORCED_CONVERSION, ("twap", "auto_conversion"), ("114", "115", "376", "377"), ("4",), ()),
)
"""Top to bottom as the exchange's records should be read: the first that matches wins."""

MOVED_SUB_TYPES = ("324", "325", "326", "327", "328", "329", "204", "205", "206", "207", "208", "209", "270", "271")
ALGO_SOURCES = {"6": Cause.EXCHANGE_ALGO, "13": Cause.EXCHANGE_ALGO, "34": Cause.EXCHANGE_ALGO}


def rank(traces: Traces) -> tuple[Attribution, ...]:
    """Give every cause the evidence speaks for, best first; UNKNOWN alone where it speaks for none.

    Among equally sure causes the order of the decision table decides.
    """
    found = [attribution for judge in JUDGES for attribution in judge(traces)]
    if not found:
        return (Attribution(Cause.UNKNOWN, Confidence.NONE, "unknown", _shown(traces)),)
    return tuple(sorted(found, key=lambda one: -one.confidence))


def _forced(traces: Traces) -> tuple[Attribution, ...]:
    """Read what the exchange does by force."""
    return tuple(
        Attribution(forced.cause, sure, "exchange", _shown(traces))
        for forced in FORCED
        if (sure := _sure(forced, traces)) is not Confidence.NONE
    )


def _sure(forced: Forced, traces: Traces) -> Confidence:
    if _category(traces) in forced.categories or _sub_type(traces) in forced.sub_types:
        return Confidence.CERTAIN
    if any(_category(traces) in other.categories or _sub_type(traces) in other.sub_types for other in FORCED):
        return Confidence.NONE  # its own records name another kind; a bill's type is shared by whole and part
    if _has_bill(traces, forced.bills):
        return Confidence.CERTAIN if forced.cause is Cause.LIQUIDATION else Confidence.LIKELY
    return Confidence.SUPPORTED if _history(traces) in forced.history else Confidence.NONE


def _algo(traces: Traces) -> tuple[Attribution, ...]:
    """Read a conditional order that was triggered."""
    order, algo = traces.order, traces.algo
    if order is None or _category(traces) not in {"normal", ""}:
        return ()
    cause = {"7": _target(order, algo, own=traces.own_algo), "25": Cause.EXCHANGE_TRAILING}.get(
        order.source
    ) or ALGO_SOURCES.get(order.source)
    if cause is None and order.algo_id:
        cause = (
            Cause.EXCHANGE_TRAILING
            if algo is not None and algo.kind == "move_order_stop"
            else _target(order, algo, own=traces.own_algo)
        )
    if cause is None:
        return ()
    sure = Confidence.CERTAIN if algo is not None and algo.state == "effective" else Confidence.LIKELY
    return (Attribution(cause, sure, "engine" if traces.own_algo else "account owner", _shown(traces)),)


def _target(order: OrderReport, algo: AlgoReport | None, *, own: bool) -> Cause:
    """Tell a stop from a take-profit by the trigger the closing price is nearer to; our own are all stops."""
    if algo is None or (algo.stop_trigger is None and algo.take_trigger is None):
        return Cause.EXCHANGE_STOP if own else Cause.EXCHANGE_ALGO
    if algo.take_trigger is None:
        return Cause.EXCHANGE_STOP
    if algo.stop_trigger is None:
        return Cause.EXCHANGE_TAKE_PROFIT
    price = order.average_price or order.price
    if price is None:
        return Cause.EXCHANGE_ALGO
    nearer_stop = abs(price - algo.stop_trigger) <= abs(price - algo.take_trigger)
    return Cause.EXCHANGE_STOP if nearer_stop else Cause.EXCHANGE_TAKE_PROFIT


def _own(traces: Traces) -> tuple[Attribution, ...]:
    """Read an order of our own, even one whose acknowledgement was never recorded."""
    order = traces.order
    if not traces.own_order or (order is not None and (order.algo_id or _category(traces) not in {"normal", ""})):
        return ()
    return (Attribution(traces.own_cause or Cause.UNKNOWN, Confidence.CERTAIN, "engine", _shown(traces)),)


def _foreign(traces: Traces) -> tuple[Attribution, ...]:
    """Read an order of somebody else with access to the account."""
    order = traces.order
    if order is None or traces.own_order or order.algo_id or order.source not in {"", "0"}:
        return ()
    if _category(traces) not in {"normal", ""}:
        return ()
    if order.client_id or order.tag:
        return (Attribution(Cause.OTHER_CLIENT, Confidence.LIKELY, "another client", _shown(traces)),)
    return (Attribution(Cause.MANUAL, Confidence.PRESUMED, "account owner", _shown(traces)),)


def _moved(traces: Traces) -> tuple[Attribution, ...]:
    """Read a position that was moved, or traded as a block or spread."""
    if _sub_type(traces) in MOVED_SUB_TYPES or _has_bill(traces, ("32", "14", "24")):
        return (Attribution(Cause.MOVED, Confidence.CERTAIN, "account owner", _shown(traces)),)
    return ()


JUDGES: tuple[Callable[[Traces], tuple[Attribution, ...]], ...] = (_forced, _algo, _own, _foreign, _moved)


def _shown(traces: Traces) -> Evidence:
    """Show what was read, with the record it came from."""
    order, fill, algo = traces.order, traces.fill, traces.algo
    shown = Evidence()
    if order is not None:
        shown += Evidence.of(
            "order", order_id=order.order_id, client_id=order.client_id, category=order.category,
            source=order.source, algo_id=order.algo_id, tag=order.tag,
        )  # fmt: skip
    if fill is not None:
        shown += Evidence.of("fill", trade_id=fill.trade_id, sub_type=fill.sub_type)
    if algo is not None:
        shown += Evidence.of("algo", algo_kind=algo.kind, algo_state=algo.state, algo_client_id=algo.client_id)
    if traces.bills:
        shown += Evidence.of("bills", bill_types=",".join(bill.type for bill in traces.bills))
    if traces.history is not None:
        shown += Evidence.of("position history", history_type=traces.history.type)
    return shown


def closure_cause(parts: tuple[tuple[FillReport, Attribution], ...]) -> Attribution:
    """Give the cause of a closure that several orders made: that of the fill which brought the position to zero."""
    return parts[_latest([fill for fill, _ in parts])][1]


def decisive(fills: Sequence[FillReport], closing: Action) -> FillReport:
    """Give the fill which brought a position to zero, in whatever order they were heard of."""
    parts = [fill for fill in fills if fill.action is closing] or fills
    return parts[_latest(parts)]


def _latest(fills: Sequence[FillReport]) -> int:
    return max(range(len(fills)), key=lambda at: (fills[at].filled_at, at))
