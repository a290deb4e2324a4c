"""The one way to close: every reason adds a vote to the one close request of a position, and one owner carries it out.

A second reason never places a second order. A protective vote makes a patient close urgent, at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from scalpctl.core.causes import Cause
from scalpctl.core.evidence import Evidence
from scalpctl.core.instants import Instant
from scalpctl.core.money import ZERO, Contracts
from scalpctl.core.transitions import Step, Table


class CloseState(StrEnum):
    """Where a close stands."""

    REQUESTED = "requested"
    QUOTING = "quoting"
    HURRYING = "hurrying"
    TAKING = "taking"
    CHECKING = "checking"
    CLOSED = "closed"


class CloseEvent(StrEnum):
    """What can happen to a close."""

    QUOTE = "quote"
    URGENT = "urgent"
    QUOTE_ENDED = "quote_ended"
    TAKE = "take"
    REFUSED = "refused"
    STILL_OPEN = "still_open"
    FLAT = "flat"


_S, _E = CloseState, CloseEvent

CLOSING: Table[CloseState, CloseEvent] = Table(
    "closing",
    _S.REQUESTED,
    (_S.CLOSED,),
    (
        Step(_S.REQUESTED, _E.QUOTE, _S.QUOTING, "patient reason"),
        Step(_S.REQUESTED, _E.TAKE, _S.TAKING, "urgent reason"),
        Step(_S.REQUESTED, _E.URGENT, _S.REQUESTED),
        Step(_S.REQUESTED, _E.FLAT, _S.CLOSED, "somebody was faster"),
        Step(_S.QUOTING, _E.URGENT, _S.HURRYING, "cancel the quote first"),
        Step(_S.QUOTING, _E.QUOTE_ENDED, _S.REQUESTED),
        Step(_S.QUOTING, _E.TAKE, _S.TAKING),
        Step(_S.QUOTING, _E.FLAT, _S.CLOSED),
        Step(_S.HURRYING, _E.URGENT, _S.HURRYING),
        Step(_S.HURRYING, _E.QUOTE_ENDED, _S.REQUESTED, "take what is left"),
        Step(_S.HURRYING, _E.FLAT, _S.CLOSED),
        Step(_S.TAKING, _E.URGENT, _S.TAKING),
        Step(_S.TAKING, _E.REFUSED, _S.CHECKING, "ask what is left"),
        Step(_S.TAKING, _E.QUOTE_ENDED, _S.REQUESTED, "partly taken"),
        Step(_S.TAKING, _E.FLAT, _S.CLOSED),
        Step(_S.CHECKING, _E.URGENT, _S.CHECKING),
        Step(_S.CHECKING, _E.STILL_OPEN, _S.REQUESTED),
        Step(_S.CHECKING, _E.FLAT, _S.CLOSED, "synchronised and recorded"),
    ),
)


@dataclass(frozen=True, slots=True)
class Vote:
    """One reason to close, and what it rested on."""

    cause: Cause
    at: Instant
    evidence: Evidence
    actor: str = "engine"


@dataclass(frozen=True, slots=True)
class CloseRequest:
    """The one close of one position: its votes in order, and where it stands."""

    request_id: str
    inst_id: str
    contracts: Contracts
    votes: tuple[Vote, ...]
    state: CloseState = CloseState.REQUESTED

    @property
    def owner(self) -> Vote:
        """Give the vote whose cause the closure carries: the first protective one, else the first."""
        return next((vote for vote in self.votes if vote.cause.is_protective), self.votes[0])

    @property
    def is_urgent(self) -> bool:
        """Tell whether the close must take instead of waiting."""
        return any(vote.cause.is_protective for vote in self.votes)

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more will be done."""
        return self.state in CLOSING.final


class Nothing(StrEnum):
    """Why no close is needed; a value, because it is an ordinary answer."""

    ALREADY_FLAT = "already_flat"


def request(request_id: str, inst_id: str, contracts: Contracts, vote: Vote) -> CloseRequest | Nothing:
    """Open the close of a position; a position that is already gone is synchronised and recorded, not closed again."""
    if contracts.value <= ZERO:
        return Nothing.ALREADY_FLAT
    return CloseRequest(request_id, inst_id, contracts, (vote,))


def add_vote(close: CloseRequest, vote: Vote) -> CloseRequest:
    """Add a reason to a running close: recorded once per cause, and never another order."""
    if close.is_over or any(known.cause is vote.cause for known in close.votes):
        return close
    was_urgent = close.is_urgent
    voted = replace(close, votes=(*close.votes, vote))
    if voted.is_urgent and not was_urgent and CLOSING.allows(close.state, CloseEvent.URGENT):
        return replace(voted, state=CLOSING.next(close.state, CloseEvent.URGENT))
    return voted


def advance(close: CloseRequest, event: CloseEvent) -> CloseRequest:
    """Take one step of the table; an urgent close cannot be quoted."""
    if close.is_urgent and event is CloseEvent.QUOTE:
        return close
    return replace(close, state=CLOSING.next(close.state, event))


def order_contracts(close: CloseRequest, live: Contracts) -> Contracts:
    """Give the size of the next closing order: never more than what is really there."""
    return min(close.contracts, live)
