"""Private endpoints that read, and the account's settings."""

from __future__ import annotations

from typing import Any

from scalpctl.simulator import actors, algos, margins, ordering, positions
from scalpctl.simulator.denied import Denied, refuse_as_asked
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving import account_rows as rows
from scalpctl.simulator.serving import market_rows
from scalpctl.simulator.serving.pages import Params, matches, page, page_of_history
from scalpctl.simulator.serving.public_handlers import instruments, spec_of
from scalpctl.simulator.state import Account, Algo, Order

Rows = list[Any]
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
UNFILLED_KEPT_US = 2 * HOUR_US


def config(_ex: Exchange, account: Account, _params: Params) -> Rows:
    """Give how the account is set up."""
    return [rows.config(account)]


def balance(ex: Exchange, account: Account, _params: Params) -> Rows:
    """Give the account's money."""
    return [rows.balance(ex, account)]


def open_positions(ex: Exchange, account: Account, params: Params) -> Rows:
    """Give open positions; a stale or empty list is a fault somebody asked for."""
    if ex.state.switches.get("positions") == "empty":
        return []
    known = [one for one in account.positions.values() if matches(one, params, instId="inst_id", posId="pos_id")]
    found = [rows.position(ex, account, one) for one in known]
    if ex.state.switches.get("blank_fields") == "yes":
        found = [row | dict.fromkeys(("liqPx", "mgnRatio", "upl", "markPx", "mmr"), "") for row in found]
    return found


