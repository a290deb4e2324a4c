"""Lines that wait for their next attempt learn that the exchange is back: another one has stood for a while."""

from __future__ import annotations

import asyncio

from scalpctl.core.instants import NANOS_PER_SECOND, Monotonic
from scalpctl.ports.clock import Clock

STANDS_AFTER_S = 2
"""So long a line must have been ready: while an exchange goes down it still takes connections, and drops them."""


class Waking:
    """Shared by all lines of one account."""

    def __init__(self) -> None:
        """Have nobody wait."""
        self._waiting: dict[asyncio.Future[None], None] = {}
        """In the order in which they began to wait: a set would wake them in another one each time."""

    async def pause(self, clock: Clock, seconds: float) -> bool:
        """Wait so long, or until another line stands; True when that cut it short."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        over = asyncio.ensure_future(clock.sleep(seconds))
        self._waiting[woken] = None
        try:
            await asyncio.wait((woken, over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting.pop(woken, None)
            over.cancel()
        return woken.done()

    def stands(self) -> None:
        """Wake whoever waits: a line stands."""
        for woken in self._waiting:
            if not woken.done():
                woken.set_result(None)


def has_stood(ready_at: Monotonic | None, now: Monotonic) -> bool:
    """Tell whether a line has been ready long enough to say that the exchange is back."""
    return ready_at is not None and now - ready_at >= STANDS_AFTER_S * NANOS_PER_SECOND
