"""How the process feels: measured for every heartbeat of a session that runs in real time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from scalpctl.core.instants import NANOS_PER_SECOND
from scalpctl.engine.events import Felt
from scalpctl.engine.runner import Runner
from scalpctl.host.clock import WallClock
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.writer import LedgerWriter
from scalpctl.okx.client import OkxClient

LOOK_EVERY_S = 0.25
PROCESS = Path("/proc/self")


class Feeling:
    """Watches the event loop, and gives what a heartbeat says."""

    def __init__(self, folder: LedgerFolder, writer: LedgerWriter, runner: Runner, client: OkxClient) -> None:
        """Feel for these."""
        self._wal = folder.ledger.with_name(folder.ledger.name + "-wal")
        self._writer, self._runner, self._client = writer, runner, client
        self._wall = WallClock()
        self._lag_ns = 0
        writer.stopwatch = self._wall.monotonic

    async def watch(self) -> None:
        """Measure how much later than asked for the loop wakes up, for ever."""
        while True:
            before = self._wall.monotonic()
            await self._wall.sleep(LOOK_EVERY_S)
            late = self._wall.monotonic() - before - int(LOOK_EVERY_S * NANOS_PER_SECOND)
            self._lag_ns = max(self._lag_ns, late)

    def __call__(self) -> Felt:
        """Give the worst since the last heartbeat, and what is held now."""
        lag_ns, self._lag_ns = self._lag_ns, 0
        return Felt(
            loop_lag_us=lag_ns // 1_000,
            commit_p99_us=_p99(self._writer.take_commit_latencies_ns()) // 1_000,
            wal_bytes=self._wal.stat().st_size if self._wal.exists() else 0,
            rss_bytes=_rss(),
            open_files=_open_files(),
            inbox_length=self._runner.backlog,
            clock_offset_us=self._client.rest.server_clock.skew().behind_us,
            free_bytes=shutil.disk_usage(self._wal.parent).free,
        )


def _p99(latencies_ns: list[int]) -> int:
    ordered = sorted(latencies_ns)
    return ordered[len(ordered) * 99 // 100] if ordered else 0


def _rss() -> int:
    """Give the resident memory; 0 where the system does not say."""
    status = PROCESS / "statm"
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if status.exists() else 0


def _open_files() -> int:
    held = PROCESS / "fd"
    return len(list(held.iterdir())) if held.exists() else 0