def positions_history(_ex: Exchange, account: Account, params: Params) -> Rows:
    """Give lifecycles of positions that were reduced, newest first."""
    known = sorted(account.closed, key=lambda one: one.updated)
    known = [
        one for one in known if matches(one, params, instId="inst_id", posId="pos_id", type="type", mgnMode="mode")
    ]
    taken = page(known, params, cursor=lambda one: one.updated // 1_000, at=lambda one: one.updated)
    return [rows.closed(one) for one in taken]


def bills(ex: Exchange, account: Account, params: Params) -> Rows:
    """Give the account's ledger of seven days."""
    return _bills(ex, account, params, 7 * DAY_US)


def bills_archive(ex: Exchange, account: Account, params: Params) -> Rows:
    """Give the account's ledger of three months."""
    return _bills(ex, account, params, 90 * DAY_US)


def _bills(ex: Exchange, account: Account, params: Params, kept: int) -> Rows:
    taken = page_of_history(
        account.bills,
        params,
        number=lambda one: int(one.bill_id),
        at=lambda one: one.at,
        oldest=ex.now - kept,
        keep=lambda one: matches(one, params, type="type", subType="sub_type", instId="inst_id", mgnMode="mode"),
    )
    return [rows.bill(one) for one in taken]


def leverage_info(_ex: Exchange, account: Account, params: Params) -> Rows:
    """Give the leverage of some instruments."""
    mode = str(params.get("mgnMode") or "")
    if mode not in {"cross", "isolated"}:
        raise Denied("51000", "Parameter mgnMode error")
    found = []
    for inst_id in str(params.get("instId") or "").split(","):
        spec = spec_of({"instId": inst_id})
        lever = positions.lever_of(account, spec.inst_id, mode)
        sides = ("net",) if account.pos_mode == "net_mode" else ("long", "short")
        found += [
            {"instId": spec.inst_id, "ccy": "", "mgnMode": mode, "posSide": side, "lever": lever} for side in sides
        ]
    return found


def set_leverage(ex: Exchange, account: Account, params: Params) -> Rows:
    """Set the leverage of an instrument."""
    spec, mode, lever = spec_of(params), str(params.get("mgnMode") or ""), str(params.get("lever") or "")
    if mode not in {"cross", "isolated"}:
        raise Denied("51000", "Parameter mgnMode error")
    refuse_as_asked(ex.state.switches, ex.now, "leverage")
    actors.set_leverage(ex, account, spec.inst_id, mode, lever)
    return [{"lever": lever, "mgnMode": mode, "instId": spec.inst_id, "posSide": str(params.get("posSide") or "")}]


def set_position_mode(_ex: Exchange, account: Account, params: Params) -> Rows:
    """Choose between net and long/short; refused while anything is open."""
    mode = str(params.get("posMode") or "")
    if mode not in {"net_mode", "long_short_mode"}:
        raise Denied("51000", "Parameter posMode error")
    if mode != account.pos_mode and (account.positions or account.orders):
        raise Denied("59000", "Your settings failed as you have positions, bot or open orders.")
    account.pos_mode = mode
    return [{"posMode": mode}]


def max_size(ex: Exchange, account: Account, params: Params) -> Rows:
    """Give the most that could be opened."""
    mode = str(params.get("tdMode") or "")
    found = []
    for inst_id in str(params.get("instId") or "").split(","):
        spec = spec_of({"instId": inst_id})
        most = rows.plain(margins.largest(ex, account, spec.inst_id, mode))
        found.append({"instId": spec.inst_id, "ccy": "USDT", "maxBuy": most, "maxSell": most})
    return found


def max_avail_size(ex: Exchange, account: Account, params: Params) -> Rows:
    """Give the money that could back an order."""
    free = rows.plain(margins.available(ex, account))
    return [{"instId": str(params.get("instId") or ""), "availBuy": free, "availSell": free}]


def trade_fee(ex: Exchange, account: Account, params: Params) -> Rows:
    """Give what trading costs this account: negative is paid; what is listed beside the groups is blank by now."""
    maker, taker = rows.plain(-account.maker), rows.plain(-account.taker)
    asked = params.get("groupId", market_rows.FEE_GROUP) == market_rows.FEE_GROUP
    return [{
        "category": "", "delivery": "", "exercise": "", "instType": "SWAP", "level": account.fee_level, "maker": "",
        "makerU": "", "makerUSDC": "", "taker": "", "takerU": "", "takerUSDC": "",
        "feeGroup": [{"groupId": market_rows.FEE_GROUP, "maker": maker, "taker": taker}] if asked else [],
        "ruleType": "normal", "fiat": [],
        "ts": market_rows.millis(ex.now),
    }]  # fmt: skip


def account_instruments(ex: Exchange, account: Account, params: Params) -> Rows:
    """List the instruments this account may trade."""
    return instruments(ex, account, params)


def rate_limit(ex: Exchange, _account: Account, _params: Params) -> Rows:
    """Give how many orders may be sent."""
    return [{
        "fillRatio": "", "mainFillRatio": "", "accRateLimit": "1000", "nextAccRateLimit": "",
        "ts": market_rows.millis(ex.now),
    }]  # fmt: skip


def order(ex: Exchange, account: Account, params: Params) -> Rows:
    """Give one order; one that was cancelled unfilled is forgotten after two hours."""
    spec_of(params)
    found = ordering.find(account, params)
    lag_us = int(ex.state.switches.get("read_lag_ms", "0")) * 1_000
    if found is not None and ex.now - found.created < lag_us:
        found = None  # another gateway, which has not heard of it yet
    if found is None or found.inst_id != params["instId"] or not _kept(ex, found, 90 * DAY_US):
        raise Denied("51603", "Order does not exist")
    return [rows.order(found)]


def orders_pending(_ex: Exchange, account: Account, params: Params) -> Rows:
    """Give resting orders, newest first."""
    known = [
        one for one in account.orders.values() if matches(one, params, instId="inst_id", ordType="type", state="state")
    ]
    return [
        rows.order(one) for one in page(known, params, cursor=lambda one: int(one.order_id), at=lambda one: one.created)
    ]


def orders_history(ex: Exchange, account: Account, params: Params) -> Rows:
    """Give finished orders of seven days."""
    return _history(ex, account, params, 7 * DAY_US)


def orders_archive(ex: Exchange, account: Account, params: Params) -> Rows:
    """Give finished orders of three months."""
    return _history(ex, account, params, 90 * DAY_US)


def _history(ex: Exchange, account: Account, params: Params, kept: int) -> Rows:
    if not params.get("instType"):
        raise Denied("50014", "Parameter instType can not be empty.")
    known = [
        one
        for one in sorted(account.done, key=lambda one: one.order_id)
        if _kept(ex, one, kept)
        and matches(one, params, instId="inst_id", ordType="type", state="state", category="category")
    ]
    return [
        rows.order(one) for one in page(known, params, cursor=lambda one: int(one.order_id), at=lambda one: one.created)
    ]


def _kept(ex: Exchange, one: Order, kept: int) -> bool:
    if one.state == "canceled" and not one.filled:
        kept = UNFILLED_KEPT_US
    return one.state in {"live", "partially_filled"} or ex.now - one.updated <= kept


def fills(ex: Exchange, account: Account, params: Params) -> Rows:
    """Give executions of three days."""
    return _fills(ex, account, params, 3 * DAY_US)


def fills_history(ex: Exchange, account: Account, params: Params) -> Rows:
    """Give executions of three months."""
    return _fills(ex, account, params, 90 * DAY_US)


def _fills(ex: Exchange, account: Account, params: Params, kept: int) -> Rows:
    taken = page_of_history(
        account.fills,
        params,
        number=lambda one: int(one.bill_id),
        at=lambda one: one.at,
        oldest=ex.now - kept,
        keep=lambda one: matches(one, params, instId="inst_id", ordId="order_id", subType="sub_type"),
    )
    return [rows.fill(one) for one in taken]


def algo(_ex: Exchange, account: Account, params: Params) -> Rows:
    """Give one conditional order."""
    found = algos.find(account, params)
    if found is None:
        raise Denied("51603", "Order does not exist")
    return [rows.algo(found)]


def algos_pending(_ex: Exchange, account: Account, params: Params) -> Rows:
    """Give the conditional orders that wait."""
    return _algos(list(account.algos.values()), params)


def algos_history(_ex: Exchange, account: Account, params: Params) -> Rows:
    """Give conditional orders that are over."""
    if not params.get("state") and not params.get("algoId"):
        raise Denied("50015", "Either parameter state or algoId is required")
    return _algos(account.algos_done, params)


def _algos(known: list[Algo], params: Params) -> Rows:
    if not params.get("ordType"):
        raise Denied("50014", "Parameter ordType can not be empty.")
    wanted = [
        one
        for one in sorted(known, key=lambda one: one.algo_id)
        if matches(one, params, ordType="kind", state="state", instId="inst_id", algoId="algo_id")
    ]
    return [
        rows.algo(one) for one in page(wanted, params, cursor=lambda one: int(one.algo_id), at=lambda one: one.created)
    ]


def risk(ex: Exchange, account: Account, _params: Params) -> Rows:
    """Give positions and money together."""
    return [{
        "adjEq": "", "ts": market_rows.millis(ex.now), "balData": rows.balance(ex, account)["details"],
        "posData": [rows.position(ex, account, one) for one in account.positions.values()],
    }]  # fmt: skip
