"""What the exchange refuses, whatever is asked: a refusal is listened to, and nothing is hammered."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from engine.conftest import Play, command, is_covered, protected, until
from simulation.oracles import final

from scalpctl.core.protection import ProtectionState


async def _loses_its_stop(session: Any, lost: list[int], wait_s: int, **refused: str) -> None:
    """Have kinds of requests refused with codes, then the stop of a position cancelled; and wait."""
    host = session.venue.host
    desk = await protected(session)
    for what, code in refused.items():
        host.command("refuse", {"what": what, "code": code, "seconds": str(wait_s - 30)})
    host.command("cancel-stop", {"instrument": desk.inst_id})
    lost.append(host.exchange.now)
    await session.venue.clock.sleep(wait_s)
    session.stop.set()


def _stops(play: Play) -> list[int]:
    return [row["placed_at"] for row in play.rows("SELECT placed_at FROM protections ORDER BY placed_at")]


@pytest.mark.parametrize(("code", "within_s"), [("51301", 2.0), ("51030", 9.5), ("51088", 9.5)])
def test_a_position_whose_stop_the_market_has_passed_is_closed_at_once(
    tmp_path: Path, code: str, within_s: float
) -> None:
    """Any other refusal is tried again until the time for it is over."""
    play = Play(tmp_path / "root", world="chop", seed=5)
    lost: list[int] = []
    play.session(1, lambda session: _loses_its_stop(session, lost, 90, stop=code))
    (closure,) = play.rows("SELECT cause, closed_at FROM closures ORDER BY closed_at LIMIT 1")
    assert closure["cause"] == "unprotected"
    assert within_s - 4 <= (closure["closed_at"] - lost[0]) / 1e6 <= within_s
    assert len([at for at in _stops(play) if at >= lost[0]]) <= 12
    assert not [*final(play)]


def test_a_stop_the_market_has_passed_is_not_hammered_while_the_close_takes_its_time(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)
    lost: list[int] = []
    play.session(1, lambda session: _loses_its_stop(session, lost, 130, stop="51301", order="50013"))
    tried = [at for at in _stops(play) if lost[0] <= at < lost[0] + 60_000_000]
    assert 2 <= len(tried) <= 3
    assert not [*final(play)]


def test_that_a_stop_is_gone_is_learned_at_the_latest_when_it_cannot_be_moved(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)
    bare_s: list[float] = []

    async def beside(session: Any) -> None:
        host = session.venue.host
        desk = await protected(session)
        for channel in ("orders-algo", "algo-advance"):
            host.command("mute", {"channel": channel})
        host.command("cancel-stop", {"instrument": desk.inst_id})
        host.command("jump", {"instrument": desk.inst_id, "ratio": str(0.005 * desk.holding.side.sign)})
        refused = len(host.refused)
        await until(session, lambda: len(host.refused) > refused)
        began, guard, gone = host.exchange.now, desk.holding.guard, desk.holding.guard.protection_id
        await until(session, lambda: guard.protection_id != gone and guard.state is ProtectionState.PROTECTED)
        bare_s.append((host.exchange.now - began) / 1e6)
        host.command("unmute", {})
        await session.venue.clock.sleep(30)
        session.stop.set()

    play.session(1, beside)
    assert bare_s[0] < 7  # it is looked for twice before it is believed to be gone
    assert not [*final(play)]


def test_a_stop_that_is_not_moved_for_a_reason_nobody_knows_is_asked_for_later_and_later(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)
    asked: list[int] = []

    async def beside(session: Any) -> None:
        host = session.venue.host
        desk = await protected(session)
        host.command("refuse", {"what": "move-stop", "code": "51999", "seconds": "60"})
        host.command("jump", {"instrument": desk.inst_id, "ratio": str(0.005 * desk.holding.side.sign)})
        await session.venue.clock.sleep(50)
        asked.extend(one.at for one in host.refused if "amend" in one.kind)
        session.stop.set()

    play.session(1, beside)
    assert 2 <= len(asked) <= 4
    assert not [*final(play)]


@pytest.mark.parametrize(("code", "times"), [("51022", 3), ("51169", 4), ("51030", 4)])
def test_a_patient_close_waits_as_long_as_the_refusal_means(tmp_path: Path, code: str, times: int) -> None:
    """What is suspended stays so for a while; where nothing is said to be left, what there is is read anew first."""
    play = Play(tmp_path / "root", world="chop", seed=5)
    refused_at: list[int] = []

    async def beside(session: Any) -> None:
        host = session.venue.host
        desk = await protected(session)
        host.command("refuse", {"what": "order", "code": code, "seconds": "55"})
        refused_at.append(host.exchange.now)
        await session.runner.order(command("close", instrument=desk.inst_id))
        await session.venue.clock.sleep(30)
        session.stop.set()

    play.session(1, beside)
    asked = play.rows("SELECT 1 FROM orders WHERE role = 'close' AND refusal_code = ?", code)
    assert times - 2 <= len(asked) <= times
    assert not [*final(play)]


FROZEN = ("50007", "50009", "51024", "50051", "51010")


@pytest.mark.parametrize("code", FROZEN)
def test_a_frozen_account_is_asked_for_one_entry_and_not_for_a_second(tmp_path: Path, code: str) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)
    thawed: list[int] = []

    async def beside(session: Any) -> None:
        host, limits = session.venue.host, session.machine.context
        host.command("refuse", {"what": "order", "code": code, "seconds": "7200"})
        await until(session, lambda: bool(limits.limits.latches))
        await session.venue.clock.sleep(880)
        host.command("refuse", {"what": "order", "code": code, "seconds": "0"})
        thawed.append(host.exchange.now)
        await until(session, lambda: limits.held > 0)
        session.stop.set()

    play.session(2, beside)
    asked = play.rows("SELECT intended_at AS at, refusal_code AS code FROM orders WHERE role = 'entry' ORDER BY seq")
    assert [row["code"] for row in asked if row["at"] < thawed[0]] == [code]
    (latch,) = play.rows("SELECT name, reason, cleared_at FROM limit_latches")
    assert (latch["name"], latch["cleared_at"] is not None) == ("refusals", True)
    assert latch["reason"].startswith("this account may enter nothing: ")
    assert code in latch["reason"]
    assert not [*final(play)]


@pytest.mark.parametrize("code", FROZEN)
def test_what_is_held_when_the_account_is_frozen_keeps_its_stop_and_nothing_is_hammered(
    tmp_path: Path, code: str
) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)
    asked_in: list[int] = []
    minutes = 5

    async def beside(session: Any) -> None:
        host = session.venue.host
        desk = await protected(session)
        for what in ("order", "amend", "cancel", "stop", "move-stop", "leverage"):
            host.command("refuse", {"what": what, "code": code, "seconds": str(minutes * 60)})
        frozen_at = host.exchange.now
        closing = asyncio.ensure_future(session.runner.order(command("close", instrument=desk.inst_id)))
        for _ in range(minutes * 60 - 5):
            await session.venue.clock.sleep(1)
            assert is_covered(next(iter(_account(host).positions.values())), _account(host))
        asked_in.extend(
            sum(frozen_at + at <= one.at < frozen_at + at + 60_000_000 for one in host.refused)
            for at in range(0, minutes * 60_000_000, 60_000_000)
        )
        assert (await closing).result["state"] == "closed"
        session.stop.set()

    play.session(2, beside)
    assert 1 <= max(asked_in) <= 16
    assert [row["cause"] for row in play.rows("SELECT cause FROM closures")] == ["operator"]
    assert not [*final(play)]


def _account(host: Any) -> Any:
    return next(iter(host.exchange.state.accounts.values()))
