"""The lease: a lock that dies with its process, and a fence that shows in the ledger itself."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import msgspec

from scalpctl.errors import LeaseHeld
from scalpctl.host.private_files import open_private_append
from scalpctl.ledger.canonical_json import UNREADABLE, encode


class Lease:
    """The exclusive right to write one ledger, for as long as this process lives."""

    def __init__(self, path: Path, purpose: str) -> None:
        """Take the lock, or say who holds it."""
        self._descriptor = open_private_append(path)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise LeaseHeld(
                f"{path.parent.name}: {_holder(path)} holds the ledger",
                hint="stop that process, or send it the command: it answers on its control socket",
            ) from None
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
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(path)
    finally:
        os.close(descriptor)
    return None


def _holder(path: Path) -> str:
    fields = _read(path)
    return f"process {fields.get('pid', '?')} ({fields.get('purpose', 'unknown')})"


def _read(path: Path) -> dict[str, object]:
    try:
        fields = msgspec.json.decode(path.read_bytes())
    except (OSError, *UNREADABLE):
        return {}
    return fields if isinstance(fields, dict) else {}
