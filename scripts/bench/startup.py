"""How long commands take to start, in CPU time, as ratios to ``import typer`` and to bare Python in the same run.

``python scripts/bench/startup.py [ROUNDS]``: whole processes, interleaved; medians are printed.
"""

from __future__ import annotations

import os
import pty
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scalpctl.core.instants import Instant
from scalpctl.core.records.sessions import ConnectionNoted, SessionStarted
from scalpctl.host.clock import WallClock
from scalpctl.host.ids import RandomIds
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import open_ledger

ROUNDS = 15
EVENTS = 100_000
CHECK = (
    "import sqlite3, sys; from pathlib import Path; from scalpctl.ledger.schema import require_current; "
    "require_current(sqlite3.connect(sys.argv[1]), Path(sys.argv[1]))"
)


def ledger(root: Path) -> Path:
    """Make a ledger with one session and a hundred thousand events."""
    clock = WallClock()
    writer = open_ledger(LedgerFolder(root, "sim", "main"), clock, RandomIds(clock), purpose="bench")
    at = clock.now()
    session = SessionStarted(
        session_id="S1",
        env="sim",
        account="main",
        started_at=at,
        config_digest="",
        config="",
        code_version="0",
        code_digest="",
    )
    writer.append([session])
    for number in range(EVENTS):
        moment = Instant(at + number)
        writer.append([ConnectionNoted(session_id="S1", at=moment, connection="public", event="x", detail={})])
    writer.wait()
    path = writer.folder.ledger
    writer.close()
    return path


def cpu_ms(command: Sequence[str], *, terminal: bool = False) -> float:
    """Give the CPU milliseconds of one process; on a terminal of its own where asked."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TERM": "xterm", "COLUMNS": "120"}
    if terminal:
        leader, follower = pty.openpty()
        process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment)
        os.close(follower)
        while _read(leader):
            pass
        process.wait()
        os.close(leader)
    else:
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1_000


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:
        return b""


def main() -> None:
    """Print every command beside its reference."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    python = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        path = ledger(root)
        tool = [str(Path(python).with_name("scalpctl"))]
        at_root = ["--root", str(root)]
        cases: dict[str, tuple[list[str], bool, str, str]] = {
            "import typer": ([python, "-c", "import typer"], False, "import typer", ""),
            "bare python": ([python, "-c", "import sqlite3"], False, "bare python", ""),
            "--version": ([*tool, "--version"], False, "import typer", "<= 1.25"),
            "--help, plain": ([*tool, "--help"], False, "import typer", "<= 1.25"),
            "--help, on a terminal": ([*tool, "--help"], True, "import typer", "<= 2.4"),
            "sessions": ([*tool, "sessions", *at_root], False, "import typer", "<= 1.25"),
            "sessions --json": ([*tool, "sessions", "--json", *at_root], False, "import typer", "<= 1.25"),
            "trades --json": ([*tool, "trades", "--json", *at_root], False, "import typer", "<= 1.25"),
            "sessions, table on a terminal": ([*tool, "sessions", *at_root], True, "import typer", "<= 1.8"),
            "migration check": ([python, "-c", CHECK, str(path)], False, "bare python", "+10 ms"),
        }
        spent: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(rounds):
            for name, (command, terminal, _, _) in cases.items():
                spent[name].append(cpu_ms(command, terminal=terminal))
    median = {name: statistics.median(values) for name, values in spent.items()}
    print(f"{'CPU, medians of ' + str(rounds) + ' rounds':34s} {'ms':>8s} {'ratio':>7s} {'more, ms':>9s}  goal")
    for name, (_, _, reference, goal) in cases.items():
        ratio, more = median[name] / median[reference], median[name] - median[reference]
        print(f"{name:34s} {median[name]:8.1f} {ratio:7.2f} {more:9.1f}  {goal}")


if __name__ == "__main__":
    main()
