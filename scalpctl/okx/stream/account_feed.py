"""The private line as news of our account: each thing once, the whole picture after every reconnect."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from scalpctl.core.exchange.reports import FillReport, PositionReport
from scalpctl.core.instants import Instant, after
from scalpctl.errors import AccessRefused, AnswerMalformed, ExchangeUnavailable
from scalpctl.okx.stream.identities import SeenFills, SeenOrders, SeenPositions, contradicts
from scalpctl.okx.stream.pages import SnapshotPages
from scalpctl.okx.stream.states import Phase
from scalpctl.okx.wire.account import BalanceRow, PositionRow
from scalpctl.okx.wire.operations import OperationReply
from scalpctl.okx.wire.orders import OrderPush
from scalpctl.okx.wire.reports import (
    balance_reports,
    fill_in_push,
    lacks_fill,
    liquidation_near,
    money_moved,
    order_report,
    position_report,
)
from scalpctl.okx.wire.router import Pushed
from scalpctl.okx.wire.texts import instant_or_none
from scalpctl.ports.clock import Clock
from scalpctl.ports.exchange import AccountReader
from scalpctl.ports.feeds import AccountSink, FillConflict, PositionsSnapshot

FILLS_OVERLAP_S = 120
FILLS_ASKED_AFTER_S = (0.5, 2.0, 5.0)
"""They lag behind what is pushed."""
MISSED_AFTER_S = 3
PRIVATE_CHANNELS = ("orders", "positions", "account", "balance_and_position", "liquidation-warning")


class AccountFeed:
    """Lives on a private line; gives news to a sink."""

    def __init__(
        self,
        reader: AccountReader,
        sink: AccountSink,
        clock: Clock,
        *,
        replied: Callable[[OperationReply], None] = lambda _reply: None,
        moved: Callable[[Phase], None] = lambda _phase: None,
        known_until: Instant | None = None,
    ) -> None:
        """Resync through ``reader``, the first time from ``known_until`` on: the last fill or bill the ledger has.

        Operations and phases go to whoever trades over the same line.
        """
        self._reader = reader
        self._sink = sink
        self._clock = clock
        self._replied = replied
        self._moved = moved
        self._fills = SeenFills()
        self._orders = SeenOrders()
        self._positions = SeenPositions()
        self._pages = SnapshotPages()
        self._known_until = known_until
        self._asking: asyncio.Task[None] | None = None
        self._pauses_s: list[float] = []
        self._ready = False
        self.malformed = 0

    def pushed(self, push: Pushed) -> None:
        """Take rows; a row that cannot be read is counted and asked for, the others are kept."""
        handler: Callable[[Pushed], None] | None = {
            "orders": self._on_orders,
            "positions": self._on_positions,
            "account": self._on_account,
            "balance_and_position": self._on_money,
            "liquidation-warning": self._on_warning,
        }.get(push.arg.channel)
        if handler is not None:
            handler(push)

    def replied(self, reply: OperationReply) -> None:
        """Pass an answer on to whoever asked."""
        self._replied(reply)

    def moved(self, phase: Phase) -> None:
        """Tell the sink when the line becomes usable and when it stops being so."""
        self._moved(phase)
        if (phase is Phase.READY) != self._ready:
            self._ready = phase is Phase.READY
            self._sink.usable(ready=self._ready)

    async def resync(self) -> None:
        """Ask for everything after the channels are subscribed, and pass on what is new."""
        since = self._known_until or self._clock.now()
        found = await self._reader.resync(after(since, -FILLS_OVERLAP_S))
        new_fills = tuple(fill for fill in found.fills if self._is_new(fill))
        for order in found.orders:
            self._orders.is_news(order)
        for position in found.positions:
            self._positions.is_news(position, Instant(0))
        self._known_until = max([since, *(one.filled_at for one in found.fills), *(one.at for one in found.bills)])
        self._sink.account(replace(found, fills=new_fills))

    async def missed(self, exchange_now: Instant) -> int:
        """Ask REST for resting orders and give how many are further than the line has told: a deaf line tells nothing.

        What was missed is passed on all the same; the age of news is judged by the exchange's clock, which stamped it.
        """
        late = after(exchange_now, -MISSED_AFTER_S)
        orders = await self._reader.orders_pending()
        news = [order for order in orders if order.updated_at <= late and self._orders.is_news(order)]
        for order in news:
            self._sink.account(order)
        return len(news)

    def _on_orders(self, push: Pushed) -> None:
        for row in push.rows:
            self._each(self._on_order, row)

    def _on_order(self, row: OrderPush) -> None:
        fill = fill_in_push(row)
        if fill is not None and self._is_new(fill):
            self._sink.account(fill)
        report = order_report(row)
        if self._orders.is_news(report):
            self._sink.account(report)
        if lacks_fill(row):
            self._ask_for_fills()

    def _on_positions(self, push: Pushed) -> None:
        if push.event_type == "snapshot":
            rows = self._pages.complete(push)
            if rows is not None:
                self._each(self._on_snapshot, rows)
            return
        for row in push.rows:
            self._each(self._on_position, row)

    def _on_position(self, row: PositionRow) -> None:
        report = position_report(row)
        if self._positions.is_news(report, instant_or_none(row.p_time) or Instant(0)):
            self._sink.account(report)

    def _on_snapshot(self, rows: list[PositionRow]) -> None:
        reports = [(position_report(row), instant_or_none(row.p_time) or Instant(0)) for row in rows]
        for report, pushed_at in reports:
            self._positions.is_news(report, pushed_at)
        held = tuple(report for report, _ in reports if isinstance(report, PositionReport))
        self._sink.account(PositionsSnapshot(held))

    def _on_account(self, push: Pushed) -> None:
        for row in push.rows:
            self._each(self._on_balance, row)

    def _on_balance(self, row: BalanceRow) -> None:
        for report in balance_reports(row):
            self._sink.account(report)

    def _on_money(self, push: Pushed) -> None:
        for row in push.rows:
            self._each(lambda row: self._sink.account(money_moved(row)), row)

    def _on_warning(self, push: Pushed) -> None:
        for row in push.rows:
            self._each(lambda row: self._sink.account(liquidation_near(row)), row)

    def _each(self, handler: Callable[[Any], None], row: Any) -> None:
        try:
            handler(row)
        except AnswerMalformed:
            self.malformed += 1
            self._ask_for_fills()  # whatever it said about executions, the fills say it too

    def _is_new(self, fill: FillReport) -> bool:
        before = self._fills.first_copy(fill)
        if before is not None and contradicts(before, fill):
            self._sink.account(FillConflict(before, fill))
        return before is None

    def _ask_for_fills(self) -> None:
        """Read the fills some times from now on, also where they are being read: what is asked for now comes later."""
        self._pauses_s = [*FILLS_ASKED_AFTER_S]
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._fetch_fills())

    async def _fetch_fills(self) -> None:
        while self._pauses_s:
            await self._clock.sleep(self._pauses_s.pop(0))
            try:
                fills = await self._reader.fills_since(after(self._clock.now(), -FILLS_OVERLAP_S))
            except (ExchangeUnavailable, AccessRefused):
                continue  # the line itself will hear of a refused key
            for fill in fills:
                if self._is_new(fill):
                    self._sink.account(fill)
