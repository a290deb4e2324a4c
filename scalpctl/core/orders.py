"""The life of an order as a table: what we intended, what we know, and what an unknown outcome may become.

A write is never repeated. An unknown order is resolved by asking for its client id; it is void only when the exchange
has said twice that it does not exist, after it could not arrive any more, and no fill was seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from scalpctl.core.exchange.outcomes import Accepted, Outcome, Refused
from scalpctl.core.exchange.reports import OrderReport
from scalpctl.core.instants import Instant
from scalpctl.core.money import ZERO, Contracts
from scalpctl.core.transitions import Step, Table


class OrderState(StrEnum):
    """What we know about an order."""

    INTENDED = "intended"
    SENT = "sent"
    LIVE = "live"
    PARTLY_FILLED = "partly_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    VOID = "void"


class OrderEvent(StrEnum):
    """What can be learnt about an order."""

    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    SEEN_LIVE = "seen_live"
    SEEN_PARTLY = "seen_partly"
    SEEN_FILLED = "seen_filled"
    SEEN_CANCELLED = "seen_cancelled"
    GONE = "gone"


_S, _E = OrderState, OrderEvent
_SEEN = {
    _E.SEEN_LIVE: _S.LIVE,
    _E.SEEN_PARTLY: _S.PARTLY_FILLED,
    _E.SEEN_FILLED: _S.FILLED,
    _E.SEEN_CANCELLED: _S.CANCELLED,
}


def _steps() -> tuple[Step[OrderState, OrderEvent], ...]:
    """List every step; streams may overtake answers, so an exchange report has a meaning in every state."""
    steps = [
        Step(_S.INTENDED, _E.SENDING, _S.SENT),
        Step(_S.INTENDED, _E.NO_ANSWER, _S.UNKNOWN, "found after a restart"),
        Step(_S.SENT, _E.ACCEPTED, _S.LIVE),
        Step(_S.SENT, _E.REFUSED, _S.REFUSED),
        Step(_S.SENT, _E.NO_ANSWER, _S.UNKNOWN),
        Step(_S.UNKNOWN, _E.ACCEPTED, _S.LIVE, "late answer"),
        Step(_S.UNKNOWN, _E.REFUSED, _S.REFUSED, "late answer"),
        Step(_S.UNKNOWN, _E.NO_ANSWER, _S.UNKNOWN),
        Step(_S.UNKNOWN, _E.GONE, _S.VOID, "twice not found, expired, no fill"),
    ]
    for state in (_S.INTENDED, _S.SENT, _S.UNKNOWN):
        steps.extend(Step(state, event, to) for event, to in _SEEN.items())
    steps.extend(Step(_S.LIVE, event, to) for event, to in _SEEN.items())
    steps.extend(
        (
            Step(_S.PARTLY_FILLED, _E.SEEN_LIVE, _S.PARTLY_FILLED, "late report"),
            Step(_S.PARTLY_FILLED, _E.SEEN_PARTLY, _S.PARTLY_FILLED),
            Step(_S.PARTLY_FILLED, _E.SEEN_FILLED, _S.FILLED),
            Step(_S.PARTLY_FILLED, _E.SEEN_CANCELLED, _S.CANCELLED),
            Step(_S.LIVE, _E.ACCEPTED, _S.LIVE, "stream was faster"),
            Step(_S.PARTLY_FILLED, _E.ACCEPTED, _S.PARTLY_FILLED, "stream was faster"),
            Step(_S.LIVE, _E.NO_ANSWER, _S.LIVE, "stream was faster"),
            Step(_S.PARTLY_FILLED, _E.NO_ANSWER, _S.PARTLY_FILLED, "stream was faster"),
        )
    )
    for state in (_S.FILLED, _S.CANCELLED):
        late = (_E.ACCEPTED, _E.NO_ANSWER, _E.SEEN_LIVE, _E.SEEN_PARTLY, _E.SEEN_CANCELLED)
        steps.extend(Step(state, event, state, "late report") for event in late)
        steps.append(Step(state, _E.SEEN_FILLED, _S.FILLED))
    for state in (_S.VOID, _S.REFUSED):
        steps.extend(Step(state, event, to, "reopened, drift") for event, to in _SEEN.items())
    return tuple(steps)


ORDERS: Table[OrderState, OrderEvent] = Table(
    "orders", _S.INTENDED, (_S.FILLED, _S.CANCELLED, _S.REFUSED, _S.VOID), _steps()
)
OPEN = (_S.INTENDED, _S.SENT, _S.LIVE, _S.PARTLY_FILLED, _S.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Order:
    """One instruction and what we know about it; ``filled`` counts fills seen, ``reported`` what the exchange says."""

    client_id: str
    inst_id: str
    contracts: Contracts
    expires_at: Instant
    state: OrderState = OrderState.INTENDED
    exchange_id: str = ""
    filled: Contracts = Contracts(ZERO)  # noqa: RUF009  immutable
    reported: Contracts = Contracts(ZERO)  # noqa: RUF009  immutable
    reopened: bool = False

    @property
    def is_open(self) -> bool:
        """Tell whether it may still fill."""
        return self.state in OPEN

    @property
    def rests(self) -> bool:
        """Tell whether it is known to stand at the exchange."""
        return self.state in {OrderState.LIVE, OrderState.PARTLY_FILLED}

    @property
    def is_settled(self) -> bool:
        """Tell whether it is over and every fill the exchange reported has been seen."""
        return not self.is_open and self.filled == self.reported

    @property
    def left(self) -> Contracts:
        """Give what may still fill."""
        return self.contracts - max(self.filled, self.reported)


def step(order: Order, event: OrderEvent) -> Order:
    """Take one step; an order that was void or refused and turns out to live is marked as reopened."""
    state = ORDERS.next(order.state, event)
    back = order.state in {OrderState.VOID, OrderState.REFUSED} and state is not order.state
    return replace(order, state=state, reopened=order.reopened or back)


def answered(order: Order, outcome: Outcome) -> Order:
    """Take the answer to a write; what is neither yes nor no stays unknown."""
    if isinstance(outcome, Accepted):
        return replace(step(order, OrderEvent.ACCEPTED), exchange_id=outcome.exchange_id or order.exchange_id)
    if isinstance(outcome, Refused):
        return order if order.state not in {OrderState.SENT, OrderState.UNKNOWN} else step(order, OrderEvent.REFUSED)
    return step(order, OrderEvent.NO_ANSWER)


REPORTS = {
    "live": OrderEvent.SEEN_LIVE,
    "partially_filled": OrderEvent.SEEN_PARTLY,
    "filled": OrderEvent.SEEN_FILLED,
    "canceled": OrderEvent.SEEN_CANCELLED,
    "mmp_canceled": OrderEvent.SEEN_CANCELLED,
}


def reported(order: Order, report: OrderReport) -> Order:
    """Take the exchange's report; a report that knows less than we do changes nothing.

    What it describes with a word nobody knows is there, and not known to be over.
    """
    there = OrderEvent.SEEN_PARTLY if report.filled_contracts else OrderEvent.SEEN_LIVE
    most = max(order.reported, report.filled_contracts)
    now = step(order, REPORTS.get(report.state, there))
    size = max(order.contracts, report.contracts)  # its owner may have enlarged it
    return replace(now, exchange_id=report.order_id, reported=most, contracts=size)


def filled(order: Order, contracts: Contracts) -> Order:
    """Count one fill, which proves that the order lives; of one that executes more than was ordered the end is unknown.

    Whose hand enlarged it the reports say; what it executed is money all the same.
    """
    total = order.filled + contracts
    seen = OrderEvent.SEEN_FILLED if total == order.contracts else OrderEvent.SEEN_PARTLY
    size = max(order.contracts, total)
    return replace(step(order, seen), filled=total, reported=max(order.reported, total), contracts=size)
