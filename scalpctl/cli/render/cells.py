"""How single values read: instants with their zone, money as its own text, nothing as a dash."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from scalpctl.cli.render.inert import inert
from scalpctl.core.instants import EARLIEST, Instant, rfc3339, to_datetime
from scalpctl.errors import UsageError


def zone_of(name: str | None) -> dt.tzinfo | None:
    """Give a time zone by its name; None means UTC."""
    if name is None or name.upper() in {"UTC", "Z"}:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return _Here() if name == "local" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"{name!r} is not a time zone", hint="use a name like Europe/Berlin, UTC or local") from error


class _Here(dt.tzinfo):
    """This machine's zone with its rules: what is shown has the offset of its own day, not of today."""

    def utcoffset(self, moment: dt.datetime | None) -> dt.timedelta | None:
        """Give the offset of a local time; one that comes twice says by its fold which it is."""
        return None if moment is None else moment.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, _moment: dt.datetime | None) -> dt.timedelta | None:
        """Say nothing about how the offset is made up."""

    def tzname(self, _moment: dt.datetime | None) -> str:
        """Name it as people ask for it."""
        return "local"

    def fromutc(self, moment: dt.datetime) -> dt.datetime:
        """Give the local time of an instant; the second of two that are spelled alike is marked by its fold."""
        here = moment.replace(tzinfo=dt.UTC).astimezone()
        shown = here.replace(tzinfo=self)
        return shown if shown.utcoffset() == here.utcoffset() else shown.replace(fold=1)


def is_instant(name: str, value: Any) -> bool:
    """Tell whether a column holds an instant, by its name and its size."""
    named = name == "at" or name.endswith("_at")
    return named and isinstance(value, int) and not isinstance(value, bool) and value > EARLIEST


def spell_instant(value: int, zone: dt.tzinfo | None) -> str:
    """Spell an instant, in UTC with Z or in another zone with its offset."""
    if zone is None:
        return rfc3339(Instant(value))
    return to_datetime(Instant(value)).astimezone(zone).isoformat(timespec="milliseconds")


def for_json(name: str, value: Any) -> Any:
    """Give a value as JSON carries it: instants as RFC 3339, bytes in hexadecimal, everything else as it is."""
    if isinstance(value, dict):
        return {key: for_json(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [for_json(name, item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return rfc3339(Instant(value)) if is_instant(name, value) else value


def for_text(name: str, value: Any, zone: dt.tzinfo | None, nothing: str = "") -> str:
    """Give a value as one line of text."""
    if value is None:
        return nothing
    if is_instant(name, value):
        return spell_instant(value, zone)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict | list | tuple):
        return inert(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    return inert(str(value))
