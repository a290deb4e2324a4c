"""The engine's own condition as a reason not to enter: a clock that is off, a slow ledger, a disk that fills up."""

from __future__ import annotations

from dataclasses import dataclass

from scalpctl.core.instants import MICROS_PER_SECOND
from scalpctl.core.limits import Limit


@dataclass(frozen=True, slots=True)
class Condition:
    """What a heartbeat has measured; None is not known, which is no reason."""

    clock_offset_us: int | None = None
    commit_us: int = 0
    free_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is still good enough to enter with; exits ask nobody."""

    clock_offset_us: int = MICROS_PER_SECOND
    commit_us: int = MICROS_PER_SECOND
    """An order waits for the commit of its record: after a second the price it was decided on is gone."""
    free_bytes: int = 200_000_000


def reasons(seen: Condition, bounds: Bounds) -> dict[Limit, str | None]:
    """Give each limit that is judged by the condition, with why it holds back, or None where all is well."""
    offset, free = seen.clock_offset_us, seen.free_bytes
    skewed = offset is not None and abs(offset) > bounds.clock_offset_us
    full = free is not None and free < bounds.free_bytes
    slow = seen.commit_us > bounds.commit_us
    return {
        Limit.CLOCK: _skew(offset or 0) if skewed else None,
        Limit.COMMITS: f"a commit took {seen.commit_us / 1_000:.0f} ms" if slow else None,
        Limit.DISK: f"{(free or 0) // 1_000_000} MB are free where the ledger is" if full else None,
    }


def _skew(offset_us: int) -> str:
    where = "behind" if offset_us > 0 else "ahead of"
    return f"our clock is {abs(offset_us) / 1_000:.0f} ms {where} the exchange's"
