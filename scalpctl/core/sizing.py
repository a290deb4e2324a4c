"""The size of an entry: a base from the balance, shaped by signal and volatility, under every cap, in whole lots.

The caps come last, so nothing can multiply a size above them; below the exchange's minimum it is refused, not raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from scalpctl.core.evidence import Evidence, Item
from scalpctl.core.instruments import Instrument
from scalpctl.core.money import ZERO, Contracts, Quote, add, multiply, ratio, subtract
from scalpctl.core.parameters import Parameters, setting
from scalpctl.errors import InvariantBroken

ONE = Decimal(1)
SMALLEST_USD, LARGEST_USD = Decimal(1), Decimal(10_000_000)


@dataclass(frozen=True, slots=True)
class Profile(Parameters):
    """One balance profile: up to which equity it applies, and what an entry is worth there."""

    equity_usd_max: Decimal = setting(Decimal(500), "equity up to which it applies", low=SMALLEST_USD, high=LARGEST_USD)
    size_usd_min: Decimal = setting(Decimal(30), "entry value at its lower end", low=SMALLEST_USD, high=LARGEST_USD)
    size_usd_max: Decimal = setting(Decimal(50), "entry value at its upper end", low=SMALLEST_USD, high=LARGEST_USD)
    positions_max: int = setting(5, "positions open at once", low=1, high=100)

    @property
    def ratio(self) -> Decimal:
        """Give the number the bounds of a list of profiles are about."""
        return self.equity_usd_max


PROFILES = (
    Profile(Decimal(500), Decimal(30), Decimal(50), 5),
    Profile(Decimal(1500), Decimal(100), Decimal(200), 6),
    Profile(Decimal(3000), Decimal(150), Decimal(200), 7),
    Profile(Decimal(1_000_000), Decimal(200), Decimal(300), 8),
)


@dataclass(frozen=True, slots=True)
class SizingParameters(Parameters):
    """How large an entry may be."""

    profiles: tuple[Profile, ...] = setting(PROFILES, "balance profiles, rising", low=SMALLEST_USD, high=LARGEST_USD)
    max_usd_size: Decimal = setting(Decimal(300), "value no entry ever exceeds", low=SMALLEST_USD, high=LARGEST_USD)
    risk_ratio: Decimal = setting(
        Decimal("0.01"),
        "share of the equity one trade may lose at its stop",
        low=Decimal("0.0005"),
        high=Decimal("0.05"),
    )
    margin_use_ratio: Decimal = setting(
        Decimal("0.6"), "share of the equity that may be bound as margin", low=Decimal("0.05"), high=Decimal("0.95")
    )
    position_ratio: Decimal = setting(
        Decimal("0.25"), "share of the equity one position's margin may bind", low=Decimal("0.01"), high=Decimal("0.9")
    )
    strength_min_multiple: Decimal = setting(
        Decimal("0.6"), "multiple for the weakest signal", low=Decimal("0.1"), high=ONE
    )
    strength_max_multiple: Decimal = setting(
        Decimal("1.3"), "multiple for the strongest signal", low=ONE, high=Decimal(3)
    )
    profile_hold_ratio: Decimal = setting(
        Decimal("0.05"),
        "share by which equity must fall below a profile before it is left",
        low=Decimal("0.001"),
        high=Decimal("0.09"),
    )
    regime_multiple: Decimal = setting(ONE, "multiple of the regime", low=Decimal("0.1"), high=Decimal(2))
    usual_atr_ratio: Decimal = setting(
        Decimal("0.002"),
        "ATR over price at which the size is neither raised nor cut",
        low=Decimal("0.0001"),
        high=Decimal("0.1"),
    )
    volatility_min_multiple: Decimal = setting(
        Decimal("0.5"), "smallest volatility multiple", low=Decimal("0.05"), high=ONE
    )
    volatility_max_multiple: Decimal = setting(Decimal("1.3"), "largest volatility multiple", low=ONE, high=Decimal(3))

    def __post_init__(self) -> None:
        """Refuse profiles that do not rise or whose sizes are upside down."""
        self.check_bounds()
        limits = [profile.equity_usd_max for profile in self.profiles]
        if not limits or limits != sorted(limits):
            raise self.impossible("the balance profiles do not rise", "sort them by equity_usd_max")
        if any(profile.size_usd_min > profile.size_usd_max for profile in self.profiles):
            raise self.impossible("a profile's smallest size exceeds its largest", "swap the two")


class SizeRefusal(StrEnum):
    """Why no size was given."""

    BELOW_MINIMUM = "below_minimum"
    NO_EQUITY = "no_equity"
    MARGIN_USED_UP = "margin_used_up"


@dataclass(frozen=True, slots=True)
class SizingInputs:
    """What a size is computed from; equity and margins are the exchange's, the stop includes costs."""

    equity: Quote
    margin_used: Quote
    margin_free: Quote
    price: Decimal
    leverage: Decimal
    strength: Decimal
    atr_ratio: Decimal
    stop_ratio: Decimal
    profile_held: int = 0
    ramping: bool = False
    """Whether this is one of the first positions with real money, which are as small as the exchange takes."""

    def __post_init__(self) -> None:
        """Refuse numbers that would size an entry from nonsense."""
        if self.price <= ZERO or self.leverage < ONE or self.stop_ratio <= ZERO or not ZERO <= self.strength <= ONE:
            message = f"cannot size from price {self.price}, leverage {self.leverage}, strength {self.strength}"
            raise InvariantBroken(message)


