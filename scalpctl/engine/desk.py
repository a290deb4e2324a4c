"""What the engine knows of one instrument: its market, what is executed, what is held and how it is guarded."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from scalpctl.core.causes import Cause
from scalpctl.core.closing import CloseRequest
from scalpctl.core.exchange.reports import AlgoReport, FillReport, PositionReport
from scalpctl.core.exchange.requests import MarginMode, OrderType
from scalpctl.core.exits.state import ChainState
from scalpctl.core.exits.verdicts import Kind, Why
from scalpctl.core.exits.view import PositionFacts
from scalpctl.core.exits.watch import Watch
from scalpctl.core.gates.state import LastClose
from scalpctl.core.indicators.study import Study
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.leverage import LeverageChoice
from scalpctl.core.maker import Quoter
from scalpctl.core.margin import MarginReading, MarginState, MarginVerdict
from scalpctl.core.market import FundingRate, MarkPrice, PriceLimit, Ticker
from scalpctl.core.money import ZERO, Contracts, add
from scalpctl.core.orders import Order
from scalpctl.core.positions import Position
from scalpctl.core.protection import COVERED, ProtectionState
from scalpctl.core.regime import Regime, RegimeState
from scalpctl.core.sides import Action, Side
from scalpctl.core.signals.rules import Signal
from scalpctl.core.sizing import Sized
from scalpctl.engine.plan import Rules

RETURNS_KEPT = 60


class Role(StrEnum):
    """What an order is for."""

    ENTRY = "entry"
    PARTIAL = "partial"
    CLOSE = "close"


@dataclass(slots=True)
class Working:
    """One order of ours and what we know about it."""

    order: Order
    role: Role
    action: Action
    type: OrderType
    price: Decimal | None
    reduce_only: bool
    position_id: str | None
    decision_price: Decimal | None
    sent_at: Instant
    cancelling: bool = False
    asked: bool = False
    average_price: Decimal | None = None
    """What the exchange says its executions cost on average, as recorded."""
    refusal: str = ""
    """What the exchange refused it with."""
    late_since: Instant | None = None
    """Since when its end, or what it has executed, is late: it was withdrawn, or never rests, or fills are missing."""


@dataclass(slots=True)
class EntryPlan:
    """What led to an entry, kept until it is recorded with what became of it."""

    decision_id: str
    signal: Signal
    side: Side
    choice: LeverageChoice
    sized: Sized
    regime: Regime
    decision_price: Decimal
    stop: Decimal


@dataclass(slots=True)
class Execution:
    """One maker-first execution under way: an entry, a partial take or a patient close."""

    role: Role
    quoter: Quoter
    decision_id: str | None
    position_id: str | None
    entry: EntryPlan | None = None
    working: Working | None = None
    cause: str = ""
    """Why something is closed."""
    gave_up: str = ""
    """Why it ended before all of it was executed."""
    resume_at: Instant = Instant(0)  # noqa: RUF009  immutable
    refusals: int = 0
    vain: int = 0
    """How many orders in a row were taken and executed nothing."""
    fills: list[FillReport] = field(default_factory=list)
    command_id: str | None = None
    """The command that waits for this execution, if a person ordered it."""

    @property
    def taken(self) -> Contracts:
        """Give what its orders have executed."""
        return Contracts(add(*(fill.contracts.value for fill in self.fills), ZERO))


LIMIT_OLD_US = 30 * MICROS_PER_SECOND
"""How long a price limit is believed that the mark has left."""


@dataclass(slots=True)
class Fired:
    """A stop that fired: what its order could not close is left without one."""

    heard_at: Instant
    asked: bool = False
    """Whether its executions, which are late, have been asked for."""
    fell_short: bool = False
    """Whether its order is known to be over, and not filled."""


LATER_US, LATER_MAX_US = 5 * MICROS_PER_SECOND, 60 * MICROS_PER_SECOND
"""How long a stop that was refused for a lasting reason is left alone the first time, and at most."""


@dataclass(slots=True)
class Guard:
    """The stop kept at the exchange for one position."""

    state: ProtectionState = ProtectionState.NAKED
    since: Instant = Instant(0)  # noqa: RUF009  immutable
    protection_id: str = ""
    unanswered: list[str] = field(default_factory=list)
    """Stops nobody would tell us about, so that another was placed; one of them may stand."""
    algo_id: str = ""
    trigger: Decimal | None = None
    wanted: Decimal | None = None
    retry_at: Instant = Instant(0)  # noqa: RUF009  immutable
    refusals: int = 0
    """How often the exchange has refused to move it, or to take it where the market is, since it was confirmed."""
    passed: bool = False
    """Whether the market is beyond where it belongs: there is nothing left to wait for."""
    asked: bool = False
    beside: bool = False
    """Whether somebody else keeps the one stop or target there may be for the whole position: ours has a size then."""
    sized: Contracts | None = None
    """How much a stop with a size covers."""
    grows_to: Contracts | None = None
    """How much it has been asked to cover."""
    outgrown: str = ""
    """One that stands and could not be enlarged: it goes once a larger one is confirmed."""
    fired: Fired | None = None
    one_stands: bool = False
    """Whether the exchange says that a stop for the whole position stands, and it is not known yet which."""

    def later_us(self) -> int:
        """Give how long to leave alone what was refused: three times as long each time, until a stop is confirmed."""
        wait_us = min(LATER_US * int(3**self.refusals), LATER_MAX_US)
        self.refusals = min(self.refusals + 1, 10)
        return wait_us

    def covers(self, contracts: Contracts) -> bool:
        """Tell whether it would close as much as the exchange says there is."""
        return self.state in COVERED and (self.sized is None or contracts.value <= self.sized.value)

    def knows(self, client_id: str) -> bool:
        """Tell whether a conditional order is one of this guard's; what others ordered may have no id of its own."""
        return client_id != "" and (client_id == self.protection_id or client_id in self.unanswered)

    def take_size(self, report: AlgoReport) -> None:
        """Learn how much the stop covers: a number, or whatever the position is when it fires."""
        self.sized = report.contracts if report.close_fraction is None else None
        self.beside |= self.sized is not None


