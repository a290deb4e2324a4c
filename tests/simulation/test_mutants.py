"""The oracles are awake: each engine that is wrong on purpose is caught within a few plans, or a few deaths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from simulation import hindsight
from simulation.beginnings import play_for
from simulation.dying import SCENARIOS, dying_at, points_of
from simulation.mutants import (
    DEAF,
    DEATHS,
    DISKS,
    EMERGENCY,
    MUTANTS,
    PLANS,
    RESTARTS,
    SWARM,
    an_exchange_for,
    mutated,
    plan,
)
from simulation.plans import Plan, brief, deaf, plan_of
from simulation.playing import play_plan

SEEDS = (101, 111, 103, 100, 110, 105, 107, 109)
BRIEF = (11, 1, 7, 5, 52)
"""Brief plans that notice most of what can be wrong: tried first, because they are short."""
KEPT = sorted(Path(__file__).with_name("kept").glob("*.txt"))
DEADLY = SCENARIOS[2]
WHERE = ("order_intended", "place leaves", "answer to place")
VERDICT = re.compile(r"(O\d+(-O\d+)?(, O\d+)?|AU-\d\d|L\d|D7|E[12]): .")
"""How an oracle speaks: of an invariant, of an audit, of what nobody looks after, or looked at afterwards."""

DESIGN = {
    "intent after send": "acts before it records",
    "timeout = void": "no answer means no order",
    "no expTime": "orders carry no expiry",
    "blind retry": "what got no answer is sent again",
    "recovery ignores intents": "a restart forgets its orders",
    "exit without reduceOnly": "exits may open",
    "no post-flat fill sync": "missed executions are not read again",
    "single not-found": "the first not-found is believed",
    "no protect in recovery": "a restart places no stop",
    "TTL dedup by posId": "what is booked is told by its position",
    "fallback to market on stale": "what is too old to quote for is taken at the market",
    "min-hold on emergency": "an emergency waits",
    "average-cost external close": "what others close costs nothing",
    "float money": "money passes through a float",
    "naive datetime": "times are read as local ones",
    ".get(k, 0)": "a blank number is zero",
    "startswith symbol match": "instruments are told by how they begin",
    "4xx = reject": "an unknown outcome is a refusal",
    "funding as fill": "funding is an execution",
    "ignoring sCode": "a refusal in an answer is taken for a yes",
    "trail state only in memory": "how far a trail has come is only in memory",
}
"""What the design says must be caught, and the engine that is wrong in that way."""


def _found_in_the_swarm() -> Iterator[list[str]]:
    for one in (
        *map(brief, BRIEF),
        *map(plan_of, SEEDS),
        *map(deaf, range(4)),
        *(Plan.read(path.read_text()) for path in KEPT),
    ):
        yield play_plan(one).broken


def _found_in_a_plan(name: str) -> Iterator[list[str]]:
    with an_exchange_for(name):
        yield play_plan(_plan(name)).broken


def _plan(name: str) -> Plan:
    return plan(name) if name in PLANS else Plan.read((KEPT[0].parent / f"{name}.txt").read_text())


def _found_by_the_deaf() -> Iterator[list[str]]:
    return (play_plan(deaf(seed)).broken for seed in (27, 5, 15, 31, 39, *range(12)))


def _found_beside_sick_disks() -> Iterator[list[str]]:
    return (play_plan(one).broken for one in map(brief, range(200)) if one.acts[0].family == "disk")


def _found_around_deaths(folder: Path) -> Iterator[list[str]]:
    names = points_of(DEADLY, folder / "counted")
    points = [number for number, name in enumerate(names, 1) if any(where in name for where in WHERE)]
    for point in points[:40]:
        yield dying_at(DEADLY, folder / str(point), point)


def _tried(where: str, folder: Path) -> Iterator[list[str]]:
    looked = {
        DEATHS: lambda: _found_around_deaths(folder), DEAF: _found_by_the_deaf, SWARM: _found_in_the_swarm,
        DISKS: _found_beside_sick_disks, EMERGENCY: lambda: iter([hindsight.emergency(folder)]),
        RESTARTS: lambda: iter([hindsight.restarts(folder)]),
    }  # fmt: skip
    return looked.get(where, lambda: _found_in_a_plan(where))()


def _is_verdict(said: str) -> bool:
    """Tell whether an oracle has noticed it: that a wrong engine falls over by itself proves nothing."""
    return VERDICT.match(said) is not None


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_wrong_engine_is_caught(name: str, tmp_path: Path) -> None:
    play_for([*map(brief, BRIEF), *map(plan, PLANS), *(Plan.read(path.read_text()) for path in KEPT)])
    where, said = MUTANTS[name][1], list[str]()
    with mutated(name):
        for broken in _tried(where, tmp_path):
            said += broken
            if any(map(_is_verdict, broken)):
                break
    assert any(map(_is_verdict, said)), f"nobody noticed that {name}: {said}"


def test_every_mutant_of_the_design_is_there() -> None:
    assert len(DESIGN) == 21
    assert len(set(DESIGN.values())) == len(DESIGN)
    assert set(DESIGN.values()) <= set(MUTANTS)


@pytest.mark.slow
@pytest.mark.parametrize("where", [*PLANS, EMERGENCY, RESTARTS])
def test_where_a_wrong_engine_is_caught_a_right_one_is_not(where: str, tmp_path: Path) -> None:
    play_for(map(plan, PLANS))
    assert [*_tried(where, tmp_path)] == [[]]


@pytest.mark.parametrize(
    "said",
    [
        "KeyError: 'ETHW-USDT-SWAP' at _believed:262",
        "InvariantBroken: 0 contracts",
        "E0: nothing",
        "O9 without a colon",
    ],
)
def test_an_engine_that_falls_over_by_itself_is_not_caught(said: str) -> None:
    assert not _is_verdict(said)
