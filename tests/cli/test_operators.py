"""What operators do to a running system: ask for the wrong thing, maintain it live, freeze it, read it abroad."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.conftest import CLEAN, Run

from scalpctl.host.clock import WallClock
from scalpctl.host.ids import RandomIds
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import open_ledger

ZONES = ("UTC", "Europe/Kyiv", "Pacific/Apia", "America/New_York", "Asia/Kathmandu")


@pytest.fixture
def traded(scalpctl: Run) -> Run:
    """A ledger with some trades in it."""
    done = scalpctl("run", "--for", "30m", "--speed", "max", "--seed", "7", "--world", "chop", "-q")
    assert done.returncode == 0, done.stderr
    return scalpctl


def test_reports_are_the_same_in_every_zone_of_the_machine(traded: Run) -> None:
    for command in (("trades",), ("analyze-session",), ("audit", "--section", "10")):
        said = {zone: json.loads(traded(*command, "--json", TZ=zone).stdout) for zone in ZONES}
        for one in said.values():
            one.pop("generated_at", None)
            one.pop("as_of", None)
        assert len({json.dumps(one, sort_keys=True) for one in said.values()}) == 1, command


def test_maintenance_of_a_ledger_in_use_is_refused(traded: Run, root: Path) -> None:
    assert traded("ledger", "backup").returncode == 0
    clock = WallClock()
    writer = open_ledger(LedgerFolder(root, "sim", "main"), clock, RandomIds(clock), purpose="run")
    for command in (("restore", "--yes"), ("rebuild", "--yes"), ("upgrade",)):
        done = traded("ledger", *command)
        assert done.returncode == 75 or "nothing" in done.stdout + done.stderr, (command, done.stdout, done.stderr)
    assert traded("ledger", "backup").returncode == 0
    writer.close()
    assert traded("ledger", "verify").returncode == 0


def test_closing_asks_for_what_it_closes(traded: Run) -> None:
    before = traded("positions", "--json").stdout
    nothing = traded("close")
    assert nothing.returncode == 64
    assert traded("close", "bitcoin").returncode == 64
    assert traded("close", "BTC-USDT", "--fraction", "1.5").returncode == 64
    unasked = traded("close", "--all")
    if json.loads(before)["data"]:
        assert unasked.returncode == 64
        assert "--yes" in unasked.stderr
    assert json.loads(traded("positions", "--json").stdout)["data"] == json.loads(before)["data"]


@pytest.fixture
def live(tmp_path: Path, root: Path) -> Iterator[subprocess.Popen[str]]:
    """An engine in real time."""
    environment = CLEAN | {"HOME": str(tmp_path), "SCALPCTL_ROOT": str(root)}
    command = [sys.executable, "-m", "scalpctl", "run", "--seed", "7", "--world", "chop", "--for", "20s", "--json"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.slow
def test_a_stopped_process_wakes_up_and_goes_on(live: subprocess.Popen[str], scalpctl: Run) -> None:
    """A laptop that sleeps, a container that is paused: nothing it knew is fresh, and nothing is lost."""
    for _ in range(100):
        if scalpctl("health").returncode in {0, 1}:
            break
        time.sleep(0.2)
    os.kill(live.pid, signal.SIGSTOP)
    time.sleep(8)
    os.kill(live.pid, signal.SIGCONT)
    out, err = live.communicate(timeout=60)
    assert live.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["data"]["end"] == "clean"
    assert scalpctl("ledger", "verify").returncode == 0
    assert scalpctl("reconcile").returncode == 0
    assert scalpctl("audit", "--check", "AU-34").returncode == 0  # nothing was decided on what was old


def test_a_heartbeat_says_how_the_process_feels(scalpctl: Run) -> None:
    done = scalpctl("run", "--speed", "20x", "--seed", "7", "--for", "3m", "-q")
    assert done.returncode == 0, done.stderr
    beats = scalpctl("ledger", "query", "SELECT commit_p99_us, rss_bytes, open_files FROM heartbeats", "--json")
    rows = json.loads(beats.stdout)["data"]
    assert rows
    for row in rows:
        assert 0 < int(row["commit_p99_us"]) < 5_000_000
        assert 20_000_000 < int(row["rss_bytes"]) < 1_000_000_000
        assert 5 < int(row["open_files"]) < 500
