"""Every row of what can go wrong names something that exists and exercises it, or says plainly that nothing does."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest
from simulation.plans import ANYTHING

from scalpctl.simulator.serving.faults import PRESETS

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
reliability = pytest.importorskip("reliability")

ROWS = [row for path in reliability.CATALOGUES.values() for row in reliability.rows(path)]
OPEN_MAX = 0
"""Rows that nothing exercises; this number only ever falls."""


def actions() -> set[str]:
    """Give everything the swarm may do."""
    dice = Random(1)
    return {draw(dice)[0] for draw in ANYTHING.values() for _ in range(200)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.section[:12]}-{row.id}")
def test_every_row_names_what_exercises_it(row: object) -> None:
    files, does = reliability.test_files(), actions()
    for proof in row.proofs if not row.is_open else ():  # type: ignore[attr-defined]
        kind, _, name = proof.partition(":")
        if kind == "plan":
            assert name in does, f"{name} is nothing the swarm does"
        elif kind == "weather":
            assert getattr(PRESETS["storm"], name) > 0, f"{name} is no weather"
        else:
            assert proof in files, f"there is no test {proof}"


def test_the_catalogues_are_whole() -> None:
    faults, lessons = (reliability.rows(path) for path in reliability.CATALOGUES.values())
    assert len({row.id for row in faults}) == len(faults) == 132
    assert [row.id for row in lessons] == [str(number) for number in range(1, 91)]
    assert sum(row.is_open for row in ROWS) <= OPEN_MAX
