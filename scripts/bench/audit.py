"""What an audit of a large ledger costs, beside SQLite reading the same tables once; and which checks cost most.

``python scripts/bench/audit.py [ROWS] [FOLDER]`` makes the ledger on first use. Interleaved rounds, medians; by the
clock on the wall, and in processor time of all processes.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

from large_ledger import large_ledger

from scalpctl.analysis.audit.books import Books
from scalpctl.analysis.audit.catalogue import CHECKS
from scalpctl.analysis.audit.judging import judge
from scalpctl.core.instants import Instant
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ledger.replay import typed_tables
from scalpctl.settings.loading import load
from scalpctl.wiring.auditing import books_of

ROUNDS = 5
WALL = Instant(1_900_000_000_000_000)


def main() -> None:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp())
    path = large_ledger(rows, folder / f"large-{rows}.db")
    plain, audits = list[Spent](), list[Spent]()
    for _ in range(ROUNDS):
        plain.append(read_once(path))
        audits.append(audit(path))
    peaks = [resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    for name in Spent._fields:
        ours, theirs = (median(getattr(one, name) for one in spent) for spent in (audits, plain))
        what = f"audit {ours:.2f} s, reading the same tables once {theirs:.2f} s: {ours / theirs:.2f} x"
        print(f"{name:10} {what}")
    print("each round: " + ", ".join(f"{one.wall / once.wall:.2f} x" for one, once in zip(audits, plain, strict=True)))
    print(f"peak memory of this process and of its child: {peaks[0]} and {peaks[1]} MiB")
    for name, seconds in by_check(path)[:8]:
        print(f"   {name}  {seconds:.2f} s")


class Spent(NamedTuple):
    """Seconds of the clock on the wall, and of all processors together."""

    wall: float
    processor: float


def since(began: Spent) -> Spent:
    """Give what was spent since then; with nothing spent, all of it."""
    return Spent(perf_counter() - began.wall, sum(os.times()[:4]) - began.processor)


def read_once(path: Path) -> Spent:
    """Give what reading every table with the same driver takes."""
    with LedgerReader(path) as reader:
        began = since(Spent(0, 0))
        for table in ("journal", *typed_tables(reader.connection)):
            for _row in reader.connection.execute(f"SELECT * FROM {table}"):
                pass
        return since(began)


def audit(path: Path) -> Spent:
    """Give what all checks take."""
    with LedgerReader(path) as reader:
        began = since(Spent(0, 0))
        judged = judge(books(reader), CHECKS, {}, frozenset())
        wrong = [(one.check.id, one.findings[0].what) for one in judged if not one.ok]
        if wrong:
            print(f"found: {wrong}")
        return since(began)


def by_check(path: Path) -> list[tuple[str, float]]:
    """Give the most costly checks first."""
    found = []
    with LedgerReader(path) as reader:
        one = books(reader)
        for check in CHECKS:
            began = since(Spent(0, 0))
            judge(one, (check,), {}, frozenset())
            found.append((f"{check.id} {check.title}", since(began).processor))
    return sorted(found, key=lambda pair: -pair[1])


def books(reader: LedgerReader) -> Books:
    """Give the books of a ledger that stands alone."""
    return books_of(reader, load(None, {}), None, WALL)


if __name__ == "__main__":
    main()
