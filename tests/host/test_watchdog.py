"""Who watches over the process hears of it, and cannot hold it up."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from scalpctl.host.watchdog import Watchdog


@pytest.mark.timeout(10)
def test_a_service_manager_that_does_not_read_holds_nothing_up(manager: socket.socket) -> None:
    watchdog = Watchdog({"NOTIFY_SOCKET": manager.getsockname()})
    told = [watchdog.tell("WATCHDOG=1") for _ in range(2_000)]  # more than any kernel keeps by default
    assert told[0]
    assert not told[-1]
    assert manager.recv(99) == b"WATCHDOG=1"
    assert watchdog.tell("WATCHDOG=1")


def test_one_that_does_not_listen_is_none(tmp_path: Path) -> None:
    assert Watchdog({}).tell("READY=1")
    assert Watchdog({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).tell("READY=1")
