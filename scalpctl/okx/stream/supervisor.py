"""Keeps one line alive: dials, reconnects with patience, and builds the successor before the old one breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from scalpctl.core.exchange.connections import ConnectionEvent, ConnectionFact
from scalpctl.core.exchange.requests import Lane
from scalpctl.core.instants import Monotonic
from scalpctl.errors import AccessRefused, ExchangeUnavailable
from scalpctl.okx.rate_limits import Bucket
from scalpctl.okx.stream.backoff import Backoff
from scalpctl.okx.stream.machine import StreamMachine
from scalpctl.okx.stream.socket import Dialer, Line
from scalpctl.okx.stream.states import Phase
from scalpctl.okx.stream.waking import Waking, has_stood
from scalpctl.okx.wire.operations import ChannelArg, LoginFrame, OperationReply
from scalpctl.okx.wire.router import Pushed
from scalpctl.ports.clock import Clock
from scalpctl.ports.connections import ConnectionListener

TICK_S = 0.5
RESYNC_AGAIN_S, RESYNC_AGAIN_MAX_S = 1.0, 8.0
CONNECTIONS_PER_SECOND = 2
"""The exchange allows three; the third is for a person's terminal."""


class Consumer(Protocol):
    """Who lives on a line."""

    def pushed(self, push: Pushed) -> None:
        """Take rows of a channel; the same rows may come twice while two connections overlap."""
        ...

    def replied(self, reply: OperationReply) -> None:
        """Take the answer to a trade operation."""
        ...

    def moved(self, phase: Phase) -> None:
        """Learn how usable the line is."""
        ...

    async def resync(self) -> None:
        """Ask REST where things stand; as long as it raises ExchangeUnavailable the line is not ready: called again."""
        ...


@dataclass(frozen=True, slots=True)
class LinePlan:
    """What a line is for: its name in events, its address, its channels and its login."""

    name: str
    url: str
    channels: tuple[ChannelArg, ...]
    login: Callable[[], LoginFrame] | None = None
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Means:
    """What all lines of one account share; the gate counts connections per address."""

    dialer: Dialer
    clock: Clock
    listener: ConnectionListener
    random: Random
    gate: Bucket
    measure_clock: Callable[[], Awaitable[None]]
    waking: Waking


