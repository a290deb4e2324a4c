"""Positions as a fold over fills: size, average price, realised result; nothing else changes them.

The entry value is kept as an exact fraction, because an average price need not terminate. What is recorded is the
difference of rounded running totals, so that the parts of any sequence of partial closes add up to the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from scalpctl.core.fills import Fill, in_order
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.money import ZERO, Contracts, add, subtract
from scalpctl.core.pnl import Result, exact, settle
from scalpctl.core.sides import Side
from scalpctl.errors import InvariantBroken

NONE = Contracts(ZERO)
NOTHING = Result()


@dataclass(frozen=True, slots=True)
class Position:
    """One life of a position, flat to flat. ``value`` is contracts x price of what is still open, exactly."""

    instrument: Instrument
    side: Side
    opened_at: Instant
    contracts: Contracts = NONE
    contracts_max: Contracts = NONE
    contracts_closed: Contracts = NONE
    value: Fraction = Fraction(0)
    realised: Fraction = Fraction(0)
    result: Result = NOTHING
    filled_at: Instant = Instant(0)  # noqa: RUF009  immutable
    """When its latest execution happened; one that happened before it may be heard of after it."""
    closed_at: Instant | None = None

    @property
    def average_price(self) -> Decimal:
        """Give the average entry price of what is open, to 18 decimals."""
        if not self.contracts:
            message = f"{self.instrument.inst_id}: a flat position has no average price"
            raise InvariantBroken(message)
        return settle(self.value / exact(self.contracts.value))

    @property
    def is_flat(self) -> bool:
        """Tell whether everything was closed."""
        return not self.contracts


@dataclass(frozen=True, slots=True)
class Applied:
    """What one fill did: the position after it, the part it closed, its own gross, and what was left over.

    ``beyond`` are contracts that exceeded the position: in net mode they open the other side.
    """

    position: Position
    closed: Contracts
    gross: Decimal
    beyond: Contracts


def opened(instrument: Instrument, fill: Fill) -> Position:
    """Start a position with its first fill."""
    side = Side.LONG if fill.action is Side.LONG.opening else Side.SHORT
    return apply(Position(instrument, fill.position_side or side, fill.filled_at), fill).position


def apply(position: Position, fill: Fill) -> Applied:
    """Fold one fill into a position; a fill of another instrument or side is refused."""
    if fill.inst_id != position.instrument.inst_id or fill.position_side not in {None, position.side}:
        message = f"fill {fill.key} of {fill.inst_id} does not belong to this position"
        raise InvariantBroken(message)
    if fill.action is position.side.opening:
        return _increase(position, fill)
    return _reduce(position, fill)


def _increase(position: Position, fill: Fill) -> Applied:
    size = position.contracts + fill.contracts
    grown = replace(
        position,
        contracts=size,
        contracts_max=max(size, position.contracts_max),
        value=position.value + exact(fill.contracts.value) * exact(fill.price),
        result=position.result + Result(fees=fill.fee_paid),
        filled_at=max(position.filled_at, fill.filled_at),
    )
    return Applied(grown, NONE, ZERO, NONE)


def _reduce(position: Position, fill: Fill) -> Applied:
    closing = min(position.contracts, fill.contracts)
    beyond = fill.contracts - closing
    if not closing:
        return Applied(position, NONE, ZERO, beyond)
    taken = position.value * exact(closing.value) / exact(position.contracts.value)
    earned = exact(closing.value) * exact(fill.price) - taken
    coins = exact(position.instrument.coins_per_contract)
    realised = position.realised + earned * coins * position.side.sign
    part = subtract(settle(realised), settle(position.realised))
    left = position.contracts - closing
    fee = (
        fill.fee_paid
        if not beyond
        else settle(exact(fill.fee_paid) * exact(closing.value) / exact(fill.contracts.value))
    )
    filled_at = max(position.filled_at, fill.filled_at)
    shrunk = replace(
        position,
        contracts=left,
        contracts_closed=position.contracts_closed + closing,
        value=position.value - taken,
        realised=realised,
        result=position.result + Result(gross=part, fees=fee),
        filled_at=filled_at,
        closed_at=None if left else filled_at,
    )
    return Applied(shrunk, closing, part, beyond)


def fund(position: Position, paid: Decimal) -> Position:
    """Book one funding payment (positive when paid)."""
    return replace(position, result=position.result + Result(funding=paid))


def fold(instrument: Instrument, fills: Iterable[Fill]) -> tuple[Position, ...]:
    """Fold all fills of one instrument into its positions, flat to flat; the last one may be open.

    In net mode a fill larger than the position closes it and opens the other side with the rest.
    """
    done: list[Position] = []
    current: dict[Side | None, Position] = {}
    for fill in in_order(fills):
        rest: Fill | None = fill
        while rest is not None:
            rest = _take(instrument, rest, current, done)
    return (*done, *current.values())


def _take(
    instrument: Instrument, fill: Fill, current: dict[Side | None, Position], done: list[Position]
) -> Fill | None:
    """Apply one fill, and give back the rest of it that belongs to the next position."""
    position = current.get(fill.position_side)
    if position is None:
        if fill.position_side is not None and fill.action is fill.position_side.closing:
            message = f"fill {fill.key} closes a {fill.position_side} of {fill.inst_id} that was never opened"
            raise InvariantBroken(message)
        current[fill.position_side] = opened(instrument, fill)
        return None
    applied = apply(position, fill)
    if applied.position.is_flat:
        done.append(applied.position)
        del current[fill.position_side]
    else:
        current[fill.position_side] = applied.position
    if not applied.beyond:
        return None
    fee_used = subtract(applied.position.result.fees, position.result.fees)
    return replace(fill, contracts=applied.beyond, fee_paid=subtract(fill.fee_paid, fee_used))


def signed(position: Position) -> Decimal:
    """Give the size with the sign of its side, for comparison with the exchange."""
    return add(ZERO, position.contracts.value if position.side is Side.LONG else -position.contracts.value)
