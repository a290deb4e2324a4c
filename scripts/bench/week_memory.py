"""What an engine's memory does over a simulated week: ``python scripts/bench/week_memory.py [HOURS] [--whose]``.

One session without a restart; the process's own memory and open files are read from /proc every ten seconds and told
by simulated day. The exchange is in the same process, and what it remembers of a week is part of the figure;
``--whose`` runs in this process, walks what is held on each side of the exchange's door, and tells both twelve hours
by twelve.
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType

import msgspec

from scalpctl.errors import LedgerError
from scalpctl.host.clock import WallClock
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import prepare_folder
from scalpctl.ledger.reading import LedgerReader
from scalpctl.settings.loading import load
from scalpctl.wiring.session import Listening, Session, Wanted
from scalpctl.wiring.venues import SimOptions, embedded

LOOK_EVERY_S = 10
US_PER_H, PART_H = 3_600_000_000, 12
CONFIG = "limits: {daily_loss_ratio_max: 0.5, drawdown_ratio_max: 0.5, losses_in_a_row_max: 50}\n"
"""It must go on trading all week."""


def simulated_hours(folder: LedgerFolder) -> float:
    """Give how far the session has come."""
    try:
        with LedgerReader(folder.ledger) as reader:
            (row,) = reader.rows("SELECT min(ts_us) AS begun, max(ts_us) AS now FROM journal")
    except LedgerError:
        return 0.0
    return (int(row["now"]) - int(row["begun"])) / US_PER_H if row["begun"] else 0.0


def looked_at(process: int) -> tuple[float, int]:
    """Give the resident MiB and the open files of a process."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    rss = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(rss.split()[1]) / 1024, len(list(Path(f"/proc/{process}/fd").iterdir()))


async def asked_whose(hours: int) -> None:
    """Run in this process and print what is held on each side of the exchange's door, twelve hours by twelve."""
    with tempfile.TemporaryDirectory(dir=Path.home()) as base:
        folder, config = LedgerFolder(Path(base) / "root", "sim", "main"), Path(base) / "scalpctl.yaml"
        config.write_text(CONFIG)
        prepare_folder(folder)
        listening = Listening()
        venue = embedded(folder.path, SimOptions(world="mixed", seed=7, speed="max"), WallClock(), listening)
        session = Session(load(config, {}), folder, venue, listening)

        async def looks() -> None:
            for number in range(hours // PART_H):
                await venue.clock.sleep(PART_H * 3_600)
                gc.collect()
                inside = held_by(venue.host, lambda _one: False) / 1024
                outside = held_by(session, _is_the_exchanges) / 1024
                resident, files = looked_at(os.getpid())
                print(
                    f"after {(number + 1) * PART_H} h: engine, client, ledger and tape hold {outside:,.0f} KiB, the "
                    f"exchange {inside:,.0f} KiB; the process {resident:.0f} MiB, {files} files", flush=True,
                )  # fmt: skip

        session.also = looks
        assert venue.hand is not None  # noqa: S101  a stepped world has one
        running = asyncio.ensure_future(session.run(Wanted(for_s=hours * 3_600 + 60)))
        await venue.hand.run_until(running)


def _is_the_exchanges(one: object) -> bool:
    return type(one).__module__.startswith("scalpctl.simulator")


def held_by(root: object, stops_at: Callable[[object], bool]) -> int:
    """Give the bytes of everything that can be reached from an object; programs and classes are nobody's."""
    seen, left, total = {id(root)}, [root], 0
    while left:
        one = left.pop()
        total += sys.getsizeof(one)
        fields = (getattr(one, name) for name in one.__struct_fields__) if isinstance(one, msgspec.Struct) else ()
        for other in (*gc.get_referents(one), *fields):
            if id(other) not in seen and not isinstance(other, _NOBODYS) and not stops_at(other):
                seen.add(id(other))
                left.append(other)
    return total


_NOBODYS = (type, ModuleType, FunctionType, CodeType, FrameType, BuiltinFunctionType)


def main() -> None:
    """Run the week and print a line per simulated day."""
    hours = next((int(word) for word in sys.argv[1:] if word.isdecimal()), 168)
    if "--whose" in sys.argv:
        asyncio.run(asked_whose(hours))
        return
    days: dict[int, list[tuple[float, int]]] = {}
    with tempfile.TemporaryDirectory(dir=Path.home()) as base:
        root, config = Path(base) / "root", Path(base) / "scalpctl.yaml"
        config.write_text(CONFIG)
        command = [sys.executable, "-m", "scalpctl", "run", "--for", f"{hours}h", "--speed", "max", "--world", "mixed"]
        engine = subprocess.Popen([*command, "-q", "--root", str(root), "--config", str(config)], stdout=-3, stderr=-3)
        folder = LedgerFolder(root, "sim", "main")
        while engine.poll() is None:
            time.sleep(LOOK_EVERY_S)
            if engine.poll() is None:
                days.setdefault(int(simulated_hours(folder) // 24) + 1, []).append(looked_at(engine.pid))
        with LedgerReader(folder.ledger) as reader:
            (rows,) = reader.rows("SELECT (SELECT count(*) FROM journal) AS rows, (SELECT count(*) FROM closures) AS n")
    for day, seen in days.items():
        print(f"day {day}: {median(mib for mib, _ in seen):.0f} MiB, {max(files for _, files in seen)} files")
    print(f"{rows['rows']:,} rows, {rows['n']:,} positions closed; it ended with {engine.returncode}")


if __name__ == "__main__":
    main()
