"""Whatever happens: nothing is lost, nothing is doubled, nobody is naked. Some seeds here, many in scripts/seeds."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulation.plans import FAMILIES, plan_of
from simulation.playing import play_plan, shrunk

KEPT = Path(__file__).with_name("kept_seeds.txt")
SEEDS = range(100, 116)


def kept_seeds() -> list[int]:
    """Seeds that once found something."""
    lines = KEPT.read_text().splitlines()
    return [int(line.split()[0]) for line in lines if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("seed", sorted({*kept_seeds(), *SEEDS}))
def test_no_trouble_loses_doubles_or_bares_anything(seed: int) -> None:
    outcome = play_plan(plan_of(seed))
    assert outcome.ok, str(shrunk(outcome))


def test_a_plan_is_a_function_of_its_seed_and_every_family_comes_up() -> None:
    assert plan_of(7) == plan_of(7)
    assert plan_of(7) != plan_of(8)
    seen = set().union(*(plan_of(seed).families for seed in range(60)))
    assert seen == set(FAMILIES) | {"weather"}
