"""Proves a large ledger in a process of its own, while its caller does something else with the other core.

``python -m scalpctl.ledger.verification.apart LEDGER [alone]`` prints what was found; SQLite's own check of the file is
the caller's share of the work.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

import msgspec

from scalpctl.errors import LedgerError
from scalpctl.ledger.verification.findings import Finding
from scalpctl.ledger.verification.leaks import Leaks
from scalpctl.ledger.verification.verify import STRUCTURE, Verified, structure, verify

LARGE_BYTES = 64 << 20
"""From here on a process of its own is worth its start."""
_ALONE = "alone"
_QUIET = subprocess.DEVNULL
Told = tuple[list[Finding], list[str]]


def proven(path: Path, *, with_companions: bool, leaving_out: Collection[str] = ()) -> Verified:
    """Prove a ledger here, and search it for secrets."""
    also = {"secrets": lambda _: Leaks()}
    return verify(path, with_companions=with_companions, also=also, leaving_out=leaving_out)


def worth_it(path: Path, *, processors: int | None = None) -> bool:
    """Tell whether a ledger is large enough, and whether there is a core for another process."""
    known = len(os.sched_getaffinity(0)) if processors is None else processors
    return known > 1 and path.exists() and path.stat().st_size >= LARGE_BYTES


def begin(path: Path, *, with_companions: bool) -> Callable[[], Verified]:
    """Begin to prove a ledger in another process; gives what does the rest and waits for it.

    Where that process dies or cannot say what it found, the proof is made here.
    """
    command = [sys.executable, "-P", "-m", __name__, str(path.absolute()), *([] if with_companions else [_ALONE])]
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    here = partial(proven, path, with_companions=with_companions)
    try:
        child = subprocess.Popen(command, env=environ, stdin=_QUIET, stdout=subprocess.PIPE, stderr=_QUIET)  # noqa: S603  this program
    except OSError:
        return here
    return lambda: _ended(child, path) or here()


def _ended(child: subprocess.Popen[bytes], path: Path) -> Verified | None:
    """Do the caller's share, then take what the other process found; nothing where either cannot be done."""
    ours: list[Finding] = []
    with child:
        try:
            ours = structure(path)
        except LedgerError:
            child.kill()
        told, _ = child.communicate()
    try:
        findings, not_checked = msgspec.json.decode(told if child.returncode == 0 else b"", type=Told)
    except msgspec.DecodeError:
        return None
    return Verified(findings=[*ours, *findings], not_checked=not_checked)


def main() -> None:
    """Prove the ledger that was named, and print what was found."""
    gc.disable()  # millions of rows pass by and none of them refers to itself
    path, *how = sys.argv[1:]
    found = proven(Path(path), with_companions=how != [_ALONE], leaving_out=(STRUCTURE,))
    sys.stdout.buffer.write(msgspec.json.encode((found.findings, found.not_checked)))


if __name__ == "__main__":
    main()
