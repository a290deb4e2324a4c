from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import T0, one_of_each
from host.conftest import manager

from scalpctl.host.hand_clock import HandClock
from scalpctl.host.ids import CountedIds
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import open_ledger

Run = Callable[..., "subprocess.CompletedProcess[str]"]
CLEAN = {
    "PATH": os.environ["PATH"],
    "LANG": "C.UTF-8",
    **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_PROCESS")},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def filled(root: Path) -> LedgerFolder:
    folder = LedgerFolder(root, "sim", "main")
    writer = open_ledger(folder, HandClock(T0), CountedIds(), purpose="test")
    writer.write(*one_of_each())
    writer.close()
    return folder


@pytest.fixture
def scalpctl(tmp_path: Path, root: Path) -> Run:
    """Runs the real program in a process of its own, as cron would: no terminal, almost no environment."""

    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        environment = CLEAN | {"HOME": str(tmp_path), "SCALPCTL_ROOT": str(root)} | environ
        return subprocess.run(
            [sys.executable, "-m", "scalpctl", *arguments], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=50, check=False,
        )  # fmt: skip

    return run


__all__ = ["manager"]
