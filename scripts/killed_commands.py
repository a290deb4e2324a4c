"""Kills commands with SIGKILL before each of their file operations; afterwards the next ones must find all in order.

``python scripts/killed_commands.py`` takes every command, ``… restore --every 25`` one and each 25th of the small
writes of its database. Needs strace.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Words = tuple[str, ...]
RUN: Words = ("run", "--speed", "max", "-q", "--for")
TWENTY_MINUTES: Words = (*RUN, "20m", "--seed", "3")
AFTERWARDS: tuple[Words, ...] = ((*RUN, "1s"), ("ledger", "verify"), ("reconcile",))
CHANGING = ("write", "pwrite64", "openat", "mkdir", "rename", "link", "unlink", "ftruncate", "fsync", "fdatasync")
_CALLED = re.compile(r"\d+ +(\w+)\(")


@dataclass(frozen=True)
class Command:
    """What is killed, what was done before, and whether it is asked again before anything else."""

    words: Words
    before: tuple[Words, ...] = (TWENTY_MINUTES,)
    again: bool = False


COMMANDS = {
    "first": Command((*RUN, "1s"), before=()),
    "run": Command((*RUN, "1s")),
    "backup": Command(("ledger", "backup")),
    "restore": Command(
        ("ledger", "restore", "--yes"), before=(TWENTY_MINUTES, ("ledger", "backup"), (*RUN, "5m")), again=True
    ),
    "rebuild": Command(("ledger", "rebuild", "--yes")),
    "audit": Command(("audit",)),
    "close": Command(("close", "--all", "--yes")),
}


def main() -> int:
    """Kill what is asked for, tell what was not in order, and end with 1 if anything was not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help=", ".join(COMMANDS))
    parser.add_argument("--every", type=int, default=5, help="take every Nth of a database's small writes")
    asked = parser.parse_args()
    if shutil.which("strace") is None:
        parser.error("strace is needed: apt-get install strace")
    bad = 0
    for name in asked.commands or COMMANDS:
        with tempfile.TemporaryDirectory() as folder:
            deaths, wrong = killed(COMMANDS[name], Path(folder), asked.every)
        print(f"{name}: killed {deaths} times, {wrong} not in order afterwards", flush=True)
        bad += wrong
    return 1 if bad else 0


def killed(command: Command, folder: Path, every: int) -> tuple[int, int]:
    """Kill one command at each of its points; gives how often it died, and how often something was wrong then."""
    base, deaths, bad = folder / "base", 0, 0
    base.mkdir(mode=0o700)
    for words in command.before:
        if (done := scalpctl(base, *words)).returncode:
            raise SystemExit(f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-300:]}")
    for call, number, line in points(command, base, folder, every):
        root = _copy(base, folder / "root")
        if not died(root, command, call, number):
            continue  # two threads write, not always in the same order: this time there were fewer
        deaths += 1
        steps = ((command.words,) if command.again else ()) + AFTERWARDS
        wrong = [(step, done.stderr[-300:]) for step in steps if (done := scalpctl(root, *step)).returncode]
        if wrong:
            bad += 1
            print(f"  killed before {line}\n" + "\n".join(f"    {' '.join(step)}: {said}" for step, said in wrong))
    return deaths, bad


def points(command: Command, base: Path, folder: Path, every: int) -> Iterator[tuple[str, int, str]]:
    """Give the calls by which a command changes files of its own, each with its number among those of its name."""
    root, log = _copy(base, folder / "counted"), folder / "calls"
    traced = ("strace", "-f", "-y", "-o", str(log), "-e", f"trace={','.join(CHANGING)}")
    scalpctl(root, *command.words, under=traced)
    seen = Counter[str]()
    for line in log.read_text(errors="replace").splitlines():
        called = _CALLED.match(line)
        if called is None:
            continue
        call = called[1]
        seen[call] += 1
        ours = str(root) in line and (call != "openat" or "O_CREAT" in line)
        if ours and (call != "pwrite64" or seen[call] % every == 0):
            yield call, seen[call], line.replace(str(root), "")[:120]


def died(root: Path, command: Command, call: str, number: int) -> bool:
    """Run a command that is killed before a call; tells whether it came that far."""
    inject = ("strace", "-f", "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}")
    return scalpctl(root, *command.words, under=inject).returncode == -signal.SIGKILL


def scalpctl(root: Path, *words: str, under: Words = ()) -> subprocess.CompletedProcess[str]:
    """Run one command line on a root."""
    line = [*under, sys.executable, "-m", "scalpctl", *words, "--root", str(root)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def _copy(base: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    return Path(shutil.copytree(base, to))


if __name__ == "__main__":
    sys.exit(main())
