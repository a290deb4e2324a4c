"""An account's affairs as OKX spells them; what it leaves blank is blank here too."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from scalpctl.core.money import ZERO, add, multiply
from scalpctl.simulator import margins, positions
from scalpctl.simulator.algos import trailing_trigger
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving.market_rows import millis, text
from scalpctl.simulator.specs import BY_ID
from scalpctl.simulator.state import Account, Algo, Bill, Closed, Fill, Order, Position

Row = dict[str, Any]
CCY = "USDT"


def plain(value: Decimal) -> str:
    """Spell a number without an exponent and without needless zeros."""
    spelled = format(value, "f")
    if "." in spelled:
        spelled = spelled.rstrip("0").rstrip(".")
    return "0" if spelled in {"-0", ""} else spelled


def config(account: Account) -> Row:
    """Give how an account is set up."""
    return {
        "uid": account.uid, "mainUid": account.uid, "acctLv": account.level, "acctStpMode": "cancel_maker",
        "posMode": account.pos_mode, "autoLoan": False, "greeksType": "PA", "feeType": "0", "level": account.fee_level,
        "levelTmp": "", "ctIsoMode": "automatic", "mgnIsoMode": "automatic", "spotOffsetType": "", "stgyType": "0",
        "roleType": "0", "opAuth": "0", "kycLv": "3", "label": "scalpctl", "ip": account.ip,
        "perm": account.permissions,
        "liquidationGear": "-1", "enableSpotBorrow": False, "spotBorrowAutoRepay": False, "type": "0",
        "settleCcy": "", "settleCcyList": [],
    }  # fmt: skip


def balance(ex: Exchange, account: Account) -> Row:
    """Give the account's money."""
    isolated = [one for one in account.positions.values() if one.mode == "isolated"]
    iso_upl = add(*(positions.unrealised(one, ex.mark(one.inst_id)) for one in isolated), ZERO)
    iso_eq = add(*(one.margin for one in isolated), iso_upl)
    upl = margins.cross_unrealised(ex, account)
    equity = add(account.cash, iso_eq, upl)
    crossed = margins.cross(account)
    imr = sum((margins.initial(ex, one) for one in crossed), ZERO)
    mmr = sum((margins.maintenance(ex, one) for one in crossed), ZERO)
    available = margins.available(ex, account)
    ratio = plain(margins.ratio(ex, account, crossed[0])) if crossed else ""
    at = millis(account.bills[-1].at if account.bills else ex.now)
    detail = {
        "ccy": CCY, "eq": plain(equity), "cashBal": plain(account.cash), "uTime": at, "isoEq": plain(iso_eq),
        "availEq": plain(available), "disEq": plain(equity), "fixedBal": "0", "availBal": plain(available),
        "frozenBal": plain(add(equity, -available)), "ordFrozen": plain(_frozen(account)), "liab": "0",
        "upl": plain(upl),
        "uplLiab": "0", "crossLiab": "0", "isoLiab": "0", "mgnRatio": ratio, "interest": "0", "twap": "0",
        "maxLoan": "0", "eqUsd": plain(equity), "borrowFroz": "0", "notionalLever": "0", "stgyEq": "0",
        "isoUpl": plain(iso_upl), "spotInUseAmt": "", "clSpotInUseAmt": "", "maxSpotInUse": "", "spotIsoBal": "0",
        "smtSyncEq": "0", "imr": plain(imr), "mmr": plain(mmr), "coinUsdPrice": "1", "spotBal": "", "openAvgPx": "",
    }  # fmt: skip
    return {
        "uTime": at, "totalEq": plain(equity), "isoEq": plain(iso_eq), "adjEq": "", "availEq": "", "ordFroz": "",
        "imr": "", "mmr": "", "borrowFroz": "", "mgnRatio": "", "notionalUsd": "", "notionalUsdForSwap": "", "upl": "",
        "details": [detail],
    }  # fmt: skip


def _frozen(account: Account) -> Decimal:
    from scalpctl.simulator.matching import frozen

    return frozen(account)


