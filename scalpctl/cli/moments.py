"""Moments as people name them: ``2h``, ``today``, ``yesterday``, or a full time with its zone."""

from __future__ import annotations

import datetime as dt
import re

from scalpctl.core.instants import MICROS_PER_SECOND, Instant, from_datetime, parse_rfc3339, to_datetime
from scalpctl.errors import UsageError

_AGO = re.compile(r"(\d{1,6})(s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_WITHOUT_ZONE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?")


def moment(text: str, now: Instant, zone: dt.tzinfo | None) -> Instant:
    """Give the instant a person meant; days begin at midnight of the shown zone, UTC unless said otherwise."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return Instant(now - int(ago[1]) * _SECONDS[ago[2]] * MICROS_PER_SECOND)
    shown = to_datetime(now).astimezone(zone or dt.UTC)  # of a midnight that comes twice a day begins with the first
    today = shown.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if text in {"today", "yesterday"}:
        return from_datetime(today if text == "today" else today - dt.timedelta(days=1))
    if _DAY.fullmatch(text) is not None:
        return _midnight(text, zone)
    if _WITHOUT_ZONE.fullmatch(text) is not None:
        raise UsageError(
            f"{text!r} names no zone: where clocks change, such a time comes twice a year, or never",
            hint="say which: 2026-10-25T02:30:00+02:00 or 2026-10-25T00:30:00Z",
        )
    try:
        return parse_rfc3339(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is not a moment", hint="write 2h, 3d, today, 2026-11-20 or 2026-11-20T08:00:00Z"
        ) from None


def _midnight(text: str, zone: dt.tzinfo | None) -> Instant:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is not a day: {error}") from error
    return from_datetime(dt.datetime.combine(day, dt.time(), zone or dt.UTC))
