"""An engine in a process of its own that trades over loopback and, when told to, dies by SIGKILL at a named point."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from simulation.dying import Points, inhabit

from scalpctl.core.instants import Instant
from scalpctl.engine.events import Ordered
from scalpctl.host.clock import WallClock
from scalpctl.host.paced_clock import PacedClock
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import prepare_folder
from scalpctl.settings.loading import load
from scalpctl.settings.secrets import find_key
from scalpctl.wiring import exchange_client
from scalpctl.wiring.session import Listening, Session, Wanted
from scalpctl.wiring.venues import Venue

SPEED = 20.0


@dataclass
class Deadly(Points):
    """The process is gone at the first point of this name: no handler runs, nothing is flushed."""

    name: str = ""

    def at(self, name: str) -> None:
        if self.name and re.search(self.name, name):
            os.kill(os.getpid(), signal.SIGKILL)


def hurried(begun: int) -> PacedClock:
    """Give a clock that has run fast since then, in whatever process."""
    wall = WallClock()
    return PacedClock(Instant(begun + round((wall.now() - begun) * SPEED)), SPEED, wall)


async def resumed(session: Session) -> None:
    """After so many crashes the engine only protects until a person says that it may enter again."""
    order = Ordered(f"resume-{session.session_id}", "resume", {"reason": "it died as it was told to"}, "tester")
    await session.venue.clock.sleep(65)  # nobody resumes by reflex
    await session.runner.order(order)


async def live(config: Path, root: Path, deadly: str, lasting_s: float, begun: int) -> None:
    """Run one session against the configured exchange, as `scalpctl run --env demo` does, in a hurry."""
    loaded = load(config, {})
    folder = LedgerFolder(root, "demo", "main")
    prepare_folder(folder)
    clock = hurried(begun)
    listening = Listening()
    client, transport = exchange_client(loaded, find_key(loaded.settings.credentials, {}), clock, listening)
    session = Session(loaded, folder, Venue(clock, client, [], transport.close), listening)
    inhabit(session, Deadly(name=deadly))
    session.also = lambda: resumed(session)
    await session.run(Wanted(for_s=lasting_s))


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]), int(sys.argv[5])))
