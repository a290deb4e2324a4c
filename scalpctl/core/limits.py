"""Limits and their latches: what has held the engine back, since when, and what lets it go again.

Latches block entries, never exits. They are recorded, so a restart does not forget them. Release is asked before block:
a latch whose time has passed never blocks the question whether it has passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from scalpctl.core.instants import MICROS_PER_SECOND, Instant, utc_day
from scalpctl.core.money import ZERO, add, canonical, multiply, parse_decimal, subtract
from scalpctl.core.parameters import Parameters, setting
from scalpctl.core.transitions import Step, Table

MINUTE_US = 60 * MICROS_PER_SECOND
HOLDS_S = 150
"""How long a bad reading of the engine's own condition holds without a newer one: two heartbeats and a half."""
DRIFT_HOLDS_S = 300


class Limit(StrEnum):
    """What can hold the engine back."""

    DAILY_LOSS = "daily_loss"
    LOSS_STREAK = "loss_streak"
    DRAWDOWN = "drawdown"
    ORDERS_PER_MINUTE = "orders_per_minute"
    REFUSALS = "refusals"
    STOP_OUTS = "stop_outs"
    DRIFT = "drift"
    UNPROTECTED = "unprotected"
    CLOCK = "clock"
    COMMITS = "commits"
    DISK = "disk"
    ACCOUNT_SETUP = "account_setup"
    RESTARTS = "restarts"
    RAMP = "ramp"
    OPERATOR_PAUSE = "operator_pause"
    OPERATOR_HALT = "operator_halt"


class LatchState(StrEnum):
    """Where a latch stands."""

    OPEN = "open"
    TIMED = "timed"
    LATCHED = "latched"


class LatchEvent(StrEnum):
    """What moves it."""

    TRIP_TIMED = "trip_timed"
    TRIP = "trip"
    ELAPSED = "elapsed"
    CLEARED = "cleared"
    RESUMED = "resumed"


_S, _E = LatchState, LatchEvent

LATCHES: Table[LatchState, LatchEvent] = Table(
    "latches",
    _S.OPEN,
    (),
    (
        Step(_S.OPEN, _E.TRIP_TIMED, _S.TIMED),
        Step(_S.OPEN, _E.TRIP, _S.LATCHED),
        Step(_S.TIMED, _E.TRIP_TIMED, _S.TIMED, "later end wins"),
        Step(_S.TIMED, _E.TRIP, _S.LATCHED),
        Step(_S.TIMED, _E.ELAPSED, _S.OPEN),
        Step(_S.TIMED, _E.CLEARED, _S.OPEN, "condition is gone"),
        Step(_S.TIMED, _E.RESUMED, _S.OPEN, "by a person, with a reason"),
        Step(_S.LATCHED, _E.TRIP, _S.LATCHED),
        Step(_S.LATCHED, _E.TRIP_TIMED, _S.LATCHED),
        Step(_S.LATCHED, _E.RESUMED, _S.OPEN, "by a person, with a reason"),
    ),
)


@dataclass(frozen=True, slots=True)
class LimitParameters(Parameters):
    """The hard ceilings."""

    daily_loss_ratio: Decimal = setting(
        Decimal("0.05"),
        "loss of one UTC day, as a share of its opening equity",
        low=Decimal("0.001"),
        high=Decimal("0.5"),
    )
    drawdown_ratio: Decimal = setting(
        Decimal("0.08"), "fall from the highest equity ever seen", low=Decimal("0.002"), high=Decimal("0.8")
    )
    losses_max: int = setting(5, "losing trades in a row on one instrument", low=1, high=50)
    losses_pause_s: int = setting(1800, "seconds an instrument rests after them", low=10, high=86400)
    stop_outs_max: int = setting(3, "stop-outs in ten minutes", low=1, high=50)
    stop_outs_pause_s: int = setting(900, "seconds without entries after them", low=10, high=86400)
    refusals_max: int = setting(5, "entry orders the exchange refused in ten minutes", low=1, high=100)
    refusals_pause_s: int = setting(900, "seconds without entries after them", low=10, high=86400)
    unprotected_pause_s: int = setting(
        300, "seconds without entries after a position had to be closed for want of a stop", low=10, high=21600
    )
    orders_per_minute_max: int = setting(10, "entry orders in one minute", low=1, high=600)
    resume_after_s: int = setting(60, "seconds after a trip in which a person's resume is refused", low=0, high=3600)


