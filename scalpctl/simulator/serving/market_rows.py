"""Public data as OKX spells it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.matching import limits
from scalpctl.simulator.specs import BY_ID, Spec
from scalpctl.simulator.state import Candle, Market
from scalpctl.simulator.worlds import LEVELS

Row = dict[str, Any]
FEE_GROUP = "4"
"""The group of fee rates every instrument here is in."""
_DECIMALS: dict[str, tuple[int, int]] = {}


def text(spec: Spec, ticks: int) -> str:
    """Spell a price given in ticks, with the instrument's digits."""
    known = _DECIMALS.get(spec.base)
    if known is None:
        exponent = -int(spec.tick.as_tuple().exponent)
        known = _DECIMALS[spec.base] = (exponent, int(spec.tick.scaleb(exponent)))
    digits, unit = known
    value = str(ticks * unit)
    if not digits:
        return value
    value = value.rjust(digits + 1, "0")
    return f"{value[:-digits]}.{value[-digits:]}"


def size(spec: Spec, contracts: float) -> str:
    """Spell contracts in whole lots."""
    lots = round(contracts / float(spec.lot))
    return format(spec.lot * lots, "f")


def millis(at: int) -> str:
    """Spell an instant in milliseconds."""
    return str(at // 1_000)


def instrument(market: Market) -> Row:
    """Give an instrument's specification."""
    spec = BY_ID[market.inst_id]
    most = format(spec.limit_max, "f")
    return {
        "instType": "SWAP", "instId": spec.inst_id, "instIdCode": spec.code, "instFamily": spec.family,
        "uly": spec.family, "category": "1", "instCategory": "1", "groupId": FEE_GROUP, "baseCcy": "", "quoteCcy": "",
        "settleCcy": "USDT", "ctVal": format(spec.ct_val, "f"), "ctMult": "1", "ctValCcy": spec.base,
        "ctType": "linear", "optType": "", "stk": "", "listTime": "1573557408000",
        "expTime": millis(market.expires_at) if market.expires_at else "", "alias": "",
        "lever": str(spec.leverage_max), "tickSz": format(spec.tick, "f"), "lotSz": format(spec.lot, "f"),
        "minSz": format(spec.min_contracts, "f"), "state": market.state, "ruleType": "normal", "openType": "",
        "maxLmtSz": most, "maxMktSz": most, "maxLmtAmt": "20000000", "maxMktAmt": "", "maxTwapSz": most,
        "maxIcebergSz": most, "maxTriggerSz": most, "maxStopSz": most, "initPxLmtPct": "0.02",
        "floatPxLmtPct": "0.005", "maxPxLmtPct": "0.02", "posLmtAmt": "", "posLmtPct": "", "maxPlatOILmt": "",
        "futureSettlement": False, "contTdSwTime": "", "upcChg": [], "tradeQuoteCcyList": [],
    }  # fmt: skip


def ticker(market: Market, now: int) -> Row:
    """Give last trade and best quotes."""
    spec = BY_ID[market.inst_id]
    ago = market.candles[-1440].open if len(market.candles) >= 1440 else market.candles[0].open
    last_size = market.trades[-1][2] if market.trades else float(spec.lot)
    volume = size(spec, market.volume + 1_000)
    return {
        "instType": "SWAP", "instId": market.inst_id, "last": text(spec, market.last),
        "lastSz": size(spec, last_size), "askPx": text(spec, market.ask), "askSz": size(spec, market.sizes[LEVELS]),
        "bidPx": text(spec, market.bid), "bidSz": size(spec, market.sizes[0]), "open24h": text(spec, ago),
        "high24h": text(spec, market.day_high), "low24h": text(spec, market.day_low),
        "volCcy24h": format(Decimal(volume) * spec.ct_val, "f"), "vol24h": volume, "sodUtc0": text(spec, ago),
        "sodUtc8": text(spec, ago), "ts": millis(now),
    }  # fmt: skip


def ticker_frame(market: Market, now: int) -> bytes:
    """Give a whole tickers push; the busiest frame there is, so it is spelled directly."""
    spec = BY_ID[market.inst_id]
    bid, ask, last = text(spec, market.bid), text(spec, market.ask), text(spec, market.last)
    return (
        f'{{"arg":{{"channel":"tickers","instId":"{market.inst_id}"}},"data":[{{"instType":"SWAP",'
        f'"instId":"{market.inst_id}","last":"{last}","lastSz":"1","askPx":"{ask}",'
        f'"askSz":"{size(spec, market.sizes[LEVELS])}","bidPx":"{bid}","bidSz":"{size(spec, market.sizes[0])}",'
        f'"open24h":"{text(spec, market.day_open)}","high24h":"{text(spec, market.day_high)}",'
        f'"low24h":"{text(spec, market.day_low)}","volCcy24h":"0","vol24h":"0","sodUtc0":"","sodUtc8":"",'
        f'"ts":"{now // 1_000}"}}]}}'
    ).encode()


def mark_frame(market: Market, mark: str, now: int) -> bytes:
    """Give a whole mark-price push."""
    return (
        f'{{"arg":{{"channel":"mark-price","instId":"{market.inst_id}"}},"data":[{{"instType":"SWAP",'
        f'"instId":"{market.inst_id}","markPx":"{mark}","ts":"{now // 1_000}"}}]}}'
    ).encode()


def book(market: Market, now: int, depth: int, *, with_id: bool) -> Row:
    """Give the best levels of a book."""
    spec = BY_ID[market.inst_id]
    levels = min(depth, LEVELS)
    row: Row = {
        "asks": [[text(spec, market.ask + n), size(spec, market.sizes[LEVELS + n]), "0", "3"] for n in range(levels)],
        "bids": [[text(spec, max(1, market.bid - n)), size(spec, market.sizes[n]), "0", "3"] for n in range(levels)],
        "ts": millis(now), "seqId": market.sequence,
    }  # fmt: skip
    if with_id:
        row["instId"] = market.inst_id
        row["prevSeqId"] = -1
    return row


def trades(market: Market, count: int) -> list[Row]:
    """Give the latest public trades, newest first."""
    spec = BY_ID[market.inst_id]
    return [
        {
            "instId": market.inst_id, "tradeId": trade_id, "px": text(spec, price), "sz": size(spec, contracts),
            "side": side, "ts": millis(at), "count": "1", "source": "0", "seqId": int(trade_id),
        }
        for trade_id, price, contracts, side, at in reversed(market.trades[-count:])
    ]  # fmt: skip


def candle(spec: Spec, one: Candle, *, confirmed: bool) -> list[str]:
    """Give one candle."""
    contracts = size(spec, one.contracts)
    coins = Decimal(contracts) * spec.ct_val
    close = text(spec, one.close)
    return [
        millis(one.at), text(spec, one.open), text(spec, one.high), text(spec, one.low), close, contracts,
        format(coins, "f"), format(coins * Decimal(close), "f"), "1" if confirmed else "0",
    ]  # fmt: skip


def candles(market: Market, minutes: int) -> list[Candle]:
    """Give all candles of a bar, oldest first."""
    if minutes == 1:
        return market.candles
    span = minutes * 60_000_000
    folded: list[Candle] = []
    for one in market.candles:
        at = one.at - one.at % span
        if folded and folded[-1].at == at:
            last = folded[-1]
            last.high, last.low, last.close = max(last.high, one.high), min(last.low, one.low), one.close
            last.contracts += one.contracts
        else:
            folded.append(Candle(at, one.open, one.high, one.low, one.close, one.contracts))
    return folded


def mark_price(ex: Exchange, inst_id: str) -> Row:
    """Give the mark price."""
    return {"instType": "SWAP", "instId": inst_id, "markPx": format(ex.mark(inst_id), "f"), "ts": millis(ex.now)}


def funding(ex: Exchange, market: Market) -> Row:
    """Give the funding forecast and the last settled rate."""
    every = ex.state.funding_every_s * 1_000_000
    settled = market.funding_history[-1][1] if market.funding_history else "0.0001"
    return {
        "instType": "SWAP", "instId": market.inst_id, "method": "current_period", "formulaType": "noRate",
        "fundingRate": market.funding_rate, "nextFundingRate": "", "fundingTime": millis(market.funding_at),
        "nextFundingTime": millis(market.funding_at + every), "prevFundingTime": millis(market.funding_at - every),
        "minFundingRate": "-0.00375", "maxFundingRate": "0.00375", "interestRate": "0.0001", "impactValue": "20000",
        "settState": "settled", "settFundingRate": settled, "premium": "0.0001", "ts": millis(ex.now),
    }  # fmt: skip


def price_limit(ex: Exchange, inst_id: str) -> Row:
    """Give the band orders must lie in."""
    highest, lowest = limits(ex, inst_id)
    spec = BY_ID[inst_id]
    return {
        "instType": "SWAP", "instId": inst_id, "buyLmt": text(spec, highest), "sellLmt": text(spec, lowest),
        "ts": millis(ex.now), "enabled": True,
    }  # fmt: skip


def index(ex: Exchange, market: Market) -> Row:
    """Give the index a swap follows."""
    spec = BY_ID[market.inst_id]
    value = text(spec, int(market.index))
    return {
        "instId": spec.family, "idxPx": value, "high24h": value, "low24h": value, "open24h": value, "sodUtc0": value,
        "sodUtc8": value, "ts": millis(ex.now),
    }  # fmt: skip


def tiers(spec: Spec) -> list[Row]:
    """Give the margin tiers."""
    rows, least = [], Decimal(0)
    for number, tier in enumerate(spec.tiers(), 1):
        rows.append({
            "uly": spec.family, "instFamily": spec.family, "instId": "", "tier": str(number),
            "minSz": format(least, "f"), "maxSz": format(tier.contracts_max, "f"), "mmr": format(tier.mmr, "f"),
            "imr": format((Decimal(1) / tier.leverage_max).quantize(Decimal("1E-6")), "f"),
            "maxLever": str(tier.leverage_max), "optMgnFactor": "0", "quoteMaxLoan": "", "baseMaxLoan": "",
        })  # fmt: skip
        least = tier.contracts_max
    return rows
