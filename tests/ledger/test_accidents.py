"""Disk trouble, crashes and twins: the engine stops, nothing is lost, and the next start knows everything."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import a_fill, a_partial, a_transaction, one_of_each
from ledger.conftest import trade_ids

from scalpctl.errors import (
    AccessRefused,
    LedgerCorrupt,
    LedgerError,
    LedgerMissing,
    LedgerTooNew,
    LedgerTooOld,
    LedgerWriteFailed,
    UsageError,
)
from scalpctl.host.hand_clock import HandClock
from scalpctl.ledger.emergency import EmergencyFile, waiting_groups
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ledger.verification.verify import verify
from scalpctl.ledger.writer import LedgerWriter

Open = Callable[[], LedgerWriter]


def emergency_lines(folder: LedgerFolder) -> list[dict[str, object]]:
    return [json.loads(line) for line in folder.emergency.read_bytes().splitlines()]


def fill_the_disk(writer: LedgerWriter) -> None:
    (pages,) = writer._connection.execute("PRAGMA page_count").fetchone()
    writer._connection.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_stops_the_writer_and_loses_nothing(opened: Open, folder: LedgerFolder) -> None:
    writer = opened()
    writer.write(a_fill(1))
    fill_the_disk(writer)
    with pytest.raises(LedgerWriteFailed, match="SQLITE_FULL") as failed:
        for number in range(2, 400):
            writer.write(a_fill(number))
    assert failed.value.exit_code == 74
    with pytest.raises(LedgerWriteFailed):
        writer.append([a_fill(1_000), a_transaction("fill:t1000")])
    writer.close()
    written = trade_ids(folder)
    lines = emergency_lines(folder)
    assert [line["kind"] for line in lines[-2:]] == ["fill_seen", "posted"]
    assert not folder.reserve.exists()
    opened().close()
    expected = [f"t{number}" for number in range(1, len(written) + 2)] + ["t1000"]
    assert trade_ids(folder) == expected
    assert verify(folder.ledger).ok
    assert folder.emergency.stat().st_size == 0
    assert len(list(folder.path.glob("emergency-*.ingested.jsonl"))) == 1


def test_a_read_only_disk_stops_the_writer(opened: Open, folder: LedgerFolder) -> None:
    writer = opened()
    writer._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(LedgerWriteFailed, match="SQLITE_READONLY"):
        writer.write(a_fill(1))
    assert [line["idem"] for line in emergency_lines(folder)] == [a_fill(1).identity()]
    assert writer.failure is not None


def test_what_was_on_disk_before_the_failure_is_not_called_lost(opened: Open) -> None:
    writer = opened()
    kept = writer.append([a_fill(1)])
    writer.wait(kept)
    writer._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(LedgerWriteFailed):
        writer.write(a_fill(2))
    writer.wait(kept)


async def test_whoever_waits_in_an_event_loop_hears_of_the_failure(opened: Open) -> None:
    writer = opened()
    writer._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(LedgerWriteFailed):
        await writer.durable(writer.append([a_fill(1)]))


async def test_whoever_asks_late_is_answered_at_once(opened: Open) -> None:
    writer = opened()
    ticket = writer.append([a_fill(1)])
    writer.wait(ticket)
    async with asyncio.timeout(5):
        await writer.durable(ticket)
    writer._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(LedgerWriteFailed):
        writer.write(a_fill(2))
    async with asyncio.timeout(5):
        with pytest.raises(LedgerWriteFailed):
            await writer.durable(ticket + 1)


def test_a_writer_that_breaks_in_an_unforeseen_way_leaves_nobody_waiting(opened: Open, folder: LedgerFolder) -> None:
    writer = opened()

    def broken() -> int:
        raise ZeroDivisionError

    writer.stopwatch = broken
    with pytest.raises(LedgerWriteFailed, match="ZeroDivisionError"):
        writer.write(a_fill(1))
    assert [line["idem"] for line in emergency_lines(folder)] == [a_fill(1).identity()]


def test_taking_in_an_emergency_twice_is_taking_it_in_once(opened: Open, folder: LedgerFolder) -> None:
    writer = opened()
    writer.write(a_fill(1))
    writer._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(LedgerWriteFailed):
        writer.write(a_fill(2))
    left = folder.emergency.read_bytes()
    writer.close()
    opened().close()
    folder.emergency.write_bytes(left)
    opened().close()
    assert trade_ids(folder) == ["t1", "t2"]


def test_a_megabyte_of_disk_is_held_back_again_after_an_emergency(opened: Open, folder: LedgerFolder) -> None:
    writer = opened()
    assert folder.reserve.stat().st_size == 1 << 20
    assert folder.reserve.stat().st_blocks * 512 >= 1 << 20, "a hole would hold nothing back"
    writer._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(LedgerWriteFailed):
        writer.write(a_fill(1))
    assert not folder.reserve.exists()
    writer.close()
    opened()
    assert folder.reserve.stat().st_size == 1 << 20


def test_what_was_handed_over_together_is_left_behind_together(opened: Open, folder: LedgerFolder) -> None:
    writer = opened()
    writer._connection.execute("PRAGMA query_only = ON")
    for numbers in ((1, 2), (3,), (4, 5)):
        with pytest.raises(LedgerWriteFailed):
            writer.write(*map(a_fill, numbers))
    writer.close()
    left = [[record.trade_id for record in group.records] for group in waiting_groups(folder.emergency)]  # type: ignore[attr-defined]
    assert left == [["t1", "t2"], ["t3"], ["t4", "t5"]]


def test_where_even_the_emergency_file_cannot_be_written_the_lines_are_said(
    opened: Open, folder: LedgerFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    writer = opened()
    writer._emergency.close()
    writer._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(LedgerWriteFailed):
        writer.write(a_fill(1))
    (line,) = capfd.readouterr().err.splitlines()
    assert json.loads(line)["idem"] == a_fill(1).identity()
    writer._emergency = EmergencyFile(folder.emergency, folder.reserve)  # what closes the writer closes it


def test_an_unreadable_emergency_line_stops_the_start_and_is_named(opened: Open, folder: LedgerFolder) -> None:
    opened().close()
    folder.emergency.write_bytes(b'{"kind": "fill_seen"\n')
    with pytest.raises(LedgerCorrupt, match=r"emergency\.jsonl:1"):
        opened()


def test_a_ledger_replaced_under_the_engine_stops_it(opened: Open, folder: LedgerFolder) -> None:
    writer = opened()
    copy = folder.path / "copy"
    shutil.copy(folder.ledger, copy)
    copy.replace(folder.ledger)
    with pytest.raises(LedgerWriteFailed, match="replaced or removed"):
        writer.write(a_fill(1))


def test_a_missing_ledger_is_an_error_for_readers_and_never_created(folder: LedgerFolder) -> None:
    with pytest.raises(LedgerMissing) as missing:
        LedgerReader(folder.ledger)
    assert missing.value.exit_code == 74
    assert not folder.path.exists()


def test_a_ledger_that_vanished_is_not_quietly_begun_anew(opened: Open, folder: LedgerFolder) -> None:
    opened().close()
    folder.ledger.unlink()
    with pytest.raises(LedgerMissing, match="anchors remember"):
        opened()
    assert not folder.ledger.exists()


@pytest.mark.parametrize(("revision", "error"), [("9999", LedgerTooNew), ("0000", LedgerTooOld)])
def test_a_ledger_of_another_schema_is_refused_untouched(
    opened: Open, folder: LedgerFolder, revision: str, error: type[Exception]
) -> None:
    opened().close()
    connection = sqlite3.connect(folder.ledger)
    connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.commit()
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    before = folder.ledger.read_bytes()
    for attempt in (opened, lambda: LedgerReader(folder.ledger), lambda: verify(folder.ledger)):
        with pytest.raises(error) as refused:
            attempt()
        assert refused.value.exit_code == 78  # type: ignore[attr-defined]
    connection = sqlite3.connect(folder.ledger)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    after = folder.ledger.read_bytes()
    assert after[100:] == before[100:]


def test_a_foreign_file_is_not_a_ledger(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t (x)").connection.close()
    with pytest.raises(LedgerCorrupt, match="not a scalpctl ledger"):
        LedgerReader(tmp_path / "other.db")
    (tmp_path / "empty.db").touch()
    with pytest.raises(LedgerCorrupt, match="is empty"):
        LedgerReader(tmp_path / "empty.db")
    (tmp_path / "text.db").write_text("hello, this is not a database at all " * 50)
    with pytest.raises(LedgerCorrupt, match="damaged or not a ledger"):
        LedgerReader(tmp_path / "text.db")


def test_a_ledger_of_another_account_is_refused(opened: Open, folder: LedgerFolder, clock: HandClock) -> None:
    from scalpctl.host.ids import CountedIds
    from scalpctl.ledger.opening import open_ledger

    opened().close()
    live = LedgerFolder(folder.root, "live", "main")
    live.path.mkdir(mode=0o700)
    shutil.copy(folder.ledger, live.ledger)
    with pytest.raises(LedgerCorrupt, match="belongs to sim-main"):
        open_ledger(live, clock, CountedIds(), purpose="test")


@pytest.mark.parametrize("which", ["ledger", "path", "root", "lock", "anchors"])
def test_files_that_others_can_read_are_refused(opened: Open, folder: LedgerFolder, which: str) -> None:
    opened().close()
    path: Path = getattr(folder, which)
    path.chmod(path.stat().st_mode | 0o044)
    with pytest.raises(AccessRefused, match="can be read or written by others") as refused:
        opened()
    assert refused.value.exit_code == 77
    assert "chmod" in (refused.value.hint or "")


def test_a_linked_folder_is_refused(opened: Open, folder: LedgerFolder, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.root.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AccessRefused, match="symbolic link"):
        opened()


def test_everything_is_made_private(filled: LedgerFolder) -> None:
    for path in (filled.root, *filled.root.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a-b", "x" * 65])
def test_an_account_name_cannot_leave_the_root(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        LedgerFolder(tmp_path, "sim", name)


def test_an_unknown_environment_has_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one of|environment"):
        LedgerFolder(tmp_path, "prod", "main")


WORKER = textwrap.dedent("""
    import sys
    from pathlib import Path
    sys.path[:0] = [{tests!r}]
    from builders import a_fill
    from scalpctl.host.clock import WallClock
    from scalpctl.host.ids import RandomIds
    from scalpctl.ledger.folder import LedgerFolder
    from scalpctl.ledger.opening import open_ledger
    clock = WallClock()
    writer = open_ledger(LedgerFolder(Path({root!r}), "sim", "main"), clock, RandomIds(clock), purpose="worker")
    for number in range(100000):
        writer.write(a_fill(number))
        print(number, flush=True)
