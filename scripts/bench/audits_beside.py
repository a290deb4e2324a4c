"""Audits in a loop beside a busy engine: is any of them red without a reason, and does the engine's writer notice?

``python scripts/bench/audits_beside.py [AUDITS]``. An engine trades twenty times as fast as life; its heartbeats say
how long its slowest commits take, before the audits begin and while they run.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

from scalpctl.cli.app import run
from scalpctl.errors import LedgerError
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.reading import LedgerReader

ALONE_S = 60
ENGINE = ("run", "--speed", "20x", "--world", "chop", "--seed", "7", "-q")
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


def commits(folder: LedgerFolder, after_row: int) -> list[int]:
    """Give what heartbeats after a row of the journal say about the slowest commits, in microseconds."""
    with LedgerReader(folder.ledger) as reader:
        rows = reader.rows("SELECT commit_p99_us AS p99 FROM heartbeats WHERE seq > ?", (after_row,))
    return [int(row["p99"]) for row in rows]


def newest(folder: LedgerFolder) -> int:
    """Give the last row of the journal."""
    with LedgerReader(folder.ledger) as reader:
        return int(reader.rows("SELECT max(seq) AS seq FROM journal")[0]["seq"])


def main() -> None:
    """Let an engine run alone, then beside audits, and print both."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with tempfile.TemporaryDirectory(dir=Path.home()) as base:
        root = Path(base) / "root"
        folder = LedgerFolder(root, "sim", "main")
        command = [sys.executable, "-m", "scalpctl", "--root", str(root), *ENGINE]
        engine = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(ALONE_S)
        alone, begun = commits(folder, 0), newest(folder)
        took, red = list[float](), Counter[str]()
        for _ in range(wanted):
            with contextlib.suppress(LedgerError):
                seconds, found = audited(root)
                took.append(seconds)
                red.update(found)
        beside, rows = commits(folder, begun), newest(folder) - begun
        os.kill(engine.pid, signal.SIGTERM)
        engine.wait(60)
    print(f"{len(took)} audits, {median(took):.3f} s each, while {rows} rows were written; red: {dict(red) or 'none'}")
    print(
        f"commit p99 of the engine, median of heartbeats: {median(alone)} us alone, {median(beside)} us beside audits"
    )


if __name__ == "__main__":
    main()
