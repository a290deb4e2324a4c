"""Drift: where the exchange's positions and ours disagree, believed only when two reads, some time apart, say so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from scalpctl.core.exchange.requests import MarginMode
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.money import ZERO, multiply
from scalpctl.core.parameters import Parameters, setting


class DriftKind(StrEnum):
    """How they disagree."""

    APPEARED = "appeared"
    VANISHED = "vanished"
    RESIZED = "resized"
    FLIPPED = "flipped"
    REPRICED = "repriced"
    LEVERAGE = "leverage"
    MARGIN_MODE = "margin_mode"


@dataclass(frozen=True, slots=True)
class DriftParameters(Parameters):
    """When a difference is believed."""

    reads: int = setting(2, "reads in a row that must show the difference", low=2, high=10)
    apart_s: int = setting(3, "seconds between the first and the last of them", low=1, high=120)
    price_ratio: Decimal = setting(
        Decimal("0.00001"), "difference of the average price that is rounding", low=ZERO, high=Decimal("0.0005")
    )


@dataclass(frozen=True, slots=True)
class Held:
    """One position as one side sees it; ``contracts`` is signed (negative for a short).

    ``busy`` marks one with an order or fill on its way: its size is not compared until that has settled.
    """

    inst_id: str
    contracts: Decimal
    average_price: Decimal | None = None
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None
    busy: bool = False


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference, with both views."""

    kind: DriftKind
    inst_id: str
    ours: Held | None
    theirs: Held | None


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One difference that is not believed yet."""

    drift: Drift
    first_at: Instant
    reads: int


@dataclass(frozen=True, slots=True)
class DriftState:
    """What is suspected, by instrument and kind."""

    suspected: Mapping[tuple[str, DriftKind], Suspicion] = field(default_factory=dict)


def compare(ours: Iterable[Held], theirs: Iterable[Held], limits: DriftParameters) -> tuple[Drift, ...]:
    """Give every difference between two complete pictures, ordered by instrument."""
    mine = {held.inst_id: held for held in ours if held.contracts or held.busy}
    yours = {held.inst_id: held for held in theirs if held.contracts}
    found: list[Drift] = []
    for inst_id in sorted({**mine, **yours}):
        our, their = mine.get(inst_id), yours.get(inst_id)
        if our is not None and our.busy:
            continue
        found.extend(Drift(kind, inst_id, our, their) for kind in _kinds(our, their, limits))
    return tuple(found)


def _kinds(our: Held | None, their: Held | None, limits: DriftParameters) -> tuple[DriftKind, ...]:
    if our is None or their is None:
        return (DriftKind.APPEARED,) if our is None else (DriftKind.VANISHED,)
    if (our.contracts > ZERO) is not (their.contracts > ZERO):
        return (DriftKind.FLIPPED,)
    kinds = [DriftKind.RESIZED] if our.contracts != their.contracts else []
    if not kinds and _repriced(our, their, limits):
        kinds.append(DriftKind.REPRICED)
    if None not in {our.leverage, their.leverage} and our.leverage != their.leverage:
        kinds.append(DriftKind.LEVERAGE)
    if None not in {our.margin_mode, their.margin_mode} and our.margin_mode is not their.margin_mode:
        kinds.append(DriftKind.MARGIN_MODE)
    return tuple(kinds)


def _repriced(our: Held, their: Held, limits: DriftParameters) -> bool:
    if our.average_price is None or their.average_price is None:
        return False
    return abs(our.average_price - their.average_price) > multiply(limits.price_ratio, our.average_price)


def observe(
    state: DriftState, found: tuple[Drift, ...] | None, at: Instant, limits: DriftParameters
) -> tuple[DriftState, tuple[Drift, ...]]:
    """Take one comparison and give what is now believed; None means the read failed, which proves nothing.

    A difference is reported once; it is forgotten when a read no longer shows it.
    """
    if found is None:
        return state, ()
    kept: dict[tuple[str, DriftKind], Suspicion] = {}
    believed: list[Drift] = []
    for drift in found:
        key = (drift.inst_id, drift.kind)
        before = state.suspected.get(key)
        same = before is not None and before.drift.theirs == drift.theirs and before.drift.ours == drift.ours
        first = before.first_at if before is not None and same else at
        reads = before.reads + 1 if before is not None and same else 1
        was = before is not None and same and _is_believed(before.reads, before.first_at, at, limits, earlier=True)
        if _is_believed(reads, first, at, limits) and not was:
            believed.append(drift)
            reads = max(reads, REPORTED)
        kept[key] = Suspicion(drift, first, reads)
    return DriftState(kept), tuple(believed)


REPORTED = 1_000_000
"""Reads of a difference that has been reported: never again until it disappears."""


def _is_believed(reads: int, first_at: Instant, at: Instant, limits: DriftParameters, *, earlier: bool = False) -> bool:
    if earlier:
        return reads >= REPORTED
    return reads >= limits.reads and at - first_at >= limits.apart_s * MICROS_PER_SECOND
