"""Ids that sort by time: real ones, and ones that count."""

from __future__ import annotations

import secrets

from scalpctl.core.instants import to_millis
from scalpctl.ports.clock import Clock

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80


class RandomIds:
    """ULIDs: 48 bits of milliseconds and 80 random bits, in Crockford's alphabet."""

    def __init__(self, clock: Clock) -> None:
        """Take the time from ``clock``."""
        self._clock = clock
        self._last = 0

    def new_id(self) -> str:
        """Give the next id; always greater than the one before."""
        value = (to_millis(self._clock.now()) << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
        self._last = max(value, self._last + 1)
        return _spell(self._last)


class CountedIds:
    """Ids 1, 2, 3 …: the same every time, for replays and tests."""

    def __init__(self, start: int = 1) -> None:
        """Begin at ``start``."""
        self._next = start

    def new_id(self) -> str:
        """Give the next number as an id."""
        self._next += 1
        return _spell(self._next - 1)


def _spell(value: int) -> str:
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -5, -5))
