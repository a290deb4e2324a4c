"""What others do: the person with the app, another client of the same account, and the exchange itself."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from scalpctl.core.money import add
from scalpctl.simulator import algos, announcements, liquidation, matching, ordering, positions
from scalpctl.simulator.denied import Denied, refusal_of
from scalpctl.simulator.specs import BY_ID, SPECS
from scalpctl.simulator.state import Account, Position, Scheduled

if TYPE_CHECKING:
    from scalpctl.simulator.exchange import Exchange

Act = Callable[["Exchange", Account, "Position | None", dict[str, str]], str]


def due(ex: Exchange) -> None:
    """Do what the schedule says is due; what needs a position waits for the next one to open."""
    if not ex.state.schedule:
        return
    for entry in [one for one in ex.state.schedule if one.at <= ex.now]:
        for account in list(ex.state.accounts.values())[:1]:
            try:
                done = perform(ex, account, entry.do, entry.arguments)
            except Denied:
                done = ""
            if done or entry.do not in NEEDS_POSITION:
                ex.state.schedule.remove(entry)
            else:
                entry.waits = True


def perform(ex: Exchange, account: Account, action: str, arguments: dict[str, str]) -> str:
    """Do one thing; gives what was done in words, or nothing when there is no position to do it to."""
    act = ACTIONS.get(action)
    if act is None:
        known = ", ".join(sorted(ACTIONS))
        raise Denied("51000", f"{action} is not something others do here; known: {known}")
    wanted = arguments.get("instrument", "")
    inst_id = wanted if not wanted or wanted.endswith("-SWAP") else f"{wanted}-SWAP"
    if inst_id and inst_id not in BY_ID:
        raise Denied("51001", f"{wanted} is not listed here")
    position = _position(ex, account, inst_id)
    if position is None and action in NEEDS_POSITION:
        return ""
    return act(ex, account, position, arguments | {"instrument": inst_id})


def _position(ex: Exchange, account: Account, inst_id: str) -> Position | None:
    """Give the position of an instrument, or the largest there is."""
    open_ones = [one for one in account.positions.values() if not inst_id or one.inst_id == inst_id]
    worth = {
        id(one): positions.value_of(BY_ID[one.inst_id], abs(one.contracts), ex.mark(one.inst_id)) for one in open_ones
    }
    return max(open_ones, key=lambda one: worth[id(one)], default=None)


def _manual_close(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    if position is None:
        return ""
    for order in [one for one in account.orders.values() if one.inst_id == position.inst_id and one.reduce_only]:
        matching.end(ex, account, order, matching.CLOSED_AT_MARKET)
    order = ordering.fresh(ex, position)
    part = Decimal(arguments.get("fraction", "1"))
    if part < 1:
        spec = BY_ID[position.inst_id]
        order.contracts = max(spec.min_contracts, Decimal(int(order.contracts * part / spec.lot)) * spec.lot)
    matching.submit(ex, account, order)
    return f"closed {position.inst_id} in the app"


def _liquidate(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    if position is None:
        return ""
    liquidation.take_over(ex, account, position, Decimal(arguments.get("fraction", "1")))
    return f"liquidated {position.inst_id}"


def _adl(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    if position is None:
        return ""
    liquidation.deleverage(ex, account, position, Decimal(arguments.get("fraction", "1")))
    return f"deleveraged {position.inst_id}"


def _foreign_order(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    """Place an order with another client's id and tag."""
    inst_id = arguments["instrument"] or (position.inst_id if position is not None else SPECS[0].inst_id)
    kind = arguments.get("type", "market")
    ask: dict[str, object] = {
        "instId": inst_id, "tdMode": arguments.get("mode", "isolated"), "side": arguments.get("side", "buy"),
        "ordType": kind, "sz": arguments.get("contracts", format(BY_ID[inst_id].min_contracts, "f")),
        "clOrdId": f"other{ex.state.number}", "tag": "otherbot",
    }  # fmt: skip
    if kind != "market":
        ask["px"] = arguments.get("price", format(ex.last(inst_id), "f"))
    order = ordering.place(ex, account, ask)
    return f"another client placed {order.order_id}"


