"""The loss of a day as an audit sees it: from results and cash, whatever the guard wrote down."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest
from audit.forging import Row, audited, drop, forged, journal_of
from engine.conftest import Play, command

pytestmark = pytest.mark.whole


async def resumed_when_lost(session: Any) -> None:
    """A person resumes two minutes after a day was lost, whenever that is."""
    for number in count():
        await session.venue.clock.sleep(120)
        await session.runner.order(command("resume", number, limit="daily_loss", reason="reviewed"))


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Two sessions in which a day is lost several times, because next to nothing is allowed."""
    play = Play(tmp_path_factory.mktemp("lost"), seed=309, world="squeeze")
    play.config = "limits: {daily_loss_ratio_max: 0.001}\n"
    play.session(1, resumed_when_lost)
    play.session(0.5)
    return play


def test_a_day_that_was_lost_and_resumed_by_a_person_is_no_finding(lost: Play) -> None:
    released = lost.rows("SELECT cleared_at FROM limit_latches WHERE name = 'daily_loss' AND cleared_at NOT NULL")
    assert released
    later = "SELECT 1 FROM orders WHERE role = 'entry' AND intended_at > ?"
    assert lost.rows(later, released[0]["cleared_at"])
    assert audited(lost.folder.ledger) == {}


def test_an_engine_that_latched_nothing_is_found_by_its_results(lost: Play, tmp_path: Path) -> None:
    def forgets(rows: list[Row]) -> None:
        for kind in ("limit_latched", "limit_cleared"):
            drop(rows, kind)

    found = audited(forged(journal_of(lost.folder.ledger), tmp_path / "forged.db", forgets))
    assert set(found) == {"AU-39"}
    assert "after the day had lost" in found["AU-39"][0]
