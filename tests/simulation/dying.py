"""Kill points: around every write, every send and every answer of an engine, each of which can be its last."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.conftest import Killed, Play
from simulation.oracles import NAKED_S, Oracles, final

BARE_S = 10.0
"""Longest without a stop after a restart."""


@dataclass
class Points:
    """Counts the points a process passes; at the deadly one it is gone."""

    deadly: int = 0
    """None is deadly for 0: then they are only counted."""
    passed: int = 0
    names: list[str] = field(default_factory=list)

    def at(self, name: str) -> None:
        self.passed += 1
        if not self.deadly:
            self.names.append(name)
        if self.deadly and self.passed >= self.deadly:  # a dead process does nothing any more
            raise Killed

    def around(self, name: str, work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def guarded(*arguments: Any, **named: Any) -> Any:
            self.at(f"before {name} leaves")
            answer = await work(*arguments, **named)
            self.at(f"before the answer to {name} is heard")
            return answer

        return guarded


class Door:
    """A gateway behind which every call is two kill points."""

    def __init__(self, inner: Any, points: Points) -> None:
        self._inner = inner
        self._points = points

    def __getattr__(self, name: str) -> Any:
        return self._points.around(name, getattr(self._inner, name))


class Ear:
    """A tape before which everything that is heard is a kill point: it has arrived, and nobody has taken it in."""

    def __init__(self, inner: Any, points: Points) -> None:
        self._inner = inner
        self._points = points

    def heard(self, event: Any, at: Any) -> None:
        self._inner.heard(event, at)
        self._points.at(f"before {type(event).__name__} is taken in")


class Pen:
    """A ledger where records can be lost before the write, or the process right after it."""

    def __init__(self, inner: Any, points: Points) -> None:
        self._inner = inner
        self._points = points

    def append(self, records: Any) -> int:
        kinds = ", ".join(record.record_kind for record in records)
        self._points.at(f"before writing {kinds}")
        ticket = int(self._inner.append(records))
        self._inner.wait(ticket)
        self._points.at(f"after writing {kinds}")
        return ticket

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@dataclass(frozen=True)
class Scenario:
    """A short session in which something happens."""

    name: str
    world: str
    seed: int
    schedule: str = ""
    faults: str = "none"
    hours: float = 0.25


SCENARIOS = (
    Scenario("quiet", "range", 3),
    Scenario("stops", "crash", 4),
    Scenario("closed by hand", "chop", 5, "- {at: 6m, do: manual-close}\n"),
    Scenario("half closed by hand", "trend", 6, "- {at: 6m, do: manual-close, fraction: '0.5'}\n"),
    Scenario("liquidated", "chop", 7, "- {at: 6m, do: liquidate}\n"),
    Scenario("partly deleveraged", "squeeze", 8, "- {at: 6m, do: adl, fraction: '0.5'}\n"),
    Scenario("stop cancelled", "crash", 14, "- {at: 6m, do: cancel-stop}\n"),
    Scenario(
        "a stranger's order", "range", 10,
        "- {at: 5m, do: foreign-order, instrument: SOL-USDT, side: buy, contracts: '2'}\n",
    ),
    Scenario("leverage changed", "mixed", 11, "- {at: 4m, do: set-leverage, leverage: '4'}\n"),
    Scenario("bad weather", "chop", 12, faults="storm"),
)  # fmt: skip


def inhabit(session: Any, points: Points) -> None:
    """Let a session pass these points with every write, send and answer."""
    runner = session.runner
    runner.ledger = Pen(runner.ledger, points)
    means = runner._means
    doors = {name: Door(getattr(means, name), points) for name in ("trading", "account", "market", "resolver")}
    runner._means = replace(means, **doors)
    runner.tape = Ear(runner.tape, points)


def _deadly(play: Play, points: Points) -> None:
    play.begun = lambda session: inhabit(session, points)


def points_of(scenario: Scenario, folder: Path) -> list[str]:
    """Play a scenario without dying; gives the name of every point it passes."""
    points = Points()
    play = Play(folder / "root", world=scenario.world, seed=scenario.seed, faults=scenario.faults)
    _deadly(play, points)
    play.session(scenario.hours, schedule=scenario.schedule)
    return points.names


def dying_at(scenario: Scenario, folder: Path, first: int, second: int = 0) -> list[str]:
    """Die at one point, and once more in the recovery where asked; then recover and give what is wrong."""
    play = Play(folder / "root", world=scenario.world, seed=scenario.seed, faults=scenario.faults)
    for deadly in filter(None, (first, second)):
        _deadly(play, Points(deadly))
        with suppress(Killed):
            play.session(scenario.hours, schedule=scenario.schedule)
    play.faults = "none"
    watched = Oracles("none")
    play.begun = lambda session: _watch(session, watched)
    play.session(0.1)
    return [*watched.broken, *final(play)]


def _watch(session: Any, oracles: Oracles) -> None:
    """Judge from outside how the next process finds its way: nobody is bare for longer than that takes."""
    host = session.venue.host
    oracles.excuse(host.exchange.now, BARE_S - NAKED_S)
    session.runner.watchers.append(lambda *_: oracles.look(host))


def chosen(names: list[str], of_each: int = 2) -> list[int]:
    """Choose the points worth dying at: the first few of every name."""
    seen: dict[str, int] = {}
    points = []
    for number, name in enumerate(names, 1):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] <= of_each:
            points.append(number)
    return points
