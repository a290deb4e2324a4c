"""Where a session trades: the embedded exchange under some clock, or OKX itself; either way one client."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from scalpctl.core.instants import Instant, parse_rfc3339
from scalpctl.errors import ExchangeUnavailable, ScalpctlError, UsageError
from scalpctl.host.hand_clock import HandClock
from scalpctl.host.paced_clock import PacedClock
from scalpctl.ledger.reading import LedgerReader
from scalpctl.okx.client import OkxClient, Outside
from scalpctl.okx.credentials import Credentials
from scalpctl.okx.transport import ANSWER_WITHIN_S, Request, Response
from scalpctl.okx.wire.hosts import Hosts, hosts_of
from scalpctl.ports.clock import Clock
from scalpctl.ports.connections import ConnectionListener
from scalpctl.settings.loading import Loaded
from scalpctl.settings.secrets import ApiKey
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.schedule import read_schedule
from scalpctl.simulator.serving.faults import PRESETS
from scalpctl.simulator.serving.host import TIME_EVERY_US, Host, fresh_account, replay
from scalpctl.simulator.serving.in_process import InProcessDialer, InProcessTransport
from scalpctl.simulator.serving.store import Store
from scalpctl.simulator.specs import BY_ID
from scalpctl.simulator.tape import FED, PREFIX, Fed
from scalpctl.simulator.worlds import WORLDS
from scalpctl.wiring import exchange_client
from scalpctl.wiring.prices import PublicPrices

SIM_BEGINS = parse_rfc3339("2026-01-05T06:00:00Z")
"""Where simulated time begins when it is not to depend on today: two hours before a funding."""
SIM_CASH = Decimal(1_000)
SIM_SEED = 1


_NEVER_CAME = 504


class Handed:
    """Carries the client's requests to an exchange in this process, as patiently as over a network."""

    def __init__(self, host: Host, patience_s: float = ANSWER_WITHIN_S) -> None:
        """Carry to this host; ``patience_s`` of its time is how long an answer is waited for."""
        self._inner = InProcessTransport(host)
        self._clock, self._patience_s = host.clock, patience_s
        self._under_way: set[asyncio.Future[Any]] = set()

    async def send(self, request: Request) -> Response:
        """Carry one request there and its answer back; given up, the request goes on, and may still arrive."""
        going = asyncio.ensure_future(self._inner.send(request))
        patience = asyncio.ensure_future(self._clock.sleep(self._patience_s))
        self._under_way.add(going)
        going.add_done_callback(self._under_way.discard)
        await asyncio.wait((going, patience), return_when=asyncio.FIRST_COMPLETED)
        patience.cancel()
        if not going.done() or going.result().status == _NEVER_CAME:
            raise ExchangeUnavailable("no answer came in time")
        given = going.result()
        return Response(given.status, given.body, given.retry_after_s)


@dataclass(frozen=True, slots=True)
class SimOptions:
    """How the embedded exchange should be."""

    world: str = "range"
    seed: int | None = None
    speed: str = "real"
    schedule: Path | None = None
    faults: str = "none"
    cash: Decimal = SIM_CASH

    @property
    def stepped(self) -> bool:
        """Tell whether simulated time runs as fast as it can."""
        return self.speed == "max"


@dataclass(slots=True)
class Venue:
    """A place to trade: its clock, its client, what must run beside it, and how it is closed."""

    clock: Clock
    client: OkxClient
    background: list[Callable[[], Awaitable[None]]]
    close: Callable[[], Awaitable[None]]
    host: Host | None = None
    seed: int | None = None
    world: str | None = None
    stepped: bool = False
    secrets: tuple[str, ...] = ()
    hand: HandClock | None = field(default=None)