def position(ex: Exchange, account: Account, one: Position) -> Row:
    """Give a position; one that is gone has zero contracts and blanks."""
    spec = BY_ID[one.inst_id]
    gone = not one.contracts
    mark = ex.mark(one.inst_id)
    upl = positions.unrealised(one, mark)
    worth = positions.value_of(spec, abs(one.contracts), mark)
    opened = positions.value_of(spec, abs(one.contracts), one.average)
    isolated = one.mode == "isolated"
    liquidation = None if gone else margins.liquidation_price(account, one)
    last = text(spec, ex.market(one.inst_id).last)
    closers = [
        {
            "algoId": algo.algo_id, "slTriggerPx": "" if algo.stop is None else plain(algo.stop),
            "slTriggerPxType": algo.stop_type, "tpTriggerPx": "" if algo.take is None else plain(algo.take),
            "tpTriggerPxType": algo.take_type, "closeFraction": "1",
        }
        for algo in account.algos.values()
        if algo.inst_id == one.inst_id and algo.fraction
    ]  # fmt: skip
    return {
        "instType": "SWAP", "mgnMode": one.mode, "posId": one.pos_id, "posSide": one.pos_side,
        "pos": plain(one.contracts if one.pos_side == "net" else abs(one.contracts)), "hedgedPos": "", "posCcy": "",
        "availPos": "", "avgPx": "" if gone else plain(one.average), "nonSettleAvgPx": "", "markPx": plain(mark),
        "upl": "" if gone else plain(upl),
        "uplRatio": "" if gone else plain((upl * Decimal(one.lever) / opened).quantize(Decimal("1E-10"))),
        "uplLastPx": "" if gone else plain(upl), "uplRatioLastPx": "", "instId": one.inst_id, "lever": one.lever,
        "liqPx": "" if liquidation is None else plain(liquidation.quantize(Decimal("1E-8"))),
        "imr": "" if isolated or gone else plain(margins.initial(ex, one)),
        "margin": plain(one.margin) if isolated and not gone else "",
        "mgnRatio": "" if gone else plain(margins.ratio(ex, account, one).quantize(Decimal("1E-12"))),
        "mmr": "" if gone else plain(margins.maintenance(ex, one)), "liab": "", "liabCcy": "", "interest": "",
        "tradeId": one.trade_id, "optVal": "", "pendingCloseOrdLiabVal": "",
        "notionalUsd": "" if gone else plain(worth), "adl": "1", "ccy": CCY, "last": last, "idxPx": last,
        "usdPx": "1", "bePx": "" if gone else _break_even(account, one), "realizedPnl": plain(_realised(one)),
        "settledPnl": "", "pnl": plain(one.realised), "fee": plain(one.fee), "fundingFee": plain(one.funding),
        "liqPenalty": plain(one.penalty), "closeOrderAlgo": closers, "spotInUseAmt": "", "clSpotInUseAmt": "",
        "maxSpotInUseAmt": "", "bizRefId": "", "bizRefType": "", "spotInUseCcy": "", "cTime": millis(one.created),
        "uTime": millis(one.updated),
    }  # fmt: skip


def _realised(one: Position | Closed) -> Decimal:
    pnl = one.realised if isinstance(one, Position) else one.pnl
    return add(pnl, one.fee, one.funding, one.penalty)


def _break_even(account: Account, one: Position) -> str:
    spec = BY_ID[one.inst_id]
    coins = multiply(abs(one.contracts), spec.ct_val)
    worth = multiply(coins, one.average)
    paid = add(one.fee, one.funding)
    if one.contracts > 0:
        price = (worth - paid) / (coins * (1 - account.taker))
    else:
        price = (worth + paid) / (coins * (1 + account.taker))
    return plain(price.quantize(Decimal("1E-8")))


