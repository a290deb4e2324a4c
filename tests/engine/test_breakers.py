"""What holds entries back by itself: refusals, a missing stop, a clock that is off, a slow ledger, a full disk."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from engine.conftest import Beside, Play, command, until

from scalpctl.core.limits import Limit, LimitParameters, pause_s
from scalpctl.engine.events import Felt

WELL = Felt(clock_offset_us=300_000, commit_p99_us=4_000, free_bytes=5_000_000_000)
ILL = [
    (Limit.CLOCK, Felt(clock_offset_us=-2_500_000), "our clock is 2500 ms ahead of the exchange's"),
    (Limit.CLOCK, Felt(clock_offset_us=2_500_000), "our clock is 2500 ms behind the exchange's"),
    (Limit.COMMITS, Felt(commit_p99_us=1_700_000), "a commit took 1700 ms"),
    (Limit.DISK, Felt(free_bytes=150_000_000), "150 MB are free where the ledger is"),
]


def latches(play: Play) -> list[tuple[str, str, bool]]:
    rows = play.rows("SELECT name, reason, cleared_at FROM limit_latches ORDER BY seq")
    return [(row["name"], row["reason"], row["cleared_at"] is not None) for row in rows]


def entries_between(play: Play, begun: int, ended: int) -> int:
    return int(
        play.rows(
            "SELECT count(*) AS n FROM orders WHERE role = 'entry' AND intended_at > ? AND intended_at < ?",
            begun, ended,
        )[0]["n"]
    )  # fmt: skip


def refused_for(seconds: int) -> Beside:
    """Have every order refused from soon after the beginning of a session."""

    async def beside(session: Any) -> None:
        await session.venue.clock.sleep(10)
        session.venue.host.command("refuse", {"what": "order", "code": "51000", "seconds": str(seconds)})

    return beside


@pytest.mark.parametrize(("limit", "felt", "why"), ILL, ids=[f"{one[0]}-{n}" for n, one in enumerate(ILL)])
def test_an_engine_that_is_not_well_enters_nothing_until_it_is(
    play: Play, limit: Limit, felt: Felt, why: str
) -> None:  # fmt: skip
    times: list[int] = []

    async def beside(session: Any) -> None:
        session.runner.feel = lambda: felt
        await session.venue.clock.sleep(61)
        times.append(session.venue.clock.now())
        await session.venue.clock.sleep(25 * 60)
        session.runner.feel = lambda: WELL
        times.append(session.venue.clock.now())

    play.session(0.9, beside)
    assert latches(play) == [(limit.value, why, True)]
    assert entries_between(play, *times) == 0
    assert entries_between(play, times[1], times[1] + 3_600_000_000) > 0
    play.check()


def test_an_entry_under_way_is_withdrawn_by_a_limit(play: Play) -> None:
    async def beside(session: Any) -> None:
        desks = session.machine.context.desks.values()
        await until(session, lambda: any(one.execution and one.execution.working for one in desks))
        session.runner.hear(Felt(clock_offset_us=9_000_000))
        await session.venue.clock.sleep(2)
        session.stop.set()

    play.session(1, beside)
    (order,) = play.rows("SELECT state, intended_at, finished_at FROM orders")
    assert order["state"] == "cancelled"
    assert play.rows("SELECT position_id FROM positions") == []


def test_five_refused_entries_pause_all_of_them_and_say_with_which_code(play: Play) -> None:
    play.session(0.5, refused_for(1_790))
    ((name, why, _),) = latches(play)
    assert name == "refusals"
    assert why.startswith("5 entry orders refused, the last of ")
    assert "51000 Every order is refused for a while" in why
    orders = play.rows("SELECT decision_id FROM orders")
    assert len({row["decision_id"] for row in orders}) == len(orders) == 5  # what is refused is not tried again


def test_a_position_closed_for_want_of_a_stop_pauses_entries(play: Play) -> None:
    async def no_stops(session: Any) -> None:
        await session.venue.clock.sleep(1)
        session.venue.host.command("silence", {"path": "/api/v5/trade/order-algo"})

    play.session(0.6, no_stops)
    first = latches(play)[0]
    assert (first[0], first[1].endswith("had no confirmed stop for 8 s")) == ("unprotected", True)
    (tripped,) = play.rows("SELECT latched_at AS at FROM limit_latches ORDER BY seq LIMIT 1")
    assert entries_between(play, tripped["at"], tripped["at"] + 299_000_000) == 0
    play.check()


def test_a_pause_ends_by_itself_also_after_a_restart(play: Play) -> None:
    play.session(0.5, refused_for(1_790))
    assert [gone for _, _, gone in latches(play)] == [False]
    play.session(0.6)
    assert [gone for _, _, gone in latches(play)] == [True]
    (latch,) = play.rows("SELECT latched_at, cleared_at FROM limit_latches")
    assert latch["cleared_at"] - latch["latched_at"] >= 900_000_000
    assert entries_between(play, latch["latched_at"] + 1, latch["cleared_at"]) == 0
    assert entries_between(play, latch["cleared_at"] - 1, 1 << 62) > 0


def test_a_pause_is_as_long_as_it_is_configured_also_after_a_restart(play: Play) -> None:
    play.config = "strategy: {parameters: {limits: {refusals_pause_s: 2700}}}\n"

    play.session(0.5, refused_for(1_790))
    play.session(0.4)
    assert [(name, gone) for name, _, gone in latches(play)] == [("refusals", False)]
    play.session(0.4)
    (latch,) = play.rows("SELECT latched_at, cleared_at FROM limit_latches")
    assert latch["cleared_at"] - latch["latched_at"] == pytest.approx(2_700_000_000, abs=2_000_000)


def test_every_limit_ends_by_itself_or_waits_for_a_person() -> None:
    for_a_person = {
        Limit.DAILY_LOSS,
        Limit.DRAWDOWN,
        Limit.RESTARTS,
        Limit.RAMP,
        Limit.OPERATOR_PAUSE,
        Limit.OPERATOR_HALT,
    }
    counted = {Limit.ORDERS_PER_MINUTE}
    assert {limit for limit in Limit if pause_s(limit, LimitParameters()) is None} == for_a_person | counted


def test_the_first_positions_with_real_money_are_the_smallest_and_then_a_person_looks_at_them(play: Play) -> None:
    play.config = "env: live\nsafety: {ramp_positions: 2}\n"
    play.session(1)
    assert [(name, gone) for name, _, gone in latches(play)] == [("ramp", False)]
    small = play.rows(
        "SELECT e.contracts, i.min_contracts FROM entries e JOIN positions p USING (position_id) "
        "JOIN instruments i ON i.inst_id = p.inst_id"
    )
    assert [row["contracts"] for row in small] == [row["min_contracts"] for row in small]
    assert len(small) == 2

    async def resumed(session: Any) -> None:
        await session.venue.clock.sleep(5)
        order = command("resume", limit="ramp", reason="both were as they should be")
        await session.runner.order(order)

    play.session(1, resumed)
    larger = play.rows("SELECT contracts FROM entries ORDER BY seq")[2:]
    assert larger
    assert max(Decimal(row["contracts"]) for row in larger) > Decimal("0.01")
    play.check()
