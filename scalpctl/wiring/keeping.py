"""Keeps proven backups while an engine runs: made by a process of its own, so that proving one never slows a tick."""

from __future__ import annotations

import asyncio
import shutil
import sys

from scalpctl.core.records.sessions import ConnectionNoted
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.writer import LedgerWriter
from scalpctl.ports.clock import Clock
from scalpctl.settings.model import LedgerSettings


async def kept_safe(folder: LedgerFolder, settings: LedgerSettings, clock: Clock, writer: LedgerWriter) -> None:
    """Back up again and again; one that fails is noted in the ledger and tried again next time."""
    while True:
        await clock.sleep(settings.backup_every_s)
        trouble = await _backed_up(folder, settings.backups_kept)
        if trouble:
            noted = ConnectionNoted(
                session_id=None, at=clock.now(), connection="ledger", event="backup_failed", detail={"detail": trouble}
            )
            writer.append([noted])


async def _backed_up(folder: LedgerFolder, kept: int) -> str:
    where = ["--root", str(folder.root), "--env", folder.env, "--account", folder.account]
    command = [
        sys.executable,
        "-m",
        "scalpctl",
        "ledger",
        "backup",
        "--keep",
        str(kept),
        "-q",
        "--reason",
        "while running",
    ]
    try:
        process = await asyncio.create_subprocess_exec(
            *_politely(), *command, *where, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
    except OSError as error:  # no more processes, files or memory: whoever trades goes on
        return f"it could not be started: {error.strerror}"
    _, errors = await process.communicate()
    return "" if process.returncode == 0 else errors.decode(errors="replace")[:500]


def _politely() -> list[str]:
    """Give what lets others go first, where this machine has it."""
    nice = shutil.which("nice")
    return [] if nice is None else [nice, "-n", "10"]
