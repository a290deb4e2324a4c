"""Whoever reads what a command shows can stand still or go away: money does not wait for them."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cli.conftest import CLEAN, Run

from scalpctl.cli.render.beside import KEPT, AtOnce, Beside, Lines
from scalpctl.cli.watching import UNREAD
from scalpctl.errors import LedgerError
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.reading import LedgerReader

SMALL_PIPE = 4_096
RUN = (sys.executable, "-m", "scalpctl", "run", "--seed", "7")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The ends of a pipe that is full after some forty lines."""
    ends = os.pipe()
    fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, SMALL_PIPE)
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def rows(root: Path, sql: str) -> list[tuple[object, ...]]:
    """Give what the ledger says; nothing where there is none yet."""
    try:
        with LedgerReader(LedgerFolder(root, "sim", "main").ledger) as reader:
            return [tuple(row.values()) for row in reader.rows(sql)]
    except LedgerError:
        return []


def until(root: Path, sql: str, wanted: tuple[object, ...]) -> None:
    """Wait until the ledger answers as wanted."""
    deadline = time.monotonic() + 40
    while rows(root, sql) != [wanted]:
        assert time.monotonic() < deadline, rows(root, sql)
        time.sleep(0.1)


def begun(root: Path, tmp_path: Path, *options: str, out: int, err: int) -> subprocess.Popen[bytes]:
    environment = CLEAN | {"HOME": str(tmp_path), "SCALPCTL_ROOT": str(root)}
    return subprocess.Popen([*RUN, *options], env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err)


def test_an_engine_trades_on_while_nobody_reads_what_it_shows(
    root: Path, tmp_path: Path, pipe: tuple[int, int]
) -> None:
    reader, end = pipe
    engine = begun(root, tmp_path, "--speed", "60x", "-o", "jsonl", out=end, err=end)
    os.close(end)
    shown = "SELECT sum(length(body)) > 40000 FROM journal"  # ten times what the pipe takes
    until(root, shown, (1,))
    engine.send_signal(signal.SIGTERM)
    until(root, "SELECT end_kind, end_reason FROM sessions", ("clean", "signal SIGTERM"))
    with closing(os.fdopen(reader, "rb")) as told:
        said = told.read().decode().splitlines()
    assert engine.wait(30) == 0
    assert json.loads(said[0])["kind"] == "session_started"
    assert any('"scalpctl.run/1"' in line for line in said)


@pytest.mark.parametrize(("speed", "form"), [("60x", "table"), ("max", "jsonl")])
def test_an_engine_whose_reader_went_away_ends_in_order(
    speed: str, form: str, root: Path, tmp_path: Path, pipe: tuple[int, int]
) -> None:
    reader, end = pipe
    engine = begun(root, tmp_path, "--speed", speed, "--for", "4h", "-o", form, out=end, err=end)
    os.close(end)
    os.read(reader, 1)
    os.close(reader)
    assert engine.wait(40) == 141
    assert rows(root, "SELECT end_kind, end_reason FROM sessions") == [("clean", UNREAD)]


def test_a_terminal_that_closes_ends_the_session_in_order_and_nohup_means_it(root: Path, tmp_path: Path) -> None:
    engine = begun(root, tmp_path, "--speed", "60x", "-q", out=subprocess.DEVNULL, err=subprocess.DEVNULL)
    until(root, "SELECT count(*) > 20 FROM journal", (1,))
    engine.send_signal(signal.SIGHUP)
    assert engine.wait(40) == 0
    assert rows(root, "SELECT end_kind, end_reason FROM sessions") == [("clean", "signal SIGHUP")]
    again = f"exec nohup {' '.join(RUN)} --speed 60x -q >/dev/null 2>&1"
    environment = CLEAN | {"HOME": str(tmp_path), "SCALPCTL_ROOT": str(root)}
    engine = subprocess.Popen(["sh", "-c", again], env=environment, stdin=subprocess.DEVNULL)
    live = "SELECT count(*) FROM sessions WHERE ended_at IS NULL"
    until(root, live, (1,))
    engine.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert rows(root, live) == [(1,)]
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(40) == 0


