"""Matching: takers walk the book, makers wait in their queue; no order ever trades outside its limit."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from scalpctl.core.money import add, multiply, subtract
from scalpctl.simulator import positions
from scalpctl.simulator.positions import Force
from scalpctl.simulator.specs import BY_ID, Spec
from scalpctl.simulator.state import Account, Fill, Market, Order
from scalpctl.simulator.worlds import LEVELS

if TYPE_CHECKING:
    from scalpctl.simulator.exchange import Exchange

POST_ONLY_WOULD_TAKE, SELF_TRADE, IOC_REST, FOK_UNFILLED, BEYOND_LIMIT = "31", "32", "14", "13", "15"
USER, SWITCH_FIRED, CLOSED_AT_MARKET, REDUCE_ONLY = "1", "20", "17", "2"
BAND = Decimal("0.02")
"""How far from the mark the exchange lets orders be."""
DONE_KEPT = 20_000


def limits(ex: Exchange, inst_id: str) -> tuple[int, int]:
    """Give the highest buy and the lowest sell price the exchange takes, in ticks."""
    mark, band = ex.market(inst_id).mark, float(ex.state.switches.get("band", BAND))
    return int(mark * (1 + band)), int(mark * (1 - band)) + 1


def submit(ex: Exchange, account: Account, order: Order) -> None:
    """Let an accepted order meet the book: it takes what it may, and what is left rests or goes."""
    market = ex.market(order.inst_id)
    account.orders[order.order_id] = order
    if order.type == "post_only" and _crosses(market, order):
        end(ex, account, order, POST_ONLY_WOULD_TAKE)
        return
    if order.type == "fok" and _reachable(market, order) < float(order.contracts):
        end(ex, account, order, FOK_UNFILLED)
        return
    _stop_self_trade(ex, account, order)
    if order.state == "canceled":
        return
    resting = order.type in {"limit", "post_only"}
    if resting and not _crosses(market, order):
        ex.listener.order(account, order, None)
    take(ex, account, order)
    if order.order_id not in account.orders:
        return
    if not resting:
        end(ex, account, order, IOC_REST)
        return
    order.queue = _queue(market, order)


def take(ex: Exchange, account: Account, order: Order, force: Force | None = None) -> None:
    """Walk the book from the touch as far as the order's price lets it."""
    market, spec = ex.market(order.inst_id), BY_ID[order.inst_id]
    buying = order.side == "buy"
    highest, lowest = limits(ex, order.inst_id)
    bound = order.price if order.price is not None else (highest if buying else lowest)
    for level in range(LEVELS):
        price = market.ask + level if buying else market.bid - level
        if price <= 0 or (price > bound if buying else price < bound):
            return
        place = LEVELS + level if buying else level
        there = Decimal(str(round(market.sizes[place], 8)))
        size = _whole(spec, min(there, _allowed(account, order)))
        if size <= 0:
            if _allowed(account, order) <= 0:
                _nothing_allowed(ex, account, order)
                return
            continue
        market.sizes[place] -= float(size)
        market.last = price
        execute(ex, account, order, multiply(Decimal(price), spec.tick), size, "T", force)
        if order.order_id not in account.orders:
            return


def execute(
    ex: Exchange, account: Account, order: Order, price: Decimal, size: Decimal, liquidity: str,
    force: Force | None = None,
) -> Fill:  # fmt: skip
    """Book one execution and tell everybody in the order the exchange does: order, position, balance."""
    before = positions.held(account, order.inst_id, order.mode, order.pos_side)
    fill = positions.execute(ex, account, order, price, size, liquidity, force)
    after = positions.held(account, order.inst_id, order.mode, order.pos_side)
    if order.state == "filled":
        account.orders.pop(order.order_id, None)
        remember(account, order)
    ex.listener.order(account, order, fill)
    touched = after or before
    if touched is not None:
        touched.updated = ex.now
        ex.listener.position(account, touched)
    if before is not None and before is not after:
        before.updated = ex.now
        _flat(ex, account, order)
    ex.listener.balance(account, force.category if force is not None else "filled", order.inst_id, fill.trade_id)
    if order.state == "filled" and order.attached:
        from scalpctl.simulator.algos import attach

        attach(ex, account, order)
    return fill


def end(ex: Exchange, account: Account, order: Order, why: str) -> None:
    """End an order that will not trade any more."""
    order.state, order.cancel_source, order.updated = "canceled", why, ex.now
    account.orders.pop(order.order_id, None)
    remember(account, order)
    ex.listener.order(account, order, None)


def remember(account: Account, order: Order) -> None:
    """Put an order that is over into the history."""
    account.done.append(order)
    if len(account.done) > DONE_KEPT:
        del account.done[: len(account.done) - DONE_KEPT]


def rest(ex: Exchange) -> None:
    """Fill what the market has moved through."""
    for account in ex.state.accounts.values():
        if not account.orders:
            continue
        for order in list(account.orders.values()):
            market = ex.market(order.inst_id)
            if order.price is None or order.order_id not in account.orders or not market.is_traded:
                continue
            through = market.ask <= order.price if order.side == "buy" else market.bid >= order.price
            if through:
                _fill_resting(ex, account, order, float(order.contracts))


