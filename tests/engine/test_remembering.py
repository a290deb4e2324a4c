"""What a start remembers is what the last session knew: sizes, who had a hand in it, what is over, what it cost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from audit.forging import audited
from engine.conftest import Killed, Play, command, until

from scalpctl.core.exchange.reports import PositionReport
from scalpctl.core.instants import Instant
from scalpctl.engine.events import Felt
from scalpctl.ports.feeds import Resync
from scalpctl.simulator import matching
from scalpctl.simulator.specs import BY_ID
from scalpctl.simulator.state import Order


def account_of(session: Any) -> Any:
    return next(iter(session.venue.host.exchange.state.accounts.values()))


async def a_resting_entry(session: Any) -> Order:
    """Wait for an entry that rests, and for nothing of it to be told."""
    orders = account_of(session).orders
    session.venue.host.command("mute", {"channel": "orders"})
    await until(session, lambda: any(divisible(order) for order in orders.values()))
    return next(order for order in orders.values() if divisible(order))


def divisible(order: Order) -> bool:
    return order.contracts >= 2 * BY_ID[order.inst_id].lot and order.type == "post_only"


def execute(session: Any, order: Order, contracts: Decimal) -> None:
    host = session.venue.host
    assert order.price is not None
    price = Decimal(order.price) * BY_ID[order.inst_id].tick
    matching.execute(host.exchange, account_of(session), order, price, contracts, "M")
    host._store.save(host.exchange.snapshot())


def dies_when(session: Any, told: Callable[[list[Any]], bool]) -> None:
    dead: list[bool] = []

    def watcher(_event: Any, step: Any, _at: Any) -> None:
        if dead or told(step.records):
            dead.append(True)  # also at the next event: it may have been in a task that nobody waits for
            session.runner.ledger.wait()
            raise Killed

    session.runner.watchers.append(watcher)


def part_of(order: Order) -> Decimal:
    lot = BY_ID[order.inst_id].lot
    return order.contracts // (2 * lot) * lot


def test_an_order_reported_partly_filled_before_its_execution_is_heard_does_not_count_it_twice(play: Play) -> None:
    async def beside(session: Any) -> None:
        order = await a_resting_entry(session)
        dies_when(session, lambda records: any(getattr(one, "state", "") == "partly_filled" for one in records))
        execute(session, order, part_of(order))
        for report in await session.runner._means.account.orders_pending():  # as whoever watches a deaf line does
            session.runner.hear(report)

    with pytest.raises(Killed):
        play.session(1, beside)
    (order,) = play.rows("SELECT client_id, filled_contracts FROM orders WHERE state = 'partly_filled'")
    assert Decimal(order["filled_contracts"]) > 0
    assert play.rows("SELECT 1 FROM fills") == []
    assert play.session(0.1).orderly
    play.check()
    assert "AU-17" not in audited(play.folder.ledger)


def test_what_is_executed_of_an_order_never_becomes_less_while_its_executions_arrive(play: Play) -> None:
    async def beside(session: Any) -> None:
        order = await a_resting_entry(session)
        session.venue.host.command("silence", {"path": "/api/v5/trade/fills"})
        part = part_of(order)
        execute(session, order, part)
        execute(session, order, order.contracts - part)
        seen = session.machine.context.orders[order.client_id][1]
        await until(session, lambda: not seen.order.is_open)
        session.venue.host.command("unsilence", {})
        await until(session, lambda: seen.order.is_settled)
        session.venue.host.command("unmute", {})
        await session.venue.clock.sleep(60)
        session.stop.set()

    play.session(1, beside)
    said = [
        Decimal(row["filled"])
        for row in play.rows(
            "SELECT json_extract(body, '$.filled_contracts') AS filled FROM journal WHERE kind = 'order_changed' AND "
            "filled IS NOT NULL ORDER BY seq"
        )
    ]
    assert len(said) >= 3
    assert "AU-17" not in audited(play.folder.ledger)
    play.check()


async def until_guarded(session: Any) -> Any:
    """Wait for a position under its stop; gives its desk."""
    desks = session.machine.context.desks.values()
    await until(
        session, lambda: any(desk.holding is not None and desk.holding.guard.state == "protected" for desk in desks)
    )
    return next(desk for desk in desks if desk.holding is not None and desk.holding.guard.state == "protected")


def made_flat(records: list[Any]) -> bool:
    return any(one.record_kind == "position_changed" and one.contracts == "0" for one in records)


@pytest.mark.parametrize(("others", "cause"), [("jump", "exchange_stop"), ("manual-close", "manual")])
def test_whose_hand_closed_a_position_is_known_though_the_process_died_before_its_closure(
    play: Play, others: str, cause: str
) -> None:
    async def beside(session: Any) -> None:
        desk = await until_guarded(session)
        dies_when(session, made_flat)
        for channel in ("tickers", "mark-price"):  # so that the rules see nothing, and the stop does
            session.venue.host.command("mute", {"channel": channel})
        ratio = "-0.02" if desk.holding.side.sign > 0 else "0.02"
        session.venue.host.command(others, {"instrument": desk.inst_id, "ratio": ratio})

    with pytest.raises(Killed):
        play.session(1, beside)
    assert play.rows("SELECT 1 FROM closures") == []
    play.session(0.05)
    play.check()
    (closure, *_) = play.rows("SELECT cause FROM closures ORDER BY seq")
    assert closure["cause"] == cause
    drifts = [row["cause"] for row in play.rows("SELECT cause FROM drifts WHERE kind IN ('vanished', 'foreign_fill')")]
    assert drifts == ([] if others == "jump" else ["manual"])


class StalePicture:
    """Answers the first question for positions with what was so before."""

    def __init__(self, reader: Any, before: tuple[PositionReport, ...]) -> None:
        self._reader, self._before = reader, before
        self.shown = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    async def resync(self, since: Instant) -> Resync:
        found: Resync = await self._reader.resync(since)
        self.shown += 1
        return replace(found, positions=self._before) if self.shown == 1 else found


@pytest.mark.parametrize("left", ["closed", "flat"])
def test_a_picture_from_before_a_close_does_not_bring_back_what_an_earlier_session_closed(
    play: Play, left: str
) -> None:
    before: list[PositionReport] = []

    async def closed(session: Any) -> None:
        desk = await until_guarded(session)
        await session.venue.clock.sleep(5)
        before.append(desk.theirs)
        await session.runner.order(command("halt", reason="one is enough"))
        if left == "flat":  # and no closure of it
            dies_when(session, made_flat)
        await session.runner.order(command("close", 2, all=True))
        session.stop.set()

    def stale(session: Any) -> None:
        client = session.venue.client
        client.account = StalePicture(client.account, tuple(before))

    async def watched(session: Any) -> None:
        await until(session, lambda: session.machine.context.recovered)
        assert session.venue.client.account.shown == 1
        await session.venue.clock.sleep(120)
        session.stop.set()

    with contextlib.suppress(Killed):
        play.session(1, closed)
    assert len(play.rows("SELECT 1 FROM closures")) == (left == "closed")
    play.begun = stale
    play.session(0.2, watched)
    assert [row["state"] for row in play.rows("SELECT state FROM positions")] == ["closed"]
    assert (
        play.rows("SELECT * FROM drifts WHERE kind <> 'orphan_algo'") == []
    )  # a stop that outlived its process is none
    play.check()


def test_a_result_whose_closure_is_recorded_after_the_last_heartbeat_counts_all_the_same(play: Play) -> None:
    """The position is flat, the heartbeat is written down, and only then is the closure recorded."""
    counted: list[Any] = []

    async def beside(session: Any) -> None:
        await until_guarded(session)
        context = session.machine.context

        def closed(records: list[Any]) -> bool:
            counted.append(context.limits)
            return any(one.record_kind == "position_closed" for one in records)

        asked = asyncio.ensure_future(session.runner.order(command("close", all=True)))
        await until(session, lambda: any(desk.leaving for desk in context.desks.values()))
        await session.venue.clock.sleep(0.1)
        assert not asked.done()
        session.runner.hear(Felt())
        dies_when(session, closed)
        await asked

    with pytest.raises(Killed):
        play.session(1, beside)
    (closure,) = play.rows("SELECT net, closed_at, seq FROM closures")
    (noted,) = play.rows("SELECT max(at) AS at, max(seq) AS seq FROM heartbeats")
    assert (closure["closed_at"] < noted["at"], closure["seq"] > noted["seq"]) == (True, True)
    play.begun = lambda session: counted.append(session.machine.context.limits)
    play.session(0.01)
    assert counted[-1].day_net == counted[-2].day_net == Decimal(closure["net"])
    assert counted[-1].losses == counted[-2].losses
