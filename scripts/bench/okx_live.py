"""The live path and the order leg against a mock exchange on this machine, ours beside the libraries used plainly.

Run it as ``python scripts/bench/okx_live.py``: CPU per frame in a burst, latency of lone frames, round trips of orders.
The plain side does less (no login, freshness, phases, limits); it is the floor that our layers are measured against.
"""

from __future__ import annotations

import asyncio
import importlib.util
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random

import httpx
import msgspec
from websockets.asyncio.client import connect

from scalpctl.core.exchange.connections import ConnectionEvent
from scalpctl.core.exchange.outcomes import Accepted
from scalpctl.core.exchange.requests import MarginMode, OrderType, PlaceOrder
from scalpctl.core.instants import after
from scalpctl.core.market import Ticker
from scalpctl.core.money import Contracts
from scalpctl.core.sides import Action
from scalpctl.host.clock import WallClock
from scalpctl.okx.credentials import Credentials
from scalpctl.okx.rate_limits import Bucket, RateLimiter
from scalpctl.okx.rest import RestClient
from scalpctl.okx.rest_trading import RestTrading
from scalpctl.okx.stream.market_feed import MarketFeed
from scalpctl.okx.stream.socket import WebSocketDialer
from scalpctl.okx.stream.states import Phase
from scalpctl.okx.stream.supervisor import LinePlan, Means, Supervisor, channels
from scalpctl.okx.stream.waking import Waking
from scalpctl.okx.stream_trading import StreamTrading
from scalpctl.okx.transport import HttpTransport
from scalpctl.okx.wire.endpoints import Endpoint
from scalpctl.okx.wire.market import LeanTicker
from scalpctl.okx.wire.operations import OperationReply
from scalpctl.okx.wire.router import Pushed, Rows
from scalpctl.ports.feeds import MarketValue

ROUNDS, BURST, LONE, ORDERS = 5, 60_000, 3_000, 1_000
INST = "BTC-USDT-SWAP"
CLOCK = WallClock()
Job = Callable[[], list[float]]


class Ear:
    """Hears connection events and keeps nothing."""

    def heard(self, event: ConnectionEvent) -> None:
        """Take one fact."""


async def nothing() -> None:
    """Do nothing."""


class Counting:
    """Counts tickers and how old each is when it arrives."""

    def __init__(self, wanted: int) -> None:
        """Be done after so many."""
        self.wanted = wanted
        self.ages_us: list[float] = []
        self.done = asyncio.get_running_loop().create_future()

    def market(self, value: MarketValue) -> None:
        """Take one value."""
        if isinstance(value, Ticker):
            self.ages_us.append((time.perf_counter_ns() - value.ask_contracts) / 1_000)
            if len(self.ages_us) == self.wanted:
                self.done.set_result(None)


def means() -> Means:
    """Give what lines need."""
    return Means(WebSocketDialer(), CLOCK, Ear(), Random(1), Bucket(CLOCK, 1_000, 1), nothing, Waking())


class Begin(MarketFeed):
    """Says go when the line is ready."""

    def __init__(self, sink: Counting) -> None:
        """Give to ``sink``."""
        super().__init__(sink)
        self.up = asyncio.Event()

    def moved(self, phase: Phase) -> None:
        """Remember that the line is ready."""
        if phase is Phase.READY:
            self.up.set()


async def ours_stream(url: str, frames: int) -> list[float]:
    """Hear frames through supervisor, machine, router and feed."""
    sink = Counting(frames)
    feed = Begin(sink)
    line = Supervisor(LinePlan("public", url, channels("trades", inst_ids=(INST,))), feed, means())
    task = asyncio.create_task(line.run())
    await feed.up.wait()
    line.send(b"go")
    await sink.done
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return sink.ages_us


async def plain_stream(url: str, frames: int) -> list[float]:
    """Hear frames through the library's own connection and a bare decoder."""
    decoder = msgspec.json.Decoder(Rows[LeanTicker], strict=False)
    ages: list[float] = []
    async with connect(url, compression=None, ping_interval=None, max_size=None) as line:
        await line.send("go")
        for _ in range(frames):
            row = decoder.decode(await line.recv(decode=False)).data[0]
            float(row.last)
            ages.append((time.perf_counter_ns() - row.ask_sz) / 1_000)
    return ages


class Wide(RateLimiter):
    """Counts like the real one, and never makes a benchmark wait."""

    def __init__(self) -> None:
        """Widen the budget of the whole account as well."""
        super().__init__(CLOCK)
        self._account = Bucket(CLOCK, 10**9, 1)

    def _bucket(self, endpoint: Endpoint, inst_id: str) -> Bucket:
        return self._buckets.setdefault((endpoint.method, endpoint.path, inst_id), Bucket(CLOCK, 10**9, 1))


class Trading:
    """A line that only trades."""

    def __init__(self, trading: StreamTrading) -> None:
        """Pass answers and phases on."""
        self._trading = trading
        self.up = asyncio.Event()

    def pushed(self, push: Pushed) -> None:
        """Nothing is subscribed."""

    def replied(self, reply: OperationReply) -> None:
        """Pass an answer on."""
        self._trading.replied(reply)

    def moved(self, phase: Phase) -> None:
        """Pass a phase on."""
        self._trading.moved(phase)
        if phase is Phase.READY:
            self.up.set()

    async def resync(self) -> None:
        """There is nothing to ask."""


def an_order(number: int) -> PlaceOrder:
    """Give one order."""
    return PlaceOrder(
        f"sc{number:010d}", INST, Action.BUY, OrderType.POST_ONLY, Contracts("0.2"), Decimal("60100.1"),
        MarginMode.ISOLATED, after(CLOCK.now(), 3),
    )  # fmt: skip