def leave(ex: Exchange) -> None:
    """Take out of the book what was cancelled a moment ago."""
    for account in ex.state.accounts.values():
        for order in list(account.orders.values()):
            if order.leaves_at and order.leaves_at <= ex.now:
                end(ex, account, order, USER)


def printed(ex: Exchange, market: Market, sold: float, bought: float) -> None:
    """Let what others traded at the touch use up the queues, and then what rests behind them."""
    if not sold and not bought:
        return
    for account in ex.state.accounts.values():
        for order in list(account.orders.values()):
            if order.inst_id != market.inst_id or order.price is None:
                continue
            volume = sold if order.side == "buy" else bought
            touch = order.price >= market.bid if order.side == "buy" else order.price <= market.ask
            if not volume or not touch:
                continue
            reached = volume - order.queue
            order.queue = max(0.0, order.queue - volume)
            if reached > 0:
                _fill_resting(ex, account, order, reached)


def _fill_resting(ex: Exchange, account: Account, order: Order, available: float) -> None:
    spec = BY_ID[order.inst_id]
    allowed = _allowed(account, order)
    if allowed <= 0:
        _nothing_allowed(ex, account, order)
        return
    size = min(_whole(spec, Decimal(str(round(available, 8)))), allowed)
    if size > 0 and order.price is not None:
        execute(ex, account, order, multiply(Decimal(order.price), spec.tick), size, "M")


def _allowed(account: Account, order: Order) -> Decimal:
    """Give what an order may still trade; one that only reduces never trades more than there is."""
    left = subtract(order.contracts, order.filled)
    closes = order.reduce_only or (order.pos_side == "long" and order.side == "sell") or (
        order.pos_side == "short" and order.side == "buy"
    )  # fmt: skip
    if not closes:
        return left
    position = positions.held(account, order.inst_id, order.mode, order.pos_side)
    if position is None or (position.contracts > 0) is (order.side == "buy"):
        return Decimal(0)
    return min(left, abs(position.contracts))


def _nothing_allowed(ex: Exchange, account: Account, order: Order) -> None:
    end(ex, account, order, REDUCE_ONLY)


def _flat(ex: Exchange, account: Account, order: Order) -> None:
    """After a position is gone: what was only there to close it goes too."""
    from scalpctl.simulator.algos import position_gone

    for other in list(account.orders.values()):
        if other.inst_id == order.inst_id and other.reduce_only and other is not order:
            end(ex, account, other, CLOSED_AT_MARKET)
    position_gone(ex, account, order.inst_id, order.mode, order.pos_side)


def _crosses(market: Market, order: Order) -> bool:
    if order.price is None:
        return True
    return order.price >= market.ask if order.side == "buy" else order.price <= market.bid


def _reachable(market: Market, order: Order) -> float:
    buying = order.side == "buy"
    total = 0.0
    for level in range(LEVELS):
        price = market.ask + level if buying else market.bid - level
        if order.price is not None and (price > order.price if buying else price < order.price):
            break
        total += market.sizes[LEVELS + level if buying else level]
    return total


def _stop_self_trade(ex: Exchange, account: Account, order: Order) -> None:
    """Prevent an account from trading with itself, the way the taker asked for."""
    for other in list(account.orders.values()):
        if other is order or other.inst_id != order.inst_id or other.side == order.side or other.price is None:
            continue
        market = ex.market(order.inst_id)
        reach = (
            order.price
            if order.price is not None
            else (market.ask + LEVELS if order.side == "buy" else market.bid - LEVELS)
        )
        meets = other.price <= reach if order.side == "buy" else other.price >= reach
        best = other.price <= market.ask if order.side == "buy" else other.price >= market.bid
        if not meets or not best:
            continue
        if order.stp in {"cancel_maker", "cancel_both"}:
            end(ex, account, other, SELF_TRADE)
        if order.stp in {"cancel_taker", "cancel_both"}:
            end(ex, account, order, SELF_TRADE)
            return


def _queue(market: Market, order: Order) -> float:
    """Give what rests before an order that joins the book now."""
    if order.price is None:
        return 0.0
    level = market.bid - order.price if order.side == "buy" else order.price - market.ask
    if level < 0:
        return 0.0
    if level >= LEVELS:
        return market.sizes[LEVELS - 1] * 2
    return market.sizes[level if order.side == "buy" else LEVELS + level]


def requeue(ex: Exchange, order: Order) -> None:
    """Put an amended order at the end of its queue."""
    order.queue = _queue(ex.market(order.inst_id), order)


def _whole(spec: Spec, size: Decimal) -> Decimal:
    lots = int(size / spec.lot)
    return multiply(Decimal(lots), spec.lot)


def frozen(account: Account) -> Decimal:
    """Give the money bound by resting orders that open."""
    total = Decimal(0)
    for order in account.orders.values():
        if order.reduce_only or order.price is None:
            continue
        spec = BY_ID[order.inst_id]
        worth = positions.value_of(
            spec, subtract(order.contracts, order.filled), multiply(Decimal(order.price), spec.tick)
        )
        total = add(total, Decimal(format(worth / Decimal(order.lever or "3"), ".8f")))
    return total
