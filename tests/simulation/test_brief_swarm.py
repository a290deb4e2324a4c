"""Two or three things that meet: five hundred plans of a few minutes, in which every pair of families occurs."""

from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path

import pytest
from simulation.plans import ANYTHING, brief
from simulation.playing import play_plan, shrunk

BRIEF, AT_ONCE = 500, 10


def _ours(first: int) -> bool:
    """Tell whether these plans are ours to play: several processes that share a folder share the plans."""
    folder = os.environ.get("SWARM_SHARED_IN")
    if folder is None:
        return True
    try:
        Path(folder, str(first)).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


@pytest.mark.timeout(480)
@pytest.mark.parametrize("first", range(0, BRIEF, AT_ONCE))
def test_no_two_or_three_things_that_meet_lose_double_or_bare_anything(first: int) -> None:
    if not _ours(first):
        pytest.skip("another process plays them")
    for seed in range(first, first + AT_ONCE):
        outcome = play_plan(brief(seed))
        assert outcome.ok, str(shrunk(outcome))


def test_every_two_families_meet() -> None:
    drawn = [brief(seed).families & set(ANYTHING) for seed in range(BRIEF)]
    met = {frozenset(two) for families in drawn for two in combinations(families, 2)}
    assert met == {frozenset(two) for two in combinations(ANYTHING, 2)}
