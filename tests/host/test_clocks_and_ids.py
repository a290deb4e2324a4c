from __future__ import annotations

import asyncio

from freezegun import freeze_time

from scalpctl.core.instants import Instant, Monotonic, rfc3339
from scalpctl.host.clock import WallClock
from scalpctl.host.hand_clock import HandClock
from scalpctl.host.ids import CountedIds, RandomIds

START = Instant(1_795_162_530_123_000)


def test_the_wall_clock_tells_utc_microseconds() -> None:
    with freeze_time("2026-11-20 19:30:00.5", tz_offset=5):
        assert rfc3339(WallClock().now()) == "2026-11-20T19:30:00.500Z"


async def test_the_wall_clock_waits() -> None:
    clock = WallClock()
    before = clock.monotonic()
    await clock.sleep(0.01)
    assert clock.monotonic() - before >= 9_000_000


def test_a_hand_clock_moves_only_when_turned() -> None:
    clock = HandClock(START)
    assert clock.now() == START
    clock.advance(1.5)
    assert clock.now() == START + 1_500_000
    assert clock.monotonic() == 1_500_000_000
    clock.advance_to(Monotonic(0))
    assert clock.monotonic() == 1_500_000_000


def test_stepping_the_wall_clock_leaves_the_monotonic_one_alone() -> None:
    clock = HandClock(START)
    clock.skew(-40)
    assert clock.now() == START - 40_000_000
    assert clock.monotonic() == 0


async def test_sleepers_wake_in_the_order_of_their_deadlines() -> None:
    clock, woken = HandClock(START), list[str]()

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    tasks = [asyncio.ensure_future(sleeper(name, at)) for name, at in (("late", 2), ("soon", 1), ("never", 9))]
    await clock.sleep(0)
    assert clock.next_deadline() == 1_000_000_000
    clock.advance(2)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert woken == ["soon", "late"]
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert clock.next_deadline() is None


def test_ids_sort_by_time_and_never_repeat() -> None:
    clock = HandClock(START)
    ids = RandomIds(clock)
    made = [ids.new_id() for _ in range(1_000)]
    assert made == sorted(set(made))
    clock.advance(1)
    assert ids.new_id() > made[-1]
    assert {len(text) for text in made} == {26}


def test_counted_ids_are_the_same_every_time() -> None:
    first, second = CountedIds(), CountedIds()
    assert [first.new_id() for _ in range(40)] == [second.new_id() for _ in range(40)]
