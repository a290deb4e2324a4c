"""A process may die around any write, send or answer. Some points here, all of them in scripts/kill_points.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulation.dying import SCENARIOS, Scenario, chosen, dying_at, points_of

EACH = 4
"""Points tried in every scenario, spread evenly over those worth dying at."""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_dying_at_any_step_is_made_good(scenario: Scenario, tmp_path: Path) -> None:
    names = points_of(scenario, tmp_path / "counted")
    points = chosen(names)
    for point in points[:: max(1, len(points) // EACH)]:
        wrong = dying_at(scenario, tmp_path / str(point), point)
        assert not wrong, f"{scenario.name}, point {point}, {names[point - 1]}: {wrong}"


@pytest.mark.slow
@pytest.mark.parametrize("second", [3, 9, 14, 17, 21, 24, 28])
def test_dying_inside_recovery_is_made_good(second: int, tmp_path: Path) -> None:
    scenario = SCENARIOS[2]
    names = points_of(scenario, tmp_path / "counted")
    first = next(number for number, name in enumerate(names, 1) if "after writing" in name and "order_intended" in name)
    wrong = dying_at(scenario, tmp_path / "dying", first + second, second)
    assert not wrong