@dataclass(slots=True)
class Holding:
    """One life of a position, from its first fill until its closure is recorded."""

    position_id: str
    origin: str
    position: Position
    leverage: Decimal
    margin_mode: MarginMode | None
    """Whose margin backs it; None until the exchange has said so of one that others opened."""
    parameter_set: str
    regime: Regime
    watch: Watch
    guard: Guard
    facts: PositionFacts | None = None
    chain: ChainState = field(default_factory=ChainState)
    close: CloseRequest | None = None
    taking: Working | None = None
    """The urgent closing order under way."""
    urgent_attempts: int = 0
    retry_at: Instant = Instant(0)  # noqa: RUF009  immutable
    fills: list[FillReport] = field(default_factory=list)
    gross: Decimal = ZERO
    """Realised result as the exchange stated it with its fills."""
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    penalty: Decimal = ZERO
    entered: bool = False
    """Whether the entry is in the ledger with everything that led to it."""
    foreign: bool = False
    """Whether somebody else had a hand in it: then the closure is attributed by evidence."""
    standing: tuple[tuple[Cause, Kind, Why], ...] = ()
    saved: ChainState | None = None
    """What of the rules' memory the ledger has."""
    flat_at: Instant | None = None
    margin_state: MarginState = field(default_factory=MarginState)
    margin: MarginVerdict | None = None
    strength: Decimal | None = None
    managed: bool = True
    """Whether the exit rules look after it; a position that was only to be protected has its stop and no more."""
    borrowed: Contracts = Contracts(ZERO)  # noqa: RUF009  immutable
    """What an adopted position holds by the exchange's word alone: executions found later explain it, add nothing."""
    adopted_at: Instant = Instant(0)  # noqa: RUF009  immutable
    decided: Cause | None = None
    """Why an earlier session began to close it, where it did not come to an end."""
    ordered_by: str = ""
    """Who ordered an earlier session to close it: an order outlives the process that was given it."""
    waiting_commands: list[str] = field(default_factory=list)

    @property
    def side(self) -> Side:
        """Give the side held."""
        return self.position.side

    @property
    def began_at(self) -> Instant:
        """Give when it began as far as is known by now: its first execution may be heard of last."""
        return min([self.position.opened_at, *(fill.filled_at for fill in self.fills)])

    @property
    def contracts(self) -> Contracts:
        """Give what is held now."""
        return self.position.contracts


@dataclass(slots=True)
class Leaving:
    """A position that is flat and waits for its closure to be recorded; evidence is asked for at an instant."""

    holding: Holding
    ask_at: Instant
    asked: bool = False


