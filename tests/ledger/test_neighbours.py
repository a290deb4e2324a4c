"""Others at the ledger's file: one who locks it, one who reads for long, one who copies it with another tool."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from builders import a_fill
from ledger.conftest import trade_ids

from scalpctl.errors import LedgerCorrupt, LedgerWriteFailed, UsageError
from scalpctl.host.clock import WallClock
from scalpctl.host.hand_clock import HandClock
from scalpctl.ledger.backup import back_up, backups, restore
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.query import run_query
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ledger.sqlite import BUSY_TIMEOUT_MS
from scalpctl.ledger.verification.verify import verify
from scalpctl.ledger.writer import LedgerWriter

Open = Callable[[], LedgerWriter]
LOG_BYTES_MAX = 64 << 20


@contextmanager
def locked(folder: LedgerFolder) -> Iterator[None]:
    """Hold the ledger's write lock, as another program would."""
    other = sqlite3.connect(folder.ledger, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def test_a_ledger_locked_for_a_moment_is_waited_for(opened: Open, folder: LedgerFolder) -> None:
    writer = opened()
    with locked(folder):
        ticket = writer.append([a_fill(1)])
        time.sleep(0.5)
        assert trade_ids(folder) == []
    writer.wait(ticket)
    writer.close()
    assert trade_ids(folder) == ["t1"]
    assert folder.emergency.stat().st_size == 0


def test_a_ledger_that_stays_locked_stops_the_writer_and_the_next_start_has_everything(
    opened: Open, folder: LedgerFolder
) -> None:
    writer = opened()
    writer.write(a_fill(1))
    with locked(folder):
        begun = time.monotonic()
        ticket = writer.append([a_fill(2)])
        writer.append([a_fill(3)])
        with pytest.raises(LedgerWriteFailed, match="stayed locked for 5 s") as failed:
            writer.wait(ticket)
        assert BUSY_TIMEOUT_MS / 1_000 - 0.5 < time.monotonic() - begun < 2 * BUSY_TIMEOUT_MS / 1_000
        with pytest.raises(LedgerWriteFailed):  # for good: also once it is free again
            writer.append([a_fill(4)])
    assert failed.value.exit_code == 74
    writer.close()
    assert trade_ids(folder) == ["t1"]
    assert folder.emergency.read_bytes().count(b'"fill_seen"') == 3
    opened().close()
    assert trade_ids(folder) == ["t1", "t2", "t3", "t4"]
    assert verify(folder.ledger).ok
    assert folder.emergency.stat().st_size == 0


def test_a_reader_that_stays_makes_the_write_ahead_log_grow_and_once_it_has_left_the_log_is_bounded_again(
    opened: Open, folder: LedgerFolder
) -> None:
    writer = opened()
    log = folder.ledger.with_name("ledger.db-wal")
    number = 0

    def write(count: int) -> None:
        nonlocal number
        for _ in range(count):
            writer.append([a_fill(number := number + 1) for _ in range(10)])
        writer.wait()

    with LedgerReader(folder.ledger) as reader:
        reader.pin()
        while (grown := log.stat().st_size) <= LOG_BYTES_MAX:
            write(100)
        assert reader.rows("SELECT count(*) AS n FROM fills")[0]["n"] == 0
    for _ in range(3):
        write(1)
    assert log.stat().st_size <= LOG_BYTES_MAX < grown
    for _ in range(20):
        write(20)
        assert log.stat().st_size <= LOG_BYTES_MAX
    writer.close()
    assert verify(folder.ledger).ok


def test_a_query_that_never_ends_is_stopped_and_the_writer_never_waits_for_it(
    opened: Open, folder: LedgerFolder
) -> None:
    writer = opened()
    writer.write(a_fill(0))
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n, journal"
    asked: list[str] = []

    def ask() -> None:
        with pytest.raises(UsageError, match="took longer than 2 s") as stopped:
            run_query(folder.ledger, endless, WallClock(), seconds_max=2)
        asked.append(stopped.value.message)

    reader = threading.Thread(target=ask)
    reader.start()
    number = 0
    while reader.is_alive():
        writer.write(a_fill(number := number + 1))
    reader.join()
    assert asked
    assert number > 50
    assert max(writer.take_commit_latencies_ns()) < 1_000_000_000
    writer.close()
    assert verify(folder.ledger).ok


def test_a_file_copied_beside_its_writer_is_no_backup_and_is_told_apart(
    opened: Open, folder: LedgerFolder, clock: HandClock
) -> None:
    """What is not in the file yet is in the write-ahead log beside it, which a plain copy leaves behind."""
    writer = opened()
    for number in range(1, 30):
        writer.write(a_fill(number))
    backup = back_up(folder, clock, "test")
    copy = folder.backups / "copied.db"
    shutil.copy(folder.ledger, copy)
    copy.chmod(0o600)
    writer.close()
    assert [entry["file"] for entry in backups(folder)] == [backup.name]
    assert restore(folder, clock, None)[0] == backup
    assert trade_ids(folder) == [f"t{number}" for number in range(1, 30)]
    for companion in folder.path.glob("ledger.db-*"):
        companion.unlink()
    copy.replace(folder.ledger)
    assert not verify(folder.ledger).ok
    with pytest.raises(LedgerCorrupt, match="rows 1 to 30 were written and are lost"):
        opened()


def test_a_backup_made_beside_its_busy_writer_restores_to_the_head_it_was_made_at(
    opened: Open, folder: LedgerFolder, clock: HandClock
) -> None:
    writer = opened()
    ended = threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            writer.write(a_fill(number := number + 1))

    writing = threading.Thread(target=write)
    writing.start()
    heads: list[tuple[int, int]] = []
    for _ in range(5):
        before = writer.head.seq
        backup = back_up(folder, clock, "test")
        heads.append((before, backups(folder)[-1]["seq"]))
        clock.advance(1)
    ended.set()
    writing.join()
    writer.close()
    written = trade_ids(folder)
    assert all(before <= kept for before, kept in heads)
    assert len({kept for _, kept in heads}) == 5
    noted = backups(folder)[-1]
    restore(folder, clock, backup.name)
    with LedgerReader(folder.ledger) as reader:
        (head,) = reader.rows("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1")
    assert (head["seq"], head["hash"]) == (noted["seq"], noted["hash"])
    assert trade_ids(folder) == written[: len(trade_ids(folder))]
    assert verify(folder.ledger).ok
