"""Dies at every kind of write, send and answer of ten scenarios, some also in recovery; then holds the books."""

from __future__ import annotations

import argparse
import importlib
import os
import random
import sys
import tempfile
import time
import traceback
from multiprocessing import Pool
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

dying = importlib.import_module("simulation.dying")

Death = tuple[int, int, int]
"""Scenario, first point, second point or 0."""


def deaths(of_each: int, twice: int) -> list[Death]:
    """List the deaths to die: every kind of point of every scenario, and a sample with a second one in recovery."""
    chance = random.Random(1)
    listed: list[Death] = []
    for number, scenario in enumerate(dying.SCENARIOS):
        with tempfile.TemporaryDirectory() as folder:
            points = dying.chosen(dying.points_of(scenario, Path(folder)), of_each)
        listed += [(number, point, 0) for point in points]
        listed += [(number, chance.choice(points), chance.randint(1, 60)) for _ in range(twice)]
    return listed


def die(death: Death) -> str:
    """Die one death; gives what was wrong afterwards, or nothing."""
    scenario = dying.SCENARIOS[death[0]]
    with tempfile.TemporaryDirectory() as folder:
        try:
            wrong = dying.dying_at(scenario, Path(folder), death[1], death[2])
        except BaseException as error:  # noqa: BLE001  whatever it is, the point must be named
            where = traceback.extract_tb(error.__traceback__)[-1]
            wrong = [f"{type(error).__name__}: {str(error)[:200]} at {where.name}:{where.lineno}"]
    return f"{scenario.name}, point {death[1]}, then {death[2]}: {'; '.join(wrong)}" if wrong else ""


def main() -> None:
    """Die as often as asked for and end with 1 if any recovery was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--of-each", type=int, default=2, help="points of the same name in one scenario")
    parser.add_argument("--twice", type=int, default=20, help="second deaths in recovery, per scenario")
    asked = parser.parse_args()
    begun = time.monotonic()
    listed = deaths(asked.of_each, asked.twice)
    failed = 0
    with Pool(os.cpu_count(), maxtasksperchild=50) as pool:
        for wrong in pool.imap_unordered(die, listed):
            if wrong:
                failed += 1
                print(wrong, flush=True)
    twice = sum(bool(second) for _, _, second in listed)
    print(f"{len(listed)} deaths, {twice} of them twice, in {time.monotonic() - begun:.0f} s, {failed} not made good")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