@dataclass(slots=True)
class Search:
    """A search for the position that executions were part of, through the exchange's histories."""

    begun_at: Instant
    since: Instant
    asked_at: Instant = Instant(0)  # noqa: RUF009  immutable
    asking: bool = False


ONE_FUNDING_US = 300 * MICROS_PER_SECOND
"""A funding is billed within this of its time; two of them are hours apart."""


@dataclass(slots=True)
class Desk:
    """Everything about one instrument."""

    instrument: Instrument
    version: int
    rules: Rules
    study: Study
    regime: RegimeState = field(default_factory=RegimeState)
    traded: bool = True
    ticker: Ticker | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    mark: MarkPrice | None = None
    funding: FundingRate | None = None
    limit: PriceLimit | None = None
    last_candle_at: Instant | None = None
    warming: bool = True
    returns: deque[float] = field(default_factory=lambda: deque(maxlen=RETURNS_KEPT))
    heard: deque[tuple[Instant, Side]] = field(default_factory=lambda: deque(maxlen=200))
    leverage: Decimal | None = None
    """What is set at the exchange, as far as it told us."""
    leverage_doubted: bool = False
    """Whether somebody else may have set another one since."""
    wanted: EntryPlan | None = None
    """An entry that waits for its leverage to be confirmed."""
    execution: Execution | None = None
    holding: Holding | None = None
    leaving: list[Leaving] = field(default_factory=list)
    """Positions that are flat and wait for their closure to be recorded."""
    looked_for_at: Instant | None = None
    """Since when the executions of a position that appeared are being looked for."""
    beginning_asked_at: Instant = Instant(0)  # noqa: RUF009  immutable
    """When the executions that made an adopted position were asked for last."""
    whole_kept: bool = False
    """Whether the last list of conditional orders had one for the whole position: there may be no other such."""
    unplaced: dict[tuple[str, str, str], FillReport] = field(default_factory=dict)
    """Executions that reduced what nobody here knows of yet, by their keys."""
    search: Search | None = None
    """The search for what they were part of."""
    funding_due: Instant | None = None
    """A funding time that has passed while something was held, until its bill is seen."""
    funding_billed_at: Instant = Instant(0)  # noqa: RUF009  immutable
    """When the newest funding was billed."""
    last_close: LastClose | None = None
    theirs: PositionReport | None = None
    """The exchange's own view of the position."""
    told: PositionReport | None = None
    """The last word that something is held, kept where a picture shows none: no execution tells its margin mode."""
    reading: MarginReading | None = None
    flat_at: Instant = Instant(0)  # noqa: RUF009  immutable
    """When the newest execution made its position flat."""
    flat_mode: MarginMode | None = None
    """Whose margin backed that position, where it is known: one in the other mode is another one."""
    posted_only_until: Instant = Instant(0)  # noqa: RUF009  immutable
    """Until when the exchange is believed to take posted orders only: it said that the book is thin."""
    ratio_here: Decimal | None = None
    """The margin ratio recomputed from our own books, for the same instant."""
    skipped: str = ""
    """The reason of the last recorded skip: recorded again only when it changes."""
    profile: int = 0

    def furthest(self, action: Action, at: Instant) -> Decimal | None:
        """Give the furthest price the exchange takes such an order at, where it has said one.

        It says so only when that price changes: an old one counts as long as the mark is within it.
        """
        limit = self.limit
        text = None if limit is None else limit.buy_max_text if action.sign > 0 else limit.sell_min_text
        if limit is None or text is None:
            return None
        price = self.instrument.passive_price(Decimal(text), action)
        beyond = self.mark is not None and (Decimal(self.mark.price_text) - price) * action.sign > 0
        return None if beyond and at - limit.exchange_at > LIMIT_OLD_US else price

    @property
    def held_apart(self) -> Side | None:
        """Give the side that what closes a position must name: only where the exchange holds long and short apart."""
        told = self.theirs or self.told
        if told is not None:
            return None if told.net_mode else told.side
        return self.holding.fills[0].position_side if self.holding is not None and self.holding.fills else None

    @property
    def inst_id(self) -> str:
        """Give the instrument's id."""
        return self.instrument.inst_id

    @property
    def book(self) -> tuple[Decimal | None, Decimal | None]:
        """Give best bid and ask."""
        return self.bid, self.ask

    @property
    def is_busy(self) -> bool:
        """Tell whether an order or a fill is on its way, so that sizes must not be compared."""
        return self.execution is not None or bool(self.leaving)
