"""A clock that is turned by hand, for replays, simulations and tests."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sized
from itertools import count
from typing import TypeVar

from scalpctl.core.instants import MICROS_PER_SECOND, NANOS_PER_SECOND, Instant, Monotonic

T = TypeVar("T")


class HandClock:
    """Time that stands still until somebody turns it; sleepers wake in the order of their deadlines."""

    def __init__(self, start: Instant) -> None:
        """Start at an instant."""
        self._nanos = 0
        self._start = start
        self._skew_us = 0
        self._order = count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now(self) -> Instant:
        """Give the instant the hands show."""
        return Instant(self._start + self._skew_us + self._nanos // 1_000)

    def monotonic(self) -> Monotonic:
        """Give the nanoseconds turned so far."""
        return Monotonic(self._nanos)

    async def sleep(self, seconds: float) -> None:
        """Wait until the hands have been turned that far; zero gives way once."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        deadline = self._nanos + round(seconds * NANOS_PER_SECOND)
        heapq.heappush(self._sleepers, (deadline, next(self._order), future))
        await future

    def next_deadline(self) -> Monotonic | None:
        """Give the reading at which the next sleeper wakes."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return Monotonic(self._sleepers[0][0]) if self._sleepers else None

    def advance(self, seconds: float) -> None:
        """Turn the hands forward and wake whoever is due."""
        self.advance_to(Monotonic(self._nanos + round(seconds * NANOS_PER_SECOND)))

    def advance_to(self, reading: Monotonic) -> None:
        """Turn the hands to a monotonic reading and wake whoever is due."""
        self._nanos = max(self._nanos, reading)
        while self._sleepers and self._sleepers[0][0] <= self._nanos:
            future = heapq.heappop(self._sleepers)[2]
            if not future.done():
                future.set_result(None)

    def skew(self, seconds: float) -> None:
        """Step the wall clock without touching the monotonic one, as NTP or an operator would."""
        self._skew_us += round(seconds * MICROS_PER_SECOND)

    async def run_until(self, task: asyncio.Future[T]) -> T:
        """Turn the hands by themselves, from one sleeper to the next, until a task is done.

        Time moves only when nobody has anything left to do at the present instant; so one run is like another.
        """
        ready: Sized = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # noqa: SLF001  who is about to run
        while not task.done():
            while ready:  # noqa: ASYNC110  there is no event for "nobody is about to run"
                await asyncio.sleep(0)
            if task.done():
                break
            deadline = self.next_deadline()
            if deadline is None:
                await asyncio.sleep(0)  # somebody waits for the world outside, a thread perhaps
                continue
            self.advance_to(deadline)
        return task.result()
