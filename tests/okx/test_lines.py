"""Lines kept alive over a scripted exchange: reconnects, resyncs, successors, and everything once."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.exchange.outcomes import Accepted, Refused, Unknown
from scalpctl.core.exchange.reports import FillReport, FlatReport, OrderReport, PositionReport
from scalpctl.core.exchange.requests import AmendOrder, CancelOrder
from scalpctl.core.instants import Monotonic, after
from scalpctl.core.market import Ticker
from scalpctl.errors import AccessRefused, ExchangeUnreachable
from scalpctl.host.clock import HandClock
from scalpctl.okx.client import OkxClient, Outside
from scalpctl.okx.credentials import Credentials
from scalpctl.okx.stream.backoff import MOST_S, Backoff
from scalpctl.okx.stream.states import Phase
from scalpctl.okx.wire.endpoints import CANCEL, ORDER
from scalpctl.okx.wire.hosts import hosts_of
from scalpctl.ports.feeds import AlgosPending, FillConflict, PositionsSnapshot, Resync

INST = "BTC-USDT-SWAP"


class Wire:
    """One connection as the scripted exchange sees it."""

    def __init__(self, exchange: Exchange, url: str, sink: Any) -> None:
        self.exchange, self.url, self.sink = exchange, url, sink
        self.said: list[dict[str, Any]] = []
        self.open = True

    def send(self, frame: bytes) -> None:
        if not self.open:
            return
        if frame == b"ping":
            self.push(b"pong")
            return
        said = json.loads(frame)
        self.said.append(said)
        asyncio.get_running_loop().call_soon(self.exchange.answer_stream, self, said)

    def close(self) -> None:
        self.drop(1000)

    def drop(self, code: int) -> None:
        if self.open:
            self.open = False
            asyncio.get_running_loop().call_soon(self.sink.closed, code)

    def push(self, frame: Any) -> None:
        if self.open:
            self.sink.frame(frame if isinstance(frame, bytes) else json.dumps(frame, separators=(",", ":")).encode())


class Exchange:
    """Answers REST and streams by script; everything it hears is kept."""

    def __init__(self, make: Any, documented: Any) -> None:
        self.make, self.documented = make, documented
        self.clock = HandClock(make.start)
        self.ear = make.ear()
        self.wires: list[Wire] = []
        self.dials: list[float] = []
        self.refuse_dials = 0
        self.login_code = "0"
        self.operate: Any = lambda said: {"code": "0", "data": [accepted(item) for item in said["args"]]}
        self.rest: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[Any] = []
        self.news: list[Any] = []
        self.usable_now = False
        outside = Outside(hosts_of("global", demo=True), self, self, self.clock, self.ear, Random(3))
        self.client = OkxClient(outside, Credentials("CANARYKEY", "CANARYSECRET", "CANARYPASS"))

    async def send(self, request: Any) -> Any:
        self.asked.append(request)
        path = request.target.split("?")[0].removeprefix("/api/v5/")
        if path == "public/time":
            return self.make.answer([{"ts": str(self.clock.now() // 1_000)}])
        if request.method == "POST":
            body = json.loads(request.body)
            return self.make.answer([accepted(item) for item in (body if isinstance(body, list) else [body])])
        return self.make.answer(self.rest.get(path, []))

    async def dial(self, url: str, sink: Any) -> Any:
        self.dials.append(self.clock.monotonic() / 1e9)
        if self.refuse_dials:
            self.refuse_dials -= 1
            raise ExchangeUnreachable("refused")
        wire = Wire(self, url, sink)
        self.wires.append(wire)
        sink.opened(wire)
        return wire

    def answer_stream(self, wire: Wire, said: dict[str, Any]) -> None:
        if said["op"] == "login":
            good = self.login_code == "0"
            wire.push({"event": "login" if good else "error", "code": self.login_code, "msg": "", "connId": "c"})
        elif said["op"] == "subscribe":
            for arg in said["args"]:
                wire.push({"id": said.get("id", ""), "event": "subscribe", "arg": arg, "connId": "c"})
        elif said["op"] != "unsubscribe":
            reply = self.operate(said)
            if reply is not None:
                wire.push({"id": said["id"], "op": said["op"], "msg": ""} | reply)

    def account(self, news: Any) -> None:
        self.news.append(news)

    def market(self, value: Any) -> None:
        self.news.append(value)

    def usable(self, *, ready: bool) -> None:
        self.usable_now = ready

    def of(self, kind: type[Any]) -> list[Any]:
        return [item for item in self.news if isinstance(item, kind)]

    def private(self) -> Wire:
        return [wire for wire in self.wires if wire.url.endswith("/private") and wire.open][-1]

    async def settle(self) -> None:
        for _ in range(60):
            await asyncio.sleep(0)

    async def turn(self, seconds: float) -> None:
        until = self.clock.monotonic() + round(seconds * 1e9)
        await self.settle()
        while (deadline := self.clock.next_deadline()) is not None and deadline <= until:
            self.clock.advance_to(deadline)
            await self.settle()
        self.clock.advance_to(Monotonic(until))
        await self.settle()


def accepted(item: dict[str, Any]) -> dict[str, Any]:
    client_id = item.get("clOrdId", "")
    return {"ordId": f"9{client_id[-3:]}", "clOrdId": client_id, "sCode": "0", "sMsg": "", "ts": "1795162530456"}


class Running:
    """A client with its private lines, running."""

    def __init__(self, make: Any, documented: Any) -> None:
        self.exchange = Exchange(make, documented)
        self.task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Exchange:
        exchange = self.exchange
        exchange.rest["public/instruments"] = [exchange.documented.instrument]
        await exchange.client.prepare()
        self.line = exchange.client.listen_to_account(exchange)
        self.task = asyncio.create_task(exchange.client.run())
        await exchange.turn(7)
        return exchange

    async def __aexit__(self, *_: object) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def order_frame(documented: Any, **changes: Any) -> dict[str, Any]:
    row = documented.but("order_push", **changes)
    return {"arg": {"channel": "orders", "instType": "SWAP", "uid": "7"}, "data": [row]}


async def test_a6_every_reconnect_asks_for_everything_before_it_is_ready(make: Any, documented: Any) -> None:
    async with Running(make, documented) as exchange:
        assert exchange.usable_now
        exchange.asked.clear()
        exchange.rest["trade/fills"] = [documented.but("fill", fillTime=str(make.start // 1_000 + 7_000))]
        exchange.private().drop(1006)
        await exchange.settle()
        assert not exchange.usable_now
        await exchange.turn(10)
        assert exchange.usable_now
        paths = {request.target.split("?")[0].removeprefix("/api/v5/") for request in exchange.asked}
        needed = {
            "account/positions",
            "trade/orders-pending",
            "trade/orders-algo-pending",
            "trade/fills",
            "account/bills",
        }
        assert needed <= paths
        assert [fill.trade_id for fill in exchange.of(Resync)[-1].fills] == ["150000009"]
        assert exchange.of(AlgosPending)


async def test_a6_a_failed_resync_does_not_make_a_line_ready(make: Any, documented: Any) -> None:
    async with Running(make, documented) as exchange:
        exchange.rest["account/positions"] = [{"nonsense": True}]
        exchange.private().drop(1006)
        await exchange.turn(20)
        assert not exchange.usable_now
        del exchange.rest["account/positions"]
        await exchange.turn(60)
        assert exchange.usable_now


async def test_a7_a_fill_that_comes_three_times_is_news_once(make: Any, documented: Any) -> None:
    async with Running(make, documented) as exchange:
        for _ in range(2):
            exchange.private().push(order_frame(documented))
        exchange.rest["trade/fills"] = [documented.fill]
        exchange.private().drop(1006)
        await exchange.turn(10)
        assert len(exchange.of(FillReport)) == 1
        assert exchange.of(Resync)[-1].fills == ()
        assert len(exchange.of(OrderReport)) == 1


async def test_a7_a_second_copy_that_differs_is_a_conflict(make: Any, documented: Any) -> None:
    async with Running(make, documented) as exchange:
        exchange.private().push(order_frame(documented))
        exchange.private().push(order_frame(documented, fillFee="-1.4"))
        (conflict,) = exchange.of(FillConflict)
        assert (conflict.first.fee, conflict.second.fee) == (Decimal("-1.3"), Decimal("-1.4"))


@given(order=st.permutations([("live", "0", 1), ("partially_filled", "4", 2), ("filled", "10", 3)]))
@settings(deadline=None, max_examples=6)
async def test_a8_a_lower_fill_never_wins_whatever_the_order_of_pushes(make: Any, documented: Any, order: Any) -> None:
    async with Running(make, documented) as exchange:
        for state, filled, age in order:
            frame = order_frame(
                documented, state=state, accFillSz=filled, uTime=str(1_795_163_000_000 + age), fillSz="0", tradeId=""
            )
            exchange.private().push(frame)
        assert exchange.of(OrderReport)[-1].state == "filled"


async def test_a9_a_lost_page_is_not_a_flat_account(make: Any, documented: Any) -> None:
    def page(number: int, *, last: bool) -> dict[str, Any]:
        return {
            "arg": {"channel": "positions", "instType": "SWAP", "uid": "7"}, "eventType": "snapshot",
            "curPage": number, "lastPage": last, "data": [documented.but("position", posId=str(number))],
        }  # fmt: skip

    async with Running(make, documented) as exchange:
        exchange.private().push(page(1, last=False))
        exchange.private().push(page(3, last=True))
        assert exchange.of(PositionsSnapshot) == []
        for number in (1, 2, 3):
            exchange.private().push(page(number, last=number == 3))
        (snapshot,) = exchange.of(PositionsSnapshot)
        assert [position.position_id for position in snapshot.positions] == ["1", "2", "3"]


async def test_a_position_is_deduplicated_by_id_and_update_time_not_by_id(make: Any, documented: Any) -> None:
    async with Running(make, documented) as exchange:
        for pos, updated in (("25", 1), ("25", 1), ("15", 3), ("20", 2), ("0", 4), ("7", 5)):
            row = documented.but("position", pos=pos, uTime=str(1_795_163_000_000 + updated), avgPx="")
            arg = {"channel": "positions", "instType": "SWAP", "uid": "7"}
            exchange.private().push({"arg": arg, "eventType": "event_update", "data": [row]})
        sizes = [str(item.contracts) if isinstance(item, PositionReport) else "flat"
                 for item in exchange.news if isinstance(item, PositionReport | FlatReport)]  # fmt: skip
        assert sizes == ["25", "15", "flat", "7"]


async def test_a_liquidation_without_a_trade_id_is_fetched_from_the_fills_once(make: Any, documented: Any) -> None:
    async with Running(make, documented) as exchange:
        now = str(exchange.clock.now() // 1_000)
        exchange.private().push(order_frame(documented, tradeId="0", category="full_liquidation", clOrdId=""))
        exchange.rest["trade/fills"] = [documented.but("fill", tradeId="-77", execType="", fillTime=now, ts=now)]
        await exchange.turn(10)
        assert [fill.trade_id for fill in exchange.of(FillReport)] == ["-77"]


async def test_a3_the_successor_is_ready_before_the_old_line_goes(make: Any, documented: Any) -> None:
    async with Running(make, documented) as exchange:
        old = exchange.private()
        old.push({"event": "notice", "code": "64008", "msg": "upgrade", "connId": "c"})
        for _ in range(80):
            await exchange.turn(0.1)
            assert exchange.usable_now
        new = exchange.private()
        assert new is not old
        assert not old.open
        for wire in (old, new):
            wire.push(order_frame(documented))
        assert len(exchange.of(FillReport)) == 1


async def test_a4_a_storm_of_refusals_stays_within_the_connection_limits(make: Any, documented: Any) -> None:
    async with Running(make, documented) as exchange:
        exchange.refuse_dials, exchange.dials = 40, []
        for wire in exchange.wires:
            wire.drop(1006)
        await exchange.turn(1_200)
        assert exchange.refuse_dials == 0
        assert exchange.usable_now
        for at in exchange.dials:
            assert sum(at - 1 < other <= at for other in exchange.dials) <= 3


@given(st.integers(), st.integers(0, 60))
def test_a4_the_pause_is_anything_below_a_doubling_ceiling(seed: int, failures: int) -> None:
    backoff = Backoff(Random(seed))
    for count in range(failures):
        assert 0 <= backoff.pause_s() <= min(MOST_S, 0.5 * 2 ** min(count, 16))
    backoff.ended(Monotonic(0), Monotonic(59_000_000_000))
    assert backoff.failures == failures
    backoff.ended(Monotonic(0), Monotonic(60_000_000_000))
    assert backoff.failures == 0


async def test_a_refused_key_ends_the_client_without_a_login_loop(make: Any, documented: Any) -> None:
    exchange = Exchange(make, documented)
    exchange.login_code = "60005"
    exchange.client.listen_to_account(exchange)
    task = asyncio.create_task(exchange.client.run())
    await exchange.turn(120)
    with pytest.raises(AccessRefused, match="API key is wrong"):
        await task
    assert len(exchange.wires) <= 2


async def test_f1_a_clock_the_login_refuses_twice_is_the_end(make: Any, documented: Any) -> None:
    exchange = Exchange(make, documented)
    exchange.login_code = "60006"
    exchange.client.listen_to_account(exchange)
    task = asyncio.create_task(exchange.client.run())
    await exchange.turn(120)
    with pytest.raises(AccessRefused, match="clock"):
        await task
    assert any("public/time" in request.target for request in exchange.asked)


async def test_a1_rest_testifies_against_a_private_line_that_tells_nothing(make: Any, documented: Any) -> None:
    async with Running(make, documented) as exchange:
        deaf = exchange.private()
        moved = str(exchange.clock.now() // 1_000)
        pending = documented.but("order_push", state="partially_filled", accFillSz="4", uTime=moved)
        exchange.rest["trade/orders-pending"] = [pending]
        await exchange.turn(20)
        assert not deaf.open
        assert exchange.of(OrderReport)[0].filled_contracts.value == 4


async def test_orders_go_over_the_ready_private_line_by_instrument_code(make: Any, documented: Any) -> None:
    async with Running(make, documented) as exchange:
        exchange.asked.clear()
        outcome = await exchange.client.trading.place(make.order(expires_at=after(exchange.clock.now(), 3)))
        assert outcome == Accepted("9001", 1_795_162_530_456_000)
        said = exchange.private().said[-1]
        assert (said["op"], said["args"][0]["instIdCode"]) == ("order", 10459)
        assert "instId" not in said["args"][0]
        assert int(said["expTime"]) == after(exchange.clock.now(), 3) // 1_000
        assert len(said["id"]) <= 32
        assert said["id"].isalnum()
        assert exchange.asked == []


async def test_a5_and_a14_without_a_ready_line_orders_go_over_rest(make: Any, documented: Any) -> None:
    async with Running(make, documented) as exchange:
        exchange.refuse_dials = 1_000
        exchange.private().drop(1006)
        await exchange.settle()
        outcome = await exchange.client.trading.place(make.order(expires_at=after(exchange.clock.now(), 3)))
        assert isinstance(outcome, Accepted)
        assert exchange.asked[-1].target == ORDER.path
        cancel = await exchange.client.trading.cancel(CancelOrder("sc0000000001", INST))
        assert isinstance(cancel, Accepted)
        assert exchange.asked[-1].target == CANCEL.path


async def test_an_instrument_without_a_code_goes_over_rest(make: Any, documented: Any) -> None:
    async with Running(make, documented) as exchange:
        order = make.order(inst_id="ETH-USDT-SWAP", expires_at=after(exchange.clock.now(), 3))
        assert isinstance(await exchange.client.trading.place(order), Accepted)
        assert exchange.asked[-1].target == ORDER.path


async def test_b1_a_line_that_dies_before_the_answer_leaves_it_unknown_and_repeats_nothing(
    make: Any, documented: Any
) -> None:
    async with Running(make, documented) as exchange:
        exchange.operate = lambda _said: exchange.private().drop(1006)
        posts = sum(request.method == "POST" for request in exchange.asked)
        placing = asyncio.create_task(
            exchange.client.trading.place(make.order(expires_at=after(exchange.clock.now(), 3)))
        )
        await exchange.turn(0.1)
        assert isinstance(placing.result(), Unknown)
        assert sum(request.method == "POST" for request in exchange.asked) == posts


async def test_b1_an_answer_that_never_comes_is_unknown_after_five_seconds(make: Any, documented: Any) -> None:
    async with Running(make, documented) as exchange:
        exchange.operate = lambda _said: None
        change = AmendOrder("sc0000000001", INST, after(exchange.clock.now(), 3), price=Decimal(1))
        amending = asyncio.create_task(exchange.client.trading.amend(change))
        await exchange.turn(4.9)
        assert not amending.done()
        await exchange.turn(0.4)
        assert isinstance(amending.result(), Unknown)


async def test_b4_a_stream_answer_is_judged_item_by_item(make: Any, documented: Any) -> None:
    async with Running(make, documented) as exchange:
        rows = [{"clOrdId": "b", "ordId": "9", "sCode": "0"}, {"clOrdId": "a", "ordId": "", "sCode": "51603"}]
        exchange.operate = lambda _said: {"code": "2", "data": rows}
        outcomes = await exchange.client.trading.cancel_many([CancelOrder(name, INST) for name in "abc"])
        assert [type(outcome) for outcome in outcomes] == [Refused, Accepted, Unknown]


async def test_b14_stream_and_rest_share_one_budget(make: Any, documented: Any) -> None:
    async with Running(make, documented) as exchange:
        for number in range(42):
            order = make.order(f"sc{number:010d}", expires_at=after(exchange.clock.now(), 30))
            await exchange.client.trading.place(order)
        exchange.refuse_dials = 1_000
        exchange.private().drop(1006)
        await exchange.settle()
        late = asyncio.create_task(
            exchange.client.trading.place(make.order("sclate", expires_at=after(exchange.clock.now(), 30)))
        )
        await exchange.settle()
        assert not late.done()
        await exchange.turn(2.1)
        assert isinstance(late.result(), Accepted)


async def test_public_values_come_typed_with_the_exchanges_text(make: Any, documented: Any) -> None:
    exchange = Exchange(make, documented)
    (line,) = exchange.client.listen_to_market(exchange, ["tickers"], [INST])
    task = asyncio.create_task(exchange.client.run())
    await exchange.turn(1)
    for _ in range(3):
        exchange.wires[-1].push({"arg": {"channel": "tickers", "instId": INST}, "data": [documented.ticker]})
    await exchange.turn(1)
    assert line.phase is Phase.READY
    assert [quote.ask_text for quote in exchange.of(Ticker)] == ["64000.10"] * 3
    assert line.age_s("tickers", INST) == 1.0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a2_an_hour_without_events_costs_no_connection(make: Any, documented: Any) -> None:
    async with Running(make, documented) as exchange:
        wires = len(exchange.wires)
        await exchange.turn(3_600)
        assert len(exchange.wires) == wires