""")


def worker(folder: LedgerFolder, environment: dict[str, str]) -> subprocess.Popen[str]:
    code = WORKER.format(tests=str(Path(__file__).parents[1]), root=str(folder.root))
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def test_every_acknowledged_record_survives_kill_9(opened: Open, folder: LedgerFolder) -> None:
    process = worker(folder, dict(os.environ))
    assert process.stdout is not None
    acknowledged = [process.stdout.readline() for _ in range(50)]
    process.send_signal(signal.SIGKILL)
    out, _ = process.communicate()
    count = len(acknowledged) + out.count("\n")
    assert verify(folder.ledger).ok
    assert len(trade_ids(folder)) >= count
    opened().close()


FSYNC_FAILS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <stdio.h>
#include <unistd.h>
static int count = 0;
static int is_wal(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return strstr(path, "ledger.db-wal") != NULL;
}
int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    if (is_wal(fd) && ++count > 20) { errno = EIO; return -1; }
    return real(fd);
}
int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    if (is_wal(fd) && ++count > 20) { errno = EIO; return -1; }
    return real(fd);
}
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler to make fsync fail")
def test_a_failing_fsync_stops_the_engine_and_nothing_acknowledged_is_lost(
    opened: Open, folder: LedgerFolder, tmp_path: Path
) -> None:
    source, shim = tmp_path / "shim.c", tmp_path / "shim.so"
    source.write_text(FSYNC_FAILS)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(shim), str(source), "-ldl"], check=True)
    process = worker(folder, dict(os.environ) | {"LD_PRELOAD": str(shim)})
    out, err = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "LedgerWriteFailed" in err
    assert "SQLITE_IOERR" in err
    acknowledged = out.count("\n")
    assert acknowledged >= 5
    assert len(emergency_lines(folder)) >= 1
    opened().close()
    assert trade_ids(folder) == [f"t{number}" for number in range(acknowledged + 1)]
    assert verify(folder.ledger).ok


def test_a_mirror_that_others_can_read_stops_the_writer_and_nobody_waits_for_ever(
    writer: LedgerWriter, folder: LedgerFolder
) -> None:
    records = one_of_each()
    writer.write(*records[:-2])
    for path in folder.mirrors.iterdir():
        path.chmod(0o644)
    with pytest.raises(LedgerError, match="can be read or written by others"):
        for number in range(50):
            writer.write(a_partial(f"Y{number}"))
    assert writer.failure is not None
