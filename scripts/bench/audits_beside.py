"""Audits in a loop beside a busy engine: is any of them red without a reason, and does the engine's writer notice?

``python scripts/bench/audits_beside.py [AUDITS]``. An engine trades sixty times as fast as life; its heartbeats say
how long the slowest commit since the last one took. Windows take turns: alone, beside audits of a copy (the same work,
another file), and beside audits of its own ledger. What the last two differ by is what auditing this ledger costs its
writer; what they differ by from the first is what any busy neighbour costs on this machine.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from scalpctl.cli.app import run
from scalpctl.errors import LedgerError
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import prepare_folder
from scalpctl.ledger.reading import LedgerReader

BEGINS_S, WINDOW_S = 30, 20
KINDS = ("alone", "beside audits of a copy", "beside audits of this ledger")
ENGINE = ("run", "--speed", "60x", "--world", "chop", "--seed", "7", "-q")
NOT_NOW = {"AU-44", "AU-48"}
"""Backups and releases: a young ledger from a working copy has neither."""


def audited(root: Path) -> tuple[float, list[str]]:
    """Audit once; gives the seconds and what was red."""
    out = io.StringIO()
    begun = time.monotonic()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        run(["--root", str(root), "--json", "audit"])
    took = time.monotonic() - begun
    checks = json.loads(out.getvalue())["data"]["checks"]
    red = [one["id"] for one in checks if any(found["severity"] == "red" for found in one["findings"])]
    return took, [name for name in red if name not in NOT_NOW]


def newest(folder: LedgerFolder) -> int:
    """Give the last row of the journal."""
    with LedgerReader(folder.ledger) as reader:
        return int(reader.rows("SELECT max(seq) AS seq FROM journal")[0]["seq"])


def commits(folder: LedgerFolder, after_row: int) -> list[int]:
    """Give what heartbeats after a row of the journal say about the slowest commits, in microseconds."""
    with LedgerReader(folder.ledger) as reader:
        rows = reader.rows("SELECT commit_p99_us AS p99 FROM heartbeats WHERE seq > ?", (after_row,))
    return [int(row["p99"]) for row in rows]


def copied(folder: LedgerFolder, root: Path) -> Path:
    """Give a root with a copy of a ledger as it stands."""
    copy = LedgerFolder(root, "sim", "main")
    prepare_folder(copy)
    copy.ledger.unlink(missing_ok=True)
    with (
        contextlib.closing(sqlite3.connect(folder.ledger)) as ours,
        contextlib.closing(sqlite3.connect(copy.ledger)) as theirs,
    ):
        ours.backup(theirs)
    return root


@dataclass
class Told:
    """What the windows of the three kinds came to."""

    p99: dict[str, list[int]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    took: list[float] = field(default_factory=list)
    red: Counter[str] = field(default_factory=Counter)

    def window(self, kind: str, folder: LedgerFolder, root: Path, other: Path) -> None:
        """Let one window pass and note what the heartbeats in it say."""
        begun, ends = newest(folder), time.monotonic() + WINDOW_S
        target = {KINDS[1]: other, KINDS[2]: root}.get(kind)
        while time.monotonic() < ends:
            if target is None:
                time.sleep(0.2)
                continue
            with contextlib.suppress(LedgerError):
                seconds, found = audited(target)
                if kind == KINDS[2]:
                    self.took.append(seconds)
                    self.red.update(found)
        self.p99[kind] += commits(folder, begun)[1:]  # the first one began in the window before

    def __str__(self) -> str:
        lines = [f"{len(self.took)} audits, {median(self.took):.3f} s each; red: {dict(self.red) or 'none'}"]
        for kind, told in self.p99.items():
            low, middle, high = quantiles(told, n=4)
            lines.append(
                f"commit p99 {kind}: median {middle:.0f} us, quartiles {low:.0f} and {high:.0f}, n={len(told)}"
            )
        return "\n".join(lines)


def main() -> None:
    """Let an engine run, windows taking turns, and print what they came to."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with tempfile.TemporaryDirectory(dir=Path.home()) as base:
        root, other = Path(base) / "root", Path(base) / "other"
        folder = LedgerFolder(root, "sim", "main")
        command = [sys.executable, "-m", "scalpctl", "--root", str(root), *ENGINE]
        engine = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(BEGINS_S)
        told = Told()
        while len(told.took) < wanted:
            for kind in KINDS:
                told.window(kind, folder, root, copied(folder, other))
        rows = newest(folder)
        os.kill(engine.pid, signal.SIGTERM)
        engine.wait(60)
    print(f"{told}\n{rows} rows were written")


if __name__ == "__main__":
    main()
