"""Public prices of OKX, or of another exchange that speaks like it: recorded, or fed into the embedded exchange."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from scalpctl.core import market
from scalpctl.core.exchange.connections import ConnectionEvent
from scalpctl.core.market import Ticker
from scalpctl.okx.client import OkxClient, Outside
from scalpctl.okx.stream.socket import WebSocketDialer
from scalpctl.okx.transport import HttpTransport
from scalpctl.okx.wire.hosts import Hosts
from scalpctl.ports.clock import Clock
from scalpctl.ports.feeds import MarketValue
from scalpctl.simulator.specs import BY_ID
from scalpctl.simulator.state import Candle, Market
from scalpctl.simulator.tape import Fed, Quote, Recorder

HISTORY = 300


class _Deaf:
    """Lets facts about lines go: prices that stop coming are noticed by their age."""

    def heard(self, event: ConnectionEvent) -> None:
        """Let it go."""


class Tickers:
    """Passes best bid and ask on."""

    def __init__(self, tell: Callable[[Ticker], None]) -> None:
        """Pass to ``tell``."""
        self._tell = tell

    def market(self, value: MarketValue) -> None:
        """Take one value."""
        if isinstance(value, Ticker):
            self._tell(value)


class PublicPrices:
    """A client of public data only; it has no key and can order nothing."""

    def __init__(self, hosts: Hosts, clock: Clock) -> None:
        """Talk to these hosts."""
        self._transport = HttpTransport(hosts.rest)
        outside = Outside(hosts, self._transport, WebSocketDialer(), clock, _Deaf(), random.Random())
        self.client = OkxClient(outside, None)

    async def first(self, fed: Fed) -> None:
        """Learn where every price stands, before anything is decided on them."""
        await self.client.rest.synchronise()
        for ticker in await self.client.market.tickers():
            fed.tell(ticker.inst_id, ticker.bid_text, ticker.ask_text)

    async def history(self, market: Market) -> None:
        """Give a market the past its prices come from, so that indicators warm up on what really was."""
        market.candles = in_ticks(market.inst_id, await self.client.market.candles(market.inst_id, "1m", HISTORY))

    async def follow(self, tell: Callable[[Ticker], None], inst_ids: Sequence[str]) -> None:
        """Pass prices on until cancelled."""
        self.client.listen_to_market(Tickers(tell), ("tickers",), inst_ids)
        await self.client.run()

    async def close(self) -> None:
        """Hang up."""
        await self._transport.close()


def in_ticks(inst_id: str, past: Sequence[market.Candle]) -> list[Candle]:
    """Give candles as the embedded exchange keeps them."""
    tick = float(BY_ID[inst_id].tick)
    return [
        Candle(
            one.opened_at, round(one.open / tick), round(one.high / tick), round(one.low / tick),
            round(one.close / tick), one.contracts,
        )
        for one in past
    ]  # fmt: skip


async def record(hosts: Hosts, clock: Clock, path: Path, inst_ids: Sequence[str], seconds: float) -> int:
    """Record best bids and asks for a while; gives how many were written."""
    prices, recorder, begun = PublicPrices(hosts, clock), Recorder(path), clock.now()

    def tell(ticker: Ticker) -> None:
        recorder.write(Quote(clock.now() - begun, ticker.inst_id, ticker.bid_text, ticker.ask_text))

    following = asyncio.ensure_future(prices.follow(tell, inst_ids))
    try:
        await clock.sleep(seconds)
        if following.done():
            following.result()
    finally:
        following.cancel()
        recorder.close()
        await prices.close()
    return recorder.count
