"""What a server runs by itself, and what live trading demands before it begins."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import CLEAN, Run

from scalpctl.analysis.service.units import JOBS, Place, command_of, crontab, unit_files
from scalpctl.cli.outside_gates import _require_audited
from scalpctl.errors import AccessRefused
from scalpctl.host.clock import WallClock
from scalpctl.host.ids import CountedIds
from scalpctl.ledger.audits import note_audit
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import open_ledger
from scalpctl.settings.loading import load
from scalpctl.wiring.code import code_digest


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd judges its own units")
@pytest.mark.parametrize("name", sorted(JOBS))
def test_systemd_accepts_the_rendered_units(name: str, tmp_path: Path) -> None:
    place = Place((shutil.which("true") or "/bin/true",), tmp_path, "demo", "main", tmp_path / "my config.yaml")
    paths = []
    for file, text in unit_files(JOBS[name], place).items():
        (tmp_path / file).write_text(text)
        paths.append(str(tmp_path / file))
    done = subprocess.run(["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_crontab_block_locks_itself_speaks_utc_and_escapes_percent() -> None:
    place = Place(("/usr/bin/scalpctl",), Path("/srv/50% more"), "live", "main", None)
    block = crontab(JOBS["audit"], place)
    assert "CRON_TZ=UTC" in block
    assert "flock -n" in block
    assert block.count("%") == block.count(r"50\% more") == 3
    assert r"mkdir -pm 700 '/srv/50\% more' && flock" in block
    assert "-q" in block
    assert "--live" in command_of(JOBS["run"], place)


def test_installing_writes_what_printing_shows(scalpctl: Run, tmp_path: Path) -> None:
    shown = scalpctl("service", "print", "audit").stdout
    done = scalpctl("service", "install", "audit", "--to", str(tmp_path / "units"), "--yes")
    assert done.returncode == 0, done
    for line in done.stdout.split():
        assert Path(line).read_text().strip() in shown
    assert scalpctl("service", "print", "adit").returncode == 64
    assert "flock" in scalpctl("service", "print", "reconcile", "--cron").stdout


def test_the_unit_of_a_real_account_names_what_only_its_owner_can_fill_in() -> None:
    place = Place(("/usr/bin/scalpctl",), Path("/srv"), "live", "alpha", None)
    (unit,) = unit_files(JOBS["run"], place).values()
    assert "#Environment=SCALPCTL_LIVE_ACK=alpha" in unit
    assert "#LoadCredential=scalpctl:" in unit
    assert "SCALPCTL_LIVE_ACK" not in "".join(unit_files(JOBS["audit"], place).values())


def test_a_system_unit_runs_as_whoever_owns_the_ledgers_and_nobody_elses_does() -> None:
    for user_level in (True, False):
        place = Place(("/usr/bin/scalpctl",), Path("/srv/ledgers"), "demo", "main", None, user_level, "alice")
        for unit in (unit_files(JOBS["run"], place), unit_files(JOBS["audit"], place)):
            (service,) = (text for name, text in unit.items() if name.endswith(".service"))
            assert ("User=alice" in service) is not user_level


def test_installing_makes_the_folder_the_unit_may_write_in_and_says_that_it_must_linger(
    scalpctl: Run, tmp_path: Path
) -> None:
    root = tmp_path / "not" / "yet"
    done = scalpctl("service", "install", "run", "--to", str(tmp_path / "units"), "--yes", "--root", str(root))
    assert done.returncode == 0, done
    assert root.stat().st_mode & 0o777 == 0o700
    assert "enable-linger" in done.stderr
    system = scalpctl("service", "install", "run", "--system", "--to", str(tmp_path / "units"), "--yes")
    assert "enable-linger" not in system.stderr
    assert "User=" in next((tmp_path / "units").glob("*.service")).read_text()


def heard_nothing(manager: socket.socket) -> None:
    """Hear out what was said before, then nothing for a second and a half: it is said ten times a second otherwise."""
    manager.settimeout(1.5)
    with pytest.raises(TimeoutError):
        for _ in range(100):
            manager.recv(99)


def test_a_service_manager_hears_that_the_engine_lives_and_nothing_while_it_is_stuck(
    manager: socket.socket, root: Path, tmp_path: Path
) -> None:  # fmt: skip
    environment = CLEAN | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000", "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "scalpctl", "run", "--speed", "20x", "--seed", "7", "-q", "--root", str(root)]
    engine = subprocess.Popen(command, env=environment, stdin=-3, stdout=-3, stderr=-3)
    try:
        assert [manager.recv(99) for _ in range(4)] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"WATCHDOG=1"]
        engine.send_signal(signal.SIGSTOP)  # a loop that does not turn any more
        heard_nothing(manager)
        engine.send_signal(signal.SIGCONT)
        manager.settimeout(20)
        assert manager.recv(99) == b"WATCHDOG=1"
        with closing(sqlite3.connect(LedgerFolder(root, "sim", "main").ledger, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            heard_nothing(manager)
            other.execute("ROLLBACK")
        manager.settimeout(20)
        assert manager.recv(99) == b"WATCHDOG=1"
    finally:
        engine.terminate()
        assert engine.wait(timeout=30) == 0


@pytest.fixture
def live(root: Path) -> LedgerFolder:
    folder = LedgerFolder(root, "live", "main")
    root.mkdir(mode=0o700)
    folder.path.mkdir(mode=0o700)
    return folder


def test_live_trading_wants_a_green_audit_of_the_same_code_and_configuration_within_the_hour(
    live: LedgerFolder,
) -> None:
    loaded = load(None, {}, {("env",): "live"})
    _require_audited(loaded, live)  # nothing to audit before the first session
    open_ledger(live, WallClock(), CountedIds(), purpose="test").close()
    good: dict[str, Any] = {
        "at": WallClock().now(), "verdict": "green", "go_live": True, "code_digest": code_digest(),
        "config_digest": loaded.digest(),
    }  # fmt: skip
    wrong: list[dict[str, Any]] = [
        {"at": good["at"] - 3_700_000_000}, {"verdict": "red"}, {"go_live": False}, {"code_digest": "x"},
        {"config_digest": "x"},
    ]  # fmt: skip
    for change in wrong:
        note_audit(live, good | change)
        with pytest.raises(AccessRefused):
            _require_audited(loaded, live)
    note_audit(live, good)
    _require_audited(loaded, live)


def test_health_and_audit_agree_that_a_missing_engine_is_unknown(scalpctl: Run) -> None:
    assert scalpctl("health").returncode == 3
    assert json.loads(scalpctl("audit", "--json").stderr)["error"]["code"] == 74
