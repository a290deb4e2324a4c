"""Leverage from the adjusted strength of a signal: requested and capped, with the whole working."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from scalpctl.core.evidence import Evidence
from scalpctl.core.money import ZERO, floor_to, multiply
from scalpctl.core.parameters import Parameters, setting
from scalpctl.core.regime import Regime

ONE = Decimal(1)


class Category(StrEnum):
    """How strong a signal is after adjustment."""

    VERY_WEAK = "very_weak"
    WEAK = "weak"
    MEDIUM = "medium"
    STRONG = "strong"
    VERY_STRONG = "very_strong"


BOUNDS = (
    (Decimal("0.3"), Category.VERY_WEAK),
    (Decimal("0.5"), Category.WEAK),
    (Decimal("0.7"), Category.MEDIUM),
    (Decimal("0.9"), Category.STRONG),
)


@dataclass(frozen=True, slots=True)
class LeverageParameters(Parameters):
    """Leverage per category, multipliers, and the cap nothing exceeds."""

    very_weak: int = setting(3, "leverage for an adjusted strength below 0.3", low=1, high=50)
    weak: int = setting(5, "leverage below 0.5", low=1, high=50)
    medium: int = setting(8, "leverage below 0.7", low=1, high=50)
    strong: int = setting(10, "leverage below 0.9", low=1, high=50)
    very_strong: int = setting(15, "leverage from 0.9 on", low=1, high=50)
    cap: int = setting(20, "leverage nothing exceeds", low=1, high=50)
    trending_multiple: Decimal = setting(Decimal("1.2"), "in a trend", low=Decimal("0.1"), high=Decimal(2))
    ranging_multiple: Decimal = setting(Decimal(1), "in a range", low=Decimal("0.1"), high=Decimal(2))
    choppy_multiple: Decimal = setting(Decimal("0.8"), "in chop", low=Decimal("0.1"), high=Decimal(2))
    wild_atr_ratio: Decimal = setting(
        Decimal("0.05"), "ATR over price above which a market is wild", low=Decimal("0.001"), high=Decimal("0.5")
    )
    wild_multiple: Decimal = setting(Decimal("0.7"), "in a wild market", low=Decimal("0.1"), high=ONE)
    calm_atr_ratio: Decimal = setting(
        Decimal("0.01"), "ATR over price below which a market is calm", low=Decimal("0.0001"), high=Decimal("0.1")
    )
    calm_multiple: Decimal = setting(Decimal("1.0"), "in a calm market", low=Decimal("0.1"), high=Decimal(2))

    def __post_init__(self) -> None:
        """Refuse a ladder that falls, and a calm market wilder than a wild one."""
        self.check_bounds()
        ladder = (self.very_weak, self.weak, self.medium, self.strong, self.very_strong)
        if list(ladder) != sorted(ladder):
            raise self.impossible("leverage falls while strength rises", "sort the five values")
        if self.calm_atr_ratio >= self.wild_atr_ratio:
            raise self.impossible("calm_atr_ratio is not below wild_atr_ratio", "usual values are 0.01 and 0.05")


@dataclass(frozen=True, slots=True)
class LeverageChoice:
    """Requested by strength, capped by configuration and instrument; what the exchange grants is its own word."""

    category: Category
    strength: Decimal
    adjusted: Decimal
    requested: Decimal
    capped: Decimal
    capped_by: str
    evidence: Evidence


def category_of(adjusted: Decimal) -> Category:
    """Give the category of an adjusted strength."""
    return next((category for bound, category in BOUNDS if adjusted < bound), Category.VERY_STRONG)


def choose(
    strength: Decimal, regime: Regime, atr_ratio: Decimal, *, exchange_max: Decimal, limits: LeverageParameters
) -> LeverageChoice:
    """Choose the leverage of an entry; a strength is clipped to 0..1 after the multipliers, never above the cap."""
    regime_multiple = {
        Regime.TRENDING: limits.trending_multiple,
        Regime.RANGING: limits.ranging_multiple,
        Regime.CHOPPY: limits.choppy_multiple,
    }[regime]
    volatility = _volatility_multiple(atr_ratio, limits)
    raw = multiply(multiply(strength, regime_multiple), volatility)
    adjusted = min(ONE, max(ZERO, raw))
    category = category_of(adjusted)
    requested = Decimal(getattr(limits, category.value))
    ceilings = (("requested", requested), ("cap", Decimal(limits.cap)), ("exchange", floor_to(exchange_max, ONE)))
    capped_by, capped = min(ceilings, key=lambda ceiling: ceiling[1])
    shown = Evidence.of(
        strength=strength, regime=regime.value, regime_multiple=regime_multiple, atr_ratio=atr_ratio,
        volatility_multiple=volatility, adjusted=adjusted, category=category.value, requested=requested, capped=capped,
        capped_by=capped_by,
    )  # fmt: skip
    return LeverageChoice(category, strength, adjusted, requested, max(capped, ONE), capped_by, shown)


def _volatility_multiple(atr_ratio: Decimal, limits: LeverageParameters) -> Decimal:
    if atr_ratio > limits.wild_atr_ratio:
        return limits.wild_multiple
    return limits.calm_multiple if atr_ratio < limits.calm_atr_ratio else ONE
