"""Keeps a ledger that is about to be replaced: whole, under another name, and in its place until the last moment."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from scalpctl.core.instants import Instant, to_datetime
from scalpctl.errors import LedgerError
from scalpctl.host.private_files import sync_folder
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.sqlite import open_writer


def set_aside(folder: LedgerFolder, at: Instant, *companions: Path) -> Path | None:
    """Give where the ledger's file lies as well from now on, so that another may take its place in one step.

    Its companions, where named, lie only there: they are made again.
    """
    if not any(path.exists() for path in (folder.ledger, *companions)):
        return None
    aside = folder.path / f"replaced-{stamp(at)}"
    aside.mkdir(mode=0o700)
    if folder.ledger.exists():
        _merge(folder.ledger)
        os.link(folder.ledger, aside / folder.ledger.name)
    logs = (folder.ledger.with_name(folder.ledger.name + suffix) for suffix in ("-wal", "-shm"))
    for path in (*logs, *companions):  # a log is left only where it could not be merged; it must not meet the new file
        if path.exists():
            path.rename(aside / path.name)
    sync_folder(aside)
    sync_folder(folder.path)
    return aside


def stamp(at: Instant) -> str:
    """Spell an instant so that file names sort by it."""
    return to_datetime(at).strftime("%Y%m%dT%H%M%S%fZ")


def _merge(ledger: Path) -> None:
    """Bring what a killed writer left in the write-ahead log into the file itself."""
    with suppress(sqlite3.Error, LedgerError), closing(open_writer(ledger)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
