"""Who watches over the process hears of it, and cannot hold it up."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from scalpctl.host.watchdog import Watchdog


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.settimeout(5)
        yield line


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
