"""When to try again: full jitter that doubles, forgotten after a healthy minute, within what the exchange allows."""

from __future__ import annotations

from random import Random

from scalpctl.core.instants import NANOS_PER_SECOND, Monotonic

FIRST_S = 0.5
MOST_S = 30.0
HEALTHY_AFTER_S = 60


class Backoff:
    """Gives the pause before the next attempt."""

    def __init__(self, random: Random) -> None:
        """Draw from ``random``."""
        self._random = random
        self.failures = 0

    def pause_s(self) -> float:
        """Count a failure and give the pause it deserves: anything from nothing to the current ceiling."""
        ceiling = min(MOST_S, FIRST_S * 2.0 ** min(self.failures, 16))
        self.failures += 1
        return self._random.uniform(0.0, ceiling)

    def ended(self, ready_at: Monotonic | None, now: Monotonic) -> None:
        """Forget the failures when the connection that just ended had been healthy for a minute."""
        if ready_at is not None and now - ready_at >= HEALTHY_AFTER_S * NANOS_PER_SECOND:
            self.failures = 0
