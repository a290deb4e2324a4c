"""Plays seeds of the whole-system simulation on every core; what fails is shrunk, told, and kept as a test."""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent.parent / "tests"
sys.path.insert(0, str(TESTS))

plans = importlib.import_module("simulation.plans")
playing = importlib.import_module("simulation.playing")
beginnings = importlib.import_module("simulation.beginnings")
reach = importlib.import_module("simulation.reach")
KEPT = TESTS / "simulation" / "kept"
TOLD_EVERY = 250

Played = tuple[int, str, str, str]
watch: Any = None
"""Watches what a plan reaches, where that is asked for; one for each process."""


def begin_to_watch() -> None:
    """Let this process tell what its plans reach."""
    global watch  # noqa: PLW0603
    watch = reach.Reach()


def play(seed: int, *, brief: bool, new_ledger: bool) -> Played:
    """Play one seed; gives it with what went wrong, or nothing, the plan to keep, and what it reached."""
    plan = (plans.brief if brief else plans.plan_of)(seed)
    plan = replace(plan, ledger="new") if new_ledger else plan
    outcome, reached = watch.during(partial(playing.play_plan, plan)) if watch else (playing.play_plan(plan), "")
    return (seed, "" if outcome.ok else str(playing.shrunk(outcome)), str(plan), reached)


def play_file(path: Path) -> None:
    """Play a plan as it is written down, and end with 1 if it fails."""
    outcome = playing.play_plan(plans.Plan.read(path.read_text()))
    print(outcome if not outcome.ok else f"{outcome.plan}\nnothing was wrong")
    raise SystemExit(0 if outcome.ok else 1)


def commit() -> str:
    """Give the commit that is played; what differs from it here is not said."""
    asked = ["git", "-C", str(TESTS), "rev-parse", "HEAD"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


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


def run(
    seeds: range, workers: int, *, brief: bool, new_ledger: bool, keeping: bool, reached_in: Path | None
) -> list[int]:  # fmt: skip
    """Play the seeds, tell each failure when it happens, and give the seeds that failed."""
    failed = []
    if brief:
        beginnings.play_all()
    if reached_in:
        reached_in.write_text(f"{commit()}\n")
    with Pool(workers, begin_to_watch if reached_in else None, maxtasksperchild=50) as pool:
        for seed, wrong, plan, reached in told(pool.imap(partial(play, brief=brief, new_ledger=new_ledger), seeds)):
            if reached_in:
                with reached_in.open("a") as file:
                    file.write(f"{seed} {reached}\n")
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
    parser.add_argument("--new-ledger", action="store_true", help="brief plans, all on a ledger that is new")
    parser.add_argument("--forget", action="store_true", help="do not add failing seeds to the tests")
    parser.add_argument("--reach", type=Path, metavar="FILE", help="write down what each plan reaches")
    parser.add_argument("--plan", type=Path, metavar="FILE", help="play this plan and nothing else")
    asked = parser.parse_args()
    if asked.plan:
        play_file(asked.plan)
    if asked.reach and not hasattr(sys, "monitoring"):
        raise SystemExit("--reach needs Python 3.12 or later: this one does not tell which lines it executes")
    begun = time.monotonic()
    seeds = range(asked.first, asked.first + asked.count)
    how = {"brief": asked.brief or asked.new_ledger, "new_ledger": asked.new_ledger, "keeping": not asked.forget}
    failed = run(seeds, asked.workers, **how, reached_in=asked.reach)
    seconds = time.monotonic() - begun
    print(f"{asked.count} seeds in {seconds:.0f} s, {asked.count / seconds:.2f} a second, {len(failed)} failed", end="")
    print(f": {', '.join(map(str, sorted(failed)))}" if failed else "")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