class Session:
    """One connection from dial to loss."""

    def __init__(self, owner: Supervisor) -> None:
        """Belong to a supervisor."""
        self._owner = owner
        self._monotonic = owner.clock.monotonic
        self.pushed = owner.consumer.pushed
        self._line: Line | None = None
        self._resync: asyncio.Task[None] | None = None
        plan = owner.plan
        self.machine = StreamMachine(self, plan.channels, login=plan.login, demo=plan.demo, given_up=owner.given_up)
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ready_at: Monotonic | None = None
        self.stands = False
        self.why = "closed by the exchange"

    def opened(self, line: Line) -> None:
        """Let the machine greet."""
        self._line = line
        self.machine.opened(self._owner.clock.monotonic())

    def frame(self, data: bytes) -> None:
        """Let the machine hear."""
        self.machine.heard(data, self._monotonic())

    def closed(self, code: int | None, error: Exception | None) -> None:
        """Be over; a bug ends the supervisor as well."""
        if self.over.done():
            return
        if error is not None:
            self._owner.fail(error)
        if self._resync is not None:
            self._resync.cancel()
        self.machine.lost(code, self._owner.clock.monotonic())
        self._owner.noted(ConnectionFact.LOST, f"{self.why} ({code})")
        self.over.set_result(None)

    def send(self, frame: bytes) -> None:
        """Send what the machine has to say."""
        self.try_send(frame)

    def try_send(self, frame: bytes) -> bool:
        """Send on the connection; False when nothing was sent."""
        return self._line is not None and self._line.send(frame)

    def hang_up(self, why: str) -> None:
        """Close the connection; the loss is told when the socket says so, or at once when it cannot."""
        self.why = why
        if self._line is not None:
            self._line.close()

    def replied(self, reply: OperationReply) -> None:
        """Pass an answer on."""
        self._owner.consumer.replied(reply)

    def moved(self, phase: Phase) -> None:
        """Resync after the snapshots; be ready after the resync."""
        if phase is Phase.SNAPSHOT:
            self._resync = asyncio.get_running_loop().create_task(self._resynchronise())
            self._resync.add_done_callback(self._resync_ended)
        elif phase is Phase.READY:
            self.ready_at = self._owner.clock.monotonic()
            if not self.ready.done():
                self.ready.set_result(None)
        self._owner.session_moved(self, phase)

    def refused(self, why: AccessRefused) -> None:
        """Pass on that it is no use trying."""
        self._owner.refuse(why)

    def clock_doubted(self) -> None:
        """Pass on that the clock must be measured."""
        self._owner.doubt_clock()

    def upgrade_announced(self) -> None:
        """Pass on that a successor is wanted."""
        self._owner.want_successor(self)

    def noted(self, fact: ConnectionFact, detail: str) -> None:
        """Pass a fact on."""
        self._owner.noted(fact, detail)

    async def _resynchronise(self) -> None:
        """Ask REST until it answers: the line is kept meanwhile, for what it tells does not need the answer."""
        clock, pause_s = self._owner.clock, RESYNC_AGAIN_S
        while True:
            try:
                await self._owner.consumer.resync()
            except ExchangeUnavailable as error:
                self.noted(ConnectionFact.RETRY, f"no resync: {error.message}; again in {pause_s:g} s")
                await clock.sleep(pause_s)
                self.machine.resyncing(clock.monotonic())
                pause_s = min(2 * pause_s, RESYNC_AGAIN_MAX_S)
            except AccessRefused as refusal:
                self.refused(refusal)
                self.hang_up("the key is refused")
                return
            else:
                self.machine.resynced(clock.monotonic())
                return

    def _resync_ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._owner.fail(error)
            self.hang_up("the resync is broken")


