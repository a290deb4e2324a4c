"""Everything of one account at one exchange, put together and kept alive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random

from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.errors import AccessRefused, ExchangeUnavailable, first_of
from scalpctl.okx.account_reader import OkxAccountReader
from scalpctl.okx.credentials import Credentials
from scalpctl.okx.market_reader import OkxMarketReader
from scalpctl.okx.rate_limits import Bucket, RateLimiter
from scalpctl.okx.resolution import Resolver
from scalpctl.okx.rest import RestClient
from scalpctl.okx.rest_trading import RestTrading
from scalpctl.okx.server_clock import ServerClock
from scalpctl.okx.stream.account_feed import PRIVATE_CHANNELS, AccountFeed
from scalpctl.okx.stream.algo_feed import BUSINESS_CHANNELS, AlgoFeed
from scalpctl.okx.stream.market_feed import MarketFeed
from scalpctl.okx.stream.socket import Dialer
from scalpctl.okx.stream.supervisor import CONNECTIONS_PER_SECOND, LinePlan, Means, Supervisor
from scalpctl.okx.stream.waking import Waking
from scalpctl.okx.stream_trading import StreamTrading
from scalpctl.okx.transport import ANSWER_WITHIN_S, Transport
from scalpctl.okx.wire.channels import CHANNELS, Path
from scalpctl.okx.wire.hosts import Hosts
from scalpctl.okx.wire.operations import ChannelArg, LoginFrame
from scalpctl.ports.clock import Clock
from scalpctl.ports.connections import ConnectionListener
from scalpctl.ports.feeds import AccountSink, MarketSink

CLOCK_EVERY_S = 300
LOAD_EVERY_S = 60
WITNESS_EVERY_S = 10
_NO_PERIODIC_PUSH = '{"updateInterval":"0"}'
_WHOLE_KIND = ("instruments", "orders", "positions", "liquidation-warning", "orders-algo", "algo-advance")


@dataclass(frozen=True, slots=True)
class Outside:
    """What a client needs of the world."""

    hosts: Hosts
    transport: Transport
    dialer: Dialer
    clock: Clock
    listener: ConnectionListener
    random: Random
    answer_within_s: float = ANSWER_WITHIN_S


class OkxClient:
    """The readers, the trading and the lines of one account."""

    def __init__(self, outside: Outside, credentials: Credentials | None) -> None:
        """Build the REST side; without credentials only public data can be read."""
        self._outside = outside
        self._credentials = credentials
        clock = outside.clock
        self._limiter = RateLimiter(clock)
        self.rest = RestClient(
            outside.transport,
            clock,
            credentials=credentials,
            demo=outside.hosts.demo,
            limiter=self._limiter,
            listener=outside.listener,
            random=outside.random,
        )
        self.account = OkxAccountReader(self.rest, clock)
        self.market = OkxMarketReader(self.rest)
        self.resolver = Resolver(self.account, clock)
        self._codes: dict[str, int] = {}
        over_rest, server_clock = RestTrading(self.rest), self.rest.server_clock
        self.trading = StreamTrading(over_rest, self._limiter, clock, server_clock, self._codes)
        self.trading.answer_within_s = outside.answer_within_s
        self._clock_doubted = asyncio.Event()
        self.trading.clock_doubted = self._clock_doubted.set
        self._means = Means(
            dialer=outside.dialer,
            clock=clock,
            listener=outside.listener,
            random=outside.random,
            gate=Bucket(clock, CONNECTIONS_PER_SECOND, 1),
            measure_clock=self.rest.synchronise,
            waking=Waking(),
        )
        self._lines: list[Supervisor] = []
        self._chores: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (CLOCK_EVERY_S, self.rest.synchronise),
            (LOAD_EVERY_S, self._report_load),
        ]

    @property
    def hosts(self) -> Hosts:
        """Give the addresses this client talks to."""
        return self._outside.hosts

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Give the lines by name, each with how usable it is."""
        return [(line.plan.name, line.phase.value) for line in self._lines]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Give what must never be seen in a log."""
        return () if self._credentials is None else self._credentials.secrets()

    async def instruments(self) -> tuple[Instrument, ...]:
        """Give every linear swap; their codes in this environment must be known before anything is traded."""
        listed = await self.market.instruments()
        self._codes.update({one.inst_id: one.inst_id_code for one in listed if one.inst_id_code is not None})
        return listed

    def listen_to_market(self, sink: MarketSink, names: Sequence[str], inst_ids: Sequence[str]) -> list[Supervisor]:
        """Add the public lines that these channels need; the supervisors tell how fresh each channel is."""
        added: list[Supervisor] = []
        for path in (Path.PUBLIC, Path.BUSINESS):
            args = tuple(
                ChannelArg(channel=name, inst_id=inst_id) if inst_id else ChannelArg(channel=name, inst_type="SWAP")
                for name in names
                if CHANNELS[name].path is path
                for inst_id in ([""] if name in _WHOLE_KIND else inst_ids)
            )
            if args:
                line = "public" if path is Path.PUBLIC else "candles"
                plan = LinePlan(line, self._outside.hosts.stream + path, args)
                added.append(Supervisor(plan, MarketFeed(sink), self._means))
        self._lines += added
        return added

    def listen_to_account(self, sink: AccountSink, known_until: Instant | None = None) -> Supervisor:
        """Add the private line, trade over it, and add the line of conditional orders; give the private one.

        ``known_until`` is the instant of the last fill or bill the ledger has: the first resync begins there.
        """
        box = self._credentials
        if box is None:
            raise AccessRefused("a private stream needs an API key, and there is none", hint="scalpctl config init")
        exchange = self.rest.server_clock

        def login() -> LoginFrame:
            return box.login(exchange.now())

        feed = AccountFeed(
            self.account,
            sink,
            self._outside.clock,
            replied=self.trading.replied,
            moved=self.trading.moved,
            known_until=known_until,
        )
        private = Supervisor(self._plan(Path.PRIVATE, PRIVATE_CHANNELS, login), feed, self._means)
        algos = AlgoFeed(self.account, sink)
        business = Supervisor(self._plan(Path.BUSINESS, BUSINESS_CHANNELS, login), algos, self._means)
        self.trading.attach(private.send)
        self._lines += [private, business]
        self._chores.append((WITNESS_EVERY_S, lambda: _witness(feed, private, exchange)))
        return private

    async def run(self) -> None:
        """Keep all lines and do the regular chores until the key is refused or the task is cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for line in self._lines:
                    group.create_task(line.run())
                for every_s, chore in self._chores:
                    group.create_task(self._again_and_again(every_s, chore))
                group.create_task(self._measure_when_doubted())
        except BaseExceptionGroup as group:  # what "except*" raises is wrapped once more before Python 3.11.4
            refusals, others = group.split(AccessRefused)
            if refusals is None or others is not None:
                raise
            raise first_of(refusals) from None

    def _plan(self, path: Path, names: Sequence[str], login: Callable[[], LoginFrame]) -> LinePlan:
        args = tuple(
            ChannelArg(
                channel=channel,
                inst_type="SWAP" if channel in _WHOLE_KIND else "",
                extra_params=_NO_PERIODIC_PUSH if channel == "account" else "",
            )
            for channel in names
        )
        hosts = self._outside.hosts
        return LinePlan(path.name.lower(), hosts.stream + path, args, login=login, demo=hosts.demo)

    async def _report_load(self) -> None:
        self.rest.report_load()

    async def _again_and_again(self, every_s: int, chore: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._outside.clock.sleep(every_s)
            try:
                await chore()
            except ExchangeUnavailable:
                continue  # the line's own events say that the exchange is away

    async def _measure_when_doubted(self) -> None:
        while True:
            await self._clock_doubted.wait()
            self._clock_doubted.clear()
            await self.rest.measure_doubted()


async def _witness(feed: AccountFeed, line: Supervisor, exchange: ServerClock) -> None:
    """Let REST testify against a private line that looks alive and tells nothing."""
    if await feed.missed(exchange.now()):
        line.reconnect("orders moved on and the line did not tell")