def closed(one: Closed) -> Row:
    """Give a lifecycle that has been reduced."""
    spec = BY_ID[one.inst_id]
    realised = _realised(one)
    worth = positions.value_of(spec, one.largest, one.open_average)
    share = (realised * Decimal(one.lever) / worth).quantize(Decimal("1E-10")) if worth else ZERO
    return {
        "instType": "SWAP", "instId": one.inst_id, "mgnMode": one.mode, "type": one.type, "cTime": millis(one.created),
        "uTime": millis(one.updated), "openAvgPx": plain(one.open_average), "nonSettleAvgPx": "",
        "closeAvgPx": plain(one.close_average), "posId": one.pos_id, "openMaxPos": plain(one.largest),
        "closeTotalPos": plain(one.closed), "realizedPnl": plain(realised), "settledPnl": "",
        "pnlRatio": plain(share), "fee": plain(one.fee), "fundingFee": plain(one.funding),
        "liqPenalty": plain(one.penalty), "pnl": plain(one.pnl), "posSide": one.pos_side, "lever": one.lever,
        "direction": one.direction, "triggerPx": one.trigger, "uly": spec.family, "ccy": CCY,
    }  # fmt: skip


def order(one: Order) -> Row:
    """Give an order as REST does."""
    spec = BY_ID[one.inst_id]
    average = "" if not one.filled else plain((one.value / one.filled).quantize(Decimal("1E-12")))
    return {
        "instType": "SWAP", "instId": one.inst_id, "tgtCcy": "", "ccy": "", "ordId": one.order_id,
        "clOrdId": one.client_id, "tag": one.tag, "px": "" if one.price is None else text(spec, one.price),
        "pxUsd": "", "pxVol": "", "pxType": "", "sz": plain(one.contracts), "pnl": plain(one.pnl), "ordType": one.type,
        "side": one.side, "posSide": one.pos_side, "tdMode": one.mode, "accFillSz": plain(one.filled),
        "fillPx": one.last_price, "tradeId": one.last_fill, "fillSz": one.last_size or "0",
        "fillTime": millis(one.last_at) if one.last_at else "", "avgPx": average, "state": one.state, "stpId": "",
        "stpMode": one.stp, "lever": one.lever, "attachAlgoClOrdId": "", "tpTriggerPx": "", "tpTriggerPxType": "",
        "tpOrdPx": "", "slTriggerPx": "", "slTriggerPxType": "", "slOrdPx": "", "attachAlgoOrds": one.attached,
        "linkedAlgoOrd": {"algoId": ""}, "feeCcy": CCY, "fee": plain(one.fee), "rebateCcy": CCY, "rebate": "0",
        "source": one.source, "category": one.category, "reduceOnly": "true" if one.reduce_only else "false",
        "isTpLimit": "false", "cancelSource": one.cancel_source, "cancelSourceReason": "", "quickMgnType": "",
        "algoClOrdId": one.algo_client_id, "algoId": one.algo_id, "uTime": millis(one.updated),
        "cTime": millis(one.created), "tradeQuoteCcy": "",
    }  # fmt: skip


def order_push(ex: Exchange, one: Order, fill: Fill | None) -> Row:
    """Give an order as its channel does, with this update's execution."""
    row = order(one)
    last = plain(ex.last(one.inst_id))
    row |= {
        "avgPx": row["avgPx"] or "0", "notionalUsd": "", "fillPnl": "0", "fillFee": "0", "fillFeeCcy": "",
        "fillNotionalUsd": "", "fillPxVol": "", "fillPxUsd": "", "fillMarkVol": "", "fillFwdPx": "", "fillMarkPx": "",
        "fillIdxPx": "", "execType": "", "lastPx": last, "amendSource": "", "amendResult": "", "reqId": "", "code": "0",
        "msg": "",
    }  # fmt: skip
    if fill is None:
        row |= {"fillPx": "", "fillSz": "0", "tradeId": "", "fillTime": ""}
        return row
    row |= {
        "fillPx": plain(fill.price), "fillSz": plain(fill.contracts), "tradeId": one.last_fill,
        "fillTime": millis(fill.at), "fillPnl": plain(fill.pnl), "fillFee": plain(fill.fee), "fillFeeCcy": CCY,
        "execType": fill.liquidity, "fillMarkPx": fill.mark,
    }  # fmt: skip
    return row


