"""The exchange's clock as far as it can be known from here; anchored to the monotonic clock, a step does no harm."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median_low

from scalpctl.core.instants import NANOS_PER_SECOND, Instant, Monotonic
from scalpctl.errors import ExchangeUnavailable
from scalpctl.ports.clock import Clock

SAMPLES = 5
_NANOS_PER_MICRO = 1_000


@dataclass(frozen=True, slots=True)
class Skew:
    """How far our clock is from the exchange's: positive when ours is behind."""

    behind_us: int
    uncertainty_us: int


class ServerClock:
    """Tells the exchange's time; until it has been measured, our own."""

    def __init__(self, clock: Clock) -> None:
        """Trust our own clock until told otherwise."""
        self._clock = clock
        self._anchor: tuple[Instant, Monotonic] | None = None
        self._measured: Monotonic | None = None
        self.uncertainty_us = 0

    def now(self) -> Instant:
        """Give the exchange's time."""
        if self._anchor is None:
            return self._clock.now()
        server, reading = self._anchor
        return Instant(server + (self._clock.monotonic() - reading) // _NANOS_PER_MICRO)

    def skew(self) -> Skew:
        """Give how far our clock is off right now."""
        return Skew(self.now() - self._clock.now(), self.uncertainty_us)

    def theirs(self, ours: Instant) -> Instant:
        """Translate an instant of our clock to the exchange's, on the early side by what we cannot know."""
        skew = self.skew()
        return Instant(ours + skew.behind_us - skew.uncertainty_us)

    async def measure(self, ask: Callable[[], Awaitable[Instant]], samples: int = SAMPLES) -> Skew:
        """Ask a few times and keep the median offset, each answer taken to be half a round trip old; one is enough."""
        anchors: list[int] = []
        trips: list[int] = []
        for asked in range(1, samples + 1):
            before = self._clock.monotonic()
            try:
                server = await ask()
            except ExchangeUnavailable:
                if asked == samples and not anchors:
                    raise
                continue
            after = self._clock.monotonic()
            trips.append(after - before)
            anchors.append(server * _NANOS_PER_MICRO - (before + (after - before) // 2))
        self._anchor = (Instant(median_low(anchors) // _NANOS_PER_MICRO), Monotonic(0))
        self.uncertainty_us = min(trips) // 2 // _NANOS_PER_MICRO
        self._measured = self._clock.monotonic()
        return self.skew()

    def measured_since(self, at: Monotonic) -> bool:
        """Tell whether there has been a measurement since then."""
        return self._measured is not None and self._measured > at

    def measured_within_s(self, seconds: int) -> bool:
        """Tell whether a measurement is recent."""
        return self._measured is not None and self._clock.monotonic() - self._measured < seconds * NANOS_PER_SECOND
