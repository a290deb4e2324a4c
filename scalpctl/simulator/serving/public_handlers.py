"""Public endpoints."""

from __future__ import annotations

from typing import Any

from scalpctl.simulator.denied import Denied
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving import market_rows as rows
from scalpctl.simulator.serving.pages import Params, limit_of, page
from scalpctl.simulator.specs import BY_ID, SPECS, Spec
from scalpctl.simulator.state import Account, Market

Rows = list[Any]
BARS = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1H": 60, "2H": 120, "4H": 240, "6H": 360, "6Hutc": 360,
    "12H": 720, "12Hutc": 720, "1D": 1440, "1Dutc": 1440,
}  # fmt: skip
OTHER_TYPES = ("SPOT", "MARGIN", "FUTURES", "OPTION", "ANY")


def spec_of(params: Params, name: str = "instId") -> Spec:
    """Give the instrument a request names."""
    inst_id = str(params.get(name) or "")
    if not inst_id:
        raise Denied("50014", f"Parameter {name} can not be empty.")
    if inst_id not in BY_ID:
        raise Denied("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    return BY_ID[inst_id]


def _swaps(ex: Exchange, params: Params) -> list[Market]:
    kind = str(params.get("instType") or "")
    if not kind:
        raise Denied("50014", "Parameter instType can not be empty.")
    if kind in OTHER_TYPES:
        return []
    if kind != "SWAP":
        raise Denied("51000", "Parameter instType error")
    wanted = str(params.get("instId") or "")
    family = str(params.get("instFamily") or params.get("uly") or "")
    return [
        market
        for market in ex.state.markets.values()
        if (not wanted or market.inst_id == wanted) and (not family or BY_ID[market.inst_id].family == family)
    ]


def time(ex: Exchange, _account: Account | None, _params: Params) -> Rows:
    """Give the exchange's clock."""
    return [{"ts": rows.millis(ex.now)}]


def instruments(ex: Exchange, _account: Account | None, params: Params) -> Rows:
    """List instruments; other types than swaps are empty here."""
    return [rows.instrument(market) for market in _swaps(ex, params)]


def tickers(ex: Exchange, _account: Account | None, params: Params) -> Rows:
    """Give every ticker."""
    return [rows.ticker(market, ex.now) for market in _swaps(ex, params)]


def ticker(ex: Exchange, _account: Account | None, params: Params) -> Rows:
    """Give one ticker."""
    return [rows.ticker(ex.market(spec_of(params).inst_id), ex.now)]


def books(ex: Exchange, _account: Account | None, params: Params) -> Rows:
    """Give a book."""
    depth = str(params.get("sz") or "1")
    if not depth.isdecimal() or not 1 <= int(depth) <= 400:
        raise Denied("51000", "Parameter sz error")
    return [rows.book(ex.market(spec_of(params).inst_id), ex.now, int(depth), with_id=False)]


def candles(ex: Exchange, _account: Account | None, params: Params) -> Rows:
    """Give candles, newest first; the newest is still open."""
    bar = str(params.get("bar") or "1m")
    if bar not in BARS:
        raise Denied("51000", "Parameter bar error")
    spec, minutes = spec_of(params), BARS[bar]
    known = rows.candles(ex.market(spec.inst_id), minutes)
    taken = page(known, params, cursor=lambda one: one.at // 1_000, at=lambda one: one.at, most=300)
    return [rows.candle(spec, one, confirmed=one.at + minutes * 60_000_000 <= ex.now) for one in taken]


def mark_candles(ex: Exchange, account: Account | None, params: Params) -> Rows:
    """Give candles of the mark price: prices without volumes."""
    return [[*row[:5], row[-1]] for row in candles(ex, account, params)]


def trades(ex: Exchange, _account: Account | None, params: Params) -> Rows:
    """Give the latest trades."""
    return rows.trades(ex.market(spec_of(params).inst_id), limit_of(params, 500))


def mark_price(ex: Exchange, _account: Account | None, params: Params) -> Rows:
    """Give mark prices."""
    return [rows.mark_price(ex, market.inst_id) for market in _swaps(ex, params)]


def index_tickers(ex: Exchange, _account: Account | None, params: Params) -> Rows:
    """Give index prices."""
    wanted = str(params.get("instId") or "")
    known = [market for market in ex.state.markets.values() if not wanted or BY_ID[market.inst_id].family == wanted]
    return [rows.index(ex, market) for market in known]


def funding_rate(ex: Exchange, _account: Account | None, params: Params) -> Rows:
    """Give funding forecasts."""
    if params.get("instId") == "ANY":
        return [rows.funding(ex, market) for market in ex.state.markets.values()]
    return [rows.funding(ex, ex.market(spec_of(params).inst_id))]


def funding_history(ex: Exchange, _account: Account | None, params: Params) -> Rows:
    """Give settled funding rates."""
    market = ex.market(spec_of(params).inst_id)
    taken = page(
        market.funding_history, params, cursor=lambda one: one[0] // 1_000, at=lambda one: one[0], most=400
    )  # fmt: skip
    return [
        {
            "instType": "SWAP", "instId": market.inst_id, "formulaType": "noRate", "fundingRate": rate,
            "realizedRate": rate, "fundingTime": rows.millis(at), "method": "current_period",
        }
        for at, rate in taken
    ]  # fmt: skip


def price_limit(ex: Exchange, _account: Account | None, params: Params) -> Rows:
    """Give the band orders must lie in."""
    return [rows.price_limit(ex, spec_of(params).inst_id)]


def tiers(_ex: Exchange, _account: Account | None, params: Params) -> Rows:
    """Give margin tiers."""
    for name in ("instType", "tdMode"):
        if not params.get(name):
            raise Denied("50014", f"Parameter {name} can not be empty.")
    wanted = str(params.get("instFamily") or params.get("uly") or "").split(",")
    return [row for spec in SPECS if spec.family in wanted for row in rows.tiers(spec)]


def open_interest(ex: Exchange, _account: Account | None, params: Params) -> Rows:
    """Give open interest."""
    return [
        {
            "instType": "SWAP", "instId": market.inst_id, "oi": "1000000", "oiCcy": "10000", "oiUsd": "1000000000",
            "ts": rows.millis(ex.now),
        }
        for market in _swaps(ex, params)
    ]  # fmt: skip


def status(ex: Exchange, _account: Account | None, _params: Params) -> Rows:
    """Give maintenance that is announced or under way."""
    return list(ex.state.status)


def nothing(_ex: Exchange, _account: Account | None, _params: Params) -> Rows:
    """Answer with nothing, where an ordinary client asks for what this exchange does not have."""
    return []


def currencies(_ex: Exchange, _account: Account | None, _params: Params) -> Rows:
    """List the one currency there is."""
    return [{
        "ccy": "USDT", "name": "Tether", "chain": "USDT-ERC20", "canDep": False, "canWd": False, "canInternal": False,
        "minDep": "0", "minWd": "0", "maxWd": "0", "wdTickSz": "8", "wdQuota": "0", "usedWdQuota": "0", "fee": "0",
        "minFee": "0", "maxFee": "0", "mainNet": True, "needTag": False, "minDepArrivalConfirm": "1",
        "minWdUnlockConfirm": "1", "depQuotaFixed": "", "usedDepQuotaFixed": "", "depQuoteDailyLayer2": "",
        "logoLink": "", "ctAddr": "", "burningFeeRate": "",
    }]  # fmt: skip
