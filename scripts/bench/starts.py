"""How long a start takes in bad weather: simulated seconds until the first picture, whatever the machine.

``python scripts/bench/starts.py [DAYS] [WEATHER]``. Every day is a seed of its own.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import median

from scalpctl.host.clock import WallClock
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import prepare_folder
from scalpctl.settings.loading import load
from scalpctl.wiring.session import Listening, Session, Wanted
from scalpctl.wiring.venues import SimOptions, embedded

LASTS_S = 600


async def start_s(root: Path, seed: int, weather: str) -> float:
    """Begin a session on a new account and give how long it took until it knew what is held there."""
    folder = LedgerFolder(root, "sim", "main")
    prepare_folder(folder)
    listening = Listening()
    options = SimOptions(seed=seed, speed="max", faults=weather)
    venue = embedded(folder.path, options, WallClock(), listening)
    session = Session(load(None, {}), folder, venue, listening)
    begun, took_s = venue.clock.now(), [float(LASTS_S)]

    async def known() -> None:
        while not session.machine.context.recovered:
            await venue.clock.sleep(0.25)
        took_s.insert(0, (venue.clock.now() - begun) / 1e6)
        session.stop.set()

    session.also = known
    if venue.hand is not None:
        await venue.hand.run_until(asyncio.ensure_future(session.run(Wanted(for_s=LASTS_S, entries=False))))
    return took_s[0]


def main() -> None:
    """Measure and print."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    weather = sys.argv[2] if len(sys.argv) > 2 else "fog"
    with tempfile.TemporaryDirectory() as folder:
        took_s = sorted(asyncio.run(start_s(Path(folder) / str(seed), seed, weather)) for seed in range(days))
    within_s = took_s[days * 9 // 10]
    print(f"{days} starts in {weather}: median {median(took_s):.1f} s, nine of ten within {within_s:.1f} s, ", end="")
    print(f"longest {took_s[-1]:.1f} s")


if __name__ == "__main__":
    main()