@dataclass(frozen=True, slots=True)
class Sized:
    """The size of an entry (or why there is none), the cap that decided, and the whole working."""

    contracts: Contracts
    notional: Quote
    margin: Decimal
    limited_by: str
    refusal: SizeRefusal | None
    evidence: Evidence
    profile: int = 0


def profile_of(equity: Quote, limits: SizingParameters, held: int = 0) -> int:
    """Give the number of the balance profile that applies; one that is held is left downwards only with conviction."""
    last = len(limits.profiles) - 1
    right = next((index for index, one in enumerate(limits.profiles) if equity.value <= one.equity_usd_max), last)
    held = min(held, last)
    while held > right:
        floor = limits.profiles[held - 1].equity_usd_max
        if equity.value > multiply(floor, subtract(ONE, limits.profile_hold_ratio)):
            return held
        held -= 1
    return right


def size(instrument: Instrument, inputs: SizingInputs, limits: SizingParameters) -> Sized:
    """Compute the size of an entry under every cap, in whole lots, refused below the minimum."""
    if inputs.equity.value <= ZERO:
        return _refused(SizeRefusal.NO_EQUITY, "equity", Evidence.of("exchange", equity=inputs.equity.value))
    held = profile_of(inputs.equity, limits, inputs.profile_held)
    shaped, working = _shaped(inputs, limits, held)
    caps = _caps(inputs, limits)
    ceilings = (("signal", shaped), *caps)
    limited_by, notional = min(ceilings, key=lambda ceiling: ceiling[1])
    shown = working + Evidence(tuple(Item(f"cap.{name}", value) for name, value in caps))
    if notional <= ZERO:
        return _refused(SizeRefusal.MARGIN_USED_UP, limited_by, shown)
    wanted = instrument.contracts_within(Quote(notional), inputs.price)
    contracts = instrument.in_one_order(wanted)
    if not contracts:
        return _refused(SizeRefusal.BELOW_MINIMUM, limited_by, shown + Evidence.of(wanted=notional))
    if contracts < wanted:
        limited_by = "one_order"
    if inputs.ramping:
        contracts, limited_by = Contracts(instrument.min_contracts), "ramp"
    worth, shown = instrument.notional(contracts, inputs.price), shown + Evidence.of(limited_by=limited_by)
    return Sized(contracts, worth, ratio(worth.value, inputs.leverage), limited_by, None, shown, held)


def _shaped(inputs: SizingInputs, limits: SizingParameters, held: int) -> tuple[Decimal, Evidence]:
    """Give the wanted value: the profile's base, times strength, volatility and regime."""
    profile = limits.profiles[held]
    floor = limits.profiles[held - 1].equity_usd_max if held else ZERO
    span = subtract(profile.equity_usd_max, floor)
    place = min(ONE, max(ZERO, ratio(subtract(inputs.equity.value, floor), span)))
    base = add(profile.size_usd_min, multiply(place, subtract(profile.size_usd_max, profile.size_usd_min)))
    low, high = limits.strength_min_multiple, limits.strength_max_multiple
    strength = add(low, multiply(inputs.strength, subtract(high, low)))
    calm = ratio(limits.usual_atr_ratio, inputs.atr_ratio) if inputs.atr_ratio > ZERO else ONE
    volatility = min(limits.volatility_max_multiple, max(limits.volatility_min_multiple, calm))
    shaped = _product(base, strength, volatility, limits.regime_multiple)
    shown = Evidence.of(
        equity=inputs.equity.value, profile=held, base=base, strength_multiple=strength, volatility_multiple=volatility,
        regime_multiple=limits.regime_multiple, shaped=shaped,
    )  # fmt: skip
    return shaped, shown


def _caps(inputs: SizingInputs, limits: SizingParameters) -> tuple[tuple[str, Decimal], ...]:
    """Give every cap as a value of the entry."""
    equity = inputs.equity.value
    usable = subtract(multiply(equity, limits.margin_use_ratio), inputs.margin_used.value)
    return (
        ("max_usd_size", limits.max_usd_size),
        ("risk", ratio(multiply(equity, limits.risk_ratio), inputs.stop_ratio)),
        ("margin_use", _product(max(usable, ZERO), inputs.leverage)),
        ("margin_free", _product(max(inputs.margin_free.value, ZERO), inputs.leverage)),
        ("position", _product(equity, limits.position_ratio, inputs.leverage)),
    )


def _product(first: Decimal, *factors: Decimal) -> Decimal:
    """Multiply estimates; the result is only ever rounded down to lots."""
    for factor in factors:
        first = ratio(multiply(ratio(first, ONE), ratio(factor, ONE)), ONE)
    return first


def _refused(refusal: SizeRefusal, limited_by: str, shown: Evidence) -> Sized:
    return Sized(Contracts(ZERO), Quote(ZERO), ZERO, limited_by, refusal, shown)
