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
from scalpctl.host.line_files import add_line, open_lines, whole_lines
from scalpctl.host.private_files import made_whole, make_private_folder
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
            raise _damaged(self._snapshot)
        state = msgspec.msgpack.decode(body, type=State)
        self.number = state.log_sequence
        entries = [entry for entry in self._entries() if entry.number > state.log_sequence]
        if entries:
            self.number = entries[-1].number
        return state, entries

    def _entries(self) -> list[Entry]:
        lines = whole_lines(self._log_path)
        if lines and _entry(lines[-1]) is None:
            lines.pop()
            os.truncate(self._log_path, sum(len(line) + 1 for line in lines))
        found = [entry for entry in map(_entry, lines) if entry is not None]
        if len(found) < len(lines):
            raise _damaged(self._log_path)
        return found

    def append(self, at: int, uid: str, kind: str, ask: Any = None) -> None:
        """Write one entry, on disk when this returns."""
        if self._log is None:
            self._log = open_lines(self._log_path)
        self.number += 1
        body = msgspec.json.encode(Entry(self.number, at, uid, kind, ask))
        add_line(self._log, sha256(body).hexdigest()[:16].encode() + b" " + body)
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
        with made_whole(self._snapshot) as fresh:
            fresh.write_bytes(sha256(body).digest() + body)
        self.close()
        self._log_path.unlink(missing_ok=True)
        self._since = 0

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            os.close(self._log)
            self._log = None


def _entry(line: bytes) -> Entry | None:
    """Read a line back; none where it is not the one that was written."""
    digest, _, body = line.partition(b" ")
    if not body or sha256(body).hexdigest()[:16].encode() != digest:
        return None
    return msgspec.json.decode(body, type=Entry)


def _damaged(path: Path) -> LedgerCorrupt:
    hint = "`scalpctl run --fresh` opens a new account; the ledger keeps what it has"
    return LedgerCorrupt(f"{path} is damaged", hint=hint)
