"""How fast the ledger writes, proves itself and is recognised, as ratios to SQLite itself in the same run.

``python scripts/bench/ledger.py [ROUNDS]``. Every round runs all sides one after the other on the same disk; medians of
the rounds are printed. The references write the very same rows (journal and typed table, already encoded and hashed)
into the very same schema with ``executemany``, as SQLite comes; the bare table has the journal's columns and no
trigger, check or second row. ``same work`` spells and hashes the records as well, by hand, in the same loop.
"""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from scalpctl.core.instants import Instant
from scalpctl.core.records.sessions import ConnectionNoted
from scalpctl.host.clock import WallClock
from scalpctl.host.ids import RandomIds
from scalpctl.ledger.canonical_json import encode, spell
from scalpctl.ledger.chain import row_hash
from scalpctl.ledger.creation import create_schema
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import open_ledger
from scalpctl.ledger.sqlite import open_for_schema, open_reader
from scalpctl.ledger.verification.integrity import check_chain
from scalpctl.ledger.writer import LedgerWriter

EVENTS = 40_000
SINGLES = 1_500
PACED = 3_000
PACE_PER_S = 1_000
COLUMNS = "seq, ts_us, mono_ns, kind, idem, writer_id, cause, body, prev, hash"
JOURNAL = f"INSERT INTO journal ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
TYPED = "INSERT INTO connection_events (seq, session_id, at, connection, event, detail) VALUES (?, ?, ?, ?, ?, ?)"
Rows = Sequence[tuple[object, ...]]


def record(number: int) -> ConnectionNoted:
    """Give an event of about 250 bytes."""
    detail = {
        "channel": "tickers",
        "instrument": "BTC-USDT-SWAP",
        "attempt": number % 7,
        "why": "closed by the other end",
    }
    at = Instant(1_795_162_530_000_000 + number * 1_000)
    return ConnectionNoted(session_id="S1", at=at, connection="public", event="subscribed", detail=detail)


def opened(base: Path) -> LedgerWriter:
    """Open a fresh ledger."""
    clock = WallClock()
    return open_ledger(LedgerFolder(base, "sim", "bench"), clock, RandomIds(clock), purpose="bench")


def fill(base: Path) -> tuple[float, float, Path]:
    """Write all events through the writer; gives events per second, seconds per hand-over, and the file."""
    writer = opened(base)
    records = [[record(number)] for number in range(EVENTS)]
    gc.collect()
    started = time.perf_counter()
    for group in records:
        writer.append(group)
    writer.wait()
    rate = EVENTS / (time.perf_counter() - started)
    writer.close()
    return rate, enqueue_seconds(base), LedgerFolder(base, "sim", "bench").ledger


def enqueue_seconds(base: Path) -> float:
    """Time the hand-over alone, in bursts the size of a busy tick, with the writer idle in between."""
    writer = opened(base)
    spent = []
    for burst in range(60):
        groups = [[record(burst * 20 + number)] for number in range(20)]
        writer.wait()
        started = time.perf_counter()
        for group in groups:
            writer.append(group)
        spent.append((time.perf_counter() - started) / 20)
    writer.close()
    return statistics.median(spent)


def raw(path: Path, journal: Rows, typed: Rows, batch: int) -> float:
    """Write prepared rows with executemany into our schema; gives events per second."""
    path.touch()
    connection = open_for_schema(path)
    create_schema(connection, META)
    connection.execute("PRAGMA wal_autocheckpoint=1000")  # as SQLite comes
    started = time.perf_counter()
    for first in range(0, len(journal), batch):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(JOURNAL, journal[first : first + batch])
        connection.executemany(TYPED, typed[first : first + batch])
        connection.execute("COMMIT")
    rate = len(journal) / (time.perf_counter() - started)
    connection.close()
    return rate


def raw_from_records(path: Path) -> float:
    """Do the whole job by hand: spell, hash and write records with executemany, 512 at a time, nothing else."""
    path.touch()
    connection = open_for_schema(path)
    create_schema(connection, META)
    connection.execute("PRAGMA wal_autocheckpoint=1000")
    (prev,) = connection.execute("SELECT v FROM meta WHERE k = 'genesis'").fetchone()
    records = [record(number) for number in range(EVENTS)]
    started = time.perf_counter()
    for first in range(0, EVENTS, 512):
        journal: list[tuple[object, ...]] = []
        typed: list[tuple[object, ...]] = []
        for seq, event in enumerate(records[first : first + 512], start=first + 1):
            body, idem = encode(event).decode(), f"w:{seq}:0"
            digest = row_hash(prev, seq, event.at, 0, "connection_event", idem, "w", None, body)
            journal.append((seq, event.at, 0, "connection_event", idem, "w", None, body, prev, digest))
            typed.append((seq, event.session_id, event.at, event.connection, event.event, spell(event.detail)))
            prev = digest
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(JOURNAL, journal)
        connection.executemany(TYPED, typed)
        connection.execute("COMMIT")
    rate = EVENTS / (time.perf_counter() - started)
    connection.close()
    return rate


