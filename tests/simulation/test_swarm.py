"""Whatever happens: nothing is lost, nothing is doubled, nobody is naked. Some seeds here, many in scripts/seeds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from simulation.plans import FAMILIES, Plan, brief, deaf, plan_of
from simulation.playing import play_plan, shrunk

KEPT = sorted(Path(__file__).with_name("kept").glob("*.txt"))
"""Plans that once found something."""
SEEDS = range(100, 116)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_what_was_found_once_stays_mended(path: Path) -> None:
    outcome = play_plan(Plan.read(path.read_text()))
    assert outcome.ok, str(outcome)


@pytest.mark.parametrize("seed", [*SEEDS[:4], *(pytest.param(seed, marks=pytest.mark.campaign) for seed in SEEDS[4:])])
def test_no_trouble_loses_doubles_or_bares_anything(seed: int) -> None:
    outcome = play_plan(plan_of(seed))
    assert outcome.ok, str(shrunk(outcome))


@pytest.mark.parametrize("seed", range(4))
def test_only_asking_helps_the_deaf_and_they_ask(seed: int) -> None:
    outcome = play_plan(deaf(seed))
    assert outcome.ok, str(outcome)


def test_a_plan_is_played_the_same_way_in_another_process_to_the_last_record() -> None:
    heads = {_heads_elsewhere(hash_seed) for hash_seed in ("1", "2")}
    assert len(heads) == 1


def _heads_elsewhere(hash_seed: str) -> str:
    """Play some plans in a process of its own, with other hashes and addresses; gives how their journals end."""
    environ = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    played = subprocess.run([sys.executable, "-c", _PLAYS], env=environ, check=True, capture_output=True, text=True)
    return played.stdout


_PLAYS = """
from pathlib import Path
from tempfile import TemporaryDirectory
from simulation import plans, playing
for seed in (2000, 2008, 2010):
    with TemporaryDirectory() as folder:
        run = playing._Run(plans.brief(seed), Path(folder))
        print(run.whole().ok, run.play.head())
"""
"""What is played: lines fall, answers get lost, somebody leaves."""


def test_a_plan_can_be_written_down_and_read_again() -> None:
    for seed in range(200):
        assert Plan.read(str(plan_of(seed))) == plan_of(seed)
        assert Plan.read(str(brief(seed))) == brief(seed)


def test_a_plan_is_a_function_of_its_seed_and_every_family_comes_up() -> None:
    assert plan_of(7) == plan_of(7)
    assert plan_of(7) != plan_of(8)
    seen = set().union(*(plan_of(seed).families for seed in range(60)))
    assert seen == set(FAMILIES) | {"weather"}
