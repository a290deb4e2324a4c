"""Lines kept alive over a scripted exchange: reconnects, resyncs, successors, and everything once."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.exchange.connections import ConnectionFact
from scalpctl.core.exchange.notices import LiquidationNear, MoneyMoved
from scalpctl.core.exchange.reports import AlgoReport, FillReport, FlatReport, OrderReport, PositionReport
from scalpctl.core.instants import Monotonic, after
from scalpctl.core.market import Ticker
from scalpctl.errors import AccessRefused, ExchangeUnreachable
from scalpctl.host.hand_clock import HandClock
from scalpctl.okx.stream.backoff import MOST_S, Backoff
from scalpctl.okx.stream.states import Phase
from scalpctl.okx.stream.waking import Waking
from scalpctl.ports.feeds import AlgosPending, FillConflict, PositionsSnapshot, Resync

INST = "BTC-USDT-SWAP"


async def test_a6_every_reconnect_asks_for_everything_before_it_is_ready(
    make: Any, documented: Any, lines: Any
) -> None:
    async with lines.running(make, documented) as exchange:
        assert exchange.usable_now
        exchange.asked.clear()
        exchange.rest["trade/fills"] = [documented.but("fill", fillTime=str(make.start // 1_000 + 7_000))]
        exchange.private().drop(1006)
        await exchange.settle()
        assert not exchange.usable_now
        await exchange.turn(10)
        assert exchange.usable_now
        paths = {request.target.split("?")[0].removeprefix("/api/v5/") for request in exchange.asked}
        needed = {
            "account/positions",
            "trade/orders-pending",
            "trade/orders-algo-pending",
            "trade/fills",
            "account/bills",
        }
        assert needed <= paths
        assert [fill.trade_id for fill in exchange.of(Resync)[-1].fills] == ["150000009"]
        assert exchange.of(AlgosPending)


async def test_a6_a_failed_resync_does_not_make_a_line_ready(make: Any, documented: Any, lines: Any) -> None:
    async with lines.running(make, documented) as exchange:
        exchange.rest["account/positions"] = [{"nonsense": True}]
        exchange.private().drop(1006)
        await exchange.turn(20)
        assert not exchange.usable_now
        del exchange.rest["account/positions"]
        await exchange.turn(60)
        assert exchange.usable_now


async def test_a6_the_first_resync_begins_where_the_ledger_ends(make: Any, documented: Any, lines: Any) -> None:
    exchange = lines.exchange(make, documented)
    exchange.client.listen_to_account(exchange, known_until=after(make.start, -5 * 86_400))
    task = asyncio.create_task(exchange.client.run())
    await exchange.turn(7)
    assert any("fills-history" in request.target for request in exchange.asked)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_bug_in_a_resync_ends_the_client_instead_of_looping(make: Any, documented: Any, lines: Any) -> None:
    exchange = lines.exchange(make, documented)
    exchange.account = lambda _news: 1 // 0
    exchange.client.listen_to_account(exchange)
    task = asyncio.create_task(exchange.client.run())
    await exchange.turn(30)
    with pytest.raises(ExceptionGroup) as caught:
        await task
    assert caught.group_contains(ZeroDivisionError)


async def test_conditional_orders_come_over_their_own_line(make: Any, documented: Any, lines: Any) -> None:
    async with lines.running(make, documented) as exchange:
        business = next(wire for wire in exchange.wires if wire.url.endswith("/business"))
        arg = {"channel": "orders-algo", "instType": "SWAP", "uid": "7"}
        rows = [documented.algo, documented.but("algo", cTime="yesterday")]
        business.push({"arg": arg, "data": rows})
        assert [algo.state for algo in exchange.of(AlgoReport)] == ["effective"]


async def test_a7_a_fill_that_comes_three_times_is_news_once(make: Any, documented: Any, lines: Any) -> None:
    async with lines.running(make, documented) as exchange:
        for _ in range(2):
            exchange.private().push(lines.order_frame(documented))
        exchange.rest["trade/fills"] = [documented.fill]
        exchange.private().drop(1006)
        await exchange.turn(10)
        assert len(exchange.of(FillReport)) == 1
        assert exchange.of(Resync)[-1].fills == ()
        assert len(exchange.of(OrderReport)) == 1


async def test_a7_a_second_copy_that_differs_is_a_conflict(make: Any, documented: Any, lines: Any) -> None:
    async with lines.running(make, documented) as exchange:
        exchange.private().push(lines.order_frame(documented))
        exchange.private().push(lines.order_frame(documented, fillFee="-1.4"))
        (conflict,) = exchange.of(FillConflict)
        assert (conflict.first.fee, conflict.second.fee) == (Decimal("-1.3"), Decimal("-1.4"))


@given(order=st.permutations([("live", "0", 1), ("partially_filled", "4", 2), ("filled", "10", 3)]))
@settings(deadline=None, max_examples=6)
async def test_a8_a_lower_fill_never_wins_whatever_the_order_of_pushes(
    make: Any, documented: Any, lines: Any, order: Any
) -> None:
    async with lines.running(make, documented) as exchange:
        for state, filled, age in order:
            frame = lines.order_frame(
                documented, state=state, accFillSz=filled, uTime=str(1_795_163_000_000 + age), fillSz="0", tradeId=""
            )
            exchange.private().push(frame)
        assert exchange.of(OrderReport)[-1].state == "filled"


async def test_a9_a_lost_page_is_not_a_flat_account(make: Any, documented: Any, lines: Any) -> None:
    def page(number: int, *, last: bool) -> dict[str, Any]:
        return {
            "arg": {"channel": "positions", "instType": "SWAP", "uid": "7"}, "eventType": "snapshot",
            "curPage": number, "lastPage": last, "data": [documented.but("position", posId=str(number))],
        }  # fmt: skip

    async with lines.running(make, documented) as exchange:
        exchange.private().push(page(1, last=False))
        exchange.private().push(page(3, last=True))
        assert exchange.of(PositionsSnapshot) == []
        for number in (1, 2, 3):
            exchange.private().push(page(number, last=number == 3))
        (snapshot,) = exchange.of(PositionsSnapshot)
        assert [position.position_id for position in snapshot.positions] == ["1", "2", "3"]


async def test_a_position_is_deduplicated_by_id_and_update_time_not_by_id(
    make: Any, documented: Any, lines: Any
) -> None:
    async with lines.running(make, documented) as exchange:
        for pos, updated in (("25", 1), ("25", 1), ("15", 3), ("20", 2), ("0", 4), ("7", 5)):
            row = documented.but("position", pos=pos, uTime=str(1_795_163_000_000 + updated), avgPx="")
            arg = {"channel": "positions", "instType": "SWAP", "uid": "7"}
            exchange.private().push({"arg": arg, "eventType": "event_update", "data": [row]})
        sizes = [str(item.contracts) if isinstance(item, PositionReport) else "flat"
                 for item in exchange.news if isinstance(item, PositionReport | FlatReport)]  # fmt: skip
        assert sizes == ["25", "15", "flat", "7"]


async def test_a_liquidation_without_a_trade_id_is_fetched_from_the_fills_once(
    make: Any, documented: Any, lines: Any
) -> None:
    async with lines.running(make, documented) as exchange:
        now = str(exchange.clock.now() // 1_000)
        exchange.private().push(lines.order_frame(documented, tradeId="0", category="full_liquidation", clOrdId=""))
        exchange.rest["trade/fills"] = [documented.but("fill", tradeId="-77", execType="", fillTime=now, ts=now)]
        await exchange.turn(10)
        assert [fill.trade_id for fill in exchange.of(FillReport)] == ["-77"]


async def test_why_money_moved_and_warnings_are_passed_on(make: Any, documented: Any, lines: Any) -> None:
    async with lines.running(make, documented) as exchange:
        moved = {"pTime": "1795163100400", "eventType": "adl", "balData": [], "posData": [],
                 "trades": [{"instId": INST, "tradeId": "1"}]}  # fmt: skip
        warned = documented.but("position", pTime="1795163100400", mgnRatio="2.5")
        exchange.private().push({"arg": {"channel": "balance_and_position", "uid": "7"}, "data": [moved]})
        exchange.private().push({"arg": {"channel": "liquidation-warning", "instType": "SWAP"}, "data": [warned]})
        ((reason,), (warning,)) = exchange.of(MoneyMoved), exchange.of(LiquidationNear)
        assert (reason.kind, reason.inst_ids, warning.margin_ratio) == ("adl", (INST,), Decimal("2.5"))


async def test_a3_the_successor_is_ready_before_the_old_line_goes(make: Any, documented: Any, lines: Any) -> None:
    async with lines.running(make, documented) as exchange:
        old = exchange.private()
        old.push({"event": "notice", "code": "64008", "msg": "upgrade", "connId": "c"})
        for _ in range(80):
            await exchange.turn(0.1)
            assert exchange.usable_now
        new = exchange.private()
        assert new is not old
        assert not old.open
        for wire in (old, new):
            wire.push(lines.order_frame(documented))
        assert len(exchange.of(FillReport)) == 1


async def test_a4_a_storm_of_refusals_stays_within_the_connection_limits(
    make: Any, documented: Any, lines: Any
) -> None:
    async with lines.running(make, documented) as exchange:
        exchange.refuse_dials, exchange.dials = 40, []
        for wire in exchange.wires:
            wire.drop(1006)
        await exchange.turn(1_200)
        assert exchange.refuse_dials == 0
        assert exchange.usable_now
        for at in exchange.dials:
            assert sum(at - 1 < other <= at for other in exchange.dials) <= 3


@pytest.mark.parametrize("refused", [12, 18, 24, 30, 36])
async def test_a4_a_line_that_waits_tries_again_once_another_stands(
    make: Any, documented: Any, lines: Any, refused: int
) -> None:
    async with lines.running(make, documented) as exchange:
        before, exchange.refuse_dials = len(exchange.ear.events), refused
        for wire in exchange.wires:
            wire.drop(1006)

        def heard(fact: ConnectionFact) -> set[str]:
            return {event.line for event in exchange.ear.events[before:] if event.fact is fact}

        while not heard(ConnectionFact.READY):
            await exchange.turn(0.5)
        await exchange.turn(4)
        assert heard(ConnectionFact.OPENED) == {"private", "business"}


@given(st.integers(), st.integers(0, 60))
def test_a4_the_pause_is_anything_below_a_doubling_ceiling(seed: int, failures: int) -> None:
    backoff = Backoff(Random(seed))
    for count in range(failures):
        assert 0 <= backoff.pause_s() <= min(MOST_S, 0.5 * 2 ** min(count, 16))
    backoff.ended(Monotonic(0), Monotonic(59_000_000_000))
    assert backoff.failures == failures
    backoff.ended(Monotonic(0), Monotonic(60_000_000_000))
    assert backoff.failures == 0


async def test_a_refused_key_ends_the_client_without_a_login_loop(make: Any, documented: Any, lines: Any) -> None:
    exchange = lines.exchange(make, documented)
    exchange.login_code = "60005"
    exchange.client.listen_to_account(exchange)
    task = asyncio.create_task(exchange.client.run())
    await exchange.turn(120)
    with pytest.raises(AccessRefused, match="API key is wrong"):
        await task
    assert len(exchange.wires) <= 2


async def test_f1_a_clock_the_login_refuses_twice_is_the_end(make: Any, documented: Any, lines: Any) -> None:
    exchange = lines.exchange(make, documented)
    exchange.login_code = "60006"
    exchange.client.listen_to_account(exchange)
    task = asyncio.create_task(exchange.client.run())
    await exchange.turn(120)
    with pytest.raises(AccessRefused, match="clock"):
        await task
    assert any("public/time" in request.target for request in exchange.asked)


async def test_f1_a_doubt_counts_as_the_second_only_once_the_clock_could_be_measured(
    make: Any, documented: Any, lines: Any
) -> None:
    exchange = lines.exchange(make, documented)
    exchange.login_code = "60006"
    ask, exchange.send = exchange.send, silent
    exchange.client.listen_to_account(exchange)
    task = asyncio.create_task(exchange.client.run())
    await exchange.turn(60)
    assert len(exchange.wires) > 3
    assert not task.done()
    exchange.login_code, exchange.send = "0", ask
    await exchange.turn(60)
    assert exchange.usable_now
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def silent(_request: Any) -> Any:
    raise ExchangeUnreachable("no answer came in time")


async def test_a1_rest_testifies_against_a_private_line_that_tells_nothing(
    make: Any, documented: Any, lines: Any
) -> None:
    async with lines.running(make, documented) as exchange:
        deaf = exchange.private()
        moved = str(exchange.clock.now() // 1_000)
        pending = documented.but("order_push", state="partially_filled", accFillSz="4", uTime=moved)
        exchange.rest["trade/orders-pending"] = [pending]
        await exchange.turn(20)
        assert not deaf.open
        assert exchange.of(OrderReport)[0].filled_contracts.value == 4


async def test_public_values_come_typed_with_the_exchanges_text(make: Any, documented: Any, lines: Any) -> None:
    exchange = lines.exchange(make, documented)
    (line,) = exchange.client.listen_to_market(exchange, ["tickers"], [INST])
    task = asyncio.create_task(exchange.client.run())
    await exchange.turn(1)
    for _ in range(3):
        exchange.wires[-1].push({"arg": {"channel": "tickers", "instId": INST}, "data": [documented.ticker]})
    await exchange.turn(1)
    assert line.phase is Phase.READY
    assert [quote.ask_text for quote in exchange.of(Ticker)] == ["64000.10"] * 3
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a2_an_hour_without_events_costs_no_connection(make: Any, documented: Any, lines: Any) -> None:
    async with lines.running(make, documented) as exchange:
        wires = len(exchange.wires)
        await exchange.turn(3_600)
        assert len(exchange.wires) == wires


async def test_lines_that_wait_are_woken_in_the_order_in_which_they_began_to(make: Any) -> None:
    clock, waking, woken = HandClock(make.start), Waking(), []

    async def waits(number: int) -> None:
        await waking.pause(clock, 60.0)
        woken.append(number)

    waiting = [asyncio.ensure_future(waits(number)) for number in range(40)]
    await asyncio.sleep(0)
    waking.stands()
    await asyncio.gather(*waiting)
    assert woken == list(range(40))
