"""The machine's clock."""

from __future__ import annotations

import time

from scalpctl.core.instants import Instant, Monotonic


class WallClock:
    """Real time."""

    __slots__ = ()

    def now(self) -> Instant:
        """Give the current UTC instant."""
        return Instant(time.time_ns() // 1_000)

    def monotonic(self) -> Monotonic:
        """Give the boot-relative monotonic reading."""
        return Monotonic(time.monotonic_ns())

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        import asyncio  # costs as much as all of a reading command; those never wait

        await asyncio.sleep(seconds)
