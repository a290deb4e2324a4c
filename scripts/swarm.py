"""Plays seeds of the whole-system simulation on every core; what fails is shrunk, told, and kept as a test."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from functools import partial
from multiprocessing import Pool
from pathlib import Path

TESTS = Path(__file__).parent.parent / "tests"
sys.path.insert(0, str(TESTS))

plans = importlib.import_module("simulation.plans")
playing = importlib.import_module("simulation.playing")
beginnings = importlib.import_module("simulation.beginnings")
KEPT = TESTS / "simulation" / "kept"
TOLD_EVERY = 250

Played = tuple[int, str, str]


def play(seed: int, *, brief: bool) -> Played:
    """Play one seed; gives it with what went wrong, or nothing, and the plan to keep."""
    outcome = playing.play_plan((plans.brief if brief else plans.plan_of)(seed))
    return (seed, "", "") if outcome.ok else (seed, str(playing.shrunk(outcome)), str(outcome.plan))


def keep(name: str, wrong: str, plan: str) -> None:
    """Make a plan that failed part of the tests."""
    what = next(line for line in wrong.splitlines() if ": " in line)
    (KEPT / f"{name}.txt").write_text(f"# {what}\n{plan}\n")


def told(played: Iterable[Played]) -> Iterator[Played]:
    """Say from time to time how far it is: whoever ends it early knows what was played."""
    for count, one in enumerate(played, start=1):
        yield one
        if count % TOLD_EVERY == 0:
            print(f"{count} played, up to seed {one[0]}", flush=True)


def run(seeds: range, workers: int, *, brief: bool, keeping: bool) -> list[int]:
    """Play the seeds, tell each failure when it happens, and give the seeds that failed."""
    failed = []
    if brief:
        beginnings.play_all()
    with Pool(workers, maxtasksperchild=50) as pool:
        for seed, wrong, plan in told(pool.imap(partial(play, brief=brief), seeds)):
            if wrong:
                failed.append(seed)
                print(f"{wrong}\n", flush=True)
                if keeping:
                    keep(f"brief-{seed}" if brief else str(seed), wrong, plan)
    return failed


def main() -> None:
    """Play as many seeds as asked for and end with 1 if any failed."""
    parser = argparse.ArgumentParser(prog="scripts/seeds", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=50)
    parser.add_argument("first", type=int, nargs="?", default=1000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--brief", action="store_true", help="plans of a few minutes, where two or three things meet")
    parser.add_argument("--forget", action="store_true", help="do not add failing seeds to the tests")
    asked = parser.parse_args()
    begun = time.monotonic()
    seeds = range(asked.first, asked.first + asked.count)
    failed = run(seeds, asked.workers, brief=asked.brief, keeping=not asked.forget)
    seconds = time.monotonic() - begun
    print(f"{asked.count} seeds in {seconds:.0f} s, {asked.count / seconds:.2f} a second, {len(failed)} failed", end="")
    print(f": {', '.join(map(str, sorted(failed)))}" if failed else "")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
