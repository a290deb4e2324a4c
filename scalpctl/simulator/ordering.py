"""Orders as an account sends them: judged in the documented order, with the documented codes."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from scalpctl.core.money import ZERO, add, is_multiple, multiply, subtract
from scalpctl.simulator import margins, matching, positions
from scalpctl.simulator.denied import Denied
from scalpctl.simulator.specs import BY_CODE, BY_ID, Spec
from scalpctl.simulator.state import Account, Order, Position

if TYPE_CHECKING:
    from scalpctl.simulator.exchange import Exchange

TYPES = ("market", "limit", "post_only", "fok", "ioc", "optimal_limit_ioc")
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,18})?")
PENDING_MAX = 500
LEAVES_AFTER_US = 400_000
"""How long a cancellation takes that is not done at once."""


def place(ex: Exchange, account: Account, ask: dict[str, Any]) -> Order:
    """Accept an order or refuse it; what is accepted has met the book when this returns."""
    spec = instrument_of(ask)
    order = _read(ex, account, spec, ask)
    _judge(ex, account, spec, order)
    matching.submit(ex, account, order)
    return order


def cancel(ex: Exchange, account: Account, ask: dict[str, Any]) -> Order:
    """Cancel a resting order; where that takes a moment it may still be executed until it is done."""
    order = find(account, ask)
    if order is None or order.order_id not in account.orders:
        raise Denied("51400", "Cancellation failed as the order has been filled, canceled or does not exist.")
    if ex.state.switches.get("cancels") != "later":
        matching.end(ex, account, order, matching.USER)
    elif order.leaves_at:
        raise Denied("51410", "Cancellation failed as the order is already under cancelling status")
    else:
        order.leaves_at = ex.now + LEAVES_AFTER_US
    return order


def amend(ex: Exchange, account: Account, ask: dict[str, Any]) -> Order:
    """Change price or total size of a resting order; a smaller size at the same price keeps its place in the queue."""
    spec = instrument_of(ask)
    order = find(account, ask)
    if order is None:
        raise Denied("51603", "Order does not exist")
    if order.order_id not in account.orders:
        raise Denied("51503", "Order modification failed as the order has been filled, canceled or does not exist.")
    size = number(ask.get("newSz"), "newSz") if ask.get("newSz") else order.contracts
    price = _ticks(spec, ask["newPx"]) if ask.get("newPx") else order.price
    if not ask.get("newSz") and not ask.get("newPx"):
        raise Denied("51500", "You must enter a price, quantity, or TP/SL")
    _sizes(spec, order.type, size)
    _band(ex, order, price)
    market = ex.market(order.inst_id)
    crossing = price is not None and (price >= market.ask if order.side == "buy" else price <= market.bid)
    if order.type == "post_only" and crossing:
        raise Denied("51511", "Order amendment failed: the new price would make the post-only order take")
    moved = price != order.price or size > order.contracts
    order.price, order.contracts, order.updated = price, size, ex.now
    if size <= order.filled:
        order.state = "filled"
        account.orders.pop(order.order_id, None)
        matching.remember(account, order)
    elif moved:
        matching.requeue(ex, order)
    ex.listener.order(account, order, None)
    if order.order_id in account.orders and crossing:
        matching.take(ex, account, order)
    return order


def close_position(ex: Exchange, account: Account, ask: dict[str, Any]) -> Order:
    """Close a whole position at market."""
    spec = instrument_of(ask)
    mode = ask.get("mgnMode") or ""
    if mode not in {"cross", "isolated"}:
        raise Denied("51000", "Parameter mgnMode error")
    side = side_named(account, ask)
    position = positions.held(account, spec.inst_id, mode, side)
    if position is None:
        raise Denied("51023", "Position does not exist")
    closing = [one for one in account.orders.values() if one.inst_id == spec.inst_id and one.reduce_only]
    if closing and not ask.get("autoCxl"):
        raise Denied("51115", "Cancel all pending close-orders before liquidation.")
    for order in closing:
        matching.end(ex, account, order, matching.CLOSED_AT_MARKET)
    order = fresh(ex, position, str(ask.get("clOrdId") or ""))
    order.tag = str(ask.get("tag") or "")
    matching.submit(ex, account, order)
    return order


def fresh(ex: Exchange, position: Position, client_id: str = "") -> Order:
    """Make the market order that closes a position wholly."""
    return Order(
        order_id=ex.number("90"), client_id=client_id, inst_id=position.inst_id, mode=position.mode,
        side="sell" if position.contracts > 0 else "buy", pos_side=position.pos_side, type="market", price=None,
        contracts=abs(position.contracts), created=ex.now, updated=ex.now, reduce_only=True, lever=position.lever,
    )  # fmt: skip


def find(account: Account, ask: dict[str, Any]) -> Order | None:
    """Find an order by the exchange's id, which wins, or by the client's: of several the latest."""
    order_id, client_id = str(ask.get("ordId") or ""), str(ask.get("clOrdId") or "")
    if not order_id and not client_id:
        raise Denied("51003", "Either client order ID or order ID is required.")
    if order_id in account.orders:
        return account.orders[order_id]
    candidates = [*account.done, *account.orders.values()]
    for order in reversed(candidates):
        if (order_id and order.order_id == order_id) or (not order_id and order.client_id == client_id):
            return order
    return None


def instrument_of(ask: dict[str, Any]) -> Spec:
    """Give the instrument a request names, by id or by code."""
    code = ask.get("instIdCode")
    if isinstance(code, int) and code in BY_CODE:
        return BY_CODE[code]
    inst_id = ask.get("instId")
    if not inst_id and code is None:
        raise Denied("50014", "Parameter instId can not be empty.")
    if not isinstance(inst_id, str) or inst_id not in BY_ID:
        raise Denied("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    return BY_ID[inst_id]


def number(value: Any, name: str) -> Decimal:
    """Read a positive number from its text."""
    text = str(value) if value is not None else ""
    if not text:
        raise Denied("50014", f"Parameter {name} can not be empty.")
    if not _NUMBER.fullmatch(text):
        raise Denied("51000", f"Parameter {name} error")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Denied("51000", f"Parameter {name} error") from None


def _read(ex: Exchange, account: Account, spec: Spec, ask: dict[str, Any]) -> Order:
    for name in ("tdMode", "side", "ordType", "sz"):
        if not ask.get(name):
            raise Denied("50014", f"Parameter {name} can not be empty.")
    side, kind, mode = ask["side"], ask["ordType"], ask["tdMode"]
    for name, value, known in (
        ("side", side, ("buy", "sell")),
        ("ordType", kind, TYPES),
        ("tdMode", mode, ("cross", "isolated", "cash")),
    ):
        if value not in known:
            raise Denied("51000", f"Parameter {name} error")
    if mode == "cash":
        raise Denied("51010", "You can't complete this request under your current account mode.")
    client_id = str(ask.get("clOrdId") or "")
    if client_id and not _ID.fullmatch(client_id):
        raise Denied("51000", "Parameter clOrdId error")
    priced = kind not in {"market", "optimal_limit_ioc"}
    price = _ticks(spec, ask.get("px")) if priced else None
    reduce_only = ask.get("reduceOnly") in {True, "true"} and account.pos_mode == "net_mode"
    return Order(
        order_id=ex.number("90"), client_id=client_id, inst_id=spec.inst_id, mode=mode, side=side,
        pos_side=side_named(account, ask), type=kind, price=price, contracts=number(ask["sz"], "sz"), created=ex.now,
        updated=ex.now, reduce_only=reduce_only, tag=str(ask.get("tag") or "")[:16],
        stp=str(ask.get("stpMode") or "cancel_maker"), lever=positions.lever_of(account, spec.inst_id, mode),
        attached=[dict(one) for one in ask.get("attachAlgoOrds") or [] if isinstance(one, dict)],
    )  # fmt: skip


def side_named(account: Account, ask: dict[str, Any]) -> str:
    """Give the side a request names: none in net mode, and one of the two where long and short are held apart."""
    side = str(ask.get("posSide") or "")
    if account.pos_mode == "net_mode":
        if side not in {"", "net"}:
            raise Denied("51000", "Parameter posSide error")
        return "net"
    if side not in {"long", "short"}:
        raise Denied("51000", "Parameter posSide error")
    return side


def _judge(ex: Exchange, account: Account, spec: Spec, order: Order) -> None:
    """Refuse in the documented order: instrument, id, size, price, direction, counts, tier, money."""
    market = ex.market(spec.inst_id)
    if not market.is_traded and market.state != "post_only":
        raise Denied("51022", "Contract suspended")
    if (market.thin or market.state == "post_only") and order.type != "post_only":
        raise Denied("54012", "The book is thin: only post-only orders, cancellations and margin changes are accepted")
    if order.client_id and any(one.client_id == order.client_id for one in account.orders.values()):
        raise Denied("51016", "Client order ID already exists.")
    if (
        order.client_id
        and ex.state.switches.get("client_ids") == "for_ever"
        and find(account, {"clOrdId": order.client_id})
    ):
        raise Denied("51016", "Client order ID already exists.")
    _sizes(spec, order.type, order.contracts)
    _band(ex, order, order.price)
    _direction(ex, account, order)
    if len(account.orders) >= PENDING_MAX:
        raise Denied("51102", "Maximum number of pending orders exceeded")
    if not order.reduce_only:
        _money(ex, account, spec, order)


def _sizes(spec: Spec, kind: str, contracts: Decimal) -> None:
    if not is_multiple(contracts, spec.lot):
        raise Denied("51121", "Order quantity must be a multiple of the lot size.")
    if contracts < spec.min_contracts:
        raise Denied("51020", "Your order should meet or exceed the minimum order amount.")
    if contracts > spec.limit_max:
        raise Denied("51202" if kind == "market" else "51101", "Order amount exceeds current maximum order amount.")


def _ticks(spec: Spec, text: Any) -> int:
    price = number(text, "px")
    if not is_multiple(price, spec.tick) or not price:
        raise Denied("51150", "The precision of your price is too high.")
    return int(price / spec.tick)


def _band(ex: Exchange, order: Order, price: int | None) -> None:
    if price is None:
        return
    highest, lowest = matching.limits(ex, order.inst_id)
    beyond = price > highest if order.side == "buy" else price < lowest
    if beyond:
        raise Denied("51006", "The order price is not within the price limit.")


def _direction(ex: Exchange, account: Account, order: Order) -> None:
    closes = order.reduce_only or order.side + order.pos_side in {"selllong", "buyshort"}
    if not closes:
        return
    position = positions.held(account, order.inst_id, order.mode, order.pos_side)
    if position is None:
        raise Denied("51169", "Order failed because you don't have any positions in this direction to reduce or close.")
    if order.reduce_only and (position.contracts > 0) is (order.side == "buy"):
        raise Denied("51170", "A reduce-only order can't have the same direction as the position.")
    oversized = order.contracts > abs(position.contracts)
    if oversized and not order.reduce_only:
        raise Denied("51112", "Your close order size exceeds your available size.")
    if oversized and ex.state.switches.get("oversized") == "refused":
        raise Denied("51148", "ReduceOnly cannot increase the position quantity.")


def _money(ex: Exchange, account: Account, spec: Spec, order: Order) -> None:
    """Refuse what the account cannot back; what reduces a position needs no money."""
    position = positions.held(account, spec.inst_id, order.mode, order.pos_side)
    size = order.contracts
    if position is not None and (position.contracts > 0) is not (order.side == "buy"):
        size = max(ZERO, subtract(size, abs(position.contracts)))
    if not size or order.side + order.pos_side in {"selllong", "buyshort"}:
        return
    market = ex.market(spec.inst_id)
    ticks = order.price if order.price is not None else (market.ask if order.side == "buy" else market.bid)
    worth = positions.value_of(spec, size, multiply(Decimal(ticks), spec.tick))
    held = abs(position.contracts) if position is not None else ZERO
    if positions.tier_of(spec, add(held, size)).leverage_max < Decimal(order.lever):
        raise Denied("51004", "Order failed. The position would exceed the tier's maximum at this leverage.", "1103")
    needed = worth / Decimal(order.lever) + worth * account.taker
    if needed > margins.available(ex, account):
        raise Denied("51008", "Order failed. Your available balance is insufficient.", "1000")