class Supervisor:
    """Keeps one line; ``run`` ends only when the key is refused or the task is cancelled."""

    def __init__(self, plan: LinePlan, consumer: Consumer, means: Means) -> None:
        """Keep the line that ``plan`` describes for ``consumer``."""
        self.plan = plan
        self.consumer = consumer
        self.clock = means.clock
        self._means = means
        self._backoff = Backoff(means.random)
        self._live: list[Session] = []
        self._current: Session | None = None
        self._successor: asyncio.Task[None] | None = None
        self._end: Exception | None = None
        self._clock_doubted = self._clock_measured = False
        """Whether the exchange finds our clock wrong, and whether it has been measured since it said so first."""
        self.given_up: dict[tuple[str, str], float] = {}
        """Channels connections were given up for, and how long each may be silent on the next one."""

    @property
    def phase(self) -> Phase:
        """Tell how usable the line is now."""
        return Phase.DOWN if self._current is None else self._current.machine.phase

    def send(self, frame: bytes) -> bool:
        """Send on a line that is ready; False when it is not."""
        if self._current is None or self.phase is not Phase.READY:
            return False
        return self._current.try_send(frame)

    def reconnect(self, why: str) -> None:
        """Give up the connection there is: somebody knows that it is deaf."""
        if self._current is not None:
            self._current.hang_up(why)

    async def run(self) -> None:
        """Keep the line until the key is refused."""
        ticking = asyncio.get_running_loop().create_task(self._tick())
        try:
            while True:
                await self._live_once()
                if self._end is not None:
                    raise self._end
                if self._current is None:
                    await self._pause()
        finally:
            ticking.cancel()
            if self._successor is not None:
                self._successor.cancel()
            for session in self._live:
                session.hang_up("stopped")

    def session_moved(self, session: Session, phase: Phase) -> None:
        """Tell the consumer about the line it lives on; a successor is heard of when it takes over."""
        if session is self._current:
            self.consumer.moved(phase)
        if phase is Phase.READY:
            self._clock_doubted = self._clock_measured = False
            self.noted(ConnectionFact.READY, "")

    def want_successor(self, session: Session) -> None:
        """Begin to build a successor, once."""
        if session is self._current and (self._successor is None or self._successor.done()):
            self._successor = asyncio.get_running_loop().create_task(self._succeed(session))

    def refuse(self, why: AccessRefused) -> None:
        """Remember that it is no use trying."""
        self._end = why
        self.noted(ConnectionFact.REFUSED, why.message)

    def fail(self, error: Exception) -> None:
        """Remember a bug: reconnecting would only hide it."""
        self._end = error

    def doubt_clock(self) -> None:
        """Measure before the next attempt; a doubt about what has just been measured is a refusal."""
        self._clock_doubted = True
        if self._clock_measured:
            why = "the exchange finds this machine's clock wrong although it was measured just now"
            self.refuse(AccessRefused(why, hint="set the clock: timedatectl set-ntp true, or chronyc makestep"))

    def noted(self, fact: ConnectionFact, detail: str) -> None:
        """Tell the listener."""
        self._means.listener.heard(ConnectionEvent(self.clock.now(), self.plan.name, fact, detail))

    async def _live_once(self) -> None:
        session = self._current or await self._dial()
        if session is None:
            return
        if self._current is None:
            self._current = session
            self.consumer.moved(session.machine.phase)
        await session.over
        self._backoff.ended(session.ready_at, self.clock.monotonic())
        if self._current is session:  # otherwise its successor has taken over already
            self._current = None

    async def _dial(self) -> Session | None:
        await self._means.gate.take(Lane.EXIT)
        session = Session(self)
        try:
            await self._means.dialer.dial(self.plan.url, session)
        except ExchangeUnavailable as error:
            self.noted(ConnectionFact.LOST, error.message)
            return None
        self._live = [*(other for other in self._live if not other.over.done()), session]
        self.noted(ConnectionFact.OPENED, "")
        return session

    async def _succeed(self, old: Session) -> None:
        while not old.over.done():
            session = await self._dial()
            if session is not None:
                await asyncio.wait((session.ready, session.over), return_when=asyncio.FIRST_COMPLETED)
                if self._takes_over(session, old):
                    return
            await self._pause()

    def _takes_over(self, session: Session, old: Session) -> bool:
        if session.over.done():
            return False
        if self._current is not old:  # the old one broke first and has been replaced the ordinary way
            session.hang_up("it is not needed any more")
            return True
        self._current = session
        old.hang_up("its successor is ready")
        self.consumer.moved(Phase.READY)
        return True

    async def _pause(self) -> None:
        pause_s = self._backoff.pause_s()
        self.noted(ConnectionFact.RETRY, f"attempt {self._backoff.failures} in {pause_s:.2f} s")
        if self._clock_doubted:
            try:
                await self._means.measure_clock()
                self._clock_measured = True
            except ExchangeUnavailable as error:
                self._clock_measured = False
                self.noted(ConnectionFact.LOST, error.message)
        if await self._means.waking.pause(self.clock, pause_s):
            self.noted(ConnectionFact.RETRY, "now: another line is back")

    async def _tick(self) -> None:
        while True:
            await self.clock.sleep(TICK_S)
            for session in self._live:
                if not session.over.done():
                    session.machine.tick(self.clock.monotonic())
                    self._stands(session)

    def _stands(self, session: Session) -> None:
        if not session.stands and has_stood(session.ready_at, self.clock.monotonic()):
            session.stands = True
            self._means.waking.stands()


def channels(*names: str, inst_ids: Sequence[str] = (), inst_type: str = "") -> tuple[ChannelArg, ...]:
    """Give the arguments of some channels: of each instrument, or of a whole kind of instruments."""
    if not inst_ids:
        return tuple(ChannelArg(channel=name, inst_type=inst_type) for name in names)
    return tuple(ChannelArg(channel=name, inst_id=inst_id) for name in names for inst_id in inst_ids)
