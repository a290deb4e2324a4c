"""``scalpctl run`` and its neighbours as their users meet them: real processes, real sockets, a real ledger."""

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


@pytest.fixture
def engine(tmp_path: Path, root: Path) -> Iterator[subprocess.Popen[str]]:
    """An engine that runs in the background, twenty times as fast as life."""
    environment = CLEAN | {"HOME": str(tmp_path), "SCALPCTL_ROOT": str(root)}
    command = [sys.executable, "-m", "scalpctl", "run", "--speed", "20x", "--seed", "7"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)


def answers(scalpctl: Run, *arguments: str, wanted: tuple[int, ...] = (0,), within_s: float = 20) -> str:
    """Ask until a command ends as wanted; gives what it printed."""
    until = time.monotonic() + within_s
    while True:
        done = scalpctl(*arguments)
        if done.returncode in wanted or time.monotonic() > until:
            assert done.returncode in wanted, done.stdout + done.stderr
            return done.stdout
        time.sleep(0.2)


def test_a_newcomer_types_one_command_and_sees_what_an_engine_did(scalpctl: Run) -> None:
    done = scalpctl("run", "--for", "40m", "--speed", "max", "--seed", "7")
    assert done.returncode == 0, done.stderr
    assert "session" in done.stdout
    assert "net" in done.stdout
    assert "entry" in done.stderr
    assert "stop" in done.stderr
    assert len(done.stderr.splitlines()) <= 80
    assert scalpctl("ledger", "verify").returncode == 0
    assert scalpctl("positions").returncode == 0


def test_a_program_reads_every_record_as_a_line_of_json(scalpctl: Run) -> None:
    done = scalpctl("run", "--for", "15m", "--speed", "max", "--seed", "7", "--json")
    assert done.returncode == 0, done.stderr
    decoder = json.JSONDecoder()
    first, _ = decoder.raw_decode(done.stdout)
    assert first["kind"] == "session_started"
    whole = done.stdout[done.stdout.index('{"schema"') if '{"schema"' in done.stdout else done.stdout.rindex("\n{") :]
    assert json.loads(whole)["data"]["end"] == "clean"


def test_an_engine_is_asked_ordered_about_and_stopped_from_other_terminals(
    scalpctl: Run, engine: subprocess.Popen[str]
) -> None:  # fmt: skip
    answers(scalpctl, "health", wanted=(0, 1))
    assert json.loads(answers(scalpctl, "positions", "--json", wanted=(0, 1)))["schema"] == "scalpctl.positions/1"
    assert "paused" in answers(scalpctl, "pause", "--reason", "looking")
    assert "operator_pause" in answers(scalpctl, "health", wanted=(1,))
    assert scalpctl("resume", "--reason", "looked").returncode == 0
    answers(scalpctl, "close", "--all", "--yes")
    assert json.loads(answers(scalpctl, "positions", "--json"))["data"] == []
    answers(scalpctl, "reconcile")
    second = scalpctl("run", "--for", "1m")
    assert second.returncode == 75
    assert str(engine.pid) in second.stderr
    engine.send_signal(signal.SIGTERM)
    out, err = engine.communicate(timeout=30)
    assert engine.returncode == 0, err
    assert "clean, signal SIGTERM" in out
    assert "ending in order" in err
    commands = scalpctl("ledger", "query", "SELECT command FROM operator_commands ORDER BY seq", "-o", "tsv").stdout
    assert commands.split()[1:] == ["pause", "resume", "close"]


def test_the_second_signal_ends_at_once_and_the_next_start_continues(
    scalpctl: Run, engine: subprocess.Popen[str]
) -> None:  # fmt: skip
    answers(scalpctl, "health", wanted=(0, 1))
    engine.send_signal(signal.SIGINT)
    os.kill(engine.pid, signal.SIGINT)
    engine.wait(timeout=30)
    assert engine.returncode in {0, 130}
    assert scalpctl("run", "--for", "2m", "--speed", "max").returncode == 0
    assert scalpctl("reconcile").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--for", "soon"), "not a span of time"),
        (("--world", "mars"), "not a world"),
        (("--faults", "hail"), "kind of weather"),
        (("--speed", "fast"), "not a speed"),
        (("--on-exit", "panic"), "keep or flatten"),
        (("--env", "live"), "--live"),
        (("--instruments", "bitcoin"), "bitcoin"),
    ],
)
def test_what_cannot_be_run_is_said_with_what_can(scalpctl: Run, arguments: tuple[str, ...], said: str) -> None:
    done = scalpctl("run", *arguments)
    assert done.returncode == 64, done.stderr
    assert said in done.stderr


def test_a_fresh_account_leaves_the_old_one_aside(scalpctl: Run, root: Path) -> None:
    assert scalpctl("run", "--for", "1m", "--speed", "max", "--seed", "7").returncode == 0
    assert scalpctl("run", "--for", "1m", "--speed", "max", "--seed", "8", "--fresh").returncode == 0
    assert any(path.name.startswith("old-") for path in root.iterdir())
    shown = scalpctl("sessions", "--json").stdout
    assert len(json.loads(shown)["data"]) == 1
