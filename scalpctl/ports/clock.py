"""Where time comes from."""

from __future__ import annotations

from typing import Protocol

from scalpctl.core.instants import Instant, Monotonic


class Clock(Protocol):
    """Tells the time and waits; the only way anything learns or spends time."""

    def now(self) -> Instant:
        """Give the current UTC instant."""
        ...

    def monotonic(self) -> Monotonic:
        """Give a reading that only ever grows."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        ...
