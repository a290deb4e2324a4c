"""Exact money: decimals from canonical text, and amounts that cannot be mistaken for one another.

Every operation here is exact or raises. Where a quotient is wanted the caller says so by calling ``ratio``, whose
result is an estimate for decisions and display and never reaches a posting.
"""

from __future__ import annotations

import re
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
    Subnormal,
)
from functools import total_ordering
from typing import ClassVar, NewType, Self

from scalpctl.errors import InvariantBroken, NotCanonical

EXACT = Context(
    prec=60,
    rounding=ROUND_HALF_EVEN,
    Emin=-999,
    Emax=999,
    traps=[InvalidOperation, DivisionByZero, Overflow, Inexact, FloatOperation, Clamped, Subnormal],
)
ESTIMATE = Context(prec=28, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
CANONICAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
DIGITS_MAX = 50
Exact = NewType("Exact", str)
"""A decimal in its canonical spelling: what records hold and tables store."""
ZERO = Decimal(0)
SETTLE = "USDT"
"""The currency everything traded here is settled in; money in others is kept apart from it."""


def parse_decimal(text: str) -> Decimal:
    """Read a canonical decimal, keeping its digits; refuse every other spelling (NaN, 1e-7, .5, -0, other digits)."""
    if not isinstance(text, str):
        message = f"a decimal must come from text, not from {type(text).__name__}"
        raise NotCanonical(message)
    if len(text) > DIGITS_MAX or CANONICAL.fullmatch(text) is None:
        message = f"{text[:60]!r} is not a plain decimal number"
        raise NotCanonical(message, hint="write it like 0.0005 or -12.5: digits, at most one point, no exponent")
    value = Decimal(text)
    if value.is_zero() and text.startswith("-"):
        message = f"{text!r} is minus zero"
        raise NotCanonical(message, hint="write 0")
    return value


def canonical(value: Decimal) -> str:
    """Spell a finite decimal the one canonical way, keeping its trailing zeros."""
    if not value.is_finite():
        message = f"{value} is not a finite number"
        raise NotCanonical(message)
    if value.is_zero() and value.is_signed():
        value = value.copy_abs()
    return format(value, "f")


def exact(value: Decimal | Amount | str) -> Exact:
    """Give the canonical text of a number, or of a text that already is one."""
    if isinstance(value, str):
        parse_decimal(value)
        return Exact(value)
    return Exact(canonical(value.value if isinstance(value, Amount) else value))


def add(*values: Decimal) -> Decimal:
    """Sum exactly."""
    total = ZERO
    for value in values:
        total = EXACT.add(total, value)
    return total


def subtract(left: Decimal, right: Decimal) -> Decimal:
    """Subtract exactly."""
    return EXACT.subtract(left, right)


def multiply(left: Decimal, right: Decimal) -> Decimal:
    """Multiply exactly."""
    return EXACT.multiply(left, right)


def ratio(part: Decimal, whole: Decimal) -> Decimal:
    """Divide with 28 digits: an estimate for decisions and display, never money."""
    return ESTIMATE.divide(part, whole)


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """Give the largest multiple of ``step`` that is not above ``value``."""
    return _to_step(value, step, ROUND_FLOOR)


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """Give the smallest multiple of ``step`` that is not below ``value``."""
    return _to_step(value, step, ROUND_CEILING)


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Tell whether ``value`` is a whole number of steps."""
    return EXACT.remainder(value, step).is_zero()


def _to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    if step <= ZERO:
        message = f"a step must be positive, not {step}"
        raise InvariantBroken(message)
    remainder = EXACT.remainder(value, step)  # carries the sign of value
    whole = EXACT.subtract(value, remainder)
    if remainder < ZERO and rounding == ROUND_FLOOR:
        whole = EXACT.subtract(whole, step)
    if remainder > ZERO and rounding == ROUND_CEILING:
        whole = EXACT.add(whole, step)
    return whole.quantize(step, context=EXACT)  # the step's decimals, no more and no fewer; exact or refused


@total_ordering
class Amount:
    """A decimal with a unit: adds and compares only with its own kind."""

    __slots__ = ("value",)
    unit: ClassVar[str] = ""

    def __init__(self, value: Decimal | str | int) -> None:
        """Take an exact value; a float is refused because its digits are an accident."""
        if isinstance(value, str):
            value = parse_decimal(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            value = Decimal(value)
        if not isinstance(value, Decimal) or not value.is_finite():
            message = f"{value!r} is not an exact amount of {type(self).__name__.lower()}"
            raise NotCanonical(message)
        self.value: Decimal = value

    def _same(self, other: object) -> Decimal:
        if type(other) is not type(self):
            message = f"{type(self).__name__} and {type(other).__name__} do not mix"
            raise TypeError(message)
        return other.value

    def __add__(self, other: Self) -> Self:
        """Sum of two amounts of one unit."""
        return type(self)(EXACT.add(self.value, self._same(other)))

    def __sub__(self, other: Self) -> Self:
        """Difference of two amounts of one unit."""
        return type(self)(EXACT.subtract(self.value, self._same(other)))

    def __mul__(self, factor: Decimal | int) -> Self:
        """Scale by a plain number."""
        if not isinstance(factor, Decimal | int):
            message = f"{type(self).__name__} scales by a Decimal or an int, not by {type(factor).__name__}"
            raise TypeError(message)
        return type(self)(EXACT.multiply(self.value, Decimal(factor)))

    def __neg__(self) -> Self:
        """Give the opposite amount."""
        return type(self)(self.value.copy_negate() if self.value else self.value)

    def __abs__(self) -> Self:
        """Give the amount without its sign."""
        return type(self)(self.value.copy_abs())

    def __bool__(self) -> bool:
        """Tell whether there is anything at all."""
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        """Compare within one unit; amounts of different units are never equal."""
        return isinstance(other, Amount) and type(other) is type(self) and self.value == other.value

    def __lt__(self, other: Self) -> bool:
        """Order within one unit."""
        return self.value < self._same(other)

    def __hash__(self) -> int:
        """Hash by unit and value."""
        return hash((type(self), self.value))

    def __str__(self) -> str:
        """Spell the number canonically, without the unit."""
        return canonical(self.value)

    def __repr__(self) -> str:
        """Spell the amount as code that makes it."""
        return f"{type(self).__name__}({canonical(self.value)!r})"


class Contracts(Amount):
    """A number of contracts, the unit of orders and positions on the exchange."""

    __slots__ = ()
    unit = "contracts"


class Coins(Amount):
    """An amount of the base coin (BTC of BTC-USDT-SWAP)."""

    __slots__ = ()
    unit = "coins"


class Quote(Amount):
    """An amount of the settlement currency (USDT of BTC-USDT-SWAP); signed, positive when it is ours."""

    __slots__ = ()
    unit = "quote"
