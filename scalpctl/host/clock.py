"""The machine's clock."""

from __future__ import annotations

from time import monotonic_ns, time_ns

from scalpctl.core.instants import Instant, Monotonic


class WallClock:
    """Real time."""

    __slots__ = ()

    def now(self) -> Instant:
        """Give the current UTC instant."""
        return time_ns() // 1_000  # type: ignore[return-value] # the hot thread asks: no call to name the type

    def monotonic(self) -> Monotonic:
        """Give the boot-relative monotonic reading."""
        return monotonic_ns()  # type: ignore[return-value] # as above

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        import asyncio  # costs as much as all of a reading command; those never wait

        await asyncio.sleep(seconds)