def plain(path: Path, journal: Rows) -> float:
    """Write the journal's columns into a bare table, 512 rows at a time."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"CREATE TABLE journal ({COLUMNS.replace('seq', 'seq INTEGER PRIMARY KEY')}, UNIQUE (idem))")
    started = time.perf_counter()
    for first in range(0, len(journal), 512):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(JOURNAL, journal[first : first + 512])
        connection.execute("COMMIT")
    rate = len(journal) / (time.perf_counter() - started)
    connection.close()
    return rate


def fdatasync_seconds(folder: Path) -> float:
    """Give this disk's median fdatasync of a 4 KiB append."""
    descriptor = os.open(folder / "sync", os.O_CREAT | os.O_RDWR)
    spent = []
    for _ in range(300):
        os.write(descriptor, b"x" * 4_096)
        started = time.perf_counter()
        os.fdatasync(descriptor)
        spent.append(time.perf_counter() - started)
    os.close(descriptor)
    return statistics.median(spent)


def paced(base: Path) -> tuple[float, float]:
    """Hand over a thousand events a second; gives median and p99 seconds until each is durable."""
    writer = opened(base)
    latencies, begun = [], time.perf_counter()
    for number in range(PACED):
        left = begun + number / PACE_PER_S - time.perf_counter()
        if left > 0:
            time.sleep(left)
        started = time.perf_counter()
        writer.wait(writer.append([record(number)]))
        latencies.append(time.perf_counter() - started)
    writer.close()
    latencies.sort()
    return statistics.median(latencies), latencies[int(len(latencies) * 0.99)]


def chain_against_scan(ledger: Path) -> float:
    """Give how the verified rows per second compare with a plain SELECT of the same rows."""
    connection = open_reader(ledger)
    scan = best(lambda: sum(1 for _ in connection.execute(f"SELECT {COLUMNS} FROM journal ORDER BY seq")))
    chain = best(lambda: list(check_chain(connection)))
    connection.close()
    return scan / chain


def best(work: Callable[[], object]) -> float:
    """Give the shortest of five runs."""
    spent = []
    for _ in range(5):
        started = time.process_time()
        work()
        spent.append(time.process_time() - started)
    return min(spent)


def prepared(ledger: Path) -> tuple[Rows, Rows]:
    """Take the rows our writer wrote, so that the references write the same bytes."""
    connection = open_reader(ledger)
    META.update(dict(connection.execute("SELECT k, v FROM meta WHERE k <> 'genesis'").fetchall()))
    journal = connection.execute(f"SELECT {COLUMNS} FROM journal ORDER BY seq LIMIT {EVENTS}").fetchall()
    typed = connection.execute(
        "SELECT seq, session_id, at, connection, event, detail FROM connection_events ORDER BY seq"
    ).fetchall()
    connection.close()
    return journal, typed[: len(journal) - 1]


META: dict[str, str] = {}


def one_round(base: Path) -> dict[str, float]:
    """Run every side once."""
    sync = fdatasync_seconds(base)
    ours, enqueue, ledger = fill(base / "ours")
    journal, typed = prepared(ledger)
    many = raw(base / "many.db", journal, typed, 512)
    whole = raw_from_records(base / "whole.db")
    single = raw(base / "single.db", journal[:SINGLES], typed[: SINGLES - 1], 1)
    bare = plain(base / "plain.db", journal)
    median, p99 = paced(base / "paced")
    return {
        "events/s": ours,
        "x executemany(512), same rows": ours / many,
        "x executemany(512), same work": ours / whole,
        "x executemany(512), bare table": ours / bare,
        "x one per transaction": ours / single,
        "hand-over, us": enqueue * 1e6,
        "fdatasync, us": sync * 1e6,
        "durable p50, x fdatasync": median / sync,
        "durable p99, x fdatasync": p99 / sync,
        "chain verify, x plain scan": chain_against_scan(ledger),
    }


def main() -> None:
    """Print the medians of a few rounds."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    results = []
    for _ in range(rounds):
        base = Path(tempfile.mkdtemp(prefix="bench-", dir=os.environ.get("BENCH_DIR")))
        base.chmod(0o700)
        try:
            results.append(one_round(base))
        finally:
            shutil.rmtree(base)
    goals = {
        "x executemany(512), same rows": ">= 0.8",
        "x executemany(512), same work": ">= 0.8",
        "x one per transaction": ">= 20",
        "hand-over, us": "<= 0.5",
        "durable p99, x fdatasync": "<= 10",
        "chain verify, x plain scan": ">= 0.4",
    }
    print(f"{'medians of ' + str(rounds) + ' rounds':34s} {'median':>10s} {'worst':>10s} {'best':>10s}  goal")
    for name in results[0]:
        values = sorted(result[name] for result in results)
        print(
            f"{name:34s} {statistics.median(values):10.2f} {values[0]:10.2f} {values[-1]:10.2f}  {goals.get(name, '')}"
        )


if __name__ == "__main__":
    main()
