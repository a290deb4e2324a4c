"""Runs a machine: hears the exchange, makes records durable, performs effects, and brings their answers back as events.

The machine is asked at once, whenever something is heard; what it wants done waits until its records are on disk. Any
unexpected end of any task ends the session with the stops left in place: crash-only, the next start sorts things out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from scalpctl.core.exchange.connections import ConnectionEvent
from scalpctl.core.exchange.reports import FillReport, OrderReport
from scalpctl.core.exchange.requests import AmendAlgo, CancelAlgo, CancelOrder, PlaceAlgo, PlaceOrder
from scalpctl.core.exchange.resolutions import Resolution
from scalpctl.core.instants import Instant
from scalpctl.core.records.base import Record
from scalpctl.engine import effects, events, setup
from scalpctl.engine.context import Step
from scalpctl.engine.machine import Machine
from scalpctl.errors import ExchangeUnavailable, LedgerError, ScalpctlError
from scalpctl.ports.clock import Clock
from scalpctl.ports.exchange import AccountReader, MarketReader, TradeGateway

HEARTBEAT_EVERY_S = 60
END_WITHIN_S, FLAT_WITHIN_S = 45, 90
"""How long an orderly end may take: longest where a request that was given up may arrive still."""
BILLS_WITHIN_S = 10
"""How long an end that is reached waits for what the last executions were billed; the next start reads it as well."""
ASKED_ONE_BY_ONE = 10
"""How many orders, the newest first, are asked for by their ids where lists, which are cut by age, lack them."""
REPLIES_KEPT = 256


class Ledger(Protocol):
    """What a runner needs of the ledger's writer."""

    @property
    def failure(self) -> ScalpctlError | None:
        """Give why nothing can be written any more; None while it can."""
        ...

    def append(self, records: Sequence[Record], cause: int | None = None) -> int:
        """Hand records over; gives the ticket to wait for."""
        ...

    def wait(self, ticket: int | None = None) -> None:
        """Wait, blocking, until a ticket is on disk."""
        ...

    async def durable(self, ticket: int) -> None:
        """Wait until a ticket is on disk."""
        ...


class Resolver(Protocol):
    """Clears up unknown outcomes by asking."""

    async def order(self, inst_id: str, client_id: str, *, sent_at: Instant, expires_at: Instant) -> Resolution:
        """Find out what became of an order."""
        ...

    async def algo(self, inst_id: str, client_id: str, *, sent_at: Instant) -> Resolution:
        """Find out what became of a conditional order."""
        ...


