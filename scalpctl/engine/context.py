"""What every part of the machine shares while it handles an event: time, plan, account, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from scalpctl.core import limits as brakes
from scalpctl.core.costs import Fees
from scalpctl.core.drift import DriftState
from scalpctl.core.exchange.reports import BalanceReport, BillReport, PositionReport
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.limits import Limit, LimitParameters
from scalpctl.core.market import Maintenance
from scalpctl.core.money import SETTLE, ZERO, add
from scalpctl.core.names import Names, session_stem, stem_of
from scalpctl.core.records.base import Record
from scalpctl.core.records.money import LedgerAccount, Posted
from scalpctl.core.records.sessions import LimitCleared, LimitLatched
from scalpctl.engine.booked import Booked
from scalpctl.engine.effects import Effect, Reread
from scalpctl.engine.plan import Plan

OVERLAP_US = 120 * MICROS_PER_SECOND
"""How far before the end of what is known histories are read again: what is executed is not listed at once."""

if TYPE_CHECKING:
    from scalpctl.engine.desk import Desk, Working
    from scalpctl.engine.hands import Hand
    from scalpctl.engine.opening import Opening
    from scalpctl.engine.releasing import Released


@dataclass(slots=True)
class Step:
    """What handling one event gave: records to make durable, then effects to perform."""

    records: list[Record] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)


@dataclass(slots=True)
class Account:
    """The whole account as the exchange last described it; None means that it did not say."""

    equity: Decimal | None = None
    available: Decimal | None = None
    seen_at: Instant | None = None
    binds: bool = False
    """Whether the balance says that something is held."""
    doubted: bool = False
    """Whether a picture without any position was doubted for that."""
    elsewhere: dict[str, PositionReport] | None = None
    """Positions by their id that are nobody's here: in an instrument that is not traded, or in the other margin mode
    beside one that is. None until the exchange has shown what there is."""
    setup: dict[str, str] | None = None
    """How it was set up when the session began; None until it was read."""
    fees: dict[str, Fees] = field(default_factory=dict)
    """What trading costs here, by instrument; what is not in it the exchange has not told."""
    leverage_set_at: Instant = Instant(0)  # noqa: RUF009  immutable
    """When we last set one: the exchange announces ours as it does those of others."""
    leverages_due: int = 0
    """How many announcements of ours are still to come."""
    cash: Decimal = ZERO
    """What the ledger says it holds, margin of isolated positions included."""
    unjudged: BalanceReport | None = None
    """A balance the limits have not been judged by yet."""
    unexplained_since: Instant | None = None
    """Since when the account has held noticeably more or less than the ledger knows of."""
    bills_asked_at: Instant = Instant(0)  # noqa: RUF009  immutable
    judged_since: Instant | None = None
    """When this session first judged the equity: what moved before is in it."""


@dataclass(slots=True)
class Loose:
    """What stands at the exchange, or may come to, and belongs to nothing."""

    noted: dict[str, Instant] = field(default_factory=dict)
    """Orders that are on record as strays already."""
    released: dict[str, Released] = field(default_factory=dict)
    """Stops that were let go of, by their ids."""
    suspected: set[str] = field(default_factory=set)
    """Stops of ours that the last list showed, and that guard nothing here."""


class Context:
    """Shared by all desks of one machine."""

    def __init__(self, plan: Plan, names: Names) -> None:
        """Begin with nothing known."""
        self.plan = plan
        self.names = names
        self.at = Instant(0)
        self.step = Step()
        self.account = Account()
        self.limits = brakes.Book()
        self.desks: dict[str, Desk] = {}
        self.orders: dict[str, tuple[Desk, Working]] = {}
        self.booked = Booked()
        self.drift = DriftState()
        self.drifts_open: dict[tuple[str, str], str] = {}
        self.bills_waiting: dict[str, BillReport] = {}
        self.suspended: dict[tuple[str, str, str], BillReport] = {}
        """Bills in suspense, by the execution that would explain them."""
        self.fills_asked_at = Instant(0)
        self.opened = False
        self.opening: Opening | None = None
        self.versions: dict[str, tuple[int, tuple[str, ...] | None]] = {}
        self.seconds = 0
        self.finished = False
        self.asked_to_close: dict[str, list[str]] = {}
        """Commands that wait for closures: the positions each still waits for."""
        self.answers: dict[str, list[dict[str, Any]]] = {}
        self.loose = Loose()
        self.entered = 0
        """Positions entered since the ledger began."""
        self.hands: dict[tuple[str, str], Hand] = {}
        """Orders of others whose owner is not known yet, by instrument and the exchange's id."""
        self.stems = {stem_of(names.session_id)}
        """What tells ids that sessions of this ledger gave from those of another one's."""
        self.crashes: tuple[Instant, ...] = ()
        """When the latest sessions that never came to an end began."""
        self.maintenance: tuple[Maintenance, ...] = ()
        self.usable = False
        self.recovered = False
        self.ending: str | None = None
        self.closed_to_entries = False
        self.flatten = False
        self._latches: dict[tuple[Limit, str], str] = {}

    @property
    def session_id(self) -> str:
        """Give the id of the running session."""
        return self.names.session_id

    @property
    def limit_parameters(self) -> LimitParameters:
        """Give the ceilings that hold for the whole account."""
        from scalpctl.core.regime import Regime

        return self.plan.rules("", Regime.RANGING).limits

    @property
    def held(self) -> int:
        """Count the positions our own books hold."""
        return sum(1 for desk in self.desks.values() if desk.holding is not None)

    def made(self, client_id: str) -> bool:
        """Tell whether a session of this ledger gave an id: another ledger's orders are not in this one."""
        return session_stem(client_id) in self.stems

    def is_before_opening(self, at: Instant) -> bool:
        """Tell whether what happened at an instant is in the opening balance already."""
        return at < (self.booked.opened_at if self.opening is None else self.opening.since)

    def record(self, *records: Record) -> None:
        """Have records written."""
        self.step.records.extend(records)
        for record in records:
            if isinstance(record, Posted):
                moved = (leg for leg in record.legs if leg.account is LedgerAccount.CASH and leg.ccy == SETTLE)
                self.account.cash = add(self.account.cash, *(Decimal(leg.amount) for leg in moved))

    def do(self, *effects: Effect) -> None:
        """Have effects performed, once everything recorded so far is durable."""
        self.step.effects.extend(effects)

    def reread(self, since: Instant) -> None:
        """Have everything asked for together; what is the first picture of a session begins where the ledger ends."""
        if self.recovered:
            self.do(Reread(since))
        elif self.booked.known_until is not None:  # without it the first picture is under way, and is of an opening
            self.do(Reread(Instant(min(since, max(0, self.booked.known_until - OVERLAP_US)))))

    def trip(self, limit: Limit, why: str, *, inst_id: str = "") -> None:
        """Trip a limit, and record it if it was not tripped already."""
        for_s = brakes.pause_s(limit, self.limit_parameters)
        self.set_limits(brakes.trip(self.limits, limit, self.at, why, inst_id=inst_id, for_s=for_s))

    def clear(self, limit: Limit, inst_id: str = "") -> None:
        """Let go of a timed latch whose condition is gone."""
        self.set_limits(
            brakes.cleared(self.limits, limit, inst_id), cleared_by="engine", reason="its condition is gone"
        )

    def set_limits(self, book: brakes.Book, cleared_by: str = "engine", reason: str = "its time has passed") -> None:
        """Take a new book of limits; every latch that came or went is recorded."""
        self.limits = book
        held = {(latch.limit, latch.inst_id): latch for latch in book.latches}
        for key, latch in held.items():
            if key not in self._latches:
                self._latches[key] = latch_id = self.names.thing("latch")
                named = f"{latch.limit.value}:{latch.inst_id}" if latch.inst_id else latch.limit.value
                self.record(
                    LimitLatched(
                        latch_id=latch_id, session_id=self.session_id, name=named, reason=latch.why, value=None,
                        threshold=None, latched_at=self.at,
                    )
                )  # fmt: skip
        for key in [key for key in self._latches if key not in held]:
            latch_id = self._latches.pop(key)
            self.record(LimitCleared(latch_id=latch_id, cleared_at=self.at, cleared_by=cleared_by, clear_reason=reason))

    def remember_latches(self, book: brakes.Book, ids: dict[tuple[Limit, str], str]) -> None:
        """Continue with the latches an earlier session left, under the ids they were recorded with."""
        self.limits = book
        self._latches = dict(ids)
