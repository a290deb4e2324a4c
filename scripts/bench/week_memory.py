"""What an engine's memory does over a simulated week: ``python scripts/bench/week_memory.py [HOURS]``.

One session without a restart; the process's own memory and open files are read from /proc every ten seconds and told
by simulated day. The exchange is in the same process, and what it remembers of a week is part of the figure.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from scalpctl.errors import LedgerError
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.reading import LedgerReader

LOOK_EVERY_S = 10
US_PER_H = 3_600_000_000
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


def main() -> None:
    """Run the week and print a line per simulated day."""
    hours = int(sys.argv[1]) if len(sys.argv) > 1 else 168
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
