"""What became of a write: accepted, refused, or unknown. There is no fourth, and unknown is never guessed away."""

from __future__ import annotations

from dataclasses import dataclass

from scalpctl.core.instants import Instant


@dataclass(frozen=True, slots=True)
class Accepted:
    """The exchange acknowledged the instruction; ``exchange_id`` is the order or algo id it gave."""

    exchange_id: str
    acked_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The exchange said no, and nothing was placed, amended or cancelled."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """No usable answer: it may have happened. Only a query by client id may resolve it."""

    why: str
    code: str = ""


Outcome = Accepted | Refused | Unknown
