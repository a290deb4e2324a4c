"""Documented shapes with invented values, and what the tests of the client build from them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from scalpctl.core.exchange.connections import ConnectionEvent
from scalpctl.core.exchange.requests import MarginMode, OrderType, PlaceOrder
from scalpctl.core.instants import Instant, after
from scalpctl.core.money import Contracts
from scalpctl.core.sides import Action
from scalpctl.host.hand_clock import HandClock
from scalpctl.okx.account_reader import OkxAccountReader
from scalpctl.okx.credentials import Credentials
from scalpctl.okx.rate_limits import RateLimiter
from scalpctl.okx.rest import RestClient
from scalpctl.okx.rest_trading import RestTrading
from scalpctl.okx.transport import Request, Response

T0 = Instant(1_795_162_530_123_000)

ORDER_PUSH: dict[str, Any] = json.loads(
    """{"instType":"SWAP","instId":"BTC-USDT-SWAP","ordId":"900000000000000007","clOrdId":"sc0000000007",
    "tag":"scalpctl","px":"65000","sz":"10","notionalUsd":"6499.5","ordType":"post_only","side":"sell","posSide":"net",
    "tdMode":"isolated","fillPx":"65000","tradeId":"150000009","fillSz":"10","fillPnl":"100","fillTime":"1795163000121",
    "fillFee":"-1.3","fillFeeCcy":"USDT","fillNotionalUsd":"6499.5","fillMarkPx":"64995.2","fillIdxPx":"64990.1",
    "fillPxVol":"","fillPxUsd":"","fillMarkVol":"","fillFwdPx":"","execType":"M","accFillSz":"10","avgPx":"65000",
    "state":"filled","lever":"10","feeCcy":"USDT","fee":"-1.3","rebateCcy":"USDT","rebate":"0","pnl":"100","source":"",
    "cancelSource":"","amendSource":"","category":"normal","isTpLimit":"false","uTime":"1795163000123",
    "cTime":"1795162900000","reqId":"","amendResult":"","reduceOnly":"true","algoClOrdId":"","algoId":"",
    "lastPx":"65000","code":"0","msg":"","attachAlgoOrds":[],"attachAlgoClOrdId":"","linkedAlgoOrd":{"algoId":""},
    "slOrdPx":"","slTriggerPx":"","slTriggerPxType":"","tpOrdPx":"","tpTriggerPx":"","tpTriggerPxType":"","stpId":"",
    "stpMode":"cancel_maker","quickMgnType":"","tgtCcy":"","ccy":"","pxUsd":"","pxVol":"","pxType":"",
    "tradeQuoteCcy":""}"""
)
POSITION: dict[str, Any] = json.loads(
    """{"instType":"SWAP","instId":"BTC-USDT-SWAP","mgnMode":"isolated","posId":"810000000000000001","posSide":"net",
    "pos":"25","posCcy":"","availPos":"","avgPx":"64000","markPx":"64800","upl":"200","uplRatio":"0.125",
    "uplLastPx":"198","uplRatioLastPx":"0.12375","lever":"10","liqPx":"57860.4","imr":"","margin":"1600",
    "mgnRatio":"24.691358024691358","mmr":"64.8","liab":"","liabCcy":"","interest":"","tradeId":"150000001","optVal":"",
    "pendingCloseOrdLiabVal":"","notionalUsd":"16198.5","adl":"1","ccy":"USDT","last":"64792","idxPx":"64790",
    "usdPx":"0.9999","bePx":"64064.03","realizedPnl":"-8","settledPnl":"","nonSettleAvgPx":"","pnl":"0","fee":"-8",
    "fundingFee":"0","liqPenalty":"0","closeOrderAlgo":[],"hedgedPos":"","spotInUseAmt":"","spotInUseCcy":"",
    "clSpotInUseAmt":"","maxSpotInUseAmt":"","bizRefId":"","bizRefType":"","cTime":"1795162000000",
    "uTime":"1795162000000"}"""
)
FILL: dict[str, Any] = json.loads(
    """{"instType":"SWAP","instId":"BTC-USDT-SWAP","tradeId":"150000009","ordId":"900000000000000007",
    "clOrdId":"sc0000000007","billId":"820000000000000031","subType":"2","tag":"scalpctl","fillPx":"65000",
    "fillSz":"10","fillIdxPx":"64990.1","fillPnl":"100","fillPxVol":"","fillPxUsd":"","fillMarkVol":"","fillFwdPx":"",
    "fillMarkPx":"64995.2","side":"sell","posSide":"net","execType":"M","feeCcy":"USDT","fee":"-1.3",
    "ts":"1795163000124","fillTime":"1795163000121","feeRate":"","tradeQuoteCcy":""}"""
)
ALGO: dict[str, Any] = json.loads(
    """{"instType":"SWAP","instId":"BTC-USDT-SWAP","algoId":"830000000000000001","algoClOrdId":"scsl000000001",
    "ordType":"conditional","side":"sell","posSide":"net","tdMode":"isolated","sz":"25","closeFraction":"",
    "reduceOnly":"true","state":"effective","slTriggerPx":"63500","slTriggerPxType":"mark","slOrdPx":"-1",
    "tpTriggerPx":"","tpOrdPx":"","actualSide":"sl","actualSz":"25","actualPx":"63488.2",
    "triggerTime":"1795164000000","ordIdList":["900000000000000021"],"failCode":"","cTime":"1795162001000",
    "uTime":"1795164000050"}"""
)
BILL: dict[str, Any] = json.loads(
    """{"billId":"820000000000000001","type":"8","subType":"173","instType":"SWAP","instId":"BTC-USDT-SWAP",
    "mgnMode":"cross","ccy":"USDT","balChg":"-1.62","bal":"9998.38","posBalChg":"0","posBal":"0","sz":"25",
    "px":"64800","pnl":"-1.62","fee":"0","ordId":"","tradeId":"","clOrdId":"","execType":"","from":"","to":"",
    "notes":"","interest":"0","tag":"","fillTime":"","ts":"1795190400712"}"""
)
CONFIG: dict[str, Any] = json.loads(
    """{"uid":"700000000000001","mainUid":"700000000000001","acctLv":"2","posMode":"net_mode",
    "acctStpMode":"cancel_maker","ctIsoMode":"automatic","mgnIsoMode":"automatic","perm":"read_only,trade",
    "level":"Lv1","levelTmp":"","label":"scalpctl","ip":"","kycLv":"2","greeksType":"PA","feeType":"0","type":"0",
    "stgyType":"0","roleType":"0","traderInsts":[],"spotRoleType":"0","spotTraderInsts":[],"opAuth":"0",
    "liquidationGear":"-1","autoLoan":false,"enableSpotBorrow":false,"spotBorrowAutoRepay":false,
    "spotOffsetType":"","settleCcy":"","settleCcyList":[]}"""
)
INSTRUMENT: dict[str, Any] = json.loads(
    """{"instType":"SWAP","instId":"BTC-USDT-SWAP","instIdCode":10459,"instFamily":"BTC-USDT","uly":"BTC-USDT",
    "settleCcy":"USDT","ctType":"linear","ctVal":"0.01","ctMult":"1","ctValCcy":"BTC","tickSz":"0.1","lotSz":"0.01",
    "minSz":"0.01","lever":"100","state":"live","ruleType":"normal","maxLmtSz":"100000000","maxMktSz":"35000",
    "maxPlatOILmt":"","groupId":"4","instCategory":"1","listTime":"1573557408000","expTime":"","baseCcy":"",
    "quoteCcy":"","optType":"","stk":"","futureSettlement":false,"tradeQuoteCcyList":[],"upcChg":[]}"""
)
TICKER: dict[str, Any] = json.loads(
    """{"instType":"SWAP","instId":"BTC-USDT-SWAP","last":"64000","lastSz":"3.2","askPx":"64000.10","askSz":"540.1",
    "bidPx":"64000","bidSz":"812.33","open24h":"63400","high24h":"64510","low24h":"63120","volCcy24h":"81230.4",
    "vol24h":"8123040","sodUtc0":"63810","sodUtc8":"63655","ts":"1795162530456"}"""
)
FUNDING: dict[str, Any] = json.loads(
    """{"instType":"SWAP","instId":"BTC-USDT-SWAP","method":"current_period","formulaType":"withRate",
    "fundingRate":"0.0000721","nextFundingRate":"","fundingTime":"1795190400000","nextFundingTime":"1795219200000",
    "prevFundingTime":"1795161600000","minFundingRate":"-0.00375","maxFundingRate":"0.00375","interestRate":"0.0001",
    "impactValue":"20000","settState":"settled","settFundingRate":"0.0000655","premium":"-0.00012",
    "ts":"1795162530000"}"""
)
BALANCE: dict[str, Any] = json.loads(
    """{"uTime":"1795163000124","totalEq":"10090.7","isoEq":"960","adjEq":"","availEq":"","ordFroz":"","imr":"",
    "mmr":"","mgnRatio":"","notionalUsd":"","upl":"","details":[{"ccy":"USDT","eq":"10090.7","cashBal":"9130.7",
    "uTime":"1795163000124","isoEq":"960","availEq":"9130.7","availBal":"9130.7","frozenBal":"960","ordFrozen":"0",
    "upl":"0","imr":"","mmr":"","mgnRatio":"","eqUsd":"10089.69","notionalLever":"0"}]}"""
)


class Documented:
    """Every documented shape, by name; ``but`` gives a changed copy."""

    order_push = ORDER_PUSH
    position = POSITION
    fill = FILL
    algo = ALGO
    bill = BILL
    config = CONFIG
    instrument = INSTRUMENT
    ticker = TICKER
    funding = FUNDING
    balance = BALANCE

    def but(self, name: str, **changes: Any) -> dict[str, Any]:
        shape: dict[str, Any] = getattr(self, name)
        return {key: value for key, value in (shape | changes).items() if value is not ...}


@pytest.fixture(scope="session")
def documented() -> Documented:
    return Documented()


class SelfTurningClock(HandClock):
    """A clock that turns itself as far as anybody wants to wait, and keeps count."""

    def __init__(self) -> None:
        super().__init__(T0)
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)


class Ear:
    """Keeps every connection event."""

    def __init__(self) -> None:
        self.events: list[ConnectionEvent] = []

    def heard(self, event: ConnectionEvent) -> None:
        self.events.append(event)

    def facts(self) -> list[str]:
        return [event.fact.value for event in self.events]


Answering = Callable[[Request], Response | Exception]


class ScriptedTransport:
    """Answers requests from a script; the last line is repeated, and every request is kept."""

    def __init__(self, *script: Response | Exception | Answering) -> None:
        self.script = list(script)
        self.sent: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.sent.append(request)
        line = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        answer = line(request) if callable(line) else line
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Desk:
    """A REST client over a script, with everything it touches within reach."""

    transport: ScriptedTransport
    clock: SelfTurningClock
    ear: Ear
    rest: RestClient

    @property
    def reader(self) -> OkxAccountReader:
        return OkxAccountReader(self.rest, self.clock)

    @property
    def trading(self) -> RestTrading:
        return RestTrading(self.rest)


def answer(data: Any, code: str = "0", msg: str = "", status: int = 200) -> Response:
    return Response(status, json.dumps({"code": code, "msg": msg, "data": data}).encode())


def a_desk(*script: Response | Exception | Answering, demo: bool = False) -> Desk:
    clock, ear, transport = SelfTurningClock(), Ear(), ScriptedTransport(*script)
    rest = RestClient(
        transport,
        clock,
        credentials=Credentials("CANARYKEY", "CANARYSECRET", "CANARYPASS"),
        demo=demo,
        limiter=RateLimiter(clock),
        listener=ear,
        random=Random(7),
    )
    return Desk(transport, clock, ear, rest)


def an_order(client_id: str = "sc0000000001", **changes: Any) -> PlaceOrder:
    fields: dict[str, Any] = {
        "client_id": client_id,
        "inst_id": "BTC-USDT-SWAP",
        "action": Action.BUY,
        "type": OrderType.POST_ONLY,
        "contracts": Contracts("25"),
        "price": Decimal("63999.9"),
        "margin_mode": MarginMode.ISOLATED,
        "expires_at": after(T0, 3),
    }
    return PlaceOrder(**(fields | changes))


class QuietSink:
    """Takes everything and says nothing."""

    def account(self, news: Any) -> None:
        pass

    def market(self, value: Any) -> None:
        pass

    def usable(self, *, ready: bool) -> None:
        pass


class Making:
    """What tests build, by name."""

    quiet_sink = QuietSink

    answer = staticmethod(answer)
    desk = staticmethod(a_desk)
    order = staticmethod(an_order)
    clock = SelfTurningClock
    ear = Ear
    response = Response
    request = Request
    start = T0


@pytest.fixture(scope="session")
def make() -> type[Making]:
    return Making
