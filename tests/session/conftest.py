from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from audit.conftest import SCHEDULE
from audit.forging import Row, journal_of
from cli.conftest import CLEAN
from engine.conftest import Play


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Two sessions: positions are carried from one into the other, and others trade on the account."""
    play = Play(tmp_path_factory.mktemp("analysed"), seed=3)
    play.session(2.2, schedule=SCHEDULE)
    play.session(0.6)
    return play


@pytest.fixture(scope="session")
def journal(played: Play) -> list[Row]:
    return journal_of(played.folder.ledger)


Run = Callable[..., Any]


@pytest.fixture
def scalpctl(played: Play, tmp_path: Path) -> Run:
    import subprocess
    import sys

    def called(*arguments: str, **environ: str) -> Any:
        environment = CLEAN | {"HOME": str(tmp_path), "SCALPCTL_ROOT": str(played.root)} | environ
        return subprocess.run(
            [sys.executable, "-m", "scalpctl", "analyze-session", *arguments], cwd=tmp_path, env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=50, check=False,
        )  # fmt: skip

    return called


@pytest.fixture
def report(scalpctl: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(scalpctl("--json").stdout)["data"]
    return found
