"""Stormy sessions by the dozen: bad weather and other people, then calm, then both books held against each other."""

from __future__ import annotations

import importlib
import sys
import tempfile
import traceback
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

Play = importlib.import_module("engine.conftest").Play  # the tests' own way to play a session

from scalpctl.simulator.worlds import WORLDS  # noqa: E402  as above

ACTS = (
    "manual-close",
    "adl",
    "liquidate",
    "cancel-stop",
    "foreign-order, instrument: SOL-USDT, side: buy, contracts: '2'",
    "set-leverage, leverage: '4'",
    "jump, ratio: '0.02'",
)


def storm(seed: int) -> str:
    """Play one seed; gives what went wrong, or nothing."""
    schedule = "".join(f"- {{at: {5 + 7 * n}m, do: {ACTS[(seed + n) % len(ACTS)]}}}\n" for n in range(5))
    with tempfile.TemporaryDirectory() as folder:
        faults = "storm" if seed % 3 else "light"
        play = Play(Path(folder), world=list(WORLDS)[seed % len(WORLDS)], seed=seed, faults=faults)
        try:
            play.session(0.8, schedule=schedule)
            play.faults = "none"
            play.session(0.1)
            play.check()
        except BaseException as error:  # noqa: BLE001  whatever it is, the seed must be named
            where = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__} {str(error)[:160]} at {where.name}:{where.lineno}"
            return f"seed {seed} ({play.world}, {faults}): {what}"
    return ""


def main() -> None:
    """Play the seeds on both cores and end with 1 if any failed."""
    count, first = (int(text) for text in (sys.argv[1:3] + ["20", "0"][len(sys.argv[1:3]) :]))
    with ProcessPoolExecutor(2) as pool:
        failed = [line for line in pool.map(storm, range(first, first + count)) if line]
    print("\n".join(failed) if failed else f"{count} stormy sessions, every book equal to the last digit")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
