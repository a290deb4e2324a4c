"""Anchors: heads of the journal noted outside the file; a shortened or replaced ledger cannot pass for whole."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from scalpctl.core.instants import Instant
from scalpctl.host.line_files import add_line, open_lines, whole_lines
from scalpctl.host.private_files import make_private_folder, write_private
from scalpctl.ledger.canonical_json import UNREADABLE, encode
from scalpctl.ledger.chain import Head

SYNC_EVERY = 256
COMPACT_ABOVE_BYTES = 1_000_000


class Anchor(NamedTuple):
    """One noted head; ``restored`` marks that an operator put an older ledger back on purpose."""

    seq: int
    hash: str
    at: int
    restored: bool


class AnchorLog:
    """Appends heads; written after the commit, so it is never ahead of the disk."""

    def __init__(self, path: Path) -> None:
        """Open (or make) the log; a long one is thinned first."""
        make_private_folder(path.parent)
        if path.exists() and path.stat().st_size > COMPACT_ABOVE_BYTES:
            _compact(path)
        self._descriptor = open_lines(path)
        self._synced = 0

    def note(self, head: Head, at: Instant, *, restored: bool = False) -> None:
        """Note a head; every 256 rows the note itself is made durable."""
        line = {"seq": head.seq, "hash": head.hash, "at": at} | ({"restored": True} if restored else {})
        add_line(self._descriptor, encode(line))
        if restored or head.seq - self._synced >= SYNC_EVERY:
            self.sync()
            self._synced = head.seq

    def sync(self) -> None:
        """Make everything noted so far durable."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Make the last notes durable and let go."""
        self.sync()
        os.close(self._descriptor)


def read_anchors(path: Path) -> list[Anchor]:
    """Give the anchors that still bind: those a deliberate restore made obsolete are left out."""
    binding: list[Anchor] = []
    for anchor in _parse(path):
        if anchor.restored:
            binding = [known for known in binding if known.seq <= anchor.seq]
        binding.append(anchor)
    return binding


def _parse(path: Path) -> Iterator[Anchor]:
    for line in whole_lines(path):
        fields = _decode(line)
        if fields is not None:
            yield Anchor(fields["seq"], fields["hash"], fields["at"], bool(fields.get("restored")))


def _decode(line: bytes) -> dict[str, Any] | None:
    try:
        fields = msgspec.json.decode(line)
    except UNREADABLE:  # a line damaged by the disk: the one before it still binds
        return None
    whole = isinstance(fields, dict) and {"seq", "hash", "at"} <= fields.keys()
    return fields if whole else None


def _compact(path: Path) -> None:
    kept = list(_thin(read_anchors(path)))
    lines = ({"seq": a.seq, "hash": a.hash, "at": a.at} | ({"restored": True} if a.restored else {}) for a in kept)
    write_private(path, b"".join(encode(line) + b"\n" for line in lines))


def _thin(anchors: Iterable[Anchor]) -> Iterator[Anchor]:
    previous: Anchor | None = None
    for anchor in anchors:
        if previous is not None and (previous.restored or previous.seq // SYNC_EVERY != anchor.seq // SYNC_EVERY):
            yield previous
        previous = anchor
    if previous is not None:
        yield previous
