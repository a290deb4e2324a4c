"""What an engine heard, event by event with the instant it heard it: compressed, private, read back without trust.

A tape is a sequence of length-prefixed pickles in one zstd stream, and a long one goes on in further parts. Reading one
builds our own value types and nothing else: any other name in it is refused, so that a tape from somebody else cannot
run anything. All tapes of an account together stay below a size; the oldest parts go first.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
from collections.abc import Iterator
from enum import EnumType
from pathlib import Path
from typing import Any

import zstandard

from scalpctl.core.instants import Instant
from scalpctl.errors import ConfigurationError, UsageError

SUFFIX = ".tape.zst"
TAPES_KEPT = 50
FLUSH_BYTES = 1 << 18
PART_BYTES = 32 << 20
KEPT_BYTES = 1 << 30
EVENT_BYTES_MAX = 64 << 20
_LENGTH = struct.Struct("<I")
_OURS = ("scalpctl.core.", "scalpctl.engine.events", "scalpctl.engine.memory", "scalpctl.ports.feeds")
_OTHERS = {("decimal", "Decimal"), ("msgspec._core", "rebuild"), ("builtins", "dict"), ("builtins", "set")}


class Recorder:
    """Writes one tape, part after part."""

    def __init__(
        self, folder: Path, session_id: str, *, part_bytes: int = PART_BYTES, kept_bytes: int = KEPT_BYTES
    ) -> None:
        """Begin a tape that only its owner can read."""
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder, self._session_id = folder, session_id
        self._part_bytes, self._kept_bytes = part_bytes, kept_bytes
        self._part = 0
        self._pending = bytearray()
        self._next_part()

    @property
    def name(self) -> str:
        """Give the name of the tape: that of its first part."""
        return f"{self._session_id}{SUFFIX}"

    def heard(self, event: Any, at: Instant) -> None:
        """Keep one event."""
        body = pickle.dumps((at, event), protocol=5)
        self._pending += _LENGTH.pack(len(body)) + body
        if len(self._pending) > min(FLUSH_BYTES, self._part_bytes):
            self._write()
            if self._file.tell() >= self._part_bytes:
                self._end_part()
                self._next_part()

    def close(self) -> None:
        """End the tape."""
        self._write()
        self._end_part()

    def _next_part(self) -> None:
        self._part += 1
        _make_room(self._folder, self._kept_bytes - self._part_bytes)
        name = self.name if self._part == 1 else f"{self._session_id}.{self._part:05d}{SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._folder / name, flags, 0o600), "wb")
        self._out = zstandard.ZstdCompressor(level=3).stream_writer(self._file, closefd=False)

    def _end_part(self) -> None:
        self._out.close()  # type: ignore[no-untyped-call] # zstandard leaves it without types
        self._file.close()

    def _write(self) -> None:
        self._out.write(bytes(self._pending))
        self._out.flush(zstandard.FLUSH_BLOCK)
        self._pending.clear()


def _make_room(folder: Path, bytes_max: int) -> None:
    """Let go of the oldest parts, so that few enough sessions are left, and few enough bytes."""
    known = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    sessions = list(dict.fromkeys(path.name.split(".")[0] for path in known))
    too_many = set(sessions[: max(0, len(sessions) - TAPES_KEPT + 1)])
    held = sum(path.stat().st_size for path in known)
    for path in known:
        if held > bytes_max or path.name.split(".")[0] in too_many:
            held -= path.stat().st_size
            path.unlink()


def parts(folder: Path, name: str) -> list[Path]:
    """Give what is left of a tape, in order."""
    further = sorted(folder.glob(f"{name.removesuffix(SUFFIX)}.[0-9]*{SUFFIX}"))
    return [path for path in (folder / name, *further) if path.exists()]


def played_whole(folder: Path, name: str) -> Iterator[tuple[Instant, Any]]:
    """Give the events of a tape from its beginning."""
    if not (folder / name).exists():
        raise UsageError(
            f"the beginning of the tape {name} is gone or never was",
            hint=f"the newest {TAPES_KEPT} sessions are kept, and the newest ledger.tapes_mb_max megabytes of them",
        )
    for part in parts(folder, name):
        yield from played(part)


def played(path: Path) -> Iterator[tuple[Instant, Any]]:
    """Give the events of one part in order; one that was cut short ends at the cut."""
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
        if (module, name) == ("builtins", "getattr"):
            return self._member
        raise ConfigurationError(f"{self._path} names {module}.{name}: it is no tape of an engine")

    def _member(self, kind: Any, name: str) -> Any:
        """Give a member of an enumeration, as Python before 3.11.4 spells it; nothing else is looked up."""
        if not isinstance(kind, EnumType) or name not in kind.__members__:
            raise ConfigurationError(f"{self._path} looks up {name!r} in {kind!r}: it is no tape of an engine")
        return kind[name]
