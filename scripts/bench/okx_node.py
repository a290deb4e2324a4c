"""Our side of a comparison with live nodes of other engines: hear a mock exchange, update indicators, check a trail.

``python scripts/bench/okx_node.py PORT FRAMES burst|paced``. It subscribes to bbo-tbt through the whole client (phases,
freshness, routing, exact texts), and for every quote updates RSI and MACD on the mid price and checks peak and stop,
which is what the strategy of the other side does. A paced mock writes the instant of sending into the bid price.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import time
from contextlib import suppress
from random import Random

from scalpctl.core.exchange.connections import ConnectionEvent
from scalpctl.core.indicators.macd import Macd
from scalpctl.core.indicators.rsi import Rsi
from scalpctl.core.market import Book
from scalpctl.host.clock import WallClock
from scalpctl.okx.rate_limits import Bucket
from scalpctl.okx.stream.market_feed import MarketFeed
from scalpctl.okx.stream.socket import WebSocketDialer
from scalpctl.okx.stream.supervisor import LinePlan, Means, Supervisor, channels
from scalpctl.okx.stream.waking import Waking
from scalpctl.ports.feeds import MarketValue

INST = "BTC-USDT-SWAP"


class Strategy:
    """RSI, MACD, peak and stop on every quote."""

    def __init__(self, wanted: int, *, paced: bool) -> None:
        """Be done after so many quotes."""
        self.wanted, self.paced, self.seen = wanted, paced, 0
        self.rsi, self.macd = Rsi(14), Macd(12, 26, 9)
        self.peak = self.entry = 0.0
        self.ages_us: list[float] = []
        self.begun = (0.0, 0.0)
        self.done = asyncio.get_running_loop().create_future()

    def market(self, value: MarketValue) -> None:
        """Take one quote."""
        if not isinstance(value, Book):
            return
        if not self.seen:
            self.begun = (time.perf_counter(), time.process_time())
        self.seen += 1
        bid = value.bids[0].price
        if self.paced:
            self.ages_us.append((time.perf_counter_ns() // 100 % 10**9) / 10.0 - bid)
        price = (bid + value.asks[0].price) * 0.5
        self.rsi.update(price)
        self.macd.update(price)
        self.entry = self.entry or price
        self.peak = max(self.peak, price)
        if not self.paced and (price <= self.peak * 0.5 or price / self.entry < 0.5):
            raise SystemExit("the trail fired")
        if self.seen == self.wanted:
            self.done.set_result(None)


class Silent:
    """Hears nothing of connections."""

    def heard(self, event: ConnectionEvent) -> None:
        """Let it go."""


async def nothing() -> None:
    """Do nothing."""


async def node(port: int, frames: int, mode: str) -> Strategy:
    """Run until every frame was taken."""
    clock = WallClock()
    path = "/pacedbbo" if mode == "paced" else "/ws/v5/public"
    strategy = Strategy(frames, paced=mode == "paced")
    means = Means(WebSocketDialer(), clock, Silent(), Random(1), Bucket(clock, 1_000, 1), nothing, Waking())
    plan = LinePlan("public", f"ws://127.0.0.1:{port}{path}", channels("bbo-tbt", inst_ids=(INST,)))
    task = asyncio.create_task(Supervisor(plan, MarketFeed(strategy), means).run())
    await strategy.done
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return strategy


def main() -> None:
    """Print what the others print: frames per second, CPU per frame, latency where it is paced."""
    port, frames, mode = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if importlib.util.find_spec("uvloop") is not None:
        import uvloop

        strategy = uvloop.run(node(port, frames, mode))
    else:
        strategy = asyncio.run(node(port, frames, mode))
    wall, cpu = time.perf_counter() - strategy.begun[0], time.process_time() - strategy.begun[1]
    print(f"scalpctl client {mode}: n={frames} wall={frames / wall:.0f} fr/s cpu={cpu / frames * 1e6:.2f} us/frame")
    if strategy.ages_us:
        ages = sorted(strategy.ages_us)
        p50, p99 = ages[len(ages) // 2], ages[int(len(ages) * 0.99)]
        print(f"    latency us p50={p50:.1f} p99={p99:.1f}")


if __name__ == "__main__":
    main()
