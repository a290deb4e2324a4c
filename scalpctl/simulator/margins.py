"""Margin, maintenance and liquidation prices, worked out the exchange's own way."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING

from scalpctl.core.money import ZERO, add, multiply, subtract
from scalpctl.simulator import matching, positions
from scalpctl.simulator.specs import BY_ID
from scalpctl.simulator.state import Account, Position

if TYPE_CHECKING:
    from scalpctl.simulator.exchange import Exchange

_WIDE = Context(prec=34, rounding=ROUND_HALF_EVEN)
ONE = Decimal(1)


def equity(ex: Exchange, account: Account) -> Decimal:
    """Give everything the account is worth now."""
    total = account.cash
    for position in account.positions.values():
        total = add(total, position.margin, positions.unrealised(position, ex.mark(position.inst_id)))
    return total


def cross(account: Account) -> list[Position]:
    """Give the positions the balance itself backs."""
    return [position for position in account.positions.values() if position.mode == "cross"]


def cross_unrealised(ex: Exchange, account: Account) -> Decimal:
    """Give the open result of the positions the balance backs."""
    return add(*(positions.unrealised(one, ex.mark(one.inst_id)) for one in cross(account)), ZERO)


def available(ex: Exchange, account: Account) -> Decimal:
    """Give what can back new orders."""
    bound = sum((initial(ex, one) for one in cross(account)), ZERO)
    free = account.cash + min(ZERO, cross_unrealised(ex, account)) - bound - matching.frozen(account)
    return max(ZERO, free)


def initial(ex: Exchange, position: Position) -> Decimal:
    """Give the initial margin of a cross position."""
    spec = BY_ID[position.inst_id]
    worth = positions.value_of(spec, abs(position.contracts), ex.mark(position.inst_id))
    return _WIDE.divide(worth, Decimal(position.lever))


def maintenance(ex: Exchange, position: Position) -> Decimal:
    """Give the maintenance margin of a position, without the fee of its liquidation."""
    spec = BY_ID[position.inst_id]
    worth = positions.value_of(spec, abs(position.contracts), ex.mark(position.inst_id))
    return multiply(worth, positions.tier_of(spec, position.contracts).mmr)


def ratio(ex: Exchange, account: Account, position: Position) -> Decimal:
    """Give the margin ratio: at one the exchange takes over."""
    mark = ex.mark(position.inst_id)
    if position.mode == "isolated":
        backing = add(position.margin, positions.unrealised(position, mark))
        return _WIDE.divide(backing, _required(ex, account, position))
    backing = add(account.cash, cross_unrealised(ex, account))
    return _WIDE.divide(backing, sum((_required(ex, account, one) for one in cross(account)), ZERO))


def _required(ex: Exchange, account: Account, position: Position) -> Decimal:
    spec = BY_ID[position.inst_id]
    worth = positions.value_of(spec, abs(position.contracts), ex.mark(position.inst_id))
    return multiply(worth, add(positions.tier_of(spec, position.contracts).mmr, account.taker))


def liquidation_price(account: Account, position: Position) -> Decimal | None:
    """Give the mark price at which the ratio becomes one; None where no price does that."""
    spec = BY_ID[position.inst_id]
    coins = multiply(abs(position.contracts), spec.ct_val)
    worth = multiply(coins, position.average)
    backing = position.margin if position.mode == "isolated" else account.cash
    rates = add(positions.tier_of(spec, position.contracts).mmr, account.taker)
    if position.contracts > 0:
        price = _WIDE.divide(subtract(worth, backing), multiply(coins, subtract(ONE, rates)))
    else:
        price = _WIDE.divide(add(worth, backing), multiply(coins, add(ONE, rates)))
    return price if price > 0 else None


def largest(ex: Exchange, account: Account, inst_id: str, mode: str) -> Decimal:
    """Give the most contracts the account could open now."""
    spec = BY_ID[inst_id]
    lever = Decimal(positions.lever_of(account, inst_id, mode))
    per_contract = positions.value_of(spec, ONE, ex.last(inst_id))
    share = _WIDE.divide(available(ex, account), per_contract * (ONE / lever + account.taker))
    return multiply(Decimal(int(share / spec.lot)), spec.lot)