def pause_s(limit: Limit, limits: LimitParameters) -> int | None:
    """Give how long a limit holds at most before it ends by itself; None where it waits for a person."""
    return {
        Limit.LOSS_STREAK: limits.losses_pause_s,
        Limit.STOP_OUTS: limits.stop_outs_pause_s,
        Limit.REFUSALS: limits.refusals_pause_s,
        Limit.UNPROTECTED: limits.unprotected_pause_s,
        Limit.DRIFT: DRIFT_HOLDS_S,
        Limit.CLOCK: HOLDS_S,
        Limit.COMMITS: HOLDS_S,
        Limit.DISK: HOLDS_S,
        Limit.ACCOUNT_SETUP: HOLDS_S,
    }.get(limit)


@dataclass(frozen=True, slots=True)
class Latch:
    """One limit that has tripped: for one instrument or for all (empty), until an instant or until somebody resumes."""

    limit: Limit
    inst_id: str
    tripped_at: Instant
    why: str
    state: LatchState
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A latch as it was recorded: when it was set and why; until when, its limit says."""

    limit: Limit
    inst_id: str
    at: Instant
    why: str


@dataclass(frozen=True, slots=True)
class Book:
    """Everything limits are judged from; it is folded from records and recorded itself."""

    day: str = ""
    day_opening: Decimal = ZERO
    day_net: Decimal = ZERO
    equity: Decimal = ZERO
    equity_peak: Decimal = ZERO
    losses: Mapping[str, int] = field(default_factory=dict)
    stop_outs: tuple[Instant, ...] = ()
    orders: tuple[Instant, ...] = ()
    refusals: tuple[Instant, ...] = ()
    latches: tuple[Latch, ...] = ()


def equity_seen(book: Book, equity: Decimal, at: Instant, limits: LimitParameters) -> Book:
    """Take the account's equity: a new UTC day opens with it, the peak follows it, a deep fall latches.

    Equity counts what is not realised yet: a day is lost while its positions are still losing.
    """
    today = utc_day(at)
    if book.day != today:
        book = replace(book, day=today, day_opening=equity, day_net=ZERO)
    book = replace(book, equity=equity, equity_peak=max(book.equity_peak, equity))
    lost = subtract(book.day_opening, equity)
    if book.day_opening > ZERO and lost >= multiply(book.day_opening, limits.daily_loss_ratio):
        book = trip(book, Limit.DAILY_LOSS, at, f"equity {equity} is {lost} below the day's opening {book.day_opening}")
    fallen = subtract(book.equity_peak, equity)
    if book.equity_peak > ZERO and fallen >= multiply(book.equity_peak, limits.drawdown_ratio):
        return trip(book, Limit.DRAWDOWN, at, f"equity {equity} is {fallen} below its peak {book.equity_peak}")
    return book


def trade_closed(
    book: Book, inst_id: str, net: Decimal, at: Instant, limits: LimitParameters, *, stopped: bool
) -> Book:
    """Take one result: it counts for the day, for the streak of its instrument, and as a stop-out.

    One that is learned of late belongs to its own day: today's count goes on as it was.
    """
    day = utc_day(at)
    if book.day and book.day < day:
        book = replace(book, day=day, day_opening=add(book.day_opening, book.day_net), day_net=ZERO)
    streak = 0 if net > ZERO else book.losses.get(inst_id, 0) + 1
    recent = tuple(when for when in book.stop_outs if at - when < 10 * MINUTE_US)
    book = replace(
        book,
        day_net=book.day_net if day < book.day else add(book.day_net, net),
        losses={**book.losses, inst_id: streak},
        stop_outs=(*recent, at) if stopped else recent,
    )
    if book.day_opening > ZERO and -book.day_net >= multiply(book.day_opening, limits.daily_loss_ratio):
        book = trip(book, Limit.DAILY_LOSS, at, f"the day lost {-book.day_net} of {book.day_opening}")
    if streak >= limits.losses_max:
        why = f"{streak} losses in a row"
        pause = pause_s(Limit.LOSS_STREAK, limits)
        book = trip(book, Limit.LOSS_STREAK, at, why, inst_id=inst_id, for_s=pause)
        book = replace(book, losses={**book.losses, inst_id: 0})
    if len(book.stop_outs) >= limits.stop_outs_max:
        why = f"{len(book.stop_outs)} stop-outs in ten minutes"
        book = trip(book, Limit.STOP_OUTS, at, why, for_s=pause_s(Limit.STOP_OUTS, limits))
    return book


def money_moved(book: Book, amount: Decimal) -> Book:
    """Take a deposit (positive) or a withdrawal: it is neither gain nor loss."""
    opening = add(book.day_opening, amount) if book.day else book.day_opening
    peak = max(ZERO, add(book.equity_peak, amount))
    return replace(book, day_opening=opening, equity=add(book.equity, amount), equity_peak=peak)


def order_sent(book: Book, at: Instant) -> Book:
    """Count one entry order."""
    return replace(book, orders=(*(when for when in book.orders if at - when < MINUTE_US), at))


def order_refused(book: Book, at: Instant, why: str, limits: LimitParameters) -> Book:
    """Count one entry order the exchange refused: several are no accident, and more of them help nobody."""
    recent = (*(when for when in book.refusals if at - when < 10 * MINUTE_US), at)
    book = replace(book, refusals=recent)
    if len(recent) < limits.refusals_max:
        return book
    told = f"{len(recent)} entry orders refused, {why}"
    book = trip(book, Limit.REFUSALS, at, told, for_s=pause_s(Limit.REFUSALS, limits))
    return replace(book, refusals=())


def trip(book: Book, limit: Limit, at: Instant, why: str, *, inst_id: str = "", for_s: int | None = None) -> Book:
    """Trip a limit: timed, or until somebody resumes; a latch that holds already keeps its later end."""
    until = None if for_s is None else Instant(at + for_s * MICROS_PER_SECOND)
    known = next((latch for latch in book.latches if (latch.limit, latch.inst_id) == (limit, inst_id)), None)
    event = LatchEvent.TRIP if until is None else LatchEvent.TRIP_TIMED
    if known is None:
        made = Latch(limit, inst_id, at, why, LATCHES.next(LatchState.OPEN, event), until)
        return replace(book, latches=(*book.latches, made))
    state = LATCHES.next(known.state, event)
    ends = None if state is LatchState.LATCHED or until is None else max(until, known.until or until)
    held = replace(known, state=state, until=ends)
    return replace(book, latches=tuple(held if latch is known else latch for latch in book.latches))


def recalled(book: Book, held: Sequence[Held], limits_of: Callable[[str], LimitParameters]) -> Book:
    """Continue with the latches that held when the book was closed, each until its time has passed.

    The book may be older than a latch, and a latch may have been set again since it was recorded: the later end wins.
    """
    noted = {(latch.limit, latch.inst_id): latch.until for latch in book.latches}
    fresh = replace(book, latches=())
    for one in held:
        pause = pause_s(one.limit, limits_of(one.inst_id))
        fresh = trip(fresh, one.limit, one.at, one.why, inst_id=one.inst_id, for_s=pause)
    latches = (_not_before(latch, noted.get((latch.limit, latch.inst_id))) for latch in fresh.latches)
    return replace(fresh, latches=tuple(latches))


def _not_before(latch: Latch, until: Instant | None) -> Latch:
    return latch if latch.until is None or until is None else replace(latch, until=max(latch.until, until))


def released(book: Book, at: Instant) -> Book:
    """Let go of every latch whose time has passed."""
    return replace(book, latches=tuple(latch for latch in book.latches if latch.until is None or at < latch.until))


def cleared(book: Book, limit: Limit, inst_id: str = "") -> Book:
    """Let go of a timed latch because its condition is gone; one that waits for a person stays."""
    return replace(
        book,
        latches=tuple(
            latch
            for latch in book.latches
            if (latch.limit, latch.inst_id) != (limit, inst_id) or not LATCHES.allows(latch.state, LatchEvent.CLEARED)
        ),
    )


class ResumeRefused(StrEnum):
    """Why a person's resume was refused."""

    TOO_SOON = "too_soon"
    NO_REASON = "no_reason"
    NOT_LATCHED = "not_latched"


