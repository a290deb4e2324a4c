"""The oracles are awake: each engine that is wrong on purpose is caught within a few seeds."""

from __future__ import annotations

import pytest
from simulation.mutants import MUTANTS, mutated
from simulation.plans import plan_of
from simulation.playing import play_plan

SEEDS = (101, 111, 103, 100, 110, 105, 107, 109)


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_wrong_engine_is_caught(name: str) -> None:
    with mutated(name):
        for seed in SEEDS:
            outcome = play_plan(plan_of(seed))
            if not outcome.ok:
                return
    raise AssertionError(f"nobody noticed that {name}")
