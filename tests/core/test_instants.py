from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalpctl.core.instants import (
    Instant,
    after,
    from_datetime,
    from_millis,
    parse_rfc3339,
    rfc3339,
    to_datetime,
    to_millis,
    utc_day,
)
from scalpctl.errors import NotCanonical

instants = st.integers(min_value=0, max_value=4_000_000_000_000_000).map(Instant)


@given(instants)
def test_an_instant_survives_its_spelling(instant: Instant) -> None:
    assert parse_rfc3339(rfc3339(instant)) == instant
    assert from_datetime(to_datetime(instant)) == instant


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2090, 1, 1)), st.integers(-14, 14))
def test_the_zone_of_a_time_does_not_change_its_instant(naive: datetime, hours: int) -> None:
    here = naive.replace(tzinfo=timezone(timedelta(hours=hours)))
    assert from_datetime(here) == from_datetime(here.astimezone(UTC))


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(NotCanonical):
        from_datetime(datetime(2026, 11, 20))
    for text in ("2026-11-20T19:30:00", "2026-11-20", "19:30", "2026-13-01T00:00:00Z", "2026-11-20T19:30:00 Z", ""):
        with pytest.raises(NotCanonical):
            parse_rfc3339(text)


def test_the_exchanges_milliseconds_are_thirteen_digits() -> None:
    assert from_millis("1795162530123") == 1_795_162_530_123_000
    assert to_millis(Instant(1_795_162_530_123_999)) == 1_795_162_530_123
    for text in ("1795162530", "1795162530123000", "", "-795162530123", "179516253012\u0663"):
        with pytest.raises(NotCanonical):
            from_millis(text)


def test_instants_read_well() -> None:
    instant = parse_rfc3339("2026-11-20T23:59:59.5+02:00")
    assert rfc3339(instant) == "2026-11-20T21:59:59.500Z"
    assert rfc3339(Instant(instant + 1)) == "2026-11-20T21:59:59.500001Z"
    assert utc_day(instant) == "2026-11-20"
    assert after(instant, 10_000) - instant == 10_000_000_000
