"""Maker-first execution: post at our own side, wait, re-quote a limited number of times; then give up or pay.

An entry never pays the taker fee: it is given up. An exit may take, at a stated price limit and with the cost written
down. An order that must be quick (a protective exit) does not start here at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from scalpctl.core.costs import BPS
from scalpctl.core.evidence import Evidence
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.money import ZERO, Contracts, add, multiply, ratio, subtract
from scalpctl.core.parameters import Parameters, setting
from scalpctl.core.sides import Action
from scalpctl.core.transitions import Step, Table

ONE = Decimal(1)
TAKER_EXTRA_RATE = Decimal("0.0003")
"""How much more taking is thought to cost than posting, as a share of the value."""


class MakerState(StrEnum):
    """Where an execution stands."""

    QUOTING = "quoting"
    RESTING = "resting"
    CANCELLING = "cancelling"
    ASKING = "asking"
    DECIDING = "deciding"
    TAKING = "taking"
    DONE = "done"
    GIVEN_UP = "given_up"


class MakerEvent(StrEnum):
    """What can happen to it."""

    ACCEPTED = "accepted"
    CROSSED = "crossed"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    MOVED_AWAY = "moved_away"
    WAITED = "waited"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    FILLED = "filled"
    REQUOTE = "requote"
    TAKE = "take"
    GIVE_UP = "give_up"


_S, _E = MakerState, MakerEvent

MAKER: Table[MakerState, MakerEvent] = Table(
    "maker",
    _S.QUOTING,
    (_S.DONE, _S.GIVEN_UP),
    (
        Step(_S.QUOTING, _E.ACCEPTED, _S.RESTING),
        Step(_S.QUOTING, _E.CROSSED, _S.DECIDING, "post-only refused or cancelled"),
        Step(_S.QUOTING, _E.REFUSED, _S.DECIDING),
        Step(_S.QUOTING, _E.NO_ANSWER, _S.ASKING),
        Step(_S.QUOTING, _E.FILLED, _S.DONE, "stream was faster"),
        Step(_S.QUOTING, _E.WITHDRAWN, _S.CANCELLING),
        Step(_S.ASKING, _E.ACCEPTED, _S.RESTING, "found"),
        Step(_S.ASKING, _E.CANCELLED, _S.DECIDING, "void or cancelled"),
        Step(_S.ASKING, _E.FILLED, _S.DONE),
        Step(_S.RESTING, _E.ACCEPTED, _S.RESTING),
        Step(_S.RESTING, _E.FILLED, _S.DONE),
        Step(_S.RESTING, _E.CROSSED, _S.DECIDING, "cancelled after the acknowledgement"),
        Step(_S.RESTING, _E.CANCELLED, _S.DECIDING, "cancelled by somebody else"),
        Step(_S.RESTING, _E.MOVED_AWAY, _S.CANCELLING),
        Step(_S.RESTING, _E.WAITED, _S.CANCELLING),
        Step(_S.RESTING, _E.WITHDRAWN, _S.CANCELLING),
        Step(_S.CANCELLING, _E.CANCELLED, _S.DECIDING),
        Step(_S.CANCELLING, _E.FILLED, _S.DONE, "filled before the cancel"),
        Step(_S.CANCELLING, _E.NO_ANSWER, _S.ASKING),
        Step(_S.DECIDING, _E.REQUOTE, _S.QUOTING),
        Step(_S.DECIDING, _E.TAKE, _S.TAKING, "exits only"),
        Step(_S.DECIDING, _E.GIVE_UP, _S.GIVEN_UP),
        Step(_S.DECIDING, _E.FILLED, _S.DONE, "late fill"),
        Step(_S.TAKING, _E.ACCEPTED, _S.TAKING),
        Step(_S.TAKING, _E.FILLED, _S.DONE),
        Step(_S.TAKING, _E.CANCELLED, _S.DECIDING, "the limit was not reached"),
        Step(_S.TAKING, _E.REFUSED, _S.DECIDING),
        Step(_S.TAKING, _E.NO_ANSWER, _S.ASKING),
    ),
)


class Purpose(StrEnum):
    """What is executed."""

    ENTRY = "entry"
    EXIT = "exit"


class GiveUp(StrEnum):
    """Why an execution was given up."""

    TOO_MANY_QUOTES = "too_many_quotes"
    SIGNAL_TOO_OLD = "signal_too_old"
    MOVED_TOO_FAR = "moved_too_far"
    NO_BOOK = "no_book"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class MakerParameters(Parameters):
    """How patient an execution is; resolved per regime."""

    wait_s: int = setting(8, "seconds one quote rests before it is moved", low=1, high=120)
    quotes_max: int = setting(4, "quotes placed before giving up or taking", low=1, high=50)
    signal_age_s: int = setting(10, "seconds after which an entry signal is too old to quote for", low=1, high=300)
    away_bps: Decimal = setting(
        Decimal(3), "distance to our side of the book from which a quote is moved at once", low=ZERO, high=Decimal(100)
    )
    chase_bps: Decimal = setting(
        Decimal(8),
        "move of the market against the decision price that ends an entry",
        low=Decimal("0.5"),
        high=Decimal(200),
    )
    take_bps: Decimal = setting(
        Decimal(10),
        "price limit of a taking exit, beyond the far side of the book",
        low=Decimal("0.5"),
        high=Decimal(200),
    )


@dataclass(frozen=True, slots=True)
class Quoter:
    """One execution under way. ``decided_price`` is the price the decision was made at."""

    purpose: Purpose
    action: Action
    contracts: Contracts
    decided_price: Decimal
    decided_at: Instant
    state: MakerState = MakerState.QUOTING
    quotes: int = 0
    quoted_price: Decimal | None = None
    quoted_at: Instant | None = None
    filled: Contracts = Contracts(ZERO)  # noqa: RUF009  immutable
    withdrawn: bool = False

    @property
    def left(self) -> Contracts:
        """Give what is still to be executed."""
        return self.contracts - self.filled


@dataclass(frozen=True, slots=True)
class Quote:
    """Post this, post-only, at our own side of the book."""

    price: Decimal


@dataclass(frozen=True, slots=True)
class Take:
    """Take up to this price; ``cost`` is what that costs more than posting would, in quote currency."""

    limit_price: Decimal
    cost: Decimal
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Stop:
    """Do nothing more, for this reason."""

    reason: GiveUp


def advance(quoter: Quoter, event: MakerEvent) -> Quoter:
    """Take one step of the table."""
    return replace(quoter, state=MAKER.next(quoter.state, event))


def placed(quoter: Quoter, price: Decimal, at: Instant) -> Quoter:
    """Remember the quote that is being placed."""
    return replace(quoter, quotes=quoter.quotes + 1, quoted_price=price, quoted_at=at)


def patience(quoter: Quoter, own_side: Decimal | None, at: Instant, limits: MakerParameters) -> MakerEvent | None:
    """Say whether a resting quote must be withdrawn: it waited, the book left it, or the signal grew old."""
    if quoter.state is not MakerState.RESTING or quoter.quoted_at is None or quoter.quoted_price is None:
        return None
    if quoter.withdrawn or (quoter.purpose is Purpose.ENTRY and _is_old(quoter, at, limits)):
        return MakerEvent.WITHDRAWN
    if at - quoter.quoted_at >= limits.wait_s * MICROS_PER_SECOND:
        return MakerEvent.WAITED
    if own_side is None:
        return None
    away = multiply(subtract(own_side, quoter.quoted_price), Decimal(quoter.action.sign))
    if away > multiply(quoter.quoted_price, multiply(limits.away_bps, BPS)):
        return MakerEvent.MOVED_AWAY
    return None


def decide(
    quoter: Quoter,
    instrument: Instrument,
    book: tuple[Decimal | None, Decimal | None],
    at: Instant,
    limits: MakerParameters,
    *,
    posted_only: bool = False,
    furthest: Decimal | None = None,
) -> Quote | Take | Stop:
    """Say what comes next for an execution without a resting order: a quote, for an exit taking, or nothing.

    ``book`` is the best bid and ask; an entry passes age and chase limits again at every quote. No price lies beyond
    the ``furthest`` the exchange takes. An exit goes on quoting where taking would be refused, or reach nothing: where
    only posted orders are taken, and where the far side is beyond that price.
    """
    bid, ask = book
    if quoter.withdrawn:
        return Stop(GiveUp.WITHDRAWN)
    if bid is None or ask is None or bid >= ask:
        return Stop(GiveUp.NO_BOOK)
    own, far = (bid, ask) if quoter.action is Action.BUY else (ask, bid)
    if quoter.purpose is Purpose.ENTRY:
        refusal = _entry_refusal(quoter, own, at, limits)
        if refusal is not None:
            return Stop(refusal)
    elif quoter.quotes >= limits.quotes_max and not posted_only and within(far, furthest, quoter.action) == far:
        return _take(quoter, instrument, (own, far), limits, furthest)
    return Quote(within(instrument.passive_price(own, quoter.action), furthest, quoter.action))


def within(price: Decimal, furthest: Decimal | None, action: Action) -> Decimal:
    """Give a price, or the furthest one the exchange takes where it lies beyond that."""
    if furthest is None:
        return price
    return min(price, furthest) if action is Action.BUY else max(price, furthest)


def _entry_refusal(quoter: Quoter, own: Decimal, at: Instant, limits: MakerParameters) -> GiveUp | None:
    if _is_old(quoter, at, limits):
        return GiveUp.SIGNAL_TOO_OLD
    if quoter.quotes >= limits.quotes_max:
        return GiveUp.TOO_MANY_QUOTES
    worse = multiply(subtract(own, quoter.decided_price), Decimal(quoter.action.sign))
    if worse > multiply(quoter.decided_price, multiply(limits.chase_bps, BPS)):
        return GiveUp.MOVED_TOO_FAR
    return None


def _take(
    quoter: Quoter,
    instrument: Instrument,
    prices: tuple[Decimal, Decimal],
    limits: MakerParameters,
    furthest: Decimal | None,
) -> Take:
    """Price the taking of an exit: how far beyond the far side, and what the spread and the higher fee cost."""
    own, far = prices
    slack = multiply(limits.take_bps, BPS)
    beyond = multiply(far, add(ONE, multiply(slack, Decimal(quoter.action.sign))))
    limit = within(instrument.passive_price(beyond, quoter.action), furthest, quoter.action)
    coins = instrument.coins(quoter.left).value
    spread = multiply(abs(subtract(far, own)), coins)
    fee = multiply(multiply(far, coins), TAKER_EXTRA_RATE)
    shown = Evidence.of(
        own_side=own, far_side=far, spread_cost=spread, fee_cost=fee, spread_ratio=ratio(abs(subtract(far, own)), own),
        quotes=quoter.quotes,
    )  # fmt: skip
    return Take(limit, add(spread, fee), shown)


def _is_old(quoter: Quoter, at: Instant, limits: MakerParameters) -> bool:
    return at - quoter.decided_at > limits.signal_age_s * MICROS_PER_SECOND