class Tape(Protocol):
    """Keeps what was heard."""

    def heard(self, event: Any, at: Instant) -> None:
        """Keep one event."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """The exchange as the runner uses it."""

    trading: TradeGateway
    account: AccountReader
    market: MarketReader
    resolver: Resolver


class Runner:
    """One machine in a running world; it is the sink of every feed."""

    def __init__(self, machine: Machine, ledger: Ledger, means: Means, clock: Clock, *, stepped: bool = False) -> None:
        """Run a machine; ``stepped`` where time stands still meanwhile, so that one run is like another."""
        self.machine = machine
        self.ledger = ledger
        self.clock = clock
        self.tape: Tape | None = None
        self.watchers: list[Callable[[Any, Step, Instant], None]] = []
        self.feel: Callable[[], events.Felt] = events.Felt
        self._finished = asyncio.Event()
        self._reached = asyncio.Event()
        self.left_open = 0
        self._means = means
        self._stepped = stepped
        self._waiting: deque[tuple[int, effects.Effect]] = deque()
        self._something = asyncio.Event()
        self._replies: dict[str, asyncio.Future[effects.Reply]] = {}
        self._ticket = 0
        self._broken: LedgerError | None = None
        self._handle = machine.handle
        self._now = clock.now

    @property
    def backlog(self) -> int:
        """Give how many effects wait for their records to become durable."""
        return len(self._waiting)

    # --- hearing ----------------------------------------------------------------------------------------------------

    def hear(self, event: Any) -> None:
        """Take one event: ask the machine, hand its records over, queue its effects."""
        at = self._now()
        if self.tape is not None:
            self.tape.heard(event, at)
        step = self._handle(event, at)
        if step.records and not self._recorded(step.records):
            return
        if step.effects:
            self._waiting.extend((self._ticket, effect) for effect in step.effects)
            self._something.set()
        if self.watchers and (step.records or step.effects):
            for watcher in self.watchers:
                watcher(event, step, at)

    def _recorded(self, records: Sequence[Record]) -> bool:
        """Hand records over; where there is no ledger any more nothing is done, and ``perform_all`` ends."""
        try:
            self._ticket = self.ledger.append(records)
        except LedgerError as error:  # whoever told us may be a callback of the loop, where an error would be lost
            self._broken = self._broken or error
            self._something.set()
        return self._broken is None

    def require_ledger(self) -> None:
        """Raise what keeps the ledger from being written, if anything does."""
        broken = self._broken or self.ledger.failure
        if broken is not None:
            raise broken

    async def settled(self) -> None:
        """Wait until everything recorded so far is on disk: who comes back from this is alive in every part."""
        await self.ledger.durable(self._ticket)

    market = account = hear
    """Feeds call these: market values and account news are events as they are."""

    def usable(self, *, ready: bool) -> None:
        """Learn whether the private line may be relied on."""
        self.hear(events.Usable(ready))

    def heard(self, event: ConnectionEvent) -> None:
        """Learn what happened to a line."""
        self.hear(events.LineHeard(event))

    async def order(self, command: events.Ordered) -> effects.Reply:
        """Carry out a person's command and give the answer; the same command twice is one command."""
        known = self._replies.get(command.command_id)
        if known is None:
            self._forget_answered()
            known = self._replies[command.command_id] = asyncio.get_running_loop().create_future()
            self.hear(command)
        return await asyncio.shield(known)

    def _forget_answered(self) -> None:
        """Keep the newest answers only: whoever sends a command twice does so soon."""
        too_many = len(self._replies) - REPLIES_KEPT
        for command_id in list(self._replies)[: max(0, too_many)]:
            if self._replies[command_id].done():
                del self._replies[command_id]

    # --- doing ------------------------------------------------------------------------------------------------------

    async def perform_all(self) -> None:
        """Perform effects as their records become durable, until cancelled or until one fails unexpectedly."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._something.wait()
                self._something.clear()
                while self._waiting:
                    self.require_ledger()
                    ticket, effect = self._waiting.popleft()
                    if self._stepped:
                        self.ledger.wait(ticket)
                    else:
                        await self.ledger.durable(ticket)
                    self._begin(group, effect)
                self.require_ledger()

    def _begin(self, group: asyncio.TaskGroup, effect: effects.Effect) -> None:
        if isinstance(effect, effects.Reply):
            future = self._replies.get(effect.command_id)
            if future is not None and not future.done():
                future.set_result(effect)
        else:
            group.create_task(_PERFORM[type(effect)](self, effect))

    async def _place(self, order: PlaceOrder) -> None:
        sent_at = self._now()
        self.hear(events.Placed(order.client_id, await self._means.trading.place(order), sent_at))

    async def _cancel(self, order: CancelOrder) -> None:
        self.hear(events.Cancelled(order.client_id, await self._means.trading.cancel(order)))

    async def _place_algo(self, algo: PlaceAlgo) -> None:
        self.hear(events.AlgoAnswered(algo.client_id, "place", await self._means.trading.place_algo(algo)))

    async def _amend_algo(self, change: AmendAlgo) -> None:
        self.hear(events.AlgoAnswered(change.client_id, "amend", await self._means.trading.amend_algo(change)))

    async def _cancel_algo(self, algo: CancelAlgo) -> None:
        self.hear(events.AlgoAnswered(algo.client_id, "cancel", await self._means.trading.cancel_algo(algo)))

    async def _leverage(self, wanted: effects.SetLeverage) -> None:
        outcome = await self._means.trading.set_leverage(wanted.inst_id, wanted.leverage, wanted.mode, None)
        self.hear(events.LeverageAnswered(wanted.inst_id, wanted.leverage, outcome))

    async def _ask_order(self, ask: effects.AskOrder) -> None:
        resolution = await self._means.resolver.order(
            ask.inst_id, ask.client_id, sent_at=ask.sent_at, expires_at=ask.expires_at
        )
        self.hear(events.Resolved(ask.client_id, resolution))

    async def _ask_algo(self, ask: effects.AskAlgo) -> None:
        resolution = await self._means.resolver.algo(ask.inst_id, ask.client_id, sent_at=ask.sent_at)
        self.hear(events.Resolved(ask.client_id, resolution, is_algo=True))

    async def _investigate(self, ask: effects.Investigate) -> None:
        reader, since = self._means.account, ask.since
        fills = await _or_none(reader.fills_since(since)) if ask.foreign else ()
        mine = tuple(fill for fill in fills if fill.inst_id == ask.inst_id) if fills is not None else None
        orders = await self._orders(since, mine or ()) if ask.foreign else ()
        algos = await _or_none(reader.algos_since(since)) if ask.foreign else ()
        history = await _or_none(reader.positions_closed_since(since)) if ask.foreign else ()
        bills = await _or_none(reader.bills_since(since))
        self.hear(events.Evidence(ask.position_id, mine, orders, algos, bills, history))

    async def _orders(self, since: Instant, fills: tuple[FillReport, ...]) -> tuple[OrderReport, ...] | None:
        """Give the orders that executions name: the finished ones, where one is missing what rests, or else itself."""
        found = await _or_none(self._means.account.orders_since(since))
        if found is None or not _unlisted(fills, found):
            return found
        resting = await _or_none(self._means.account.orders_pending())
        if resting is None:
            return None
        found += resting
        for fill in _unlisted(fills, found)[-ASKED_ONE_BY_ONE:]:
            try:
                order = await self._means.account.order_numbered(fill.inst_id, fill.order_id)
            except ExchangeUnavailable:  # it is asked for again with everything else that is not explained
                break
            found += () if order is None else (order,)
        return found

    async def _bills(self, ask: effects.ReadBills) -> None:
        self.hear(events.BillsRead(await _or_none(self._means.account.bills_since(ask.since))))

    async def _fills(self, ask: effects.ReadFills) -> None:
        self.hear(events.FillsRead(await _or_none(self._means.account.fills_since(ask.since))))

    async def _positions(self, _ask: effects.ReadPositions) -> None:
        self.hear(events.PositionsRead(await _or_none(self._means.account.positions())))

    async def _algos(self, _ask: effects.ReadAlgos) -> None:
        self.hear(events.AlgosRead(await _or_none(self._means.account.algos_pending())))

    async def _leverages(self, ask: effects.ReadLeverages) -> None:
        with contextlib.suppress(ExchangeUnavailable):
            found = await self._means.account.leverages(ask.inst_ids, ask.mode)
            self.hear(events.LeveragesRead(tuple(found.items())))

    async def _balances(self, _ask: effects.ReadBalances) -> None:
        for balance in await _or_none(self._means.account.balances()) or ():
            self.hear(balance)

    async def _setup(self, _ask: effects.ReadSetup) -> None:
        try:
            self.hear(events.SetupRead(setup.of(await self._means.account.account())))
        except ExchangeUnavailable:
            self.hear(events.SetupRead(None))

    async def _announcements(self, _ask: effects.ReadAnnouncements) -> None:
        market = self._means.market
        self.hear(events.Announced(await _or_none(market.instruments()), await _or_none(market.maintenance())))

    async def _finish(self, end: effects.Finish) -> None:
        self.left_open = end.left_open
        self._reached.set()
        await self._bills(effects.ReadBills(end.bills_since))
        self._finished.set()

    async def _candles(self, ask: effects.ReadCandles) -> None:
        candles = await _or_none(self._means.market.candles(ask.inst_id, ask.bar, ask.count))
        self.hear(events.CandlesRead(ask.inst_id, candles))

    async def _reread(self, ask: effects.Reread) -> None:
        try:
            self.hear(await self._means.account.resync(ask.since))
        except ExchangeUnavailable:
            self.hear(events.PositionsRead(None))  # a close that waits for this asks again at the next picture

    async def _switch(self, switch: effects.DeadManSwitch) -> None:
        await self._means.trading.cancel_all_after(switch.seconds)

    # --- time -------------------------------------------------------------------------------------------------------

    async def keep_time(self) -> None:
        """Tell the machine of every second, and how the process feels every minute."""
        seconds = 0
        while True:
            await self.clock.sleep(1.0)
            seconds += 1
            self.require_ledger()
            self.hear(events.Timer())
            if seconds % HEARTBEAT_EVERY_S == 0:
                self.hear(self.feel())

    async def end(self, reason: str, *, flatten: bool = False) -> bool:
        """End in order: entries stop, own entries are cancelled, stops are verified; True when that was reached."""
        self.hear(events.Ending(reason, flatten))
        await self._wait(self._reached, FLAT_WITHIN_S if flatten else END_WITHIN_S)
        if self._reached.is_set():
            await self._wait(self._finished, BILLS_WITHIN_S)
        return self._reached.is_set()

    async def _wait(self, event: asyncio.Event, within_s: int) -> None:
        for _ in range(within_s * 4):
            if event.is_set():
                return
            await self.clock.sleep(0.25)


def _unlisted(fills: Sequence[FillReport], orders: Sequence[OrderReport]) -> list[FillReport]:
    """Give one execution of each order that is not listed, oldest first."""
    listed = {order.order_id for order in orders}
    return list({fill.order_id: fill for fill in fills if fill.order_id not in listed}.values())


async def _or_none(read: Awaitable[tuple[Any, ...]]) -> tuple[Any, ...] | None:
    """Give what a read answers; None when the exchange could not be asked, which is no information."""
    try:
        return await read
    except ExchangeUnavailable:
        return None


_Perform = Callable[[Runner, Any], Any]
_PERFORM: dict[type[Any], _Perform] = cast(
    "dict[type[Any], _Perform]",
    {
        PlaceOrder: Runner._place,  # noqa: SLF001  the table belongs to the class above
        CancelOrder: Runner._cancel,  # noqa: SLF001  as above
        PlaceAlgo: Runner._place_algo,  # noqa: SLF001  as above
        AmendAlgo: Runner._amend_algo,  # noqa: SLF001  as above
        CancelAlgo: Runner._cancel_algo,  # noqa: SLF001  as above
        effects.SetLeverage: Runner._leverage,  # noqa: SLF001  as above
        effects.AskOrder: Runner._ask_order,  # noqa: SLF001  as above
        effects.AskAlgo: Runner._ask_algo,  # noqa: SLF001  as above
        effects.Investigate: Runner._investigate,  # noqa: SLF001  as above
        effects.ReadBills: Runner._bills,  # noqa: SLF001  as above
        effects.ReadFills: Runner._fills,  # noqa: SLF001  as above
        effects.ReadPositions: Runner._positions,  # noqa: SLF001  as above
        effects.ReadBalances: Runner._balances,  # noqa: SLF001  as above
        effects.ReadSetup: Runner._setup,  # noqa: SLF001  as above
        effects.ReadAlgos: Runner._algos,  # noqa: SLF001  as above
        effects.ReadLeverages: Runner._leverages,  # noqa: SLF001  as above
        effects.ReadAnnouncements: Runner._announcements,  # noqa: SLF001  as above
        effects.ReadCandles: Runner._candles,  # noqa: SLF001  as above
        effects.Reread: Runner._reread,  # noqa: SLF001  as above
        effects.Finish: Runner._finish,  # noqa: SLF001  as above
        effects.DeadManSwitch: Runner._switch,  # noqa: SLF001  as above
    },
)