def resumed(book: Book, limit: Limit, at: Instant, reason: str, limits: LimitParameters) -> Book | ResumeRefused:
    """Let go of a latch by order of a person with a reason; counters start afresh.

    Not within the first minute, so that nobody resumes by reflex; a pause of one's own may end whenever one likes.
    """
    held = [latch for latch in book.latches if latch.limit is limit]
    if not held:
        return ResumeRefused.NOT_LATCHED
    if not reason.strip():
        return ResumeRefused.NO_REASON
    soon = any(at - latch.tripped_at < limits.resume_after_s * MICROS_PER_SECOND for latch in held)
    if soon and limit is not Limit.OPERATOR_PAUSE:
        return ResumeRefused.TOO_SOON
    book = replace(book, latches=tuple(latch for latch in book.latches if latch.limit is not limit))
    if limit is Limit.DRAWDOWN:  # otherwise the next balance would latch it again at once
        return replace(book, equity_peak=book.equity)
    if limit is Limit.DAILY_LOSS:
        return replace(book, day_opening=book.equity, day_net=ZERO)
    return book


def latched(book: Book, inst_id: str, at: Instant) -> Latch | None:
    """Give a latch that holds an instrument back now, if any: an entry under way is withdrawn by it too."""
    held = (latch for latch in book.latches if latch.inst_id in {"", inst_id})
    return next((latch for latch in held if latch.until is None or at < latch.until), None)


