"""The exchange's clock as far as it can be known from here; anchored to the monotonic clock, a step does no harm."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median_low

from scalpctl.core.instants import NANOS_PER_SECOND, Instant, Monotonic
from scalpctl.errors import ExchangeUnavailable
from scalpctl.ports.clock import Clock

SAMPLES = 5
QUICK_NANOS, LONG_NANOS = NANOS_PER_SECOND, 3 * NANOS_PER_SECOND
"""What is a quick answer, whose age is known well enough, and after how long one of them has to do."""
DRIFT = 10_000
"""One part in so many is how far a clock may run off in a while."""
_NANOS_PER_MICRO = 1_000


@dataclass(frozen=True, slots=True)
class Skew:
    """How far our clock is from the exchange's: positive when ours is behind."""

    behind_us: int
    uncertainty_us: int


@dataclass(frozen=True, slots=True)
class _Answer:
    """How long an answer took, and the exchange's time at reading zero if it was half a round trip old."""

    trip: int
    offset: int


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
        """Ask a few times and keep the median offset of the quick answers; a slow day's first quick one is enough."""
        begun, answers = self._clock.monotonic(), list[_Answer]()
        for asked in range(1, samples + 1):
            before = self._clock.monotonic()
            try:
                server = await ask()
            except ExchangeUnavailable:
                if asked == samples and not answers:
                    raise
                continue
            trip = self._clock.monotonic() - before
            answers.append(_Answer(trip, server * _NANOS_PER_MICRO - (before + trip // 2)))
            if _quick(answers) and self._clock.monotonic() - begun > LONG_NANOS:
                break
        taken = _quick(answers) or answers
        offset = Instant(median_low(one.offset for one in taken) // _NANOS_PER_MICRO)
        self._take(offset, min(one.trip for one in taken) // 2 // _NANOS_PER_MICRO)
        return self.skew()

    def _take(self, offset: Instant, uncertainty_us: int) -> None:
        """Take a measurement, unless it is a worse one that agrees: a slow minute must not make orders late."""
        measured, now = self._measured, self._clock.monotonic()
        self._measured = now
        if self._anchor is not None and measured is not None:
            drifted_us = (now - measured) // _NANOS_PER_MICRO // DRIFT
            known_us, agrees = self.uncertainty_us + drifted_us, abs(offset - self._anchor[0]) <= uncertainty_us
            if agrees and known_us < uncertainty_us:
                self.uncertainty_us = known_us
                return
        self._anchor, self.uncertainty_us = (offset, Monotonic(0)), uncertainty_us

    def measured_since(self, at: Monotonic) -> bool:
        """Tell whether there has been a measurement since then."""
        return self._measured is not None and self._measured > at

    def measured_within_s(self, seconds: int) -> bool:
        """Tell whether a measurement is recent."""
        return self._measured is not None and self._clock.monotonic() - self._measured < seconds * NANOS_PER_SECOND


def _quick(answers: list[_Answer]) -> list[_Answer]:
    return [one for one in answers if one.trip <= QUICK_NANOS]
