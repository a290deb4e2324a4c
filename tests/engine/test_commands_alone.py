"""Commands with no engine alive: a session that was only asked something has not crashed, whatever the answer is."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from engine.conftest import Play

from scalpctl.engine.events import Ordered
from scalpctl.errors import EngineRefused
from scalpctl.host.clock import WallClock
from scalpctl.host.hand_clock import HandClock
from scalpctl.ledger.opening import prepare_folder
from scalpctl.settings.loading import load
from scalpctl.wiring.alone import carry_out, run, venue_of
from scalpctl.wiring.keeping import kept_safe
from scalpctl.wiring.session import Listening, Session
from scalpctl.wiring.venues import SIM_BEGINS


def test_a_command_that_is_refused_ends_its_session_in_order(play: Play) -> None:
    prepare_folder(play.folder)
    loaded, listening = load(None, {}), Listening()
    refused = Ordered("c1", "resume", {"reason": "looked", "limit": "no such limit"}, "tester")
    venue = venue_of(loaded, play.folder, {}, WallClock(), listening)

    async def whole() -> Any:
        return await carry_out(Session(loaded, play.folder, venue, listening), refused)

    with pytest.raises(EngineRefused):
        run(venue, whole())
    (session,) = play.rows("SELECT end_kind, end_reason FROM sessions")
    assert (session["end_kind"], session["end_reason"]) == ("clean", "resume was refused")


async def test_a_backup_that_cannot_be_started_is_noted_and_ends_nothing(
    play: Play, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    noted: list[Any] = []

    class Writer:
        def append(self, records: Any) -> None:
            noted.extend(records)
            if len(noted) == 2:
                raise InterruptedError

    monkeypatch.setattr("sys.executable", str(tmp_path / "no-such-python"))
    monkeypatch.setitem(os.environ, "PATH", "")
    clock = HandClock(SIM_BEGINS)
    keeping = asyncio.ensure_future(kept_safe(play.folder, load(None, {}).settings.ledger, clock, Writer()))  # type: ignore[arg-type]
    with pytest.raises(InterruptedError):
        await clock.run_until(keeping)
    assert [one.event for one in noted] == ["backup_failed"] * 2
    assert "could not be started" in noted[0].detail["detail"]