def blocks_entry(book: Book, inst_id: str, at: Instant, limits: LimitParameters, *, unsent: int = 0) -> Latch | None:
    """Give the latch that blocks an entry now, if any; too many orders in a minute are one that ends by itself.

    Entries that are decided and whose orders are still to be sent count with those that were.
    """
    latch = latched(book, inst_id, at)
    if latch is not None:
        return latch
    sent = [*(when for when in book.orders if at - when < MINUTE_US), *[at] * unsent]
    if len(sent) >= limits.orders_per_minute_max:
        until = Instant(sent[0] + MINUTE_US)
        return Latch(Limit.ORDERS_PER_MINUTE, "", at, f"{len(sent)} orders in a minute", LatchState.TIMED, until)
    return None


def to_plain(book: Book) -> dict[str, Any]:
    """Give the book as plain builtins, so that it survives a restart."""
    return {
        "day": book.day,
        "day_opening": canonical(book.day_opening),
        "day_net": canonical(book.day_net),
        "equity": canonical(book.equity),
        "equity_peak": canonical(book.equity_peak),
        "losses": dict(book.losses),
        "stop_outs": list(book.stop_outs),
        "orders": list(book.orders),
        "refusals": list(book.refusals),
        "latches": [
            [latch.limit.value, latch.inst_id, latch.tripped_at, latch.why, latch.state.value, latch.until]
            for latch in book.latches
        ],
    }


def from_plain(plain: Mapping[str, Any]) -> Book:
    """Read a stored book."""
    return Book(
        day=plain["day"],
        day_opening=parse_decimal(plain["day_opening"]),
        day_net=parse_decimal(plain["day_net"]),
        equity=parse_decimal(plain["equity"]),
        equity_peak=parse_decimal(plain["equity_peak"]),
        losses=dict(plain["losses"]),
        stop_outs=tuple(plain["stop_outs"]),
        orders=tuple(plain["orders"]),
        refusals=tuple(plain.get("refusals", ())),
        latches=tuple(Latch(Limit(a), b, c, d, LatchState(e), f) for a, b, c, d, e, f in plain["latches"]),
    )
