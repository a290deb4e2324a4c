"""The exchange's rate limits, kept before it has to: sliding windows, and lanes that decide who goes first."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from scalpctl.core.exchange.requests import Lane
from scalpctl.core.instants import NANOS_PER_SECOND
from scalpctl.okx.wire.endpoints import ACCOUNT_ORDERS_MAX, AMEND, AMEND_BATCH, BATCH_ORDERS, ORDER, Endpoint
from scalpctl.ports.clock import Clock

RANK: Mapping[Lane, int] = {lane: rank for rank, lane in enumerate(Lane)}
ENTRY_SHARE_PERCENT = 70
"""Entries stop here; the rest of every window is kept for exits, stops and cancels."""
_COUNTED_TOGETHER = (ORDER, BATCH_ORDERS, AMEND, AMEND_BATCH)
_TURN_S = 0.001


@dataclass(slots=True)
class Figures:
    """What the limiter has done since it was last asked."""

    granted: int = 0
    waited: int = 0
    waited_ms: int = 0
    throttled: int = 0


class Bucket:
    """One budget: at most ``permits`` in any window, the first lane first."""

    def __init__(self, clock: Clock, permits: int, window_s: int) -> None:
        """Start unused."""
        self._clock = clock
        self._permits = permits
        self._window_ns = window_s * NANOS_PER_SECOND
        self._used: deque[tuple[int, int]] = deque()
        self._in_window = 0
        self._shut_until = 0
        self._order = count()
        self._waiting: list[tuple[int, int]] = []

    async def take(self, lane: Lane, weight: int = 1) -> int:
        """Wait for a turn and a permit; give the milliseconds waited."""
        ticket = (RANK[lane], next(self._order))
        if not self._waiting and self._delay_s(None, lane, weight) <= 0:
            self._spend(weight)
            return 0
        begun = self._clock.monotonic()
        heapq.heappush(self._waiting, ticket)
        try:
            while (delay_s := self._delay_s(ticket, lane, weight)) > 0:
                await self._clock.sleep(delay_s)
            self._spend(weight)
        finally:
            self._waiting.remove(ticket)
            heapq.heapify(self._waiting)
        return (self._clock.monotonic() - begun) // 1_000_000

    def shut(self, seconds: float) -> None:
        """Let nobody through for a while: the exchange has complained."""
        self._shut_until = max(self._shut_until, self._clock.monotonic() + round(seconds * NANOS_PER_SECOND))

    def _delay_s(self, ticket: tuple[int, int] | None, lane: Lane, weight: int) -> float:
        now = self._clock.monotonic()
        self._forget(now)
        if now < self._shut_until:
            return (self._shut_until - now) / NANOS_PER_SECOND
        allowed = self._permits * ENTRY_SHARE_PERCENT // 100 if lane is Lane.ENTRY else self._permits
        if self._in_window and self._in_window + weight > max(1, allowed):
            return max((self._used[0][0] + self._window_ns - now) / NANOS_PER_SECOND, _TURN_S)
        return 0.0 if ticket is None or self._waiting[0] == ticket else _TURN_S

    def _spend(self, weight: int) -> None:
        self._used.append((self._clock.monotonic(), weight))
        self._in_window += weight

    def _forget(self, now: int) -> None:
        while self._used and self._used[0][0] + self._window_ns <= now:
            self._in_window -= self._used.popleft()[1]


class RateLimiter:
    """Every budget of one account, shared by REST and the WebSocket."""

    def __init__(self, clock: Clock) -> None:
        """Start with all budgets unused."""
        self._clock = clock
        self._buckets: dict[tuple[str, str, str], Bucket] = {}
        self._account = Bucket(clock, ACCOUNT_ORDERS_MAX, 2)
        self.figures = Figures()

    async def take(self, endpoint: Endpoint, lane: Lane, inst_id: str = "", weight: int = 1) -> None:
        """Wait until this request may go."""
        waited_ms = await self._bucket(endpoint, inst_id).take(lane, weight)
        if endpoint in _COUNTED_TOGETHER:
            waited_ms += await self._account.take(lane, weight)
        self.figures.granted += 1
        self.figures.waited += waited_ms > 0
        self.figures.waited_ms += waited_ms

    def shut(self, endpoint: Endpoint, inst_id: str = "", seconds: float = 2.0) -> None:
        """Heed the exchange's complaint about one budget."""
        self.figures.throttled += 1
        self._bucket(endpoint, inst_id).shut(seconds)

    def drain(self) -> Figures:
        """Give the figures since the last call and start anew."""
        figures, self.figures = self.figures, Figures()
        return figures

    def _bucket(self, endpoint: Endpoint, inst_id: str) -> Bucket:
        key = (endpoint.method, endpoint.path, inst_id if endpoint.scope.per_instrument else "")
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._clock, endpoint.permits, endpoint.window_s)
        return bucket
