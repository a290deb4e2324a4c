"""Gates on our own state: latches, open positions and orders, cool-down from closes, re-entry, saturation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from scalpctl.core.gates.verdicts import GateVerdict, Skip, at_least, at_most, unless
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.limits import Latch
from scalpctl.core.market import Maintenance
from scalpctl.core.money import ZERO
from scalpctl.core.parameters import Parameters, setting
from scalpctl.core.sides import Side

SETTLES_US = 300 * MICROS_PER_SECOND
"""After a maintenance prices are found anew: nothing is entered until that is over."""


@dataclass(frozen=True, slots=True)
class ReentryParameters(Parameters):
    """How long an instrument rests after a close; all counted from the close, not from the attempt."""

    cool_down_s: int = setting(20, "seconds between a close and the next entry", low=0, high=3600)
    same_side_s: int = setting(60, "seconds before the same side is entered again", low=0, high=7200)
    after_loss_s: int = setting(180, "seconds after a loss, whatever the side and the strength", low=0, high=14400)
    saturation_window_s: int = setting(180, "seconds in which signals are counted", low=10, high=7200)
    saturation_min: int = setting(6, "signals in the window from which they are judged", low=2, high=100)
    saturation_ratio: float = setting(0.85, "share of one side that is a saturation", low=0.5, high=1.0)


@dataclass(frozen=True, slots=True)
class LastClose:
    """How the last position of an instrument ended."""

    side: Side
    net: Decimal
    closed_at: Instant


@dataclass(frozen=True, slots=True)
class Standing:
    """What we hold and have asked for, from the exchange's own positions; None means the exchange did not say."""

    latch: Latch | None
    traded: bool
    announced: str
    """What the exchange has announced that forbids an entry; nothing as a rule."""
    warm: bool
    position_open: bool | None
    order_open: bool
    close_running: bool
    positions: int | None
    positions_max: int


def judge_standing(standing: Standing) -> tuple[GateVerdict, ...]:
    """Ask everything that forbids an entry before the market is looked at; unknown never passes."""
    latch = standing.latch
    unknown = "the exchange's positions are unknown" if None in {standing.position_open, standing.positions} else ""
    return (
        unless(Skip.LATCHED, "" if latch is None else f"{latch.limit.value}: {latch.why}", "limits"),
        unless(Skip.NOT_TRADED, "" if standing.traded else "the instrument is not traded", "configuration"),
        unless(Skip.ANNOUNCED, standing.announced, "exchange"),
        unless(Skip.WARMING_UP, "" if standing.warm else "indicators are cold", "study"),
        unless(Skip.EXPOSURE_UNKNOWN, unknown, "exchange"),
        unless(Skip.POSITION_OPEN, "a position is open" if standing.position_open else "", "exchange"),
        unless(Skip.ORDER_OPEN, "an order is open" if standing.order_open else "", "orders"),
        unless(Skip.CLOSE_RUNNING, "a close is running" if standing.close_running else "", "closing"),
        at_most(
            Skip.POSITIONS_MAX, None if standing.positions is None else standing.positions + 1, standing.positions_max
        ),
    )


def forbidden_by(
    expires_at: Instant | None, maintenance: Sequence[Maintenance], at: Instant, quiet_us: int
) -> str:  # fmt: skip
    """Say which announcement of the exchange forbids an entry; nothing as a rule."""
    if expires_at is not None:
        return "it leaves the exchange's list"
    for one in maintenance:
        if at >= one.begins_at - quiet_us and not _is_settled(one, at):
            return f"maintenance: {one.title}"
    return ""


def still_counting(
    known: Sequence[Maintenance], listed: Sequence[Maintenance], at: Instant
) -> tuple[Maintenance, ...]:  # fmt: skip
    """Give what is announced, and what has begun and is listed no more while its prices have not settled yet."""
    begun = (one for one in known if one.begins_at <= at and one.ends_at is not None and not _is_settled(one, at))
    return (*listed, *(one for one in begun if one not in listed))


def _is_settled(one: Maintenance, at: Instant) -> bool:
    return one.ends_at is not None and at > one.ends_at + SETTLES_US


def judge_rest(side: Side, last: LastClose | None, at: Instant, limits: ReentryParameters) -> tuple[GateVerdict, ...]:
    """Ask whether the instrument has rested; strength never shortens it."""
    if last is None:
        return (unless(Skip.COOL_DOWN, ""), unless(Skip.REENTRY, ""))
    rested = (at - last.closed_at) / MICROS_PER_SECOND
    needed = limits.after_loss_s if last.net <= ZERO else (limits.same_side_s if side is last.side else 0)
    return (
        at_least(Skip.COOL_DOWN, rested, limits.cool_down_s, "closures"),
        at_least(Skip.REENTRY, rested, needed, "closures"),
    )


def judge_saturation(
    side: Side, heard: Sequence[tuple[Instant, Side]], at: Instant, limits: ReentryParameters
) -> GateVerdict:
    """Ask whether signals have piled up on this side."""
    recent = [which for when, which in heard if at - when <= limits.saturation_window_s * MICROS_PER_SECOND]
    if len(recent) < limits.saturation_min:
        return at_most(Skip.SATURATED, 0.0, limits.saturation_ratio, "signals")
    share = sum(1 for which in recent if which is side) / len(recent)
    return GateVerdict(Skip.SATURATED, share < limits.saturation_ratio, share, limits.saturation_ratio, "signals")
