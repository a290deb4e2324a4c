"""What an audit of a large ledger costs, beside SQLite reading the same tables once; and which checks cost most.

``python scripts/bench/audit.py [ROWS] [FOLDER]`` makes the ledger on first use. Interleaved rounds, medians.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import process_time

from large_ledger import large_ledger

from scalpctl.analysis.audit.books import Books
from scalpctl.analysis.audit.catalogue import CHECKS
from scalpctl.analysis.audit.judging import judge
from scalpctl.core.instants import Instant
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ledger.replay import typed_tables
from scalpctl.settings.loading import load
from scalpctl.wiring.auditing import books_of

ROUNDS = 3
WALL = Instant(1_900_000_000_000_000)


def main() -> None:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp())
    path = large_ledger(rows, folder / f"large-{rows}.db")
    plain, audits = list[float](), list[float]()
    for _ in range(ROUNDS):
        plain.append(read_once(path))
        audits.append(audit(path))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ratio = median(audits) / median(plain)
    print(f"audit {median(audits):.2f} s, reading the same tables once {median(plain):.2f} s: {ratio:.2f} x")
    print(f"peak memory {peak:.0f} MiB")
    for name, seconds in by_check(path)[:8]:
        print(f"   {name}  {seconds:.2f} s")


def read_once(path: Path) -> float:
    """Give the CPU seconds of reading every table with the same driver."""
    with LedgerReader(path) as reader:
        began = process_time()
        for table in ("journal", *typed_tables(reader.connection)):
            for _row in reader.connection.execute(f"SELECT * FROM {table}"):
                pass
        return process_time() - began


def audit(path: Path) -> float:
    """Give the CPU seconds of all checks."""
    with LedgerReader(path) as reader:
        began = process_time()
        judged = judge(books(reader), CHECKS, {}, frozenset())
        wrong = [(one.check.id, one.findings[0].what) for one in judged if not one.ok]
        if wrong:
            print(f"found: {wrong}")
        return process_time() - began


def by_check(path: Path) -> list[tuple[str, float]]:
    """Give the most costly checks first."""
    found = []
    with LedgerReader(path) as reader:
        one = books(reader)
        for check in CHECKS:
            began = process_time()
            judge(one, (check,), {}, frozenset())
            found.append((f"{check.id} {check.title}", process_time() - began))
    return sorted(found, key=lambda pair: -pair[1])


def books(reader: LedgerReader) -> Books:
    """Give the books of a ledger that stands alone."""
    return books_of(reader, load(None, {}), None, WALL)


if __name__ == "__main__":
    main()