async def timed(place: Callable[[int], Awaitable[bool]]) -> list[float]:
    """Send orders one after the other and give each round trip."""
    trips: list[float] = []
    for number in range(ORDERS):
        begun = time.perf_counter_ns()
        if not await place(number):
            raise SystemExit("the mock did not accept an order")
        trips.append((time.perf_counter_ns() - begun) / 1_000)
    return trips


def rest_of(port: int) -> RestClient:
    """Give a REST client of the mock."""
    transport = HttpTransport(f"http://127.0.0.1:{port}")
    box, limiter = Credentials("k", "0123456789abcdef", "p"), Wide()
    return RestClient(transport, CLOCK, credentials=box, demo=False, limiter=limiter, listener=Ear(), random=Random(1))


async def ours_orders(port: int) -> list[float]:
    """Place orders over the stream."""
    rest = rest_of(port)
    trading = StreamTrading(RestTrading(rest), rest.limiter, CLOCK, rest.server_clock, {INST: 10459})
    consumer = Trading(trading)
    line = Supervisor(LinePlan("private", f"ws://127.0.0.1:{port}/order", ()), consumer, means())
    trading.attach(line.send)
    task = asyncio.create_task(line.run())
    await consumer.up.wait()

    async def place(number: int) -> bool:
        return isinstance(await trading.place(an_order(number)), Accepted)

    trips = await timed(place)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return trips


async def ours_rest_orders(port: int) -> list[float]:
    """Place orders over REST, our fallback."""
    trading = RestTrading(rest_of(port))

    async def place(number: int) -> bool:
        return isinstance(await trading.place(an_order(number)), Accepted)

    return await timed(place)


async def plain_rest_orders(port: int) -> list[float]:
    """Place orders with a bare httpx client and a signature."""
    box = Credentials("k", "0123456789abcdef", "p")
    body = (
        b'{"instId":"BTC-USDT-SWAP","tdMode":"isolated","side":"buy","ordType":"post_only","px":"60100.1","sz":"0.2",'
    )
    async with httpx.AsyncClient() as client:

        async def place(number: int) -> bool:
            content = body + b'"sz":"0.2","clOrdId":"sc%d"}' % number
            headers = box.headers(CLOCK.now(), "POST", "/api/v5/trade/order", content)
            answer = await client.post(f"http://127.0.0.1:{port}/api/v5/trade/order", content=content, headers=headers)
            return bool(msgspec.json.decode(answer.content)["code"] == "0")

        return await timed(place)


def run(job: Awaitable[list[float]]) -> list[float]:
    """Run a job on uvloop where there is one."""

    async def main() -> list[float]:
        return await job

    if importlib.util.find_spec("uvloop") is not None:
        import uvloop

        return uvloop.run(main())
    return asyncio.run(main())


def at(values: list[float], share: float) -> float:
    """Give a quantile."""
    return sorted(values)[int(len(values) * share)]


def report(title: str, results: dict[str, list[float]], unit: str) -> None:
    """Print medians over rounds, and the ratio of the first to each."""
    medians = {name: statistics.median(values) for name, values in results.items()}
    first = next(iter(medians.values()))
    for name, value in medians.items():
        print(f"{title:24s} {name:34s} {value:10.1f} {unit}   ours is {first / value:5.2f} x this")


def interleaved(
    jobs: dict[str, Callable[[], list[float]]], figure: Callable[[list[float]], float]
) -> dict[str, list[float]]:
    """Run everybody in turn, round after round."""
    results: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(ROUNDS):
        for name, job in jobs.items():
            results[name].append(figure(job()))
    return results


def cpu_per_frame(job: Job) -> Job:
    """Measure a burst by the CPU time it costs this process, per frame."""

    def measured() -> list[float]:
        begun = time.process_time_ns()
        count = len(job())
        return [(time.process_time_ns() - begun) / count / 1_000]

    return measured


def main() -> None:
    """Start the mock twice, for bursts and for lone frames, and measure."""
    mock = Path(__file__).with_name("okx_mock.py")
    servers = [
        subprocess.Popen([sys.executable, str(mock), str(port), str(frames)], stdout=subprocess.PIPE)
        for port, frames in ((9311, BURST), (9312, LONE))
    ]
    try:
        for server in servers:
            if server.stdout is not None:
                server.stdout.readline()
        burst, lone = "ws://127.0.0.1:9311/burst", "ws://127.0.0.1:9312/paced"
        bursts = {
            "scalpctl": cpu_per_frame(lambda: run(ours_stream(burst, BURST))),
            "websockets + bare msgspec": cpu_per_frame(lambda: run(plain_stream(burst, BURST))),
        }
        report("burst, CPU per frame", interleaved(bursts, lambda costs: costs[0]), "us")
        lones = {
            "scalpctl": lambda: run(ours_stream(lone, LONE)),
            "websockets + bare msgspec": lambda: run(plain_stream(lone, LONE)),
        }
        for share, name in ((0.5, "p50"), (0.99, "p99")):
            report(f"lone frame, {name}", interleaved(lones, lambda ages, share=share: at(ages, share)), "us")  # type: ignore[misc]
        orders = {
            "scalpctl over the stream": lambda: run(ours_orders(9312)),
            "scalpctl over REST": lambda: run(ours_rest_orders(9312)),
            "bare httpx.AsyncClient": lambda: run(plain_rest_orders(9312)),
        }
        report("order round trip, p50", interleaved(orders, lambda trips: at(trips, 0.5)), "us")
    finally:
        for server in servers:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
