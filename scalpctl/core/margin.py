"""Margin safety from the exchange's own figures, cross-checked; a reading is trusted, or untrusted with the reason.

Untrusted never means safe, and never alone closes: a second independent reading or a stated time limit decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from scalpctl.core.evidence import Evidence
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.money import ZERO, Contracts, add, multiply, ratio, subtract
from scalpctl.core.parameters import Parameters, setting
from scalpctl.core.sides import Side

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class MarginParameters(Parameters):
    """When the exchange's margin ratio (1 = liquidation) demands a close, and when a reading is believed."""

    close_ratio: Decimal = setting(
        Decimal("1.5"), "margin ratio at or below which the position is closed", low=Decimal("1.05"), high=Decimal(10)
    )
    warn_ratio: Decimal = setting(
        Decimal(3), "margin ratio at or below which no entry is allowed", low=Decimal("1.1"), high=Decimal(50)
    )
    agree_ratio: Decimal = setting(
        Decimal("0.2"),
        "difference between their ratio and ours, as a share of theirs, that is still agreement",
        low=Decimal("0.01"),
        high=Decimal("0.5"),
    )
    age_s: int = setting(10, "seconds a reading stays believable", low=1, high=300)
    untrusted_s: int = setting(
        20, "seconds of untrusted readings after which the worse figure decides", low=2, high=600
    )

    def __post_init__(self) -> None:
        """Refuse a warning that comes after the close."""
        self.check_bounds()
        if self.warn_ratio <= self.close_ratio:
            raise self.impossible("warn_ratio is not above close_ratio", "warn before closing")


@dataclass(frozen=True, slots=True)
class MarginReading:
    """What one source said about one position's margin; what it left out is None."""

    source: str
    seen_at: Instant
    margin_ratio: Decimal | None
    liquidation_price: Decimal | None = None
    imr: Decimal | None = None
    mmr: Decimal | None = None


class Trust(StrEnum):
    """Whether a reading may decide, and if not, why."""

    TRUSTED = "trusted"
    MISSING = "missing"
    STALE = "stale"
    CONTRADICTED = "contradicted"
    IMPOSSIBLE = "impossible"


class MarginAnswer(StrEnum):
    """What margin safety says."""

    SAFE = "safe"
    WARN = "warn"
    CLOSE = "close"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class MarginState:
    """Since when readings could not be trusted, and which untrusted source last said danger."""

    untrusted_since: Instant | None = None
    danger_source: str = ""


@dataclass(frozen=True, slots=True)
class MarginVerdict:
    """The answer, its working, the state to keep, and when it must be asked again at the latest."""

    answer: MarginAnswer
    trust: Trust
    ratio: Decimal | None
    threshold: Decimal
    evidence: Evidence
    state: MarginState
    ask_again_at: Instant | None = None


def isolated_ratio(
    instrument: Instrument,
    contracts: Contracts,
    mark: Decimal,
    *,
    margin: Decimal,
    unrealised: Decimal,
    rates: tuple[Decimal, Decimal],
) -> Decimal:
    """Recompute an isolated margin ratio: (margin + upl) / (value x (maintenance rate + taker rate)); 1 liquidates."""
    value = instrument.notional(contracts, mark).value
    return ratio(add(margin, unrealised), multiply(value, add(*rates)))


def cross_ratio(equity: Decimal, unrealised: Decimal, requirement: Decimal) -> Decimal:
    """Recompute a cross margin ratio from cash, unrealised result and the sum of value x (mmr + taker rate)."""
    return ratio(add(equity, unrealised), requirement)


def liquidation_price(
    side: Side, coins: Decimal, average_price: Decimal, *, backing: Decimal, rates: tuple[Decimal, Decimal]
) -> Decimal | None:
    """Estimate where the margin ratio becomes 1, before the exchange's own tick offset; None where it never does."""
    sign = Decimal(side.sign)
    value = subtract(multiply(coins, average_price), multiply(sign, backing))
    price = ratio(value, multiply(coins, subtract(ONE, multiply(sign, add(*rates)))))
    return price if price > ZERO else None


def trust(reading: MarginReading | None, ours: Decimal | None, at: Instant, limits: MarginParameters) -> Trust:
    """Say whether a reading may decide."""
    if reading is None or reading.margin_ratio is None:
        return Trust.MISSING
    if at - reading.seen_at > limits.age_s * MICROS_PER_SECOND:
        return Trust.STALE
    if reading.margin_ratio <= ZERO:
        return Trust.IMPOSSIBLE
    if ours is not None and _differs(reading.margin_ratio, ours, limits):
        return Trust.CONTRADICTED
    return Trust.TRUSTED


def _differs(theirs: Decimal, ours: Decimal, limits: MarginParameters) -> bool:
    """Ratios far above the warning may differ by rounding of tiny positions; near danger they must agree."""
    if min(theirs, ours) > limits.warn_ratio:
        return False
    return abs(subtract(theirs, ours)) > multiply(limits.agree_ratio, theirs)


def assess(
    reading: MarginReading | None, ours: Decimal | None, state: MarginState, at: Instant, limits: MarginParameters
) -> MarginVerdict:
    """Judge one reading beside our own recomputation, knowing how long readings could not be trusted."""
    trusted = trust(reading, ours, at, limits)
    theirs = None if reading is None else reading.margin_ratio
    shown = Evidence.of(
        "exchange" if reading is None else reading.source,
        margin_ratio=theirs,
        liquidation_price=None if reading is None else reading.liquidation_price,
        imr=None if reading is None else reading.imr,
        mmr=None if reading is None else reading.mmr,
        recomputed_ratio=ours,
        trust=trusted.value,
        age_us=None if reading is None else at - reading.seen_at,
    )
    if trusted is Trust.TRUSTED and theirs is not None and reading is not None:
        again = Instant(reading.seen_at + limits.age_s * MICROS_PER_SECOND + 1)
        answer = _level(theirs, limits)
        return MarginVerdict(answer, trusted, theirs, limits.close_ratio, shown, MarginState(), again)
    return _undecided(reading, ours, state, at, limits, trusted, shown)


def _level(value: Decimal, limits: MarginParameters) -> MarginAnswer:
    if value <= limits.close_ratio:
        return MarginAnswer.CLOSE
    return MarginAnswer.WARN if value <= limits.warn_ratio else MarginAnswer.SAFE


def _undecided(  # noqa: PLR0917  one judgement in two halves; the parts are what it is made of
    reading: MarginReading | None,
    ours: Decimal | None,
    state: MarginState,
    at: Instant,
    limits: MarginParameters,
    trusted: Trust,
    shown: Evidence,
) -> MarginVerdict:
    since = at if state.untrusted_since is None else state.untrusted_since
    deadline = Instant(since + limits.untrusted_s * MICROS_PER_SECOND)
    theirs = None if reading is None or trusted in {Trust.MISSING, Trust.STALE} else reading.margin_ratio
    known = [value for value in (theirs, ours) if value is not None]
    worst = min(known) if known else None
    danger = theirs is not None and theirs <= limits.close_ratio
    source = reading.source if danger and reading is not None else state.danger_source
    second = danger and state.danger_source not in {"", source}
    answer = MarginAnswer.UNDECIDED
    if second:
        answer = MarginAnswer.CLOSE
    elif at >= deadline:
        answer = MarginAnswer.CLOSE if worst is None else _level(worst, limits)
    first = state.danger_source or source
    return MarginVerdict(answer, trusted, worst, limits.close_ratio, shown, MarginState(since, first), deadline)
