"""What an engine heard, event by event with the instant it heard it: compressed, private, read back without trust.

A tape is a sequence of length-prefixed pickles in one zstd stream. Reading one builds our own value types and
nothing else: any other name in it is refused, so that a tape from somebody else cannot run anything.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

from scalpctl.core.instants import Instant
from scalpctl.errors import ConfigurationError, UsageError

SUFFIX = ".tape.zst"
TAPES_KEPT = 50
FLUSH_BYTES = 1 << 18
EVENT_BYTES_MAX = 64 << 20
_LENGTH = struct.Struct("<I")
_OURS = ("scalpctl.core.", "scalpctl.engine.events", "scalpctl.engine.memory", "scalpctl.ports.feeds")
_OTHERS = {("decimal", "Decimal"), ("msgspec._core", "rebuild"), ("builtins", "dict"), ("builtins", "set")}


class Recorder:
    """Writes one tape."""

    def __init__(self, path: Path) -> None:
        """Begin a tape that only its owner can read."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._out = zstandard.ZstdCompressor(level=3).stream_writer(self._file)
        self._pending = bytearray()

    def heard(self, event: Any, at: Instant) -> None:
        """Keep one event."""
        body = pickle.dumps((at, event), protocol=5)
        self._pending += _LENGTH.pack(len(body)) + body
        if len(self._pending) > FLUSH_BYTES:
            self._write()

    def close(self) -> None:
        """End the tape."""
        self._write()
        self._out.close()  # type: ignore[no-untyped-call] # zstandard leaves it without types
        self._file.close()

    def _write(self) -> None:
        self._out.write(bytes(self._pending))
        self._out.flush(zstandard.FLUSH_BLOCK)
        self._pending.clear()


def begun(folder: Path, session_id: str) -> tuple[Recorder, str]:
    """Begin the tape of a session in a folder, and let go of the oldest ones; gives it and its name."""
    folder.mkdir(mode=0o700, exist_ok=True)
    known = sorted(folder.glob(f"*{SUFFIX}"))
    for old in known[: max(0, len(known) - TAPES_KEPT + 1)]:
        old.unlink()
    name = f"{session_id}{SUFFIX}"
    return Recorder(folder / name), name


def played(path: Path) -> Iterator[tuple[Instant, Any]]:
    """Give the events of a tape in order; one that was cut short ends at the cut."""
    if not path.exists():
        raise UsageError(f"there is no tape at {path}", hint="the newest fifty are kept")
    with path.open("rb") as file:
        stream = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        while True:
            try:
                head = stream.read(_LENGTH.size)
                if len(head) < _LENGTH.size:
                    return
                (length,) = _LENGTH.unpack(head)
                body = stream.read(min(length, EVENT_BYTES_MAX))
            except zstandard.ZstdError:
                return
            if len(body) < length:
                return
            yield _Reader(io.BytesIO(body), path).load()


class _Reader(pickle.Unpickler):
    """Builds our own value types and nothing else."""

    def __init__(self, file: io.BytesIO, path: Path) -> None:
        super().__init__(file)
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        """Give a type that may be on a tape; anything else means that it is not ours."""
        if (module, name) in _OTHERS or module.startswith(_OURS):
            return super().find_class(module, name)
        raise ConfigurationError(f"{self._path} names {module}.{name}: it is no tape of an engine")
