"""``scalpctl run`` and its neighbours as their users meet them: real processes, real sockets, a real ledger."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builders import T0, a_session
from cli.conftest import CLEAN, Run

from scalpctl.cli.app import run as run_here
from scalpctl.cli.outside_gates import _require_audited
from scalpctl.core.records.sessions import SessionEnded
from scalpctl.errors import AccessRefused
from scalpctl.host.hand_clock import HandClock
from scalpctl.host.ids import CountedIds
from scalpctl.ledger.audits import past_audits
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import open_ledger
from scalpctl.settings.loading import load
from scalpctl.wiring.code import code_digest

Here = Callable[..., tuple[int, str, str]]


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


@pytest.fixture
def here(root: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line in this process; simulated time needs no patience."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run_here(["--root", str(root), *arguments])
        done = capsys.readouterr()
        return code, done.out, done.err

    return run


def answers(scalpctl: Run, *arguments: str, wanted: tuple[int, ...] = (0,), within_s: float = 20) -> str:
    """Ask until a command ends as wanted; gives what it printed."""
    until = time.monotonic() + within_s
    while True:
        done = scalpctl(*arguments)
        if done.returncode in wanted or time.monotonic() > until:
            assert done.returncode in wanted, done.stdout + done.stderr
            return done.stdout
        time.sleep(0.2)


def test_a_newcomer_types_one_command_and_sees_what_an_engine_did(here: Here) -> None:
    code, out, err = here("run", "--for", "40m", "--speed", "max", "--seed", "7")
    assert code == 0, err
    assert "session" in out
    assert "net" in out
    assert "entry" in err
    assert "stop" in err
    assert len(err.splitlines()) <= 60
    assert here("ledger", "verify")[0] == 0
    assert here("positions")[0] == 0


def test_a_program_reads_every_record_as_a_line_of_json(here: Here) -> None:
    code, out, err = here("run", "--for", "15m", "--speed", "max", "--seed", "7", "--json")
    assert code == 0, err
    *records, last = [json.loads(line) for line in out.splitlines() if line.startswith('{"')]
    assert records[0]["kind"] == "session_started"
    assert last["data"]["end"] == "clean"


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
def test_what_cannot_be_run_is_said_with_what_can(here: Here, arguments: tuple[str, ...], said: str) -> None:
    code, _, err = here("run", *arguments)
    assert code == 64, err
    assert said in err


def test_a_fresh_account_leaves_the_old_one_aside(here: Here, root: Path) -> None:
    assert here("run", "--for", "1m", "--speed", "max", "--seed", "7")[0] == 0
    assert here("run", "--for", "1m", "--speed", "max", "--seed", "8", "--fresh")[0] == 0
    assert any(path.name.startswith("old-") for path in root.iterdir())
    _, shown, _ = here("sessions", "--json")
    assert len(json.loads(shown)["data"]) == 1


def test_live_wants_its_three_signs(here: Here) -> None:
    code, _, err = here("run", "--env", "live", "--live")
    assert code == 77, err
    assert "SCALPCTL_LIVE_ACK" in err


@pytest.mark.parametrize(
    ("ended", "changed", "said"),
    [
        (None, {}, "there is no API key"),
        ("crashed", {}, "there is no API key"),
        ("clean", {}, "live trading needs a green go-live audit"),
        (None, {"code_digest": "another"}, "live trading needs a green go-live audit"),
        (None, {"config_digest": "another"}, "live trading needs a green go-live audit"),
    ],
)
def test_an_engine_that_died_comes_back_as_it_was_and_any_other_start_needs_an_audit(
    here: Here, root: Path, monkeypatch: pytest.MonkeyPatch, ended: str | None, changed: dict[str, str], said: str
) -> None:  # fmt: skip
    monkeypatch.setenv("SCALPCTL_LIVE_ACK", "main")
    as_now = {"code_digest": code_digest(), "config_digest": load(None, {}, {("env",): "live"}).digest()}
    writer = open_ledger(LedgerFolder(root, "live", "main"), HandClock(T0), CountedIds(), purpose="run")
    writer.write(a_session(env="live", **(as_now | changed)))
    if ended is not None:
        writer.write(SessionEnded(session_id="S1", ended_at=T0, end_kind=ended, end_reason="a test"))
    writer.close()
    code, _, err = here("run", "--env", "live", "--live")
    assert code == 77
    assert said in err


@pytest.mark.parametrize(
    ("engine_ended", "said"), [(None, "there is no API key"), ("clean", "live trading needs a green go-live audit")]
)
def test_a_command_that_was_killed_neither_lets_an_engine_in_nor_keeps_it_out(
    here: Here, root: Path, monkeypatch: pytest.MonkeyPatch, engine_ended: str | None, said: str
) -> None:
    monkeypatch.setenv("SCALPCTL_LIVE_ACK", "main")
    as_now = {"code_digest": code_digest(), "config_digest": load(None, {}, {("env",): "live"}).digest()}
    folder, ids = LedgerFolder(root, "live", "main"), CountedIds()
    writer = open_ledger(folder, HandClock(T0), ids, purpose="run")
    writer.write(a_session(env="live", **as_now))
    if engine_ended is not None:
        writer.write(SessionEnded(session_id="S1", ended_at=T0, end_kind=engine_ended, end_reason="a test"))
    writer.close()
    writer = open_ledger(folder, HandClock(T0), ids, purpose="close")
    writer.write(a_session("S2", env="live", **as_now))
    writer.close()
    code, _, err = here("run", "--env", "live", "--live")
    assert code == 77
    assert said in err


def test_a_replay_proves_that_nothing_differs(here: Here) -> None:
    assert here("run", "--for", "15m", "--speed", "max", "--seed", "7")[0] == 0
    code, out, err = here("replay", "last", "--verify", "--json")
    assert code == 0, err
    assert json.loads(out)["data"]["same"] is True


def test_whatever_a_command_prints_ends_with_a_line_end(here: Here) -> None:
    printed = [here("run", "--for", "3m", "--speed", "max", "--seed", "7", "-q")[1]]
    asked = ("positions", "trades", "sessions", "decisions", "drifts", "health", "audit", "analyze-session", "doctor")
    printed += [here(*words.split())[1] for words in (*asked, "ledger verify", "ledger path", "config show")]
    printed += [here("--json", words)[1] for words in ("sessions", "audit", "analyze-session")]
    assert [text[-60:] for text in printed if text and not text.endswith("\n")] == []
    assert sum(bool(text) for text in printed) >= 12


def test_a_running_engine_leaves_no_core_dump_and_makes_private_files(
    engine: subprocess.Popen[str], root: Path
) -> None:  # fmt: skip
    folder = LedgerFolder(root, "sim", "main")
    for _ in range(200):
        if folder.ledger.exists():
            break
        time.sleep(0.05)
    process = Path(f"/proc/{engine.pid}")
    limits, status = (process / "limits").read_text(), (process / "status").read_text()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
    assert re.search(r"^Umask:\s+0077$", status, re.MULTILINE)


def test_a_warning_in_an_audit_is_as_good_as_an_alarm_to_whoever_wants_to_trade_real_money(
    here: Here, root: Path, engine: subprocess.Popen[str]
) -> None:
    folder = LedgerFolder(root, "sim", "main")
    until = time.monotonic() + 20
    while not folder.socket.exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(1.5)  # half a minute there
    engine.kill()  # what a session that crashed leaves is a warning
    engine.wait()
    assert here("run", "--for", "15m", "--speed", "max", "-q")[0] == 0
    codes = [here("audit", *how)[0] for how in ((), ("--go-live",))]
    assert codes == [1, 2]
    loaded = load(None, {})
    assert [(line["verdict"], line["go_live"]) for line in past_audits(folder)] == [("yellow", False), ("red", True)]
    assert {line["config_digest"] for line in past_audits(folder)} == {loaded.digest()}
    with pytest.raises(AccessRefused, match="needs a green go-live audit"):
        _require_audited(loaded, folder)
