"""What the exchange does to those who cannot pay: warning, liquidation in part or whole, and deleveraging."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from scalpctl.core.money import add, multiply, subtract
from scalpctl.simulator import algos, margins, matching, positions
from scalpctl.simulator.positions import Force
from scalpctl.simulator.specs import BY_ID
from scalpctl.simulator.state import Account, Order, Position

if TYPE_CHECKING:
    from scalpctl.simulator.exchange import Exchange

WARNING, TAKEN_OVER = Decimal(3), Decimal(1)
WARN_EVERY_US = 3_600_000_000
BY_SYSTEM, LIQUIDATED, DELEVERAGED = "1", "3", "6"


def watch(ex: Exchange) -> None:
    """Look after every position: warn early, take over in time."""
    for account in ex.state.accounts.values():
        for position in list(account.positions.values()):
            ratio = margins.ratio(ex, account, position)
            if ratio <= TAKEN_OVER:
                take_over(ex, account, position)
            elif ratio <= WARNING and ex.now - position.warned > WARN_EVERY_US:
                position.warned = ex.now
                ex.listener.warning(account, position)


def take_over(ex: Exchange, account: Account, position: Position, fraction: Decimal = Decimal(1)) -> None:
    """Liquidate a position: a large one in part first, down to a lower tier, the rest whole."""
    for order in list(account.orders.values()):
        if order.inst_id == position.inst_id:
            matching.end(ex, account, order, LIQUIDATED)
    spec = BY_ID[position.inst_id]
    tiers = spec.tiers()
    index = tiers.index(positions.tier_of(spec, position.contracts))
    size = abs(position.contracts)
    partial = fraction < 1 or index >= 2
    if index >= 2:
        size = subtract(size, tiers[index - 2].contracts_max)
    elif fraction < 1:
        size = max(spec.min_contracts, multiply(Decimal(int(multiply(size, fraction) / spec.lot)), spec.lot))
    buying = position.contracts < 0
    kind = _kind(position, "partial" if partial else "full", buying=buying)
    _forced(ex, account, position, size, kind)
    left = positions.held(account, position.inst_id, position.mode, position.pos_side)
    if left is None:
        _penalty(ex, account, position)


def deleverage(ex: Exchange, account: Account, position: Position, fraction: Decimal) -> None:
    """Close a profitable position against a bankrupt counterparty, wholly or in part, without a fee."""
    for order in list(account.orders.values()):
        if order.inst_id == position.inst_id:
            matching.end(ex, account, order, DELEVERAGED)
    spec = BY_ID[position.inst_id]
    whole = abs(position.contracts)
    size = min(whole, max(spec.min_contracts, multiply(Decimal(int(multiply(whole, fraction) / spec.lot)), spec.lot)))
    net = {"buy": "127", "sell": "128"}["buy" if position.contracts < 0 else "sell"]
    sub = net if position.pos_side == "net" else ("125" if position.pos_side == "long" else "126")
    _forced(ex, account, position, size, Force("adl", sub, "9", "6" if size == whole else "5"))


def deliver(ex: Exchange, account: Account, inst_id: str) -> None:
    """Take an instrument off the list: what rests is cancelled, what is held is settled at the mark."""
    for order in [one for one in account.orders.values() if one.inst_id == inst_id]:
        matching.end(ex, account, order, BY_SYSTEM)
    for position in [one for one in account.positions.values() if one.inst_id == inst_id]:
        sub = "112" if position.contracts > 0 else "113"
        _forced(ex, account, position, abs(position.contracts), Force("delivery", sub, "3", "2"))
    for algo in [one for one in account.algos.values() if one.inst_id == inst_id]:
        algos.finish(ex, account, algo, "canceled")


def _kind(position: Position, extent: str, *, buying: bool) -> Force:
    net = position.pos_side == "net"
    if extent == "full":
        sub = ("106" if buying else "107") if net else ("104" if position.pos_side == "long" else "105")
        return Force("full_liquidation", sub, "5", "3")
    sub = ("102" if buying else "103") if net else ("100" if position.pos_side == "long" else "101")
    return Force("partial_liquidation", sub, "5", "4")


def _forced(ex: Exchange, account: Account, position: Position, size: Decimal, force: Force) -> None:
    """Trade at the mark, on the tick, as an order nobody gave."""
    spec = BY_ID[position.inst_id]
    order = Order(
        order_id=ex.number("90"), client_id="", inst_id=position.inst_id, mode=position.mode,
        side="sell" if position.contracts > 0 else "buy", pos_side=position.pos_side, type="market", price=None,
        contracts=size, created=ex.now, updated=ex.now, reduce_only=True, category=force.category,
        lever=position.lever,
    )  # fmt: skip
    price = multiply(Decimal(max(1, int(ex.market(position.inst_id).mark))), spec.tick)
    account.orders[order.order_id] = order
    matching.execute(ex, account, order, price, size, "", force)


def _penalty(ex: Exchange, account: Account, position: Position) -> None:
    """Take what a full liquidation leaves of the maintenance margin for the insurance fund; it pays what is missing."""
    released = next(
        (bill for bill in reversed(account.bills) if bill.type == "6" and bill.inst_id == position.inst_id), None
    )
    if position.mode != "isolated" or released is None or released.at != ex.now:
        if account.cash < 0:
            _insure(ex, account, position, -account.cash)
        return
    remaining = released.change
    if remaining < 0:
        _insure(ex, account, position, -remaining)
    elif remaining > 0:
        bill = ex.bill(account, "5", "110", -remaining)
        bill.inst_id, bill.mode = position.inst_id, position.mode
        position.penalty = add(position.penalty, -remaining)
        ex.state.books.insurance = add(ex.state.books.insurance, remaining)
        row = next((one for one in reversed(account.closed) if one.pos_id == position.pos_id), None)
        if row is not None:
            row.penalty = position.penalty
        ex.listener.balance(account, "liquidation", position.inst_id, "")


def _insure(ex: Exchange, account: Account, position: Position, amount: Decimal) -> None:
    bill = ex.bill(account, "10", "108", amount)
    bill.inst_id, bill.mode = position.inst_id, position.mode
    ex.state.books.insurance = add(ex.state.books.insurance, -amount)
    ex.listener.balance(account, "clawback", position.inst_id, "")
