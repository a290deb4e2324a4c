"""The exchange's books on disk: a snapshot, and a log of everything acknowledged since; a killed host loses nothing.

The exchange is a referee. What it has told a player is on disk before it is told, so both may die at any instant.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from scalpctl.errors import LedgerCorrupt
from scalpctl.host.private_files import make_private_folder, sync_folder
from scalpctl.simulator.state import State

COMMANDS_BETWEEN_SNAPSHOTS = 4_000


class Entry(msgspec.Struct, array_like=True):
    """One thing the exchange was asked, or told somebody: number, instant, account, what, with what."""

    number: int
    at: int
    uid: str
    kind: str
    ask: Any = None


class Store:
    """One exchange's files in one folder."""

    def __init__(self, folder: Path) -> None:
        """Use a folder, made private on first use."""
        make_private_folder(folder)
        self._folder = folder
        self._snapshot = folder / "exchange.snapshot"
        self._log_path = folder / "exchange.log"
        self._log: int | None = None
        self._since = 0
        self.number = 0

    @property
    def exists(self) -> bool:
        """Tell whether an exchange has been kept here."""
        return self._snapshot.exists()

    def load(self) -> tuple[State, list[Entry]]:
        """Give the snapshot and what was logged after it; a last line cut short was never acknowledged."""
        data = self._snapshot.read_bytes()
        digest, body = data[:32], data[32:]
        if sha256(body).digest() != digest:
            raise LedgerCorrupt(
                f"{self._snapshot} is damaged",
                hint="`scalpctl run --fresh` opens a new account; the ledger keeps what it has",
            )
        state = msgspec.msgpack.decode(body, type=State)
        self.number = state.log_sequence
        entries = [entry for entry in self._entries() if entry.number > state.log_sequence]
        if entries:
            self.number = entries[-1].number
        return state, entries

    def _entries(self) -> list[Entry]:
        if not self._log_path.exists():
            return []
        found: list[Entry] = []
        for line in self._log_path.read_bytes().split(b"\n"):
            digest, _, body = line.partition(b" ")
            if not body or sha256(body).hexdigest()[:16].encode() != digest:
                break
            found.append(msgspec.json.decode(body, type=Entry))
        return found

    def append(self, at: int, uid: str, kind: str, ask: Any = None) -> None:
        """Write one entry, on disk when this returns."""
        if self._log is None:
            self._log = os.open(self._log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.number += 1
        body = msgspec.json.encode(Entry(self.number, at, uid, kind, ask))
        os.write(self._log, sha256(body).hexdigest()[:16].encode() + b" " + body + b"\n")
        os.fdatasync(self._log)
        self._since += 1

    @property
    def wants_snapshot(self) -> bool:
        """Tell whether the log has grown long."""
        return self._since >= COMMANDS_BETWEEN_SNAPSHOTS

    def save(self, state: State) -> None:
        """Write a snapshot in one step; the log begins anew."""
        state.log_sequence = self.number
        body = msgspec.msgpack.encode(state)
        fresh = self._folder / "exchange.snapshot.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, sha256(body).digest() + body)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.rename(self._snapshot)
        sync_folder(self._folder)
        self.close()
        self._log_path.unlink(missing_ok=True)
        self._since = 0

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            os.close(self._log)
            self._log = None
