"""Parameters: declared beside their rule with unit, meaning and bounds; resolved with the source of each value.

Resolution asks instrument x regime, then instrument, then regime, then global, then the rule's own default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, Generic, TypeVar

from scalpctl.core.money import canonical, multiply, parse_decimal, ratio
from scalpctl.errors import ConfigurationError, InvariantBroken

HUNDRED = Decimal(100)
PRICE_SHARE = Decimal("0.2")
"""Bounds of moves are written for the margin; the price itself moves less than a fifth of that."""


def setting(default: Any, meaning: str, *, low: Any, high: Any) -> Any:
    """Declare one parameter: its default, what it does, and the bounds outside which it cannot be meant."""
    return field(default=default, metadata={"meaning": meaning, "low": low, "high": high})


class Parameters:
    """Base of every parameter dataclass: refuses values outside the declared bounds, and wrong types."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Check every field against its declaration."""
        self.check_bounds()

    def check_bounds(self) -> None:
        """Refuse the first value that cannot be meant, naming it and what would be right."""
        for spec in fields(self):  # type: ignore[arg-type]
            value = getattr(self, spec.name)
            where = f"{type(self).__name__}.{spec.name}"
            for one in value if isinstance(value, tuple) else (value,):
                check_value(where, one, spec.metadata)

    def impossible(self, why: str, fix: str) -> ConfigurationError:
        """Make the error for a set of values that contradict one another."""
        return ConfigurationError(f"{type(self).__name__}: {why}", hint=fix)


def check_value(where: str, value: Any, meta: Mapping[str, Any]) -> None:
    """Refuse a value outside its declared bounds, or of another type, naming it and what would be right."""
    if "low" not in meta:
        message = f"{where} was declared without bounds"
        raise InvariantBroken(message)
    low, high = meta["low"], meta["high"]
    if low is None:  # a choice from an enumeration: its type has checked it already
        return
    number = getattr(value, "ratio", value)
    if isinstance(number, bool) or not isinstance(number, type(low)):
        message = f"{where} must be a {type(low).__name__}, not {value!r}"
        raise ConfigurationError(message)
    if getattr(value, "basis", None) is Basis.OF_PRICE:
        high = multiply(high, PRICE_SHARE)
    if not low <= number <= high:
        message = f"{where} = {value} is outside {low} to {high}: {meta['meaning']}"
        raise ConfigurationError(message, hint=_fix(number, low, high))


def _fix(number: Any, low: Any, high: Any) -> str:
    """Guess the unit that was meant."""
    if isinstance(number, Decimal):
        if low <= ratio(number, HUNDRED) <= high:
            return f"a ratio is a share of one: if {number} is percent, write {canonical(ratio(number, HUNDRED))}"
        if low <= multiply(number, HUNDRED) <= high:
            return f"if {number} is a share of one, write {canonical(multiply(number, HUNDRED))}"
    return f"choose a value from {low} to {high}"


class Basis(StrEnum):
    """What a profit or loss is measured against."""

    OF_MARGIN = "of_margin"
    OF_PRICE = "of_price"


@dataclass(frozen=True, slots=True)
class Move:
    """A profit or loss as a share of the margin or of the entry value; number and unit travel together."""

    ratio: Decimal
    basis: Basis

    @classmethod
    def parse(cls, text: str) -> Move:
        """Read ``0.006 of_price`` or ``0.02 of_margin``; a bare number is refused, because it could mean either."""
        number, _, basis = text.strip().partition(" ")
        if basis.strip() not in tuple(Basis):
            message = f"{text!r} does not say of what"
            raise ConfigurationError(message, hint="write it like 0.006 of_price or 0.02 of_margin")
        return cls(parse_decimal(number), Basis(basis.strip()))

    def of(self, notional: Decimal, margin: Decimal) -> Decimal:
        """Give the amount of quote currency it stands for."""
        return multiply(self.ratio, margin if self.basis is Basis.OF_MARGIN else notional)

    def __str__(self) -> str:
        """Spell it the way it is read."""
        return f"{canonical(self.ratio)} {self.basis.value}"


def of_margin(ratio: str) -> Move:
    """Make a move measured against the margin."""
    return Move(parse_decimal(ratio), Basis.OF_MARGIN)


def of_price(ratio: str) -> Move:
    """Make a move measured against the entry value, that is, a move of the price."""
    return Move(parse_decimal(ratio), Basis.OF_PRICE)


class Scope(StrEnum):
    """Where a value was found, most special first."""

    INSTRUMENT_REGIME = "instrument_regime"
    INSTRUMENT = "instrument"
    REGIME = "regime"
    GLOBAL = "global"
    DEFAULT = "default"


P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True, slots=True)
class Resolved(Generic[P]):
    """Parameters ready for use, and where each value came from."""

    values: P
    sources: tuple[tuple[str, Scope], ...]

    def source(self, name: str) -> Scope:
        """Say where one value came from."""
        for known, scope in self.sources:
            if known == name:
                return scope
        message = f"there is no parameter {name}"
        raise InvariantBroken(message)


@dataclass(frozen=True, slots=True)
class Overrides:
    """Partial values per scope: global, by regime, by instrument, by (instrument, regime)."""

    everywhere: Mapping[str, Any] = field(default_factory=dict)
    by_regime: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    by_instrument: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    by_both: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)

    def layers(self, inst_id: str, regime: str) -> tuple[tuple[Scope, Mapping[str, Any]], ...]:
        """Give the layers that apply, most special first."""
        nothing: Mapping[str, Any] = {}
        return (
            (Scope.INSTRUMENT_REGIME, self.by_both.get((inst_id, regime), nothing)),
            (Scope.INSTRUMENT, self.by_instrument.get(inst_id, nothing)),
            (Scope.REGIME, self.by_regime.get(regime, nothing)),
            (Scope.GLOBAL, self.everywhere),
        )


@cache
def defaults(kind: type[P]) -> Resolved[P]:
    """Give the parameters of a rule nothing is configured for."""
    return Resolved(kind(), tuple((spec.name, Scope.DEFAULT) for spec in fields(kind)))  # type: ignore[arg-type]


def resolve(kind: type[P], overrides: Overrides, inst_id: str, regime: str) -> Resolved[P]:
    """Give the parameters of one rule for one instrument in one regime, and the source of each value."""
    layers = tuple((scope, layer) for scope, layer in overrides.layers(inst_id, regime) if layer)
    if not layers:
        return defaults(kind)  # type: ignore[arg-type]  # a class is hashable
    names = [spec.name for spec in fields(kind)]  # type: ignore[arg-type]
    for scope, layer in layers:
        for name in layer:
            if name not in names:
                message = f"{kind.__name__} has no parameter {name} (found in {scope.value})"
                raise ConfigurationError(message, hint=f"known: {', '.join(names)}")
    chosen: dict[str, Any] = {}
    sources: list[tuple[str, Scope]] = []
    for name in names:
        scope = next((scope for scope, layer in layers if name in layer), Scope.DEFAULT)
        if scope is not Scope.DEFAULT:
            chosen[name] = next(layer[name] for where, layer in layers if where is scope)
        sources.append((name, scope))
    return Resolved(kind(**chosen), tuple(sources))
