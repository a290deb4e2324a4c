"""One session of the engine, put together and run to its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from scalpctl import __version__
from scalpctl.control.protocol import Request
from scalpctl.control.server import ControlServer
from scalpctl.core.costs import Fees
from scalpctl.core.exchange.connections import ConnectionEvent, ConnectionFact
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.records.sessions import SessionEnded
from scalpctl.engine import events
from scalpctl.engine.machine import Machine
from scalpctl.engine.memory import Remembered
from scalpctl.engine.plan import BAR, Plan
from scalpctl.engine.runner import Means, Runner
from scalpctl.errors import (
    AccessRefused,
    ConfigurationError,
    EngineRefused,
    ExchangeUnavailable,
    LedgerError,
    first_of,
)
from scalpctl.host.clock import WallClock
from scalpctl.host.ids import CountedIds, RandomIds
from scalpctl.host.watchdog import Watchdog
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import Holder, open_ledger
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ledger.writer import LedgerWriter
from scalpctl.okx.client import OkxClient
from scalpctl.settings.loading import Loaded
from scalpctl.simulator.specs import BY_ID
from scalpctl.tape.recording import Recorder
from scalpctl.wiring.code import code_digest
from scalpctl.wiring.feeling import Feeling
from scalpctl.wiring.keeping import kept_safe
from scalpctl.wiring.memory import remembered
from scalpctl.wiring.noting import require_open
from scalpctl.wiring.picture import picture
from scalpctl.wiring.strategy import settled
from scalpctl.wiring.venues import Venue

CHANNELS = ("tickers", "mark-price", f"candle{BAR}", "funding-rate", "price-limit", "instruments")
PATIENCE_S = (1.0, 2.0, 4.0, 8.0, 8.0, 15.0, 15.0, 30.0, 30.0, 30.0)
ORDERS = ("status", "close", "pause", "resume", "halt", "reread", "waive", "resolve")
COULD_NOT_BEGIN = "it could not begin"
TRADING = "run"
"""What the lease of a session that trades is for; a command that takes its place for a moment says its own name."""
READINGS = ("status", "picture")
IDS_PER_ROW = 16
T = TypeVar("T")


@dataclass(slots=True)
class Wanted:
    """How long a session should last and how it should end."""

    for_s: float | None = None
    flatten: bool = False
    entries: bool = True


@dataclass(slots=True)
class Ending:
    """How a session ended."""

    session_id: str
    kind: str
    reason: str
    left_open: int
    orderly: bool


@dataclass(slots=True)
class Listening:
    """Passes what happens to the lines to a runner that comes to be later."""

    runner: Runner | None = None
    early: list[ConnectionEvent] = field(default_factory=list)

    def heard(self, event: ConnectionEvent) -> None:
        """Pass a fact on, or keep it until somebody listens."""
        if self.runner is None:
            self.early.append(event)
        else:
            self.runner.heard(event)


class _NotWanted(Exception):
    """Somebody asked for the end while the session was still being prepared."""


class Session:
    """One run of the engine over one ledger."""

    def __init__(
        self, loaded: Loaded, folder: LedgerFolder, venue: Venue, listening: Listening, purpose: str = TRADING
    ) -> None:  # fmt: skip
        """Open the ledger, take up what it remembers, seal what crashed; the lease says ``purpose``."""
        self.folder = folder
        self.venue = venue
        self._loaded = loaded
        ids = CountedIds(_virtual_start(venue, folder)) if venue.stepped else RandomIds(venue.clock)
        holder = Holder(0, "virtual") if venue.stepped else None
        self.writer: LedgerWriter = open_ledger(folder, venue.clock, ids, purpose=purpose, holder=holder)
        self.session_id = ids.new_id()
        with LedgerReader(folder.ledger) as reader:
            self._memory: Remembered = remembered(reader)
            crashed = reader.rows("SELECT session_id, started_at FROM sessions WHERE ended_at IS NULL")
        self._seal(crashed)
        self.machine = Machine(Plan(settled(loaded.settings)), self.session_id, self._memory)
        client = venue.client
        means = Means(client.trading, client.account, client.market, client.resolver)
        self.runner = Runner(self.machine, self.writer, means, venue.clock, stepped=venue.stepped)
        kept = loaded.settings.ledger.tapes_mb_max * 1_000_000
        self._recorder = Recorder(folder.path / "tapes", self.session_id, kept_bytes=kept)
        self._recorder.heard(self._memory, venue.clock.now())
        self.runner.tape = self._recorder
        listening.runner = self.runner
        self._early = listening.early
        self.stop = asyncio.Event()
        self.stop_reason = "asked to stop"
        self.also: Callable[[], Coroutine[Any, Any, None]] | None = None
        """What runs beside the session, if anything; it may end."""
        self._later: list[asyncio.Task[None]] = []

    def _seal(self, crashed: list[dict[str, Any]]) -> None:
        now = self.venue.clock.now()
        why = "found without an end by the next start"
        for row in crashed:  # the embedded exchange knows its time to ten seconds after a crash
            at = Instant(max(now, row["started_at"]))
            ended = SessionEnded(session_id=row["session_id"], ended_at=at, end_kind="crashed", end_reason=why)
            self.writer.write(ended)

    async def run(self, wanted: Wanted) -> Ending:
        """Run until the time is over, somebody asks for the end, or something breaks."""
        kind, reason, orderly = "crashed", "an unexpected error", False
        try:
            async with self._running():
                self.machine.context.closed_to_entries = not wanted.entries
                reason, orderly = await self._played(wanted)
                kind = "clean"
                self.runner.hear(events.Ended(kind, reason))
                self.runner.require_ledger()
        except BaseExceptionGroup as group:
            raise first_of(group) from group
        finally:
            await self.venue.close()
            self._recorder.close()
            with contextlib.suppress(LedgerError):  # what could not be written is in the emergency file
                self.writer.wait()
            self.writer.close()
        return Ending(self.session_id, kind, reason, self.runner.left_open, orderly)

    async def _played(self, wanted: Wanted) -> tuple[str, bool]:
        """Prepare, wait for whatever ends the session, end in order; gives why it ended and whether in order."""
        try:
            await self._prepare()
        except _NotWanted:  # nothing was done yet that would have to come to an end
            return self.stop_reason, True
        except (ExchangeUnavailable, ConfigurationError, AccessRefused) as error:
            self.runner.hear(events.Ended("crashed", f"{COULD_NOT_BEGIN}: {error.message}"))
            raise
        if self.also is not None:
            self._later.append(asyncio.get_running_loop().create_task(self.also()))
        reason = await self._until(wanted)
        return reason, await self.runner.end(reason, flatten=wanted.flatten)

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        """Keep everything running that must; the end of any of it ends all."""
        background = [*self.venue.background, self.runner.perform_all, self.runner.keep_time]
        if not self.venue.stepped:
            feeling = Feeling(self.folder, self.writer, self.runner, self.venue.client)
            self.runner.feel = feeling
            background.append(feeling.watch)
            background.append(self._tell_that_we_live)
            background.append(
                lambda: kept_safe(self.folder, self._loaded.settings.ledger, self.venue.clock, self.writer)
            )
        control = ControlServer(self.folder.socket, self._handlers(), READINGS)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_forever(one)) for one in background]
            if not self.venue.stepped:
                await control.start()
            try:
                yield
            finally:
                for task in [*tasks, *self._later]:
                    task.cancel()
                await control.close()

    async def _tell_that_we_live(self) -> None:
        """Tell a service manager that waits for it, as long as the loop turns and the ledger takes what it is given."""
        watchdog, clock = Watchdog(os.environ), WallClock()
        pause_s = watchdog.expects_every_s or 3_600
        while not watchdog.tell("READY=1"):
            await clock.sleep(min(pause_s, 1))
        while True:
            await clock.sleep(pause_s)
            await self.runner.settled()
            watchdog.tell("WATCHDOG=1")

    async def _prepare(self) -> None:
        """Begin the session, learn what the exchange lists and what the account is, then listen."""
        runner, client = self.runner, self.venue.client
        runner.hear(events.Begun(self._facts()))
        for event in self._early:
            runner.heard(event)
        settings = self._loaded.settings
        mode = self.machine.context.plan.settled.margin_mode
        _, instruments = await asyncio.gather(  # side by side: on a bad day each of them takes its time
            self._patiently(client.rest.synchronise), self._patiently(client.instruments)
        )
        listed = {one.inst_id for one in instruments}
        wanted = {*self.machine.context.desks, *settings.instruments}
        self._miss(wanted - listed)
        configured = [inst_id for inst_id in settings.instruments if inst_id in listed]
        fees, balances, leverages = await asyncio.gather(
            self._patiently(lambda: self._fees([one for one in instruments if one.inst_id in wanted])),
            self._patiently(client.account.balances),
            self._patiently(lambda: client.account.leverages(configured, mode)),
        )
        for balance in balances:
            runner.hear(balance)
        runner.hear(events.Specified(instruments, fees))
        runner.hear(events.LeveragesRead(tuple(leverages.items())))
        self._listen(client, listed & wanted)

    def _miss(self, unlisted: set[str]) -> None:
        """Go on without what the exchange lists no more; what it never listed is a mistake in the configuration."""
        unheard_of = ", ".join(sorted(unlisted - self.machine.context.desks.keys()))
        if unheard_of:
            where = "the exchange" if self.venue.host is None else f"the embedded exchange (it has {', '.join(BY_ID)})"
            raise ConfigurationError(
                f"{where} does not list {unheard_of}", hint="correct it in `instruments`, or take it out"
            )
        for inst_id in sorted(unlisted):
            said = f"{inst_id} is not listed any more"
            self.runner.heard(ConnectionEvent(self.venue.clock.now(), "rest", ConnectionFact.UNSUBSCRIBED, said))

    async def _patiently(self, read: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Ask until there is an answer; an exchange that stays away is worth a message, not an endless wait."""
        for pause_s in PATIENCE_S:
            try:
                return await read()
            except ExchangeUnavailable as error:
                said = f"{error.message}; asked again in {pause_s:g} s"
                self.runner.heard(ConnectionEvent(self.venue.clock.now(), "rest", ConnectionFact.RETRY, said))
                await self._pause(pause_s)
        return await read()

    async def _pause(self, seconds: float) -> None:
        """Wait, unless somebody asks for the end meanwhile."""
        until = self.venue.clock.monotonic() + seconds * 1_000_000_000
        while not self.stop.is_set() and self.venue.clock.monotonic() < until:
            await self.venue.clock.sleep(0.25)
        if self.stop.is_set():
            raise _NotWanted

    def _listen(self, client: OkxClient, inst_ids: set[str]) -> None:
        client.listen_to_market(self.runner, CHANNELS, sorted(inst_ids))
        client.listen_to_account(self.runner, known_until=self._memory.known_until)
        self._later.append(asyncio.get_running_loop().create_task(client.run()))

    async def _fees(self, instruments: list[Instrument]) -> dict[str, Fees]:
        """Give the account's own rates by instrument, asked for once per group; nothing is entered without them."""
        by_group: dict[str, Fees | None] = {}
        for one in instruments:
            group = one.fee_group or one.inst_id
            if group not in by_group:
                by_group[group] = await self.venue.client.account.fees(one)
        told = {one.inst_id: by_group[one.fee_group or one.inst_id] for one in instruments}
        return {inst_id: fees for inst_id, fees in told.items() if fees is not None}

    async def _until(self, wanted: Wanted) -> str:
        """Wait for whatever ends the session."""
        clock = self.venue.clock
        begun = clock.monotonic()
        while not self.stop.is_set():
            for task in self._later:
                if task.done() and task.exception() is not None:
                    task.result()
            if wanted.for_s is not None and clock.monotonic() - begun >= wanted.for_s * 1_000_000_000:
                return "its time is over"
            await clock.sleep(0.5)
        return self.stop_reason

    def _facts(self) -> dict[str, Any]:
        loaded = self._loaded
        return {
            "env": loaded.settings.env,
            "account": loaded.settings.account,
            "config_digest": loaded.digest(),
            "config": loaded.settings.model_dump_json(exclude_unset=True),
            "code_version": __version__,
            "code_digest": code_digest(),
            "seed": self.venue.seed,
            "world": self.venue.world,
            "tape": self._recorder.name,
        }

    def _handlers(self) -> dict[str, Callable[[Request], Awaitable[Any]]]:
        orders = dict.fromkeys(ORDERS, self._ordered)
        return {**orders, "stop": self._stopped, "picture": self._pictured}

    async def _ordered(self, request: Request) -> Any:
        if request.command == "resolve":
            await self.runner.settled()  # what was just detected is in the ledger then
            with LedgerReader(self.folder.ledger) as reader:
                require_open(reader, request.arguments)
        reply = await self.runner.order(
            events.Ordered(request.id, request.command, request.arguments, request.operator)
        )
        if not reply.ok:
            raise EngineRefused(
                reply.message or "the engine refused", hint="`scalpctl positions` shows how things stand"
            )
        return reply.result

    async def _pictured(self, request: Request) -> Any:
        seen = await picture(self.venue.client, Instant(request.arguments.get("since", 0)))
        return seen | {"traded": list(self._loaded.settings.instruments)}

    async def _stopped(self, request: Request) -> Any:
        self.stop_reason = f"stopped by {request.operator or 'a terminal'}"
        self.stop.set()
        return {"stopping": True}


def _virtual_start(venue: Venue, folder: LedgerFolder) -> int:
    """Give ids that follow from seed, time and journal: two sessions may begin at one simulated instant."""
    begins = (int(venue.clock.now()) // 1_000) << 80 | Random(f"ids:{venue.seed}").getrandbits(79)
    if not folder.ledger.exists():
        return begins
    with LedgerReader(folder.ledger) as reader:
        return begins + IDS_PER_ROW * int(reader.rows("SELECT coalesce(max(seq), 0) AS rows FROM journal")[0]["rows"])


async def _forever(work: Callable[[], Awaitable[None]]) -> None:
    await work()
    raise AssertionError("a task that should run for ever came to its end")
