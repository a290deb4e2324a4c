"""The emergency file: where records go, one JSON line each, when the ledger can no longer be written."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from scalpctl.core.records.base import Record
from scalpctl.core.records.registry import BY_KIND
from scalpctl.errors import LedgerCorrupt
from scalpctl.host.private_files import create_private_file, open_private_append, sync_folder
from scalpctl.ledger.canonical_json import UNREADABLE, encode

RESERVE_BYTES = 1_048_576


class Group(NamedTuple):
    """Records that are written together or not at all, with the instant they were handed over."""

    ticket: int
    ts_us: int
    mono_ns: int
    writer_id: str
    records: Sequence[Record]
    cause: int | None = None
    idems: Sequence[str] = ()


class EmergencyFile:
    """Opened while the disk is still well, so that it can be written when it no longer is."""

    def __init__(self, path: Path, reserve: Path) -> None:
        """Open the file and hold back a megabyte of disk for it."""
        self._reserve = reserve
        if not reserve.exists():
            create_private_file(reserve)
            with reserve.open("r+b") as stream:
                os.posix_fallocate(stream.fileno(), 0, RESERVE_BYTES)
        self._descriptor = open_private_append(path)

    def write(self, groups: Sequence[Group], why: str) -> None:
        """Write every record of the groups; where even that fails, the lines go to standard error."""
        lines = b"".join(encode(line) + b"\n" for group in groups for line in _lines(group, why))
        try:
            self._reserve.unlink(missing_ok=True)
            _write_whole(self._descriptor, lines)
            os.fsync(self._descriptor)
        except OSError:
            sys.stderr.buffer.write(lines)
            sys.stderr.flush()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


def waiting_groups(path: Path) -> Iterator[Group]:
    """Give the groups a failed writer left behind, as they were handed over."""
    current: list[dict[str, object]] = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        fields = _parse(path, number, line)
        if current and _key(current[0]) != _key(fields):
            yield _group(current)
            current = []
        current.append(fields)
    if current:
        yield _group(current)


def put_aside(path: Path, at: int) -> None:
    """Keep an ingested file under another name."""
    path.rename(path.with_name(f"emergency-{at}.ingested.jsonl"))
    sync_folder(path.parent)


def _lines(group: Group, why: str) -> Iterator[dict[str, object]]:
    head = {"ticket": group.ticket, "ts_us": group.ts_us, "mono_ns": group.mono_ns, "writer_id": group.writer_id}
    for number, record in enumerate(group.records):
        idem = group.idems[number] if group.idems else idem_of(group, number, record)
        yield head | {"cause": group.cause, "kind": record.record_kind, "idem": idem, "body": record, "why": why}


def idem_of(group: Group, number: int, record: Record) -> str:
    """Name a record the way the journal does: by the world's name for it, or by who handed it over and when."""
    return record.identity() or f"{group.writer_id}:{group.ticket}:{number}"


def _write_whole(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _parse(path: Path, number: int, line: bytes) -> dict[str, object]:
    try:
        fields: dict[str, object] = msgspec.json.decode(line)
        fields["record"] = msgspec.convert(fields["body"], BY_KIND[str(fields["kind"])])
    except (*UNREADABLE, KeyError, TypeError) as error:
        raise LedgerCorrupt(
            f"{path}:{number}: not a record that was left behind ({error})",
            hint="look at the line; it is money. Mend it, or move the file away and note why",
        ) from error
    return fields


def _key(fields: dict[str, object]) -> tuple[object, object]:
    return fields["writer_id"], fields["ticket"]


def _group(lines: list[dict[str, object]]) -> Group:
    first = lines[0]
    return Group(
        ticket=int(str(first["ticket"])),
        ts_us=int(str(first["ts_us"])),
        mono_ns=int(str(first["mono_ns"])),
        writer_id=str(first["writer_id"]),
        records=[record for line in lines if isinstance(record := line["record"], Record)],
        cause=None if first["cause"] is None else int(str(first["cause"])),
        idems=[str(line["idem"]) for line in lines],
    )
