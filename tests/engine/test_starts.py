"""A session whose exchange is away when it begins."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from audit.forging import audited
from engine.conftest import Play, command, is_covered, until

from scalpctl.core.exchange.requests import MarginMode
from scalpctl.errors import ExchangeUnavailable


def away(session: Any) -> None:
    session.venue.host.command("outage", {"seconds": "3600"})


def test_whoever_asks_for_the_end_while_the_exchange_is_away_gets_it_within_seconds(play: Play) -> None:
    waiting: list[asyncio.Task[None]] = []

    async def asked(session: Any) -> None:
        await session.venue.clock.sleep(40)
        session.stop_reason = "asked"
        session.stop.set()

    def begun(session: Any) -> None:
        away(session)
        waiting.append(asyncio.get_running_loop().create_task(asked(session)))

    play.begun = begun
    ending = play.session(1)
    assert (ending.kind, ending.reason, ending.orderly) == ("clean", "asked", True)
    (row,) = play.rows("SELECT end_kind, end_reason, ended_at - started_at AS us FROM sessions")
    assert (row["end_kind"], row["end_reason"]) == ("clean", "asked")
    assert row["us"] < 60_000_000
    tries = play.rows("SELECT detail FROM connection_events WHERE connection = 'rest' AND event = 'retry'")
    assert len(tries) >= 4
    assert all("; asked again in " in row["detail"] for row in tries)


def test_a_session_that_could_not_begin_says_so_itself(play: Play) -> None:
    play.begun = away
    with pytest.raises(ExchangeUnavailable):
        play.session(1)
    (row,) = play.rows("SELECT end_kind, end_reason FROM sessions")
    assert row["end_kind"] == "crashed"
    assert row["end_reason"].startswith("it could not begin: ")
    play.begun = None
    assert play.session(0.1).orderly
    play.check()


async def until_held(session: Any) -> None:
    desks = session.machine.context.desks.values()
    await until(session, lambda: any(desk.holding is not None and desk.holding.entered for desk in desks))
    session.stop.set()


def test_a_new_ledger_never_takes_away_the_stop_that_an_old_one_left_before_its_own_stands(play: Play) -> None:
    play.session(1, until_held)
    play.lose_ledger()
    bare: list[int] = []

    async def watched(session: Any) -> None:
        def watcher(*_: Any) -> None:
            account = next(iter(session.venue.host.exchange.state.accounts.values()))
            bare.extend(1 for one in account.positions.values() if one.contracts and not is_covered(one, account))

        session.runner.watchers.append(watcher)
        await session.venue.clock.sleep(60)
        session.stop.set()

    play.session(1, watched)
    assert bare == []
    *_, stop = play.rows("SELECT kind, state FROM protections ORDER BY seq")
    assert (stop["kind"], stop["state"]) == ("stop_sized", "live")
    account = next(iter(play.exchange().state.accounts.values()))
    assert [algo.inst_id for algo in account.algos.values()] == [one.inst_id for one in account.positions.values()]
    causes = {row["kind"]: row["cause"] for row in play.rows("SELECT kind, cause FROM drifts")}
    assert causes["orphan_algo"] == "left_behind"
    assert causes["appeared"] == "other_client"
    assert "AU-13" not in audited(play.folder.ledger)


def test_a_history_that_cannot_be_read_is_no_reason_to_close_what_is_held(play: Play) -> None:
    seen: list[str] = []

    async def watched(session: Any) -> None:
        await session.venue.clock.sleep(300)
        seen.extend(row["cause"] for row in play.rows("SELECT cause FROM closures"))
        session.venue.host.command("unsilence", {})
        await session.venue.clock.sleep(30)
        assert session.machine.context.usable

    play.session(1, until_held)
    play.begun = lambda session: session.venue.host.command("silence", {"path": "/api/v5/trade/fills"})
    play.session(0.1, watched)
    play.check()
    assert "margin_safety" not in seen
    events = play.rows(
        "SELECT event FROM connection_events WHERE connection = 'private' AND session_id = ?", play.sessions[1]
    )
    assert [row["event"] for row in events if row["event"] != "retry"] == ["opened", "ready"]
    assert [row["why"] for row in play.rows("SELECT why FROM margin_checks WHERE why LIKE '%stale%'")] == []


def test_nothing_patient_is_sent_before_the_first_picture_of_a_session(play: Play) -> None:
    """Whoever remembers a position that is gone meanwhile would sell what somebody else holds."""
    orders: list[int] = []

    def sent() -> int:
        return len(play.rows("SELECT 1 FROM orders WHERE role IN ('partial', 'close')"))

    async def tempted(session: Any) -> None:
        desk = next(desk for desk in session.machine.context.desks.values() if desk.holding is not None)
        await until(session, lambda: desk.ticker is not None)
        asked = asyncio.ensure_future(session.runner.order(command("close", instrument=desk.inst_id, fraction="0.5")))
        await session.venue.clock.sleep(40)
        await session.runner.settled()
        orders.append(sent())
        assert desk.execution is not None
        session.venue.host.command("unsilence", {})
        await session.venue.clock.sleep(60)
        await session.runner.settled()
        orders.append(sent())
        assert asked.done()

    play.session(1, until_held)
    play.begun = lambda session: session.venue.host.command("silence", {"path": "/api/v5/trade/fills"})
    play.session(0.04, tempted)
    assert orders[0] == 0 < orders[1]
    play.check()


def test_a_margin_mode_that_was_only_assumed_is_not_believed_after_a_death(play: Play) -> None:
    play.config = "strategy: {signals: [impulse]}\n"
    play.session(0.1, schedule='- {at: 60s, do: foreign-order, instrument: BTC-USDT, side: buy, contracts: "0.5"}\n')
    (row,) = play.rows("SELECT origin, margin_mode FROM positions")
    assert (row["origin"], row["margin_mode"]) == ("appeared", "isolated")
    modes: list[MarginMode | None] = []

    def looked(session: Any) -> None:
        modes.append(session.machine.context.desks["BTC-USDT-SWAP"].holding.margin_mode)

    async def later(session: Any) -> None:
        await session.venue.clock.sleep(20)
        looked(session)

    play.begun = looked
    play.session(0.02, later)
    assert modes == [None, MarginMode.ISOLATED]
    play.check()


def test_a_stop_that_closes_more_than_is_remembered_turns_nothing_before_the_first_picture(play: Play) -> None:
    """Somebody added to the position while nobody was there, and the stop closes all of it before that is known."""

    def added(session: Any) -> None:
        host = session.venue.host
        (held,) = next(iter(host.exchange.state.accounts.values())).positions.values()
        host.command("manual-add", {"instrument": held.inst_id})
        host.command("silence", {"path": "/api/v5/trade/fills"})

    async def stopped(session: Any) -> None:
        host = session.venue.host
        account = next(iter(host.exchange.state.accounts.values()))
        (held,) = account.positions.values()
        await session.venue.clock.sleep(5)
        host.command("jump", {"instrument": held.inst_id, "ratio": "-0.03" if held.contracts > 0 else "0.03"})
        await until(session, lambda: not account.positions, 60)
        assert not session.machine.context.recovered
        host.command("unsilence", {})
        await session.venue.clock.sleep(60)
        session.stop.set()

    play.session(1, until_held)
    play.begun = added
    play.session(0.1, stopped)
    play.check()
    (row,) = play.rows("SELECT cause FROM closures")
    assert row["cause"] == "exchange_stop"
    assert "AU-09" not in audited(play.folder.ledger)
