"""Troubles one by one that the swarm mixes, or cannot reach."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from engine.conftest import Killed, Play, command, is_covered, protected, until
from simulation.oracles import Oracles, final, loose_stops

from scalpctl.core.exchange.outcomes import Accepted, Outcome, Unknown
from scalpctl.errors import LedgerWriteFailed
from scalpctl.host.clock import WallClock
from scalpctl.ledger.backup import back_up, restore
from scalpctl.okx.stream.backoff import FIRST_S, MOST_S, Backoff

RACES = 200
RESTARTED_S = 10.0
"""Longest without a stop after a death."""


class LateStops:
    """Places conditional orders long after whoever placed them has given up."""

    def __init__(self, session: Any, arriving_after_s: int = 9) -> None:
        self._trading, self._clock = session.runner._means.trading, session.venue.clock
        self._arriving_after_s = arriving_after_s
        self._late: list[asyncio.Future[Any]] = []
        self.asked: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trading, name)

    async def place_algo(self, algo: Any) -> Outcome:
        self.asked.append(algo)
        self._late.append(asyncio.ensure_future(self._arrives(algo)))
        await self._clock.sleep(5)
        return Unknown("no answer came in time")

    async def _arrives(self, algo: Any) -> Outcome:
        await self._clock.sleep(self._arriving_after_s)
        return await self._trading.place_algo(algo)


def test_a_stop_that_does_not_fire_is_made_good_by_the_engine(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="crash", seed=4)
    play.session(0.6, schedule="- {at: 1m, do: algos-fail}\n- {at: 20m, do: jump, ratio: '-0.03'}\n")
    fired = play.rows("SELECT 1 FROM closures WHERE cause IN ('exchange_stop', 'liquidation')")
    assert fired == []
    assert play.rows("SELECT 1 FROM closures")
    assert not [*final(play)]


def test_what_a_stop_that_fired_leaves_is_closed_at_once_and_has_another_stop_meanwhile(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)
    bare_s: list[float] = []

    async def beside(session: Any) -> None:
        desks, host = session.machine.context.desks, session.venue.host
        await until(
            session, lambda: any(desk.holding and desk.holding.guard.state == "protected" for desk in desks.values())
        )
        inst_id, side = next((desk.inst_id, desk.holding.side) for desk in desks.values() if desk.holding is not None)
        host.command("oddity", {"band": "0"})  # nothing can be taken: the order of the stop ends with nothing
        host.command("jump", {"instrument": inst_id, "ratio": str(-0.02 * side.sign)})
        oracles = Oracles("none")
        for _ in range(40):
            await session.venue.clock.sleep(0.25)
            oracles.look(host)
        bare_s.append(oracles.worst_naked_s)
        host.command("oddity", {"band": "0.02"})
        await until(session, lambda: desks[inst_id].holding is None)
        await session.venue.clock.sleep(2)
        session.stop.set()

    play.session(1.0, beside)
    assert bare_s[0] < 1.0
    *fired, last = [stop["state"] for stop in play.rows("SELECT state FROM protections ORDER BY placed_at")]
    assert (set(fired), last) == ({"fired"}, "released")
    assert [row["name"] for row in play.rows("SELECT name FROM limit_latches")] == ["unprotected"]
    assert not [*final(play)]


def test_a_refusal_is_not_provoked_on_every_tick(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)
    hours = 0.5
    play.session(hours, schedule="- {at: 1s, do: refuse, what: order, code: '51000', seconds: '1800'}\n")
    refused = play.rows("SELECT inst_id, count(*) AS n FROM orders WHERE state = 'refused' GROUP BY inst_id")
    assert refused
    assert all(row["n"] <= hours * 60 for row in refused)


def test_a_contract_that_changes_gets_a_new_version_and_open_positions_keep_theirs(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)

    async def beside(session: Any) -> None:
        desks = session.machine.context.desks
        await until(session, lambda: any(desk.holding is not None for desk in desks.values()))
        desk = next(desk for desk in desks.values() if desk.holding is not None)
        before = desk.holding.position.instrument
        session.runner.hear(replace(before, lot_size=before.lot_size * 10, min_contracts=before.lot_size * 10))
        assert desk.holding.position.instrument == before
        assert desk.instrument.lot_size == before.lot_size * 10

    play.session(0.5, beside)
    versions = play.rows("SELECT inst_id FROM instruments GROUP BY inst_id HAVING count(*) > 1")
    assert len(versions) == 1
    (changed,) = versions
    lots = play.rows(  # the exchange itself says soon that nothing has changed: a third version
        "SELECT DISTINCT contracts FROM orders WHERE inst_id = ? AND role = 'entry' AND inst_version = 2",
        changed["inst_id"],
    )
    (lot,) = play.rows("SELECT lot_size FROM instruments WHERE inst_id = ? AND version = 2", changed["inst_id"])
    assert all(Decimal(row["contracts"]) % Decimal(lot["lot_size"]) == 0 for row in lots)


def test_a_task_that_ends_stops_the_engine(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)
    play.session(0.3)

    def begun(session: Any) -> None:
        async def ends() -> None:
            await session.venue.clock.sleep(60)
            raise RuntimeError("a task nobody watches")

        session.venue.background.append(ends)

    play.begun = begun
    with pytest.raises(RuntimeError, match="nobody watches"):
        play.session(0.3)
    account = next(iter(play.exchange().state.accounts.values()))
    assert all(is_covered(one, account) for one in account.positions.values() if one.contracts)
    play.begun = None
    play.session(0.2)
    assert not [*final(play)]


def test_an_engine_whose_ledger_stays_locked_ends_at_once_and_the_next_start_misses_nothing(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)
    orders: list[int] = []

    async def beside(session: Any) -> None:
        await protected(session)
        (account,) = session.venue.host.exchange.state.accounts.values()
        orders.append(len(account.done) + len(account.orders))
        other = sqlite3.connect(play.folder.ledger, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        locks.append(other)
        session.venue.host.command("manual-close", {})  # what is heard of now must not be lost
        await session.venue.clock.sleep(30)

    locks: list[sqlite3.Connection] = []
    with pytest.raises(LedgerWriteFailed, match="stayed locked for 5 s"):
        play.session(1, beside)
    locks[0].close()
    assert play.folder.emergency.stat().st_size > 0
    (account,) = play.exchange().state.accounts.values()
    assert len(account.done) + len(account.orders) == orders[0] + 1  # the one of the person, and none of ours
    assert all(is_covered(one, account) for one in account.positions.values() if one.contracts)
    play.session(0.2)
    assert play.folder.emergency.stat().st_size == 0
    assert [row["end_kind"] for row in play.rows("SELECT end_kind FROM sessions")] == ["crashed", "clean"]
    assert play.rows("SELECT cause FROM closures ORDER BY seq LIMIT 1")[0]["cause"] == "manual"
    assert not [*final(play)]


@pytest.mark.slow
@pytest.mark.parametrize("muted", ["", "orders-algo"])
def test_a_stop_that_arrives_after_its_position_was_closed_is_cancelled(tmp_path: Path, muted: str) -> None:
    stood: list[Any] = []

    async def beside(session: Any) -> None:
        desks, exchange = session.machine.context.desks, session.venue.host.exchange
        late = LateStops(session)
        session.runner._means = replace(session.runner._means, trading=late)
        await until(session, lambda: any(desk.holding is not None for desk in desks.values()))
        await _close_everything(session)
        (account,) = exchange.state.accounts.values()
        if muted:
            session.venue.host.command("mute", {"channel": muted})
        await until(session, lambda: bool([*loose_stops(account)]), 30)
        stood.extend(loose_stops(account))
        session.stop.set()

    play = Play(tmp_path / "root", world="chop", seed=5)
    ending = play.session(0.5, beside)
    assert (ending.orderly, ending.left_open) == (True, 0)
    (account,) = play.exchange().state.accounts.values()
    assert stood
    assert not [*loose_stops(account)]


@pytest.mark.parametrize("after_s", [1, 8, 15])
@pytest.mark.parametrize("closed", ["", "closed before", "closed meanwhile"])
def test_a_stop_on_its_way_when_the_process_died_is_taken_up_or_cancelled(
    tmp_path: Path, after_s: int, closed: str
) -> None:
    sent: list[Any] = []
    oracles = Oracles("none")

    async def dies(session: Any) -> None:
        door = LateStops(session, arriving_after_s=3_600)
        session.runner._means = replace(session.runner._means, trading=door)
        await until(session, lambda: bool(door.asked))
        if closed == "closed before":
            await _close_everything(session)
        sent.extend(door.asked)
        session.runner.watchers.append(_die)

    async def arrives(session: Any) -> None:
        trading, host, clock = session.runner._means.trading, session.venue.host, session.venue.clock
        session.runner.watchers.append(lambda *_: oracles.look(host))
        if closed:
            await _close_everything(session, 3)
        await clock.sleep(after_s)
        answer = await trading.place_algo(sent[0])
        assert isinstance(answer, Accepted)
        await clock.sleep(60)
        assert not [*loose_stops(next(iter(host.exchange.state.accounts.values())))]

    play = Play(tmp_path / "root", world="chop", seed=5)
    with pytest.raises(Killed):
        play.session(0.5, dies)
    play.session(0.1, arrives)
    assert oracles.worst_naked_s <= RESTARTED_S
    assert not [*final(play)]


async def _close_everything(session: Any, number: int = 1) -> None:
    await session.runner.order(command("halt", number, reason="one is enough"))
    await session.runner.order(command("close", number + 1, all=True))


def _die(*_event: Any) -> None:
    raise Killed


@pytest.mark.timeout(400)
def test_a_close_from_outside_races_the_engines_own(tmp_path: Path) -> None:
    """Whenever the engine decides to close, a terminal asks for the same close, at once or a little later."""
    answers: list[Any] = []
    chance = Random(1)

    async def ask(session: Any, number: int, inst_id: str) -> None:
        await session.venue.clock.sleep(chance.choice([0, 0.001, 0.05, 0.5, 2]))
        order = command("close", number, instrument=inst_id, fraction="1", all=False)
        answers.append(await session.runner.order(order))

    async def beside(session: Any) -> None:
        def watcher(_event: Any, step: Any, _at: Any) -> None:
            for record in step.records:
                if record.record_kind == "decided" and record.subject == "exit" and record.outcome == "close":
                    number = len(answers) + len(waiting)
                    waiting.append(asyncio.ensure_future(ask(session, number, record.inst_id)))

        session.runner.watchers.append(watcher)

    for seed in range(40):
        waiting: list[Any] = []
        play = Play(tmp_path / str(seed), world="chop", seed=seed)
        play.session(1.0, beside)
        assert not [*final(play)]
        assert play.rows("SELECT 1 FROM closures WHERE cause IN ('unknown', 'manual')") == []
        if len(answers) >= RACES:
            break
    assert len(answers) >= RACES
    assert all(answer.ok for answer in answers)


def test_a_restored_backup_catches_up_with_the_exchange(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)
    play.session(0.4)
    kept = back_up(play.folder, WallClock(), "test")
    play.session(0.4)
    lost = {row["trade_id"] for row in play.rows("SELECT trade_id FROM fills")}
    restore(play.folder, WallClock(), kept.name)
    assert {row["trade_id"] for row in play.rows("SELECT trade_id FROM fills")} < lost
    play.session(0.2)
    assert {row["trade_id"] for row in play.rows("SELECT trade_id FROM fills")} >= lost
    play.check()


def test_a_line_that_keeps_falling_is_tried_again_ever_more_slowly() -> None:
    backoff = Backoff(Random(3))
    pauses = [backoff.pause_s() for _ in range(40)]
    assert all(pause <= min(MOST_S, FIRST_S * 2**number) for number, pause in enumerate(pauses))
    assert sum(pauses) / len(pauses) > MOST_S / 4  # not a storm: hundreds of attempts an hour at most
    assert backoff.failures == 40
