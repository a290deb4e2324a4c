"""The oracles are awake: each engine that is wrong on purpose is caught within a few plans, or a few deaths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from simulation.beginnings import play_for
from simulation.dying import SCENARIOS, dying_at, points_of
from simulation.mutants import DEAF, DEATHS, DISKS, MUTANTS, SWARM, mutated
from simulation.plans import Plan, brief, deaf, plan_of
from simulation.playing import play_plan

SEEDS = (101, 111, 103, 100, 110, 105, 107, 109)
BRIEF = (11, 1, 7, 5, 52)
"""Brief plans that notice most of what can be wrong: tried first, because they are short."""
KEPT = sorted(Path(__file__).with_name("kept").glob("*.txt"))
DEADLY = SCENARIOS[2]
WHERE = ("order_intended", "place leaves", "answer to place")


def _found_in_the_swarm() -> Iterator[list[str]]:
    for plan in (
        *map(brief, BRIEF),
        *map(plan_of, SEEDS),
        *map(deaf, range(4)),
        *(Plan.read(path.read_text()) for path in KEPT),
    ):
        yield play_plan(plan).broken


def _found_in_a_plan(name: str) -> Iterator[list[str]]:
    yield play_plan(Plan.read((KEPT[0].parent / f"{name}.txt").read_text())).broken


def _found_by_the_deaf() -> Iterator[list[str]]:
    return (play_plan(deaf(seed)).broken for seed in (15, 27, 31, 39, *range(12)))


def _found_beside_sick_disks() -> Iterator[list[str]]:
    return (play_plan(plan).broken for plan in map(brief, range(200)) if plan.acts[0].family == "disk")


def _found_around_deaths(folder: Path) -> Iterator[list[str]]:
    names = points_of(DEADLY, folder / "counted")
    points = [number for number, name in enumerate(names, 1) if any(where in name for where in WHERE)]
    for point in points[:40]:
        yield dying_at(DEADLY, folder / str(point), point)


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_wrong_engine_is_caught(name: str, tmp_path: Path) -> None:
    play_for([*map(brief, BRIEF), *(Plan.read(path.read_text()) for path in KEPT)])
    with mutated(name):
        where = MUTANTS[name][1]
        looked = {
            DEATHS: lambda: _found_around_deaths(tmp_path), DEAF: _found_by_the_deaf, SWARM: _found_in_the_swarm,
            DISKS: _found_beside_sick_disks,
        }  # fmt: skip
        tried = looked.get(where, lambda: _found_in_a_plan(where))()
        assert any(tried), f"nobody noticed that {name}"
