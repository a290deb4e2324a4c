"""What happens to the lines to the exchange, as facts worth keeping."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scalpctl.core.instants import Instant


class ConnectionFact(StrEnum):
    """What happened."""

    OPENED = "opened"
    READY = "ready"
    LOST = "lost"
    RETRY = "retry"
    REFUSED = "refused"
    STALE = "stale"
    MALFORMED = "malformed"
    UPGRADE = "upgrade"
    UNSUBSCRIBED = "unsubscribed"
    THROTTLED = "throttled"
    CLOCK = "clock"
    LOAD = "load"


@dataclass(frozen=True, slots=True)
class ConnectionEvent:
    """One fact about one line: ``line`` is rest, public, private or business; ``figures`` are name and number."""

    at: Instant
    line: str
    fact: ConnectionFact
    detail: str = ""
    figures: tuple[tuple[str, int], ...] = ()
