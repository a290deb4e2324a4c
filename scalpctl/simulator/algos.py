"""Conditional orders the exchange keeps: stops, take-profits, triggers and trailing stops, watched at every step."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from scalpctl.core.money import add, is_multiple, multiply, subtract
from scalpctl.simulator import matching, positions
from scalpctl.simulator.denied import Denied
from scalpctl.simulator.ordering import fresh, instrument_of, number, side_named
from scalpctl.simulator.specs import BY_ID, Spec
from scalpctl.simulator.state import Account, Algo, Order, Position

if TYPE_CHECKING:
    from scalpctl.simulator.exchange import Exchange

KINDS = ("conditional", "oco", "trigger", "move_order_stop")
SOURCES = {"conditional": "7", "oco": "7", "trigger": "6", "move_order_stop": "25"}
_PRICES = ("last", "mark", "index")
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_WRONG_SIDE = {
    ("tp", "last"): "51277", ("sl", "last"): "51278", ("tp", "mark"): "51300", ("sl", "mark"): "51301",
    ("tp", "index"): "51305", ("sl", "index"): "51306",
}  # fmt: skip
KEPT = 20_000


def place(ex: Exchange, account: Account, ask: dict[str, Any]) -> Algo:
    """Keep a conditional order, or refuse it."""
    spec = instrument_of(ask)
    for name in ("tdMode", "side", "ordType"):
        if not ask.get(name):
            raise Denied("50014", f"Parameter {name} can not be empty.")
    kind, side = ask["ordType"], ask["side"]
    if kind not in KINDS or side not in {"buy", "sell"} or ask["tdMode"] not in {"cross", "isolated"}:
        raise Denied("51000", "Parameter ordType, side or tdMode error")
    client_id = str(ask.get("algoClOrdId") or "")
    if client_id and not _ID.fullmatch(client_id):
        raise Denied("51000", "Parameter algoClOrdId error")
    if client_id and any(one.client_id == client_id for one in account.algos.values()):
        raise Denied("51065", "algoClOrdId already exists.")
    algo = Algo(
        algo_id=ex.number("83"), client_id=client_id, inst_id=spec.inst_id, mode=ask["tdMode"], kind=kind, side=side,
        pos_side=side_named(account, ask), created=ex.now, updated=ex.now, tag=str(ask.get("tag") or ""),
        reduce_only=ask.get("reduceOnly") in {True, "true"}, dies_with_position=ask.get("cxlOnClosePos")
        in {True, "true"},
        last=format(ex.last(spec.inst_id), "f"),
    )  # fmt: skip
    _size(account, spec, algo, ask)
    _READERS[kind](ex, spec, algo, ask)
    account.algos[algo.algo_id] = algo
    ex.listener.algo(account, algo)
    return algo


def amend(ex: Exchange, account: Account, ask: dict[str, Any]) -> Algo:
    """Move the triggers of a conditional order."""
    algo = find(account, ask)
    if algo is None or algo.algo_id not in account.algos:
        raise Denied("51527", "Order modification failed. The algo order does not exist, is filled or canceled.")
    if algo.kind == "move_order_stop":
        raise Denied("51529", "Order modification failed. This type of algo order cannot be modified.")
    for leg, field in (("Sl", "stop"), ("Tp", "take")):
        if ask.get(f"new{leg}TriggerPx"):
            _move(ex, algo, ask, leg, field)
    if ask.get("newSz"):
        algo.contracts = number(ask["newSz"], "newSz")
    algo.updated = ex.now
    ex.listener.algo(account, algo)
    return algo


def _move(ex: Exchange, algo: Algo, ask: dict[str, Any], leg: str, field: str) -> None:
    price, kind = number(ask[f"new{leg}TriggerPx"], f"new{leg}TriggerPx"), ask.get(f"new{leg}TriggerPxType")
    if kind not in _PRICES:
        raise Denied("51000", f"Parameter new{leg}TriggerPxType error")
    _side_of(ex, algo, leg.lower(), price, kind)
    setattr(algo, field, price)
    setattr(algo, f"{field}_type", kind)
    if ask.get(f"new{leg}OrdPx"):
        setattr(algo, f"{field}_price", str(ask[f"new{leg}OrdPx"]))


def cancel(ex: Exchange, account: Account, ask: dict[str, Any]) -> Algo:
    """Cancel a conditional order."""
    algo = find(account, ask)
    if algo is None or algo.algo_id not in account.algos:
        raise Denied("51400", "Cancellation failed as the order has been filled, canceled or does not exist.")
    finish(ex, account, algo, "canceled")
    return algo


def find(account: Account, ask: dict[str, Any]) -> Algo | None:
    """Find a conditional order by either id."""
    algo_id, client_id = str(ask.get("algoId") or ""), str(ask.get("algoClOrdId") or "")
    if not algo_id and not client_id:
        raise Denied("50014", "Parameter algoId can not be empty.")
    if algo_id in account.algos:
        return account.algos[algo_id]
    for algo in reversed([*account.algos_done, *account.algos.values()]):
        if (algo_id and algo.algo_id == algo_id) or (not algo_id and algo.client_id == client_id):
            return algo
    return None


def finish(ex: Exchange, account: Account, algo: Algo, state: str, fail_code: str = "") -> None:
    """End a conditional order."""
    algo.state, algo.fail_code, algo.updated = state, fail_code, ex.now
    account.algos.pop(algo.algo_id, None)
    account.algos_done.append(algo)
    if len(account.algos_done) > KEPT:
        del account.algos_done[: len(account.algos_done) - KEPT]
    ex.listener.algo(account, algo)


def position_gone(ex: Exchange, account: Account, inst_id: str, mode: str, pos_side: str) -> None:
    """Cancel what was to go with its position."""
    for algo in list(account.algos.values()):
        same = (algo.inst_id, algo.mode, algo.pos_side) == (inst_id, mode, pos_side)
        if same and (algo.fraction or algo.dies_with_position):
            finish(ex, account, algo, "canceled")


def attach(ex: Exchange, account: Account, order: Order) -> None:
    """Make the conditional orders attached to an entry; only now, because only now it is wholly filled."""
    for leg in order.attached:
        ask: dict[str, Any] = {
            "instId": order.inst_id, "tdMode": order.mode, "side": "sell" if order.side == "buy" else "buy",
            "posSide": order.pos_side, "sz": format(order.contracts, "f"), "reduceOnly": True, "cxlOnClosePos": True,
            "algoClOrdId": leg.get("attachAlgoClOrdId", ""),
            "ordType": "oco" if leg.get("tpTriggerPx") and leg.get("slTriggerPx") else "conditional",
        }  # fmt: skip
        ask |= {name: leg[name] for name in leg if name.startswith(("tp", "sl"))}
        try:
            place(ex, account, ask)
        except Denied:
            continue  # a leg on the wrong side by now fails, as it does at the exchange


def watch(ex: Exchange) -> None:
    """Trigger what the prices have reached."""
    for account in ex.state.accounts.values():
        for algo in list(account.algos.values()):
            if ex.market(algo.inst_id).is_traded and algo.algo_id in account.algos:
                leg = _reached(ex, algo)
                if leg:
                    _trigger(ex, account, algo, leg)


def _reached(ex: Exchange, algo: Algo) -> str:
    selling = algo.side == "sell"
    if algo.kind == "move_order_stop":
        return _trailed(ex, algo, selling=selling)
    if algo.kind == "trigger" and algo.trigger is not None:
        price = price_of(ex, algo.inst_id, algo.trigger_type)
        return "trigger" if (price >= algo.trigger if algo.above else price <= algo.trigger) else ""
    if algo.stop is not None:
        price = price_of(ex, algo.inst_id, algo.stop_type)
        if price <= algo.stop if selling else price >= algo.stop:
            return "sl"
    if algo.take is not None:
        price = price_of(ex, algo.inst_id, algo.take_type)
        if price >= algo.take if selling else price <= algo.take:
            return "tp"
    return ""


def _trailed(ex: Exchange, algo: Algo, *, selling: bool) -> str:
    price = ex.last(algo.inst_id)
    if not algo.is_active:
        reached = algo.active is not None and (price >= algo.active if selling else price <= algo.active)
        if not reached:
            return ""
        algo.is_active, algo.extreme = True, price
    if algo.extreme is None or (price > algo.extreme if selling else price < algo.extreme):
        algo.extreme = price
    limit = trailing_trigger(algo)
    return "sl" if limit is not None and (price <= limit if selling else price >= limit) else ""


def trailing_trigger(algo: Algo) -> Decimal | None:
    """Give where a trailing stop stands now."""
    if algo.extreme is None or not algo.is_active:
        return None
    away = algo.spread if algo.spread is not None else multiply(algo.extreme, algo.callback or Decimal(0))
    return subtract(algo.extreme, away) if algo.side == "sell" else add(algo.extreme, away)


def price_of(ex: Exchange, inst_id: str, kind: str) -> Decimal:
    """Give the price a trigger watches."""
    if kind == "mark":
        return ex.mark(inst_id)
    if kind == "index":
        return multiply(Decimal(int(ex.market(inst_id).index)), BY_ID[inst_id].tick)
    return ex.last(inst_id)


def _trigger(ex: Exchange, account: Account, algo: Algo, leg: str) -> None:
    if ex.state.switches.get("algos_fail") == "yes":
        finish(ex, account, algo, "order_failed", "51149")
        return
    position = positions.held(account, algo.inst_id, algo.mode, algo.pos_side)
    closes = position is not None and (position.contracts > 0) is (algo.side == "sell")
    if (algo.reduce_only or algo.fraction) and (position is None or not closes):
        finish(ex, account, algo, "order_failed", "51169")
        return
    order = _child(ex, account, algo, leg, position if closes else None)
    algo.state, algo.triggered, algo.actual_side = "effective", ex.now, leg
    algo.orders.append(order.order_id)
    algo.actual_size = format(order.contracts, "f")
    algo.actual_price = format(ex.last(algo.inst_id), "f")
    finish(ex, account, algo, "effective")
    matching.submit(ex, account, order)


def _child(ex: Exchange, account: Account, algo: Algo, leg: str, position: Position | None) -> Order:
    if position is not None and (algo.fraction or algo.contracts is None):
        order = fresh(ex, position)
    else:
        order = Order(
            order_id=ex.number("90"), client_id="", inst_id=algo.inst_id, mode=algo.mode, side=algo.side,
            pos_side=algo.pos_side, type="market", price=None, contracts=algo.contracts or Decimal(0), created=ex.now,
            updated=ex.now, reduce_only=algo.reduce_only, lever=positions.lever_of(account, algo.inst_id, algo.mode),
        )  # fmt: skip
    order.source, order.algo_id, order.algo_client_id, order.tag = (
        SOURCES[algo.kind], algo.algo_id, algo.client_id, algo.tag,
    )  # fmt: skip
    priced = {"sl": algo.stop_price, "tp": algo.take_price, "trigger": algo.order_price}[leg]
    if priced not in {"-1", ""}:
        order.type, order.price = "limit", int(Decimal(priced) / BY_ID[algo.inst_id].tick)
    return order


def _size(account: Account, spec: Spec, algo: Algo, ask: dict[str, Any]) -> None:
    if ask.get("closeFraction"):
        if str(ask["closeFraction"]) != "1":
            raise Denied("51000", "Parameter closeFraction error")
        if algo.kind not in {"conditional", "oco"}:
            raise Denied("51327", "closeFraction is only available for one-way and OCO TP/SL orders.")
        if algo.pos_side == "net" and not algo.reduce_only:
            raise Denied("51328", "closeFraction is only available for reduce-only orders.")
        for one in account.algos.values():
            if one.inst_id == spec.inst_id and one.fraction and one.pos_side == algo.pos_side:
                raise Denied("51088", "You can only place 1 TP/SL order to close an entire position.")
        algo.fraction = "1"
        return
    algo.contracts = number(ask.get("sz"), "sz")
    if not is_multiple(algo.contracts, spec.lot):
        raise Denied("51121", "Order quantity must be a multiple of the lot size.")
    if algo.contracts < spec.min_contracts:
        raise Denied("51020", "Your order should meet or exceed the minimum order amount.")


def _legs(ex: Exchange, spec: Spec, algo: Algo, ask: dict[str, Any]) -> None:
    for leg, field in (("sl", "stop"), ("tp", "take")):
        if not ask.get(f"{leg}TriggerPx"):
            continue
        price = number(ask[f"{leg}TriggerPx"], f"{leg}TriggerPx")
        kind = str(ask.get(f"{leg}TriggerPxType") or "last")
        if kind not in _PRICES:
            raise Denied("51000", f"Parameter {leg}TriggerPxType error")
        if not ask.get(f"{leg}OrdPx"):
            raise Denied("50015", f"Either parameter {leg}TriggerPx or {leg}OrdPx is required")
        if algo.fraction and str(ask[f"{leg}OrdPx"]) != "-1":
            raise Denied("51329", "closeFraction is only available for market orders.")
        if not is_multiple(price, spec.tick):
            raise Denied("51150", "The precision of your price is too high.")
        _side_of(ex, algo, leg, price, kind)
        setattr(algo, field, price)
        setattr(algo, f"{field}_type", kind)
        setattr(algo, f"{field}_price", str(ask[f"{leg}OrdPx"]))
    if algo.stop is None and algo.take is None:
        raise Denied("50015", "Either parameter tpTriggerPx or slTriggerPx is required")
    if algo.kind == "conditional" and algo.stop is not None:
        algo.take = None  # one way: with both legs given the exchange keeps the stop


def _side_of(ex: Exchange, algo: Algo, leg: str, price: Decimal, kind: str) -> None:
    """Refuse a trigger the price has passed already."""
    current = price_of(ex, algo.inst_id, kind)
    below = (leg == "sl") is (algo.side == "sell")
    if (price >= current) if below else (price <= current):
        raise Denied(_WRONG_SIDE[leg, kind], f"The {leg} trigger price is on the wrong side of the {kind} price.")


def _plain_trigger(ex: Exchange, spec: Spec, algo: Algo, ask: dict[str, Any]) -> None:
    algo.trigger = number(ask.get("triggerPx"), "triggerPx")
    algo.trigger_type = str(ask.get("triggerPxType") or "last")
    algo.order_price = str(ask.get("orderPx") or ask.get("ordPx") or "-1")
    if algo.trigger_type not in _PRICES or not is_multiple(algo.trigger, spec.tick):
        raise Denied("51000", "Parameter triggerPx or triggerPxType error")
    algo.above = algo.trigger > price_of(ex, algo.inst_id, algo.trigger_type)


def _trailing(ex: Exchange, spec: Spec, algo: Algo, ask: dict[str, Any]) -> None:
    if ask.get("callbackRatio"):
        algo.callback = number(ask["callbackRatio"], "callbackRatio")
        if not Decimal("0.001") <= algo.callback < 1:
            raise Denied("51257", "Trailing stop order callback rate must be between 0.1% and 100%.")
    elif ask.get("callbackSpread"):
        algo.spread = number(ask["callbackSpread"], "callbackSpread")
    else:
        raise Denied("50015", "Either parameter callbackRatio or callbackSpread is required")
    if ask.get("activePx"):
        algo.active = number(ask["activePx"], "activePx")
        algo.is_active = False
    else:
        algo.extreme = ex.last(spec.inst_id)


_READERS = {"conditional": _legs, "oco": _legs, "trigger": _plain_trigger, "move_order_stop": _trailing}
