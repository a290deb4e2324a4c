"""How fast the embedded exchange is: ticks in process, round trips over loopback beside a bare endpoint, memory.

python scripts/bench/simulator.py [rounds] [--long]   (--long turns ten million ticks for the memory figure)
"""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import sys
from decimal import Decimal
from time import perf_counter, process_time
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scalpctl.core.instants import Instant
from scalpctl.host.clock import WallClock
from scalpctl.host.paced_clock import PacedClock
from scalpctl.host.process import resident_bytes
from scalpctl.okx.wire.signing import rest_timestamp, signature
from scalpctl.simulator import ordering
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving.app import app_of
from scalpctl.simulator.serving.host import Host
from scalpctl.simulator.state import Account
from scalpctl.simulator.worlds import STEP_US

BTC, START = "BTC-USDT-SWAP", 1_767_225_600_000_000
ORDERS = 300


def opened() -> tuple[Exchange, Account]:
    """Open an exchange with one account that keeps an order resting."""
    exchange = Exchange.open("mixed", 5, START)
    account = exchange.add_account(Account("1", "sim-k", "sim-s", "sim-p"), Decimal(100_000))
    _rest(exchange, account)
    return exchange, account


def _rest(exchange: Exchange, account: Account) -> None:
    price = format(Decimal(exchange.market(BTC).bid - 900) * Decimal("0.1"), "f")
    ask = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "limit", "sz": "0.01", "px": price}
    ordering.place(exchange, account, ask)


def ticks(count: int, parts: int = 1) -> tuple[float, list[int]]:
    """Turn that many market steps (one of each instrument); gives steps per CPU second and memory grown by part."""
    exchange, account = opened()
    before, markets, grown = resident_bytes(), len(exchange.state.markets), []
    begun = process_time()
    for _ in range(parts):
        for _ in range(count // parts // markets // 1_000):
            exchange.advance(exchange.now + 1_000 * STEP_US)
            if not account.orders:
                _rest(exchange, account)
        grown.append(resident_bytes() - before)
    spent = process_time() - begun
    return (exchange.now - START) / STEP_US * markets / spent, grown


def signed(body: bytes, now: int) -> dict[str, str]:
    """Give the headers of a signed order."""
    at = rest_timestamp(Instant(now))
    return {
        "OK-ACCESS-KEY": "sim-k", "OK-ACCESS-PASSPHRASE": "sim-p", "OK-ACCESS-TIMESTAMP": at,
        "OK-ACCESS-SIGN": signature("sim-s", at, "POST", "/api/v5/trade/order", body),
    }  # fmt: skip


async def served(app: Any) -> tuple[uvicorn.Server, str, asyncio.Future[None]]:
    """Serve an application on a free port."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    task = asyncio.ensure_future(server.serve([listener]))
    return server, f"http://127.0.0.1:{listener.getsockname()[1]}", task


async def trips(url: str, clock: WallClock) -> float:
    """Send orders one after the other; gives round trips per second."""
    async with httpx.AsyncClient() as client:
        begun = perf_counter()
        for number in range(ORDERS):
            body = json.dumps({
                "instId": BTC, "tdMode": "cross", "side": "buy" if number % 2 else "sell", "ordType": "market",
                "sz": "0.01", "clOrdId": f"b{number}",
            }).encode()  # fmt: skip
            answer = await client.post(f"{url}/api/v5/trade/order", content=body, headers=signed(body, clock.now()))
            assert answer.status_code in {200, 429}, answer.text  # noqa: S101  a bench that measures errors is no bench
        return ORDERS / (perf_counter() - begun)


async def round_trips(rounds: int) -> tuple[float, float]:
    """Give round trips per second of the exchange and of a bare endpoint that returns the same bytes, interleaved."""
    clock = WallClock()
    exchange, _ = opened()
    exchange.state.now = clock.now()
    host = Host(exchange, PacedClock(Instant(exchange.now), 1.0, clock))
    host.rest.limit = lambda *_: None  # type: ignore[method-assign] # the limits are not what is measured
    answer = host.rest.answer("POST", "/api/v5/trade/order", {}, b"{}").body

    async def bare(request: Request) -> Response:
        await request.body()
        return Response(answer, media_type="application/json")

    ours = await served(app_of(host))
    theirs = await served(Starlette(routes=[Route("/{path:path}", bare, methods=["POST"])]))
    figures: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        figures[0].append(await trips(ours[1], clock))
        figures[1].append(await trips(theirs[1], clock))
    for server, _, task in (ours, theirs):
        server.should_exit = True
        await task
    return statistics.median(figures[0]), statistics.median(figures[1])


def main() -> None:
    """Print every figure as a ratio where there is something to compare with."""
    numbers = [int(text) for text in sys.argv[1:] if text.isdecimal()]
    rounds = numbers[0] if numbers else 5
    speeds = [ticks(200_000)[0] for _ in range(rounds)]
    print(f"ticks in process     {statistics.median(speeds):>10,.0f} per CPU second (book, trades, one resting order)")
    ours, bare = asyncio.run(round_trips(rounds))
    print(f"order round trips    {ours:>10,.0f} per second, {ours / bare:.2f} x a bare endpoint with {bare:,.0f}")
    if "--long" in sys.argv:
        _, grown = ticks(10_000_000, parts=10)
        shown = ", ".join(f"{one / 2**20:.1f}" for one in grown)
        print(f"memory grown         {shown} MiB after each of ten million ticks (3,000 candles each are kept)")


if __name__ == "__main__":
    main()
