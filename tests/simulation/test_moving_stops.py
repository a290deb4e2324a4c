"""A stop is moved while something else happens to it or to its position: nothing is naked, and nothing closes twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from engine.conftest import Play, command, protected, until
from simulation.oracles import Oracles, final

from scalpctl.core.exchange.outcomes import Outcome, Unknown
from scalpctl.core.exchange.requests import AmendAlgo
from scalpctl.ports.feeds import AlgosPending

ON_ITS_WAY_S = 1.5
Happens = Callable[[Any, Any], None]


def fires(host: Any, desk: Any) -> None:
    host.command("jump", {"instrument": desk.inst_id, "ratio": str(-0.04 * desk.holding.side.sign)})


def is_closed(host: Any, desk: Any) -> None:
    host.command("manual-close", {"instrument": desk.inst_id})


def is_cancelled(host: Any, desk: Any) -> None:
    host.command("cancel-stop", {"instrument": desk.inst_id})


def is_halved(host: Any, desk: Any) -> None:
    host.command("manual-close", {"instrument": desk.inst_id, "fraction": "0.5"})


class SlowMoves:
    """Carries the next move of a stop slowly: something happens before it arrives, or before its answer does."""

    def __init__(self, session: Any, happens: Callable[[], None], *, first: bool) -> None:
        self._trading, self._clock = session.runner._means.trading, session.venue.clock
        self._happens, self._first = happens, first
        self.moved: list[Outcome] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trading, name)

    async def amend_algo(self, change: AmendAlgo) -> Outcome:
        if self.moved:
            return await self._carried(change)
        if self._first:
            await self._meanwhile()
        self.moved.append(await self._carried(change))
        if not self._first:
            await self._meanwhile()
        return self.moved[0]

    def _carried(self, change: AmendAlgo) -> Awaitable[Outcome]:
        return self._trading.amend_algo(change)  # type: ignore[no-any-return]

    async def _meanwhile(self) -> None:
        self._happens()
        await self._clock.sleep(ON_ITS_WAY_S)


@pytest.mark.parametrize("when", ["before it arrives", "before its answer does"])
@pytest.mark.parametrize("happens", [fires, is_closed, is_halved, is_cancelled])
def test_whatever_happens_while_a_stop_is_moved_nothing_is_naked_or_closed_twice(
    tmp_path: Path, happens: Happens, when: str
) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)
    oracles = Oracles("none")
    seen: list[Any] = []

    async def beside(session: Any) -> None:
        host = session.venue.host
        desk = await protected(session)
        holding = desk.holding
        await session.runner.order(command("pause", reason="one is enough"))
        line = SlowMoves(session, lambda: happens(host, desk), first=when == "before it arrives")
        session.runner._means = replace(session.runner._means, trading=line)
        session.runner.watchers.append(lambda *_: oracles.look(host))
        host.command("jump", {"instrument": desk.inst_id, "ratio": str(0.005 * holding.side.sign)})
        await until(session, lambda: bool(line.moved), 60)
        for _ in range(60):
            await session.venue.clock.sleep(0.25)
            held = next((one.contracts for one in _positions(host) if one.inst_id == desk.inst_id), Decimal(0))
            seen.append(held * holding.side.sign)
        if happens in {is_halved, is_cancelled}:
            await session.runner.order(command("close", 2, instrument=desk.inst_id))
        session.stop.set()

    ending = play.session(1, beside)
    assert (ending.orderly, ending.left_open) == (True, 0)
    assert oracles.broken == []
    assert oracles.worst_naked_s < 1.0
    assert min(seen) >= 0  # it is never turned
    (closure,) = play.rows("SELECT cause FROM closures")
    assert closure["cause"] == {fires: "exchange_stop", is_closed: "manual"}.get(happens, "operator")
    assert not [*final(play)]


class LostMoves:
    """Loses every move of a stop on its way, and has it seen meanwhile where it still stands."""

    def __init__(self, session: Any) -> None:
        self._trading, self._session = session.runner._means.trading, session
        self.lost = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trading, name)

    async def amend_algo(self, _change: AmendAlgo) -> Outcome:
        self.lost += 1
        self._session.runner.account(AlgosPending(await self._session.venue.client.account.algos_pending()))
        return Unknown("no answer")


def test_a_stop_seen_where_it_stood_before_is_not_taken_for_one_that_was_moved(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)
    believed: list[tuple[Decimal | None, Decimal | None]] = []

    async def beside(session: Any) -> None:
        host, desk = session.venue.host, await protected(session)
        line = LostMoves(session)
        session.runner._means = replace(session.runner._means, trading=line)
        host.command("jump", {"instrument": desk.inst_id, "ratio": str(0.005 * desk.holding.side.sign)})
        await until(session, lambda: line.lost > 0, 60)
        await session.venue.clock.sleep(1)
        (stands,) = next(iter(host.exchange.state.accounts.values())).algos.values()
        believed.append((desk.holding.guard.trigger, stands.stop))
        session.stop.set()

    play.session(1, beside)
    ((ours, theirs),) = believed
    assert ours == theirs


def _positions(host: Any) -> Any:
    return next(iter(host.exchange.state.accounts.values())).positions.values()
