"""A session may die at any instant: nothing is lost, nothing is doubled, and nobody is left without a stop."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from engine.conftest import Killed, Play, command, until

from scalpctl.errors import LedgerError


def agree(play: Play) -> None:
    play.check()
    account = next(iter(play.exchange().state.accounts.values()))
    ids = [order.client_id for order in account.done if order.client_id]
    assert len(ids) == len(set(ids))
    assert set(ids) <= {row["client_id"] for row in play.rows("SELECT client_id FROM orders")}
    fills = {fill.client_id for fill in account.fills}
    void = {row["client_id"] for row in play.rows("SELECT client_id FROM orders WHERE state IN ('void', 'refused')")}
    assert not fills & void


@pytest.mark.parametrize("first", range(3, 60, 14))
def test_dying_between_record_and_act_is_made_good_by_the_next_start(tmp_path: Path, first: int) -> None:
    play = Play(tmp_path / "root", world="chop", seed=first)
    steps = 0

    async def beside(session: Any) -> None:
        def kill(_event: Any, step: Any, _at: Any) -> None:
            nonlocal steps
            steps += bool(step.effects)
            if steps and steps % (first + 30) == 0:
                steps += 1
                raise Killed

        session.runner.watchers.append(kill)

    for _ in range(4):
        with contextlib.suppress(Killed):
            play.session(0.4, beside)
    play.session(0.1)
    agree(play)
    kinds = [row["end_kind"] for row in play.rows("SELECT end_kind FROM sessions ORDER BY seq")]
    assert "crashed" in kinds
    assert kinds[-1] == "clean"


def test_a_close_that_a_person_ordered_outlives_the_process_that_was_told(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=3)

    def die(session: Any) -> None:
        def kill(_event: Any, step: Any, _at: Any) -> None:
            if any(getattr(record, "winner", None) == "operator" for record in step.records):
                session.runner.ledger.wait()
                raise Killed

        session.runner.watchers.append(kill)

    async def order(session: Any) -> None:
        await until(session, lambda: session.machine.context.held > 0)
        await session.runner.order(command("close", all=True))

    play.begun = die
    with contextlib.suppress(Killed):
        play.session(1, order)
    play.begun = None
    told = {row["position_id"] for row in play.rows("SELECT position_id FROM decisions WHERE winner = 'operator'")}
    assert told
    assert play.rows("SELECT 1 FROM closures WHERE cause = 'operator'") == []
    play.session(0.05)
    agree(play)
    ordered = play.rows("SELECT position_id FROM closures WHERE cause = 'operator' AND closed_by = 'tester'")
    assert {row["position_id"] for row in ordered} == told


def test_an_order_that_a_dead_session_left_resting_is_withdrawn(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="trend", seed=3)
    left: list[str] = []

    def die(session: Any) -> None:
        def kill(_event: Any, step: Any, _at: Any) -> None:
            live = [one for one in step.records if getattr(one, "state", "") == "live" and hasattr(one, "client_id")]
            if live:
                left.append(live[0].client_id)
                raise Killed

        session.runner.watchers.append(kill)

    async def look(session: Any) -> None:
        await session.venue.clock.sleep(15)
        account = next(iter(session.venue.host.exchange.state.accounts.values()))
        assert left[0] not in {order.client_id for order in account.orders.values()}

    play.begun = die
    with contextlib.suppress(Killed):
        play.session(1)
    (order,) = (one for one in next(iter(play.exchange().state.accounts.values())).orders.values())
    assert order.client_id == left[0]
    away = {"instrument": order.inst_id, "ratio": "-0.02" if order.side == "sell" else "0.02"}  # or it fills at once
    play.begun = lambda session: session.venue.host.others("jump", away)
    play.session(0.02, look)
    agree(play)


def _rows(play: Play) -> int:
    try:
        return int(play.rows("SELECT coalesce(max(seq), 0) AS n FROM journal")[0]["n"])
    except LedgerError:  # it is being made
        return 0


def _let_it_write(play: Play, rows: int) -> None:
    """Wait until so much is in the journal, however slow the machine is today."""
    for _ in range(600):
        if _rows(play) >= rows:
            return
        time.sleep(0.05)
    raise AssertionError("the engine wrote nothing")


@pytest.mark.slow
def test_kill_minus_nine_at_any_instant_loses_nothing(tmp_path: Path) -> None:
    root = tmp_path / "root"
    chance = random.Random(5)
    command = [sys.executable, "-m", "scalpctl", "run", "--speed", "max", "--world", "chop", "--seed", "9", "-q"]
    environment = os.environ | {"SCALPCTL_ROOT": str(root)}
    for _ in range(6):
        rows = _rows(Play(root))
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _let_it_write(Play(root), rows + chance.randint(150, 600))
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL
    play = Play(root, world="chop", seed=9)
    play.session(0.1)
    agree(play)
    assert play.rows("SELECT position_id FROM closures")
    times = [row["ts_us"] for row in play.rows("SELECT ts_us FROM journal ORDER BY seq")]
    assert times == sorted(times), "time goes on where the ledger has been"
