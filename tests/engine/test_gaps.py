"""Candles that are missing: the indicators are cold until the history has been read anew, and nothing is entered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.conftest import Play, command, until

from scalpctl.core.indicators.study import Study
from scalpctl.core.instants import Instant
from scalpctl.engine.plan import BAR, BAR_US, WARM_CANDLES


async def read_anew(session: Any, desk: Any) -> Any:
    """Work out from the exchange's own history what the indicators of an instrument are."""
    study = Study(desk.inst_id, session.machine.context.plan.study(desk.inst_id))
    reading = None
    for candle in await session.venue.client.market.candles(desk.inst_id, BAR, WARM_CANDLES):
        if candle.confirmed:
            reading = study.on_candle(candle, Instant(candle.opened_at + BAR_US))
    return reading


def test_after_three_missing_minutes_nothing_is_entered_until_the_indicators_are_those_of_the_history(
    tmp_path: Path,
) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)
    times: list[int] = []

    async def beside(session: Any) -> None:
        host, clock, desks = session.venue.host, session.venue.clock, session.machine.context.desks.values()
        await clock.sleep(300)
        host.command("mute", {"channel": "candle1m"})
        host.command("silence", {"path": "/api/v5/market/candles"})
        await clock.sleep(200)
        host.command("unmute", {})
        await until(session, lambda: all(desk.warming for desk in desks), 120)
        times.append(clock.now())
        await clock.sleep(1_200)
        assert all(desk.warming for desk in desks)
        times.append(clock.now())
        await session.runner.order(command("pause", reason="the indicators are compared"))
        host.command("unsilence", {})
        await until(session, lambda: not any(desk.warming for desk in desks), 30)
        for desk in desks:
            assert desk.study.reading == await read_anew(session, desk)
        await session.runner.order(command("resume", 2, limit="operator_pause", reason="they are the same"))

    play.session(1.5, beside)
    between = "SELECT count(*) AS n FROM orders WHERE role = 'entry' AND intended_at BETWEEN ? AND ?"
    assert play.rows(between, *times)[0]["n"] == 0
    assert play.rows(between, times[1], times[1] + 7_200_000_000)[0]["n"] > 0
    play.check()


def test_a_window_longer_than_the_usual_one_is_warmed_as_well(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="range", seed=7)
    play.config = "strategy: {parameters: {indicators: {ema_slow_bars: 200}}}\n"

    async def beside(session: Any) -> None:
        desks = session.machine.context.desks
        await until(session, lambda: bool(desks) and not any(desk.warming for desk in desks.values()), 60)
        session.stop.set()

    play.session(0.1, beside)