def _manual_open(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    inst_id = arguments["instrument"] or SPECS[0].inst_id
    ask = {
        "instId": inst_id, "tdMode": arguments.get("mode", "isolated"), "side": arguments.get("side", "buy"),
        "ordType": "market", "sz": arguments.get("contracts", format(BY_ID[inst_id].min_contracts, "f")),
    }  # fmt: skip
    return f"opened {ordering.place(ex, account, ask).order_id} in the app"


def _manual_order(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    """Leave an order in the book from the app, ``ratio`` better than the last price; with ``reduce`` it only closes."""
    inst_id = arguments["instrument"] or SPECS[0].inst_id
    side, tick = arguments.get("side", "buy"), BY_ID[inst_id].tick
    better = Decimal(arguments.get("ratio", "0.002")) * (-1 if side == "buy" else 1)
    ask = {
        "instId": inst_id, "tdMode": arguments.get("mode", "isolated"), "side": side, "ordType": "limit",
        "sz": arguments.get("contracts", format(BY_ID[inst_id].min_contracts, "f")),
        "px": format(Decimal(int(ex.last(inst_id) * (1 + better) / tick)) * tick, "f"),
        "reduceOnly": "true" if arguments.get("reduce") == "yes" else "false",
    }  # fmt: skip
    return f"left {ordering.place(ex, account, ask).order_id} in the book, in the app"


def _manual_add(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    if position is None:
        return ""
    side = "buy" if position.contracts > 0 else "sell"
    wanted = {"instrument": position.inst_id, "side": side, "mode": position.mode}
    return _manual_open(ex, account, position, arguments | wanted)


def _trailing_stop(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    """Let the exchange trail the position, as the person with the app may."""
    if position is None:
        return ""
    ask = {
        "instId": position.inst_id, "tdMode": position.mode, "side": "sell" if position.contracts > 0 else "buy",
        "posSide": position.pos_side, "ordType": "move_order_stop", "sz": format(abs(position.contracts), "f"),
        "callbackRatio": arguments.get("ratio", "0.001"), "reduceOnly": True,
    }  # fmt: skip
    return f"trailing order {algos.place(ex, account, ask).algo_id} kept in the app"


def _attached_stop(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    """Add to the position in the app, with a stop-loss attached to what was added."""
    if position is None:
        return ""
    spec = BY_ID[position.inst_id]
    away = Decimal(arguments.get("ratio", "0.001")) * (1 if position.contracts > 0 else -1)
    trigger = Decimal(int(ex.last(position.inst_id) * (1 - away) / spec.tick)) * spec.tick
    ask = {
        "instId": position.inst_id, "tdMode": position.mode, "side": "buy" if position.contracts > 0 else "sell",
        "posSide": position.pos_side, "ordType": "market", "sz": format(spec.min_contracts, "f"),
        "attachAlgoOrds": [{"slTriggerPx": format(trigger, "f"), "slOrdPx": "-1"}],
    }  # fmt: skip
    return f"added {ordering.place(ex, account, ask).order_id} in the app, with a stop"


def _entire_stop(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    """Keep a stop or a target for the entire position, as the app offers it; ``instead`` of what stands if wanted."""
    if position is None:
        return ""
    if arguments.get("instead") == "yes":
        _cancel_stop(ex, account, position, arguments)
    spec, leg = BY_ID[position.inst_id], arguments.get("leg", "stop")
    sign = (1 if position.contracts > 0 else -1) * (-1 if leg == "stop" else 1)
    away = Decimal(arguments.get("ratio", "0.03")) * sign
    price = format(Decimal(int(ex.mark(position.inst_id) * (1 + away) / spec.tick)) * spec.tick, "f")
    name = "sl" if leg == "stop" else "tp"
    ask = {
        "instId": position.inst_id, "tdMode": position.mode, "side": "sell" if position.contracts > 0 else "buy",
        "posSide": position.pos_side, "ordType": "conditional", "closeFraction": "1", "reduceOnly": True,
        f"{name}TriggerPx": price, f"{name}TriggerPxType": "mark", f"{name}OrdPx": "-1",
    }  # fmt: skip
    return f"{leg} {algos.place(ex, account, ask).algo_id} for the entire position kept in the app"


def _cancel_stop(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    wanted = [one for one in account.algos.values() if position is None or one.inst_id == position.inst_id]
    for algo in wanted[:1]:
        algos.finish(ex, account, algo, "canceled")
    return f"cancelled {wanted[0].algo_id}" if wanted else ""


def _set_leverage(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    inst_id = arguments["instrument"] or (position.inst_id if position is not None else SPECS[0].inst_id)
    set_leverage(ex, account, inst_id, arguments.get("mode", "isolated"), arguments.get("leverage", "5"))
    return f"leverage of {inst_id} set"


def set_leverage(ex: Exchange, account: Account, inst_id: str, mode: str, lever: str) -> None:
    """Set the leverage of an instrument; an open isolated position gives or takes margin with it."""
    wanted = ordering.number(lever, "lever")
    spec = BY_ID[inst_id]
    position = next((one for one in account.positions.values() if (one.inst_id, one.mode) == (inst_id, mode)), None)
    size = position.contracts if position is not None else Decimal(0)
    if wanted < 1 or wanted > positions.tier_of(spec, size).leverage_max:
        raise Denied("59102", "Leverage exceeds the maximum limit. Please lower the leverage.")
    if any((one.inst_id, one.mode) == (inst_id, mode) for one in account.orders.values()):
        raise Denied("59101", "Leverage can't be modified. Please cancel all pending isolated margin orders first.")
    account.levers[f"{inst_id}|{mode}"] = lever
    if position is not None:
        position.lever = lever
        positions.refund_margin(ex, account, position)
        position.updated = ex.now
        ex.listener.position(account, position)
    ex.listener.balance(account, "set_leverage", inst_id, "")


def _set_mode(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    if account.positions or account.orders:
        raise Denied("59000", "Your settings failed as you have positions, bot or open orders.")
    account.pos_mode = arguments.get("to", "long_short_mode")
    return f"position mode is {account.pos_mode}"


def _transfer(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    ex.transfer(account, Decimal(arguments.get("amount", "-100")))
    return "money moved"


def _suspend(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    return _state(ex, arguments, position, arguments.get("state", "suspend"))


def _resume(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    return _state(ex, arguments, position, "live")


def _state(ex: Exchange, arguments: dict[str, str], position: Position | None, state: str) -> str:
    inst_id = arguments["instrument"] or (position.inst_id if position is not None else SPECS[0].inst_id)
    market = ex.market(inst_id)
    market.state = state
    ex.listener.market(market, "instrument")
    return f"{inst_id} is {state}"


def _delist(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    """Take an instrument off the list: at once, or announced ``in_seconds`` before."""
    inst_id = arguments["instrument"] or (position.inst_id if position is not None else SPECS[0].inst_id)
    ahead = _micros(arguments, "in_seconds")
    announcements.delist(ex, inst_id, ex.now + ahead)
    return f"{inst_id} leaves the list {'now' if not ahead else 'as announced'}"


def _maintenance(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    """Go down for ``seconds``, now or ``in_seconds`` after the notice; then only posting for ``pre_open`` seconds."""
    lasts, pre_open = _micros(arguments, "seconds", "60"), _micros(arguments, "pre_open")
    announcements.maintain(ex, ex.now + _micros(arguments, "in_seconds"), lasts, pre_open)
    return f"maintenance of {arguments.get('seconds', '60')} s announced"


def _micros(arguments: dict[str, str], name: str, otherwise: str = "0") -> int:
    return int(ordering.number(arguments.get(name, otherwise), name) * 1_000_000)


def _thin_book(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    inst_id = arguments["instrument"] or (position.inst_id if position is not None else SPECS[0].inst_id)
    ex.market(inst_id).thin = arguments.get("on", "yes") != "no"
    return f"the book of {inst_id} is {'thin' if ex.market(inst_id).thin else 'deep'}"


def _jump(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    inst_id = arguments["instrument"] or (position.inst_id if position is not None else SPECS[0].inst_id)
    ex.market(inst_id).jump = float(arguments.get("ratio", "-0.02"))
    return f"{inst_id} jumps"


def _algos_fail(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    ex.state.switches["algos_fail"] = "no" if arguments.get("on") == "no" else "yes"
    return "conditional orders fail when they trigger"


def _funding(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    """Move the next funding of an instrument, or of all, as an exchange that changes the interval does."""
    due = ex.now + _micros(arguments, "in_seconds", "60")
    wanted = arguments["instrument"]
    for market in ex.state.markets.values():
        if market.inst_id == wanted or not wanted:
            market.funding_at = due
            ex.listener.market(market, "funding")
    return f"funding of {wanted or 'everything'} is due in {arguments.get('in_seconds', '60')} s"


def _adjust(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    """Book money under a bill type that no documentation names."""
    said = arguments.get("amount", "-1.5")
    amount = ordering.number(said.removeprefix("-"), "amount") * (-1 if said.startswith("-") else 1)
    ex.state.books.outside = add(ex.state.books.outside, -amount)
    ex.bill(account, arguments.get("type", "999"), "1", amount)
    ex.listener.balance(account, "adjustment", "", "")
    return f"{amount} USDT booked, and nobody says why"


def _warn(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    if position is None:
        return ""
    ex.listener.warning(account, position)
    return f"warned of the liquidation of {position.inst_id}"


def _refuse(ex: Exchange, account: Account, position: Position | None, arguments: dict[str, str]) -> str:
    """Refuse every request of a kind with a code, for a while."""
    what, code = arguments.get("what", "order"), arguments.get("code", "51030")
    until = ex.now + _micros(arguments, "seconds", "30")
    ex.state.switches[refusal_of(what)] = f"{code} {until}"
    return f"{what}: refused with {code} for {arguments.get('seconds', '30')} s"


ACTIONS: dict[str, Act] = {
    "manual-close": _manual_close,
    "manual-open": _manual_open,
    "manual-add": _manual_add,
    "manual-order": _manual_order,
    "liquidate": _liquidate,
    "adl": _adl,
    "foreign-order": _foreign_order,
    "trailing-stop": _trailing_stop,
    "attached-stop": _attached_stop,
    "entire-stop": _entire_stop,
    "cancel-stop": _cancel_stop,
    "set-leverage": _set_leverage,
    "set-mode": _set_mode,
    "transfer": _transfer,
    "suspend": _suspend,
    "resume": _resume,
    "delist": _delist,
    "maintenance": _maintenance,
    "thin-book": _thin_book,
    "jump": _jump,
    "algos-fail": _algos_fail,
    "funding": _funding,
    "adjust": _adjust,
    "warn": _warn,
    "refuse": _refuse,
}
NEEDS_POSITION = (
    "manual-close", "manual-add", "liquidate", "adl", "trailing-stop", "attached-stop", "cancel-stop", "entire-stop",
    "warn",
)  # fmt: skip


def scheduled(at: int, action: str, arguments: dict[str, str]) -> Scheduled:
    """Make an entry of a schedule."""
    return Scheduled(at, action, arguments)