def fill(one: Fill) -> Row:
    """Give an execution."""
    return {
        "instType": "SWAP", "instId": one.inst_id, "tradeId": one.trade_id, "ordId": one.order_id,
        "clOrdId": one.client_id, "billId": one.bill_id, "subType": one.sub_type, "tag": one.tag,
        "fillPx": plain(one.price), "fillSz": plain(one.contracts), "fillIdxPx": one.mark, "fillPnl": plain(one.pnl),
        "fillPxVol": "", "fillPxUsd": "", "fillMarkVol": "", "fillFwdPx": "", "fillMarkPx": one.mark, "side": one.side,
        "posSide": one.pos_side, "execType": one.liquidity, "feeCcy": CCY, "fee": plain(one.fee), "ts": millis(one.at),
        "fillTime": millis(one.at), "feeRate": "", "tradeQuoteCcy": "",
    }  # fmt: skip


def bill(one: Bill) -> Row:
    """Give a line of the account's ledger."""
    return {
        "instType": "SWAP" if one.inst_id else "", "billId": one.bill_id, "type": one.type, "subType": one.sub_type,
        "ts": millis(one.at), "balChg": plain(one.change), "posBalChg": plain(one.position_change),
        "bal": plain(one.balance), "posBal": plain(one.position_balance), "sz": one.contracts or "0",
        "px": one.price, "ccy": CCY, "pnl": plain(one.pnl), "fee": plain(one.fee), "earnAmt": "", "earnApr": "",
        "mgnMode": one.mode, "instId": one.inst_id, "ordId": one.order_id, "execType": one.liquidity, "from": "",
        "to": "", "notes": "", "interest": "0", "tag": one.tag, "fillTime": millis(one.at) if one.trade_id else "",
        "tradeId": one.trade_id, "clOrdId": one.client_id, "fillIdxPx": "", "fillMarkPx": "", "fillPxVol": "",
        "fillPxUsd": "", "fillMarkVol": "", "fillFwdPx": "",
    }  # fmt: skip


def algo(one: Algo) -> Row:
    """Give a conditional order."""
    trailing = trailing_trigger(one) if one.kind == "move_order_stop" else None
    return {
        "instType": "SWAP", "instId": one.inst_id, "ccy": "", "ordId": one.orders[0] if one.orders else "",
        "ordIdList": one.orders, "algoId": one.algo_id, "clOrdId": "",
        "sz": "" if one.contracts is None else plain(one.contracts), "closeFraction": one.fraction, "ordType": one.kind,
        "side": one.side, "posSide": one.pos_side, "tdMode": one.mode, "tgtCcy": "", "state": one.state, "lever": "",
        "tpTriggerPx": "" if one.take is None else plain(one.take),
        "tpTriggerPxType": one.take_type if one.take is not None else "",
        "tpOrdPx": one.take_price if one.take is not None else "",
        "slTriggerPx": "" if one.stop is None else plain(one.stop),
        "slTriggerPxType": one.stop_type if one.stop is not None else "",
        "slOrdPx": one.stop_price if one.stop is not None else "",
        "triggerPx": "" if one.trigger is None else plain(one.trigger),
        "triggerPxType": one.trigger_type if one.trigger is not None else "",
        "ordPx": one.order_price if one.trigger is not None else "", "advanceOrdType": "",
        "actualSz": one.actual_size, "actualPx": one.actual_price, "actualSide": one.actual_side, "tag": one.tag,
        "triggerTime": millis(one.triggered) if one.triggered else "", "pxVar": "", "pxSpread": "", "szLimit": "",
        "pxLimit": "", "timeInterval": "", "callbackRatio": "" if one.callback is None else plain(one.callback),
        "callbackSpread": "" if one.spread is None else plain(one.spread),
        "activePx": "" if one.active is None else plain(one.active),
        "moveTriggerPx": "" if trailing is None else plain(trailing),
        "reduceOnly": "true" if one.reduce_only else "false", "quickMgnType": "", "last": one.last,
        "failCode": one.fail_code, "algoClOrdId": one.client_id, "amendPxOnTriggerType": "0", "attachAlgoOrds": [],
        "linkedOrd": {"ordId": ""}, "cTime": millis(one.created), "uTime": millis(one.updated),
        "isTradeBorrowMode": "", "chaseType": "", "chaseVal": "", "maxChaseType": "", "maxChaseVal": "",
        "tradeQuoteCcy": "",
    }  # fmt: skip
