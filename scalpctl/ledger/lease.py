"""The lease: a lock that dies with its process, and a fence that shows in the ledger itself."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import msgspec

from scalpctl.errors import LeaseHeld
from scalpctl.host.private_files import open_private_append
from scalpctl.ledger.canonical_json import UNREADABLE, encode

LOOKERS_MAX = 10_000
"""So often others may be found looking before the lock is called held."""


class Lease:
    """The exclusive right to write one ledger, for as long as this process lives."""

    def __init__(self, path: Path, purpose: str) -> None:
        """Take the lock, or say who holds it."""
        self._descriptor = open_private_append(path)
        if not _take(self._descriptor):
            os.close(self._descriptor)
            raise LeaseHeld(
                f"{path.parent.name}: {_holder(path)} holds the ledger",
                hint="stop that process, or send it the command: it answers on its control socket",
            )
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, encode({"pid": os.getpid(), "purpose": purpose}))

    def release(self) -> None:
        """Let go; closing the descriptor ends the lock."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def holder_of(path: Path) -> dict[str, object] | None:
    """Say who holds the lease, without taking it; None when nobody does."""
    if not path.exists():
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return None if _locked(descriptor, fcntl.LOCK_SH) else _read(path)
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    """Take the lock; whoever only looks shares it for an instant, and is waited for."""
    for _ in range(LOOKERS_MAX):
        if _locked(descriptor, fcntl.LOCK_EX):
            return True
        if not _locked(descriptor, fcntl.LOCK_SH):  # it is held, not looked at
            return False
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.sched_yield()
    return False


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> str:
    fields = _read(path)
    return f"process {fields.get('pid', '?')} ({fields.get('purpose', 'unknown')})"


def _read(path: Path) -> dict[str, object]:
    try:
        fields = msgspec.json.decode(path.read_bytes())
    except (OSError, *UNREADABLE):
        return {}
    return fields if isinstance(fields, dict) else {}
