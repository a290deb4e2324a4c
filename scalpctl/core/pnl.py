"""What a position earned: gross - fees - funding - penalty = net, exactly, and the formulas around it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from scalpctl.core.instruments import Instrument
from scalpctl.core.money import ZERO, Contracts, Quote, add, multiply, ratio, subtract
from scalpctl.core.sides import Side

ONE = Decimal(1)
DECIMALS = 18
SCALE = 10**DECIMALS


@dataclass(frozen=True, slots=True)
class Result:
    """The parts of a result in quote currency; fees, funding and penalty are positive when they cost us."""

    gross: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    penalty: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        """Give what is left: gross - fees - funding - penalty."""
        return add(self.gross, -self.fees, -self.funding, -self.penalty)

    def __add__(self, other: Result) -> Result:
        """Add part by part."""
        return Result(
            add(self.gross, other.gross),
            add(self.fees, other.fees),
            add(self.funding, other.funding),
            add(self.penalty, other.penalty),
        )


def gross(instrument: Instrument, side: Side, contracts: Contracts, prices: tuple[Decimal, Decimal]) -> Decimal:
    """Give side x (close - open) x contracts x coins per contract, exactly."""
    opened, closed = prices
    moved = multiply(subtract(closed, opened), Decimal(side.sign))
    return multiply(moved, instrument.coins(contracts).value)


def fee(instrument: Instrument, contracts: Contracts, price: Decimal, rate: Decimal) -> Decimal:
    """Give the fee of one execution: value x rate of that one side, never of a round trip."""
    return multiply(instrument.notional(contracts, price).value, rate)


def funding_paid(instrument: Instrument, side: Side, contracts: Contracts, mark: Decimal, rate: Decimal) -> Decimal:
    """Give one funding payment; a positive rate makes longs pay and shorts receive (negative)."""
    value = instrument.notional(contracts, mark).value
    return multiply(multiply(value, rate), Decimal(side.sign))


def return_ratio(net: Decimal, notional: Quote, leverage: Decimal) -> Decimal:
    """Give net over the margin the position was opened with, as the exchange's pnlRatio does."""
    return ratio(multiply(net, leverage), notional.value)


def break_even(
    side: Side, coins: Decimal, average_price: Decimal, costs_paid: Decimal, exit_fee_rate: Decimal
) -> Decimal:
    """Estimate the price at which everything paid so far and the fee of the way out are earned back."""
    sign = Decimal(side.sign)
    value = add(multiply(coins, average_price), multiply(sign, costs_paid))
    return ratio(value, multiply(coins, subtract(ONE, multiply(sign, exit_fee_rate))))


def settle(exact: Fraction) -> Decimal:
    """Round an exact quotient to 18 decimals, half to even; a sum that terminates earlier is not changed."""
    units = round(exact * SCALE)
    value = Decimal(units).scaleb(-DECIMALS)
    return ZERO if value.is_zero() else _plain(value)


def _plain(value: Decimal) -> Decimal:
    text = format(value, "f").rstrip("0").rstrip(".")
    return Decimal(text)


def exact(value: Decimal) -> Fraction:
    """Give a decimal as a fraction, so that quotients stay exact until they are recorded."""
    return Fraction(value)
