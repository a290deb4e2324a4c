"""Two or three things that meet: five hundred plans of a few minutes, in which every pair of families occurs."""

from __future__ import annotations

from itertools import combinations

import pytest
from simulation.plans import ANYTHING, brief
from simulation.playing import play_plan, shrunk

BRIEF, AT_ONCE, BESIDE_FROM = 500, 20, 360
PARTS = [
    pytest.param(first, marks=[pytest.mark.beside] if first >= BESIDE_FROM else [])
    for first in range(0, BRIEF, AT_ONCE)
]


@pytest.mark.timeout(480)
@pytest.mark.parametrize("first", PARTS)
def test_no_two_or_three_things_that_meet_lose_double_or_bare_anything(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        outcome = play_plan(brief(seed))
        assert outcome.ok, str(shrunk(outcome))


def test_every_two_families_meet() -> None:
    met = {frozenset(two) for seed in range(BRIEF) for two in combinations(brief(seed).families - {"weather"}, 2)}
    assert met == {frozenset(two) for two in combinations(ANYTHING, 2)}
