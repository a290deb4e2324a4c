"""A scripted exchange with REST and streams, and a client running against it."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import Any

import pytest

from scalpctl.core.instants import Monotonic
from scalpctl.errors import ExchangeUnreachable
from scalpctl.host.hand_clock import HandClock
from scalpctl.okx.client import OkxClient, Outside
from scalpctl.okx.credentials import Credentials
from scalpctl.okx.wire.hosts import hosts_of

INST = "BTC-USDT-SWAP"


class Wire:
    """One connection as the scripted exchange sees it."""

    def __init__(self, exchange: Exchange, url: str, sink: Any) -> None:
        self.exchange, self.url, self.sink = exchange, url, sink
        self.said: list[dict[str, Any]] = []
        self.open = True

    def send(self, frame: bytes) -> bool:
        if not self.open:
            return False
        if frame == b"ping":
            self.push(b"pong")
            return True
        said = json.loads(frame)
        self.said.append(said)
        asyncio.get_running_loop().call_soon(self.exchange.answer_stream, self, said)
        return True

    def close(self) -> None:
        self.drop(1000)

    def drop(self, code: int) -> None:
        if self.open:
            self.open = False
            asyncio.get_running_loop().call_soon(self.sink.closed, code, None)

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
        await exchange.client.rest.synchronise()
        await exchange.client.instruments()
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


class Lines:
    """What the tests of lines build, by name."""

    exchange = Exchange
    running = Running
    order_frame = staticmethod(order_frame)


@pytest.fixture(scope="session")
def lines() -> type[Lines]:
    return Lines
