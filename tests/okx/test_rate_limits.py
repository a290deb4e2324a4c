"""Budgets: never exceeded, shared where the exchange shares them, exits first."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.exchange.requests import Lane
from scalpctl.core.instants import Instant
from scalpctl.host.hand_clock import HandClock
from scalpctl.okx.rate_limits import Bucket, RateLimiter
from scalpctl.okx.wire import endpoints

WINDOW_NS = 2_000_000_000


async def run(clock: HandClock, tasks: list[asyncio.Task[Any]], limit_s: float = 120) -> None:
    """Turn the clock until everybody is through."""
    while not all(task.done() for task in tasks):
        for _ in range(4):
            await asyncio.sleep(0)
        deadline = clock.next_deadline()
        if deadline is not None:
            clock.advance_to(deadline)
        assert clock.monotonic() < limit_s * 1e9


@given(lanes=st.lists(st.sampled_from(list(Lane)), min_size=1, max_size=30), permits=st.integers(1, 6))
@settings(deadline=None, max_examples=60)
async def test_b14_no_window_ever_holds_more_than_its_permits(lanes: list[Lane], permits: int) -> None:
    clock = HandClock(Instant(1_795_162_530_123_000))
    bucket = Bucket(clock, permits, 2)
    sent: list[tuple[int, Lane]] = []

    async def one(lane: Lane) -> None:
        await bucket.take(lane)
        sent.append((clock.monotonic(), lane))

    await run(clock, [asyncio.create_task(one(lane)) for lane in lanes])
    for at, _ in sent:
        assert sum(at - WINDOW_NS < other <= at for other, _ in sent) <= permits


async def test_b14_an_exit_goes_first_under_a_flood_of_entries() -> None:
    clock = HandClock(Instant(1_795_162_530_123_000))
    limiter = RateLimiter(clock)
    order: list[str] = []

    async def one(lane: Lane, name: str) -> None:
        await limiter.take(endpoints.ORDER, lane, "BTC-USDT-SWAP")
        order.append(name)

    entries = [asyncio.create_task(one(Lane.ENTRY, f"entry{n}")) for n in range(200)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(order) == 42  # 70 % of 60: the rest is kept
    late = asyncio.create_task(one(Lane.EXIT, "exit"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert order[-1] == "exit"
    assert clock.monotonic() == 0
    await run(clock, [*entries, late])


async def test_b14_lanes_are_served_in_their_order() -> None:
    clock = HandClock(Instant(1_795_162_530_123_000))
    bucket = Bucket(clock, 1, 2)
    await bucket.take(Lane.EXIT)
    order: list[Lane] = []

    async def one(lane: Lane) -> None:
        await bucket.take(lane)
        order.append(lane)

    await run(clock, [asyncio.create_task(one(lane)) for lane in reversed(Lane)])
    assert order == list(Lane)


async def test_a_waiter_that_gives_up_does_not_block_the_others() -> None:
    clock = HandClock(Instant(1_795_162_530_123_000))
    bucket = Bucket(clock, 1, 2)
    await bucket.take(Lane.EXIT)
    first, second = (asyncio.create_task(bucket.take(lane)) for lane in (Lane.EXIT, Lane.ENTRY))
    await asyncio.sleep(0)
    first.cancel()
    await run(clock, [first, second])
    assert second.done()


async def test_place_amend_and_cancel_have_budgets_of_their_own_per_instrument() -> None:
    clock = HandClock(Instant(1_795_162_530_123_000))
    limiter = RateLimiter(clock)
    for endpoint in (endpoints.ORDER, endpoints.AMEND, endpoints.CANCEL):
        for inst_id in ("BTC-USDT-SWAP", "ETH-USDT-SWAP"):
            for _ in range(60):
                await limiter.take(endpoint, Lane.EXIT, inst_id)
    assert clock.monotonic() == 0
    assert limiter.drain().granted == 360
    assert limiter.drain().granted == 0


def test_websocket_operations_share_the_budget_of_their_rest_twins() -> None:
    assert endpoints.OPERATIONS["order"] is endpoints.ORDER
    assert endpoints.OPERATIONS["cancel-order"] is endpoints.CANCEL
    assert endpoints.OPERATIONS["amend-order"] is endpoints.AMEND
