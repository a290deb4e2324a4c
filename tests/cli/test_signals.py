"""Signals that come in the middle of a close: it is carried out, or the position keeps its stop; nothing is lost."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import CLEAN, Run

from scalpctl.errors import LedgerError
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.reading import LedgerReader

QUIET = "strategy: {signals: [impulse]}\nsafety: {appeared_positions: protect}\n"
HELD = '- {at: 3s, do: manual-open, instrument: SOL-USDT, side: buy, contracts: "2"}\n'
CANNOT_BE_CLOSED = HELD + "- {at: 6s, do: refuse, what: order, code: '51022', seconds: '600'}\n"
EXIT_WITHIN_S = 20
Start = Callable[[str, str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path, root: Path) -> Iterator[Start]:
    """Starts an engine beside a schedule, at a speed; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin(schedule: str, speed: str) -> subprocess.Popen[str]:
        (tmp_path / "scalpctl.yaml").write_text(QUIET)
        (tmp_path / "schedule.yaml").write_text(schedule)
        environment = CLEAN | {"HOME": str(tmp_path), "SCALPCTL_ROOT": str(root)}
        command = [
            sys.executable, "-m", "scalpctl", "run", "--speed", speed, "--seed", "7", "-c", "scalpctl.yaml",
            "--schedule", "schedule.yaml",
        ]  # fmt: skip
        started.append(
            subprocess.Popen(
                command,
                cwd=tmp_path,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def asking(tmp_path: Path, root: Path) -> Iterator[Callable[[], None]]:
    """Asks from another terminal for everything to be closed, without waiting for the answer."""
    asked: list[subprocess.Popen[bytes]] = []

    def ask() -> None:
        environment = CLEAN | {"HOME": str(tmp_path), "SCALPCTL_ROOT": str(root)}
        command = [sys.executable, "-m", "scalpctl", "close", "--all", "--yes"]
        asked.append(subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL))

    yield ask
    for process in asked:
        process.wait(timeout=30)


def rows(root: Path, sql: str) -> list[dict[str, Any]]:
    try:
        with LedgerReader(LedgerFolder(root, "sim", "main").ledger) as reader:
            return reader.rows(sql)
    except LedgerError:  # it is only just being made
        return []


def seen(root: Path, sql: str, within_s: float = 20) -> None:
    """Wait until the ledger has what is asked for."""
    until = time.monotonic() + within_s
    while not rows(root, sql):
        assert time.monotonic() < until, sql
        time.sleep(0.02)


PROTECTED = "SELECT 1 FROM protections WHERE state = 'live'"
CLOSING = "SELECT 1 FROM orders WHERE role = 'close'"
REFUSED = "SELECT 1 FROM orders WHERE role = 'close' AND state = 'refused'"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_middle_of_a_close_waits_for_its_end(
    scalpctl: Run, start: Start, asking: Callable[[], None], root: Path, number: signal.Signals
) -> None:
    engine = start(HELD, "2x")
    seen(root, PROTECTED)
    asking()
    seen(root, CLOSING)
    engine.send_signal(number)
    out, err = engine.communicate(timeout=EXIT_WITHIN_S)
    assert engine.returncode == 0, err
    assert f"clean, signal {number.name}" in out
    (closure,) = rows(root, "SELECT cause FROM closures")
    assert closure["cause"] == "operator"
    nothing_is_lost(scalpctl)
    assert json.loads(scalpctl("positions", "--json").stdout)["data"] == []


@pytest.mark.parametrize(("signals", "code"), [(1, 1), (2, 130)])
def test_a_signal_in_the_middle_of_a_close_that_is_refused_leaves_the_stop_and_the_next_start_goes_on(
    scalpctl: Run, start: Start, asking: Callable[[], None], root: Path, signals: int, code: int
) -> None:
    engine = start(CANNOT_BE_CLOSED, "20x")
    seen(root, PROTECTED)
    time.sleep(0.5)  # ten seconds there
    asking()
    seen(root, REFUSED)
    for _ in range(signals):
        engine.send_signal(signal.SIGTERM)
        time.sleep(0.2)
    _, err = engine.communicate(timeout=EXIT_WITHIN_S)
    assert engine.returncode == code, err
    (held,) = json.loads(scalpctl("positions", "--json").stdout)["data"]
    assert (held["instrument"], held["drift"], held["contracts"]) == ("SOL-USDT-SWAP", "none", "2")
    assert held["stop"] is not None
    assert scalpctl("run", "--for", "15m", "--speed", "max", "-c", "scalpctl.yaml").returncode == 0
    nothing_is_lost(scalpctl)
    (closure,) = rows(root, "SELECT cause FROM closures")
    assert closure["cause"] == "operator"


def nothing_is_lost(scalpctl: Run) -> None:
    for words in (("reconcile",), ("ledger", "verify")):
        done = scalpctl(*words)
        assert done.returncode == 0, done.stdout + done.stderr
