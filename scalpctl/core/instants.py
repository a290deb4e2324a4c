"""Instants as whole UTC microseconds, durations as whole monotonic nanoseconds; naive times do not exist here."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NewType

from scalpctl.errors import NotCanonical

Instant = NewType("Instant", int)
"""Microseconds since 1970-01-01T00:00:00Z."""

Monotonic = NewType("Monotonic", int)
"""Nanoseconds of a clock that never goes back; only differences mean anything."""

MICROS_PER_SECOND = 1_000_000
MICROS_PER_MILLI = 1_000
NANOS_PER_SECOND = 1_000_000_000
EARLIEST = Instant(1_600_000_000_000_000)
"""2020-09-13: anything earlier in a ledger is seconds or milliseconds mistaken for microseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_MILLIS = re.compile(r"[0-9]{13}")


def from_datetime(moment: datetime) -> Instant:
    """Give the instant of an aware datetime; a naive one is refused."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        message = f"{moment.isoformat()} has no time zone"
        raise NotCanonical(message, hint="say which zone: 2026-11-20T19:30:00Z")
    return Instant((moment - _EPOCH) // timedelta(microseconds=1))


def to_datetime(instant: Instant) -> datetime:
    """Give the aware UTC datetime of an instant."""
    return _EPOCH + timedelta(microseconds=instant)


def from_millis(text: str) -> Instant:
    """Read the exchange's 13-digit millisecond text."""
    if _MILLIS.fullmatch(text) is None:
        message = f"{text[:40]!r} is not a time in milliseconds"
        raise NotCanonical(message)
    return Instant(int(text) * MICROS_PER_MILLI)


def to_millis(instant: Instant) -> int:
    """Give whole milliseconds, rounded down."""
    return instant // MICROS_PER_MILLI


def rfc3339(instant: Instant) -> str:
    """Spell an instant like ``2026-11-20T19:30:00.123456Z``, without needless zeros."""
    moment = to_datetime(instant)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    micros = instant % MICROS_PER_SECOND
    if micros % MICROS_PER_MILLI:
        return f"{text}.{micros:06d}Z"
    return f"{text}.{micros // MICROS_PER_MILLI:03d}Z"


def parse_rfc3339(text: str) -> Instant:
    """Read an instant that names its zone; one without a zone is refused."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        message = f"{text[:40]!r} is not a time with a zone"
        raise NotCanonical(message, hint="write it like 2026-11-20T19:30:00Z")
    try:
        return from_datetime(datetime.fromisoformat(_padded(match)))
    except ValueError as error:
        message = f"{text[:40]!r} is not a time: {error}"
        raise NotCanonical(message) from error


def after(instant: Instant, seconds: int) -> Instant:
    """Give the instant that many whole seconds later."""
    return Instant(instant + seconds * MICROS_PER_SECOND)


def utc_day(instant: Instant) -> str:
    """Name the UTC day of an instant, like ``2026-11-20``."""
    return to_datetime(instant).strftime("%Y-%m-%d")


def _padded(match: re.Match[str]) -> str:
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    zone = "+00:00" if zone == "Z" else zone
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}.{(fraction or '0').ljust(6, '0')}{zone}"
