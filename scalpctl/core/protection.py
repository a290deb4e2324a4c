"""The stop kept at the exchange: placed, confirmed, replaced new before old, escalated when it is not confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.money import ZERO, multiply, subtract
from scalpctl.core.parameters import Parameters, setting
from scalpctl.core.sides import Side
from scalpctl.core.transitions import Step, Table


class ProtectionState(StrEnum):
    """How a position is protected at the exchange."""

    NAKED = "naked"
    PLACING = "placing"
    ASKING = "asking"
    PROTECTED = "protected"
    REPLACING = "replacing"
    ASKING_NEW = "asking_new"
    REMOVING_OLD = "removing_old"
    ESCALATED = "escalated"
    RELEASED = "released"


class ProtectionEvent(StrEnum):
    """What can happen to it."""

    PLACE = "place"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    NOT_FOUND = "not_found"
    TIGHTEN = "tighten"
    OLD_REMOVED = "old_removed"
    LOST = "lost"
    TIMED_OUT = "timed_out"
    FLAT = "flat"


_S, _E = ProtectionState, ProtectionEvent

PROTECTION: Table[ProtectionState, ProtectionEvent] = Table(
    "protection",
    _S.NAKED,
    (_S.RELEASED,),
    (
        Step(_S.NAKED, _E.PLACE, _S.PLACING),
        Step(_S.NAKED, _E.TIMED_OUT, _S.ESCALATED, "emergency close"),
        Step(_S.NAKED, _E.FLAT, _S.RELEASED),
        Step(_S.PLACING, _E.CONFIRMED, _S.PROTECTED),
        Step(_S.PLACING, _E.REFUSED, _S.NAKED),
        Step(_S.PLACING, _E.NO_ANSWER, _S.ASKING),
        Step(_S.PLACING, _E.TIMED_OUT, _S.ESCALATED, "emergency close"),
        Step(_S.PLACING, _E.FLAT, _S.RELEASED),
        Step(_S.ASKING, _E.CONFIRMED, _S.PROTECTED),
        Step(_S.ASKING, _E.NOT_FOUND, _S.NAKED, "place again under a new id"),
        Step(_S.ASKING, _E.NO_ANSWER, _S.ASKING),
        Step(_S.ASKING, _E.TIMED_OUT, _S.ESCALATED, "emergency close"),
        Step(_S.ASKING, _E.FLAT, _S.RELEASED),
        Step(_S.PROTECTED, _E.CONFIRMED, _S.PROTECTED),
        Step(_S.PROTECTED, _E.TIGHTEN, _S.REPLACING, "the old stop stays"),
        Step(_S.PROTECTED, _E.LOST, _S.NAKED, "cancelled or failed"),
        Step(_S.PROTECTED, _E.FLAT, _S.RELEASED),
        Step(_S.REPLACING, _E.CONFIRMED, _S.REMOVING_OLD),
        Step(_S.REPLACING, _E.REFUSED, _S.PROTECTED, "by the old stop"),
        Step(_S.REPLACING, _E.NO_ANSWER, _S.ASKING_NEW),
        Step(_S.REPLACING, _E.LOST, _S.NAKED, "the stop is gone"),
        Step(_S.REPLACING, _E.FLAT, _S.RELEASED),
        Step(_S.ASKING_NEW, _E.CONFIRMED, _S.REMOVING_OLD),
        Step(_S.ASKING_NEW, _E.NOT_FOUND, _S.PROTECTED, "by the old stop"),
        Step(_S.ASKING_NEW, _E.NO_ANSWER, _S.ASKING_NEW),
        Step(_S.ASKING_NEW, _E.LOST, _S.NAKED, "the stop is gone"),
        Step(_S.ASKING_NEW, _E.FLAT, _S.RELEASED),
        Step(_S.REMOVING_OLD, _E.OLD_REMOVED, _S.PROTECTED),
        Step(_S.REMOVING_OLD, _E.CONFIRMED, _S.REMOVING_OLD),
        Step(_S.REMOVING_OLD, _E.LOST, _S.NAKED, "the new stop is gone"),
        Step(_S.REMOVING_OLD, _E.FLAT, _S.RELEASED),
        Step(_S.ESCALATED, _E.PLACE, _S.PLACING, "the close takes its time and goes on"),
        Step(_S.ESCALATED, _E.CONFIRMED, _S.PROTECTED, "late, the close goes on"),
        Step(_S.ESCALATED, _E.NOT_FOUND, _S.ESCALATED),
        Step(_S.ESCALATED, _E.FLAT, _S.RELEASED),
    ),
)
COVERED = (_S.PROTECTED, _S.REPLACING, _S.ASKING_NEW, _S.REMOVING_OLD)
"""States in which a live stop exists at the exchange."""


@dataclass(frozen=True, slots=True)
class ProtectionParameters(Parameters):
    """How long a position may be without a confirmed stop, and where the stop sits."""

    ask_s: int = setting(3, "seconds after which an unconfirmed stop is asked for", low=1, high=30)
    escalate_s: int = setting(8, "seconds without a confirmed stop after which the position is closed", low=2, high=60)
    stop_ratio: Decimal = setting(
        Decimal("0.008"),
        "distance of the stop from the average price, as a share of it",
        low=Decimal("0.001"),
        high=Decimal("0.2"),
    )
    liquidation_share_ratio: Decimal = setting(
        Decimal("0.6"),
        "share of the way to liquidation beyond which no stop may sit",
        low=Decimal("0.1"),
        high=Decimal("0.9"),
    )
    step_ratio: Decimal = setting(
        Decimal("0.0003"),
        "smallest improvement, as a share of the price, for which a stop is moved",
        low=ZERO,
        high=Decimal("0.02"),
    )

    def __post_init__(self) -> None:
        """Refuse to escalate before asking."""
        self.check_bounds()
        if self.escalate_s <= self.ask_s:
            raise self.impossible("escalate_s is not above ask_s", "ask first, escalate later")


def trigger(instrument: Instrument, side: Side, average_price: Decimal, limits: ProtectionParameters) -> Decimal:
    """Give where a fresh stop sits, rounded so that it never fires later."""
    distance = multiply(average_price, limits.stop_ratio)
    return instrument.stop_trigger(subtract(average_price, multiply(distance, Decimal(side.sign))), side)


def is_before_liquidation(
    stop: Decimal, average_price: Decimal, liquidation_price: Decimal | None, limits: ProtectionParameters
) -> bool:
    """Tell whether a stop leaves enough room before liquidation; no liquidation price, nothing to fear."""
    if liquidation_price is None:
        return True
    way = abs(subtract(average_price, liquidation_price))
    return abs(subtract(average_price, stop)) <= multiply(way, limits.liquidation_share_ratio)


def improves(side: Side, wanted: Decimal, kept: Decimal, limits: ProtectionParameters) -> bool:
    """Tell whether a stop should be moved: only tighter, and only by more than the smallest step."""
    gain = multiply(subtract(wanted, kept), Decimal(side.sign))
    return gain > ZERO and gain >= multiply(kept, limits.step_ratio)


def overdue(
    state: ProtectionState, since: Instant, at: Instant, limits: ProtectionParameters
) -> ProtectionEvent | None:
    """Say what the time without a confirmed stop demands: asking, then escalating; nothing while one is live."""
    if state in COVERED or state in {ProtectionState.ESCALATED, ProtectionState.RELEASED}:
        return None
    waited = at - since
    if waited >= limits.escalate_s * MICROS_PER_SECOND:
        return ProtectionEvent.TIMED_OUT
    if state is ProtectionState.PLACING and waited >= limits.ask_s * MICROS_PER_SECOND:
        return ProtectionEvent.NO_ANSWER
    return None
