"""What a server runs by itself, and what live trading demands before it begins."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import Run

from scalpctl.analysis.service.units import JOBS, Place, command_of, crontab, unit_files
from scalpctl.cli.commands.run import _require_audited
from scalpctl.errors import AccessRefused
from scalpctl.host.clock import WallClock
from scalpctl.ledger.audits import note_audit
from scalpctl.ledger.folder import LedgerFolder
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
    assert r"50\% more" in block
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


@pytest.fixture
def live(root: Path) -> LedgerFolder:
    folder = LedgerFolder(root, "live", "main")
    folder.path.mkdir(parents=True, mode=0o700)
    return folder


def test_live_trading_wants_a_green_audit_of_the_same_code_and_configuration_within_the_hour(
    live: LedgerFolder,
) -> None:
    loaded = load(None, {}, {("env",): "live"})
    _require_audited(loaded, live)  # nothing to audit before the first session
    live.ledger.touch()
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
