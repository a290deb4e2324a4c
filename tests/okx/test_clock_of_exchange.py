"""The exchange's clock as measured from here."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.instants import Instant
from scalpctl.errors import ExchangeUnavailable
from scalpctl.host.hand_clock import HandClock
from scalpctl.okx.server_clock import ServerClock

START = Instant(1_795_162_530_123_000)


async def measured(skew_s: float, trips_ms: list[int]) -> tuple[HandClock, ServerClock]:
    clock = HandClock(START)
    server = ServerClock(clock)
    trips = iter(trips_ms)

    async def ask() -> Instant:
        trip_s = next(trips) / 1_000
        clock.advance(trip_s / 2)
        said = Instant(clock.now() + round(skew_s * 1_000_000))
        clock.advance(trip_s / 2)
        return said

    await server.measure(ask)
    return clock, server


@given(skew_s=st.floats(-120, 120), trips_ms=st.lists(st.integers(2, 400), min_size=5, max_size=5))
@settings(deadline=None)
async def test_f1_any_skew_is_measured_to_within_the_stated_uncertainty(skew_s: float, trips_ms: list[int]) -> None:
    _, server = await measured(skew_s, trips_ms)
    assert abs(server.skew().behind_us - skew_s * 1_000_000) <= server.skew().uncertainty_us + 2
    assert server.skew().uncertainty_us <= max(trips_ms) * 500


async def test_f2_a_step_of_our_clock_does_not_move_the_exchanges() -> None:
    clock, server = await measured(0.5, [20] * 5)
    before = server.now()
    clock.skew(3_600)
    assert server.now() == before
    assert server.skew().behind_us < -3_000_000_000


async def test_f5_an_expiry_is_translated_on_the_early_side() -> None:
    clock, server = await measured(40, [100] * 5)
    ours = Instant(clock.now() + 3_000_000)
    assert server.theirs(ours) == ours + 40_000_000 - server.uncertainty_us


async def test_on_a_slow_day_the_first_quick_answer_decides_and_no_slow_one_outvotes_it() -> None:
    clock = HandClock(START)
    server = ServerClock(clock)
    ways_s = [(9.0, 0.0), (0.02, 0.02), (0.0, 20.0)]  # there and back: what is slow is rarely so in equal parts

    async def ask() -> Instant:
        there, back = ways_s.pop(0)
        clock.advance(there)
        said = clock.now()
        clock.advance(back)
        return said

    skew = await server.measure(ask)
    assert (skew.behind_us, skew.uncertainty_us) == (0, 20_000)
    assert len(ways_s) == 1


async def test_a_slow_minute_does_not_spoil_what_is_known_and_a_clock_that_moved_is_taken_anew() -> None:
    clock, server = await measured(0.5, [20] * 5)
    trip_s, skew_s = 3.5, 0.5

    async def ask() -> Instant:
        clock.advance(trip_s * 0.8)  # what is slow is slow on one side
        said = Instant(clock.now() + round(skew_s * 1_000_000))
        clock.advance(trip_s * 0.2)
        return said

    for _ in range(3):
        clock.advance(300)
        await server.measure(ask)
        assert server.uncertainty_us < 200_000
        assert abs(server.skew().behind_us - 500_000) < 10_000
    skew_s = 20.5
    await server.measure(ask)
    assert abs(server.skew().behind_us - 20_500_000) < 2_000_000
    trip_s = 0.02
    await server.measure(ask)
    assert abs(server.skew().behind_us - 20_500_000) < 20_000
    assert server.uncertainty_us < 20_000


def test_before_it_is_measured_it_is_our_own() -> None:
    clock = HandClock(START)
    assert ServerClock(clock).now() == clock.now()


async def test_a_measurement_needs_one_answer_of_several() -> None:
    clock = HandClock(START)
    server = ServerClock(clock)
    answers = [None, None, 3_000_000, None, None]

    async def ask() -> Instant:
        ahead = answers.pop(0)
        if ahead is None:
            raise ExchangeUnavailable("no answer came in time")
        return Instant(clock.now() + ahead)

    assert (await server.measure(ask)).behind_us == 3_000_000
    answers += [None] * 5
    with pytest.raises(ExchangeUnavailable):
        await server.measure(ask)