@pytest.mark.parametrize("form", ["jsonl", "tsv", "table"])
@pytest.mark.parametrize("count", ["1", "200"])  # noticed when all is written, and on the way
def test_a_command_whose_reader_went_away_says_so_to_the_shell(
    form: str, count: str, filled: LedgerFolder, pipe: tuple[int, int]
) -> None:
    reader, end = pipe
    os.close(reader)
    sql = f"SELECT a.body FROM journal AS a, journal AS b LIMIT {count}"
    command = [*RUN[:3], "ledger", "query", sql, "--root", str(filled.root), "-o", form]
    done = subprocess.run(command, env=CLEAN, stdout=end, stderr=subprocess.PIPE, check=False)
    assert (done.stderr, done.returncode) == (b"", 141)


def test_bytes_are_told_in_hexadecimal_in_every_form(scalpctl: Run, filled: LedgerFolder) -> None:
    for form in ("table", "tsv", "csv", "md", "json", "jsonl"):
        done = scalpctl("ledger", "query", "SELECT x'00ff41' AS x", "-o", form)
        assert (done.returncode, "00ff41" in done.stdout) == (0, True), done


@pytest.mark.timeout(20)
def test_lines_nobody_took_are_told_as_a_number_once_somebody_takes_them_again(pipe: tuple[int, int]) -> None:
    reader, end = pipe
    lost: list[bool] = []
    writing = Beside(lambda: lost.append(True))
    with os.fdopen(os.dup(end), "w") as stream:
        lines = Lines(stream, writing, "{} missing".format)
        for number in range(3 * KEPT):
            lines.add(f"line {number}")
        taken = b""
        while not writing.idle:
            taken += os.read(reader, SMALL_PIPE)
        lines.add("again")
        writing.end()
        taken += os.read(reader, SMALL_PIPE)
    number = missed = 0
    for line in taken.decode().splitlines():
        if line.endswith("missing"):
            missed += int(line.split()[0])
            number += int(line.split()[0])
        elif line != "again":
            assert line == f"line {number}"
            number += 1
    assert number == 3 * KEPT
    assert missed > KEPT
    assert not lost


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", [AtOnce, Beside])
def test_a_reader_that_went_away_is_noticed_once(kind: type[AtOnce | Beside], pipe: tuple[int, int]) -> None:
    reader, end = pipe
    os.close(reader)
    lost: list[bool] = []
    writing = kind(lambda: lost.append(True))
    with os.fdopen(os.dup(end), "w", buffering=1) as stream:
        lines = Lines(stream, writing, "{} missing".format)
        for _ in range(5):
            lines.add("a line")
        writing.end()
        lines.add("a line")
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    assert lost == [True]


@pytest.mark.parametrize(("speed", "closed"), [("60x", ">&- 2>&- <&-"), ("max", ">&-")])
def test_closed_streams_are_nobodys_business(speed: str, closed: str, root: Path, tmp_path: Path) -> None:
    typed = f"exec {' '.join(RUN)} --speed {speed} --for 1m --root {root} {closed}"
    done = subprocess.run(["sh", "-c", typed], env=CLEAN | {"HOME": str(tmp_path)}, capture_output=True, check=False)
    assert done.returncode == 0, done
    assert rows(root, "SELECT end_kind FROM sessions") == [("clean",)]
    assert rows(root, "PRAGMA integrity_check") == [("ok",)]


def test_a_full_disk_for_what_is_shown_is_said_and_ends_no_session(root: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full, (tmp_path / "err").open("w+") as err:
        command = [*RUN, "--speed", "60x", "--for", "5m", "--root", str(root)]
        assert subprocess.run(command, env=CLEAN, stdout=full, stderr=full, check=False).returncode == 74
        assert rows(root, "SELECT end_kind, end_reason FROM sessions") == [("clean", "its time is over")]
        command = [*RUN[:3], "sessions", "--root", str(root)]
        assert subprocess.run(command, env=CLEAN, stdout=full, stderr=err, check=False).returncode == 74
        err.seek(0)
        assert "its output cannot be written: No space left on device" in err.read()
