"""A session whose exchange is away when it begins."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from engine.conftest import Play

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
