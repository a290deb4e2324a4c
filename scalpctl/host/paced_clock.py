"""A clock that begins at a chosen instant and runs at a chosen speed beside the machine's own."""

from __future__ import annotations

from scalpctl.core.instants import Instant, Monotonic
from scalpctl.ports.clock import Clock


class PacedClock:
    """Simulated time: an hour of it may take a second or an hour."""

    def __init__(self, start: Instant, speed: float, base: Clock) -> None:
        """Begin at ``start`` now; ``speed`` seconds pass in one of ``base``."""
        self._start = start
        self._speed = speed
        self._base = base
        self._begun = base.monotonic()

    def now(self) -> Instant:
        """Give the simulated instant."""
        return Instant(self._start + self.monotonic() // 1_000)

    def monotonic(self) -> Monotonic:
        """Give the simulated nanoseconds since the beginning."""
        return Monotonic(int((self._base.monotonic() - self._begun) * self._speed))

    async def sleep(self, seconds: float) -> None:
        """Wait that long in simulated time."""
        await self._base.sleep(seconds / self._speed)