def embedded(folder: Path, options: SimOptions, wall: Clock, listener: ConnectionListener) -> Venue:
    """Continue with the exchange kept in a folder, or open a new one there."""
    if options.world not in {*WORLDS, FED} and not options.world.startswith(PREFIX):
        known = ", ".join((*WORLDS, f"{PREFIX}FILE"))
        raise UsageError(
            f"{options.world!r} is not a world", hint=f"worlds: {known}; `scalpctl sim worlds` describes them"
        )
    store = Store(folder)
    exchange = _kept(store, folder) if store.exists else _opened(store, options, wall)
    hand = HandClock(Instant(exchange.now)) if options.stepped else None
    speed = 1.0 if options.stepped else _speed(options.speed)
    clock: Clock = hand or PacedClock(Instant(exchange.now), speed, wall)
    if options.schedule is not None:
        exchange.state.schedule += read_schedule(options.schedule, exchange.now)
    if options.faults not in PRESETS:
        raise UsageError(f"{options.faults!r} is not a kind of weather", hint=f"one of {', '.join(PRESETS)}")
    host = Host(exchange, clock, store, faults=options.faults)
    account = next(iter(exchange.state.accounts.values()))
    outside = Outside(
        Hosts("sim", False, "http://127.0.0.1", "ws://127.0.0.1"),
        Handed(host, ANSWER_WITHIN_S * max(speed, 1.0)),  # what this machine takes is no weather
        InProcessDialer(host),
        clock,
        listener,
        random.Random(exchange.state.seed),
    )
    client = OkxClient(outside, Credentials(account.api_key, account.secret, account.passphrase))

    async def close() -> None:
        host.close()

    return Venue(
        clock, client, [host.run], close, host=host, seed=exchange.state.seed, world=exchange.state.world,
        stepped=options.stepped, secrets=(account.secret, account.passphrase), hand=hand,
    )  # fmt: skip


def on_public_prices(folder: Path, loaded: Loaded, wall: Clock, listener: ConnectionListener) -> Venue:
    """Trade on the embedded exchange while its prices are those of OKX's public streams; no key is involved."""
    venue = embedded(folder, SimOptions(world=FED), wall, listener)
    wanted = loaded.settings.exchange
    hosts = hosts_of(wanted.region, demo=False, rest=wanted.rest_url, stream=wanted.websocket_url)
    prices = PublicPrices(hosts, wall)
    host = venue.host
    if host is None or not isinstance(host.exchange.quotes, Fed):
        raise UsageError(f"{folder} holds another kind of account", hint="use --fresh to begin a new one")
    fed = host.exchange.quotes
    keep, close = venue.background[0], venue.close

    async def hosted() -> None:
        await prices.first(fed)
        for inst_id in loaded.settings.instruments:
            if inst_id in host.exchange.state.markets:
                await prices.history(host.exchange.market(inst_id))
        await keep()

    async def followed() -> None:
        await prices.follow(lambda ticker: fed.tell(ticker.inst_id, ticker.bid_text, ticker.ask_text), list(BY_ID))

    async def closed() -> None:
        await close()
        await prices.close()

    venue.background = [hosted, followed]
    venue.close = closed
    return venue


def outside_world(loaded: Loaded, key: ApiKey, wall: Clock, listener: ConnectionListener) -> Venue:
    """Trade at OKX, demo or live."""
    client, transport = exchange_client(loaded, key, wall, listener)
    return Venue(wall, client, [], transport.close, secrets=(key.secret.reveal(), key.passphrase.reveal()))


def _kept(store: Store, folder: Path) -> Exchange:
    """Give the exchange as it was, at the time the ledger beside it has seen: it notes its own only now and then."""
    state, entries = store.load()
    exchange = Exchange(state)
    replay(exchange, entries)
    seen = min(_newest(folder / "ledger.db"), exchange.now + TIME_EVERY_US)
    exchange.advance(max(seen, exchange.now))
    return exchange


def _newest(ledger: Path) -> int:
    if not ledger.exists():
        return 0
    with suppress(ScalpctlError), LedgerReader(ledger) as reader:  # what is wrong with it is said when it is opened
        rows = reader.rows("SELECT ts_us FROM journal ORDER BY seq DESC LIMIT 1")
        return int(rows[0]["ts_us"]) if rows else 0
    return 0


def _opened(store: Store, options: SimOptions, wall: Clock) -> Exchange:
    seed = SIM_SEED if options.seed is None else options.seed
    start = SIM_BEGINS if options.stepped else wall.now()
    exchange = Exchange.open(options.world, seed, start)
    account, _ = fresh_account(seed, options.cash)
    exchange.add_account(account, options.cash)
    store.save(exchange.snapshot())
    return exchange


def _speed(text: str) -> float:
    if text == "real":
        return 1.0
    number = text.removesuffix("x")
    if not number.replace(".", "", 1).isdecimal() or not 0 < float(number) <= 1_000:
        raise UsageError(f"{text!r} is not a speed", hint="real, max, or a multiple like 20x")
    return float(number)
