"""JSONL mirrors for people who follow files: position closures and partial takes, one file per UTC day.

They are written from the same records after the commit; a line carries the number of its journal row, by which missing
lines are found and written when the ledger is opened again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from scalpctl.core.instants import rfc3339, utc_day
from scalpctl.core.records.base import Record
from scalpctl.core.records.positions import PartialTaken, PositionClosed
from scalpctl.host.line_files import add_line, open_lines, whole_lines
from scalpctl.host.private_files import make_private_folder
from scalpctl.ledger.canonical_json import UNREADABLE, encode
from scalpctl.ledger.chain import JournalRow
from scalpctl.ledger.sqlite import Cells

MIRRORED = (PositionClosed.record_kind, PartialTaken.record_kind)
EXCHANGE_SIDE = "exchange"
_MICROS = 1_000_000

MirrorLine = tuple[str, int, dict[str, Any] | None]
"""File name, line number, and the line, or None where it cannot be read."""


class Mirrors:
    """Appends the mirror line of every closure and partial take."""

    def __init__(self, folder: Path) -> None:
        """Write into ``folder``, made private."""
        self._folder = make_private_folder(folder)

    def write(self, rows: Iterable[Cells], records: Iterable[Record]) -> None:
        """Mirror whatever of these records is mirrored."""
        for row, record in zip(rows, records, strict=True):
            if record.record_kind in MIRRORED:
                name, line = mirror_line(JournalRow._make(row), record)
                descriptor = open_lines(self._folder / name)
                try:
                    add_line(descriptor, encode(line))
                finally:
                    os.close(descriptor)


def mirror_line(row: JournalRow, record: Record) -> tuple[str, dict[str, Any]]:
    """Give the file's name and the line of one record."""
    if isinstance(record, PositionClosed):
        return f"position_closures_{utc_day(record.closed_at)}.jsonl", _closure(row, record)
    if isinstance(record, PartialTaken):
        return f"partial_tp_{utc_day(record.taken_at)}.jsonl", _partial(row, record)
    message = f"{record.record_kind} has no mirror"
    raise TypeError(message)


def mirrored_lines(folder: Path) -> Iterator[MirrorLine]:
    """Give every line of every mirror."""
    for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else ():
        for number, line in enumerate(whole_lines(path), start=1):  # one without an end is being written, or missed
            try:
                fields = msgspec.json.decode(line)
            except UNREADABLE:
                fields = None
            yield path.name, number, fields if isinstance(fields, dict) else None


def missing_from(folder: Path, rows: Sequence[tuple[JournalRow, Record]]) -> list[tuple[JournalRow, Record]]:
    """Give the records whose line is not in the mirrors."""
    present = {fields["seq"] for _, _, fields in mirrored_lines(folder) if fields is not None and "seq" in fields}
    return [(row, record) for row, record in rows if row.seq not in present]


def _closure(row: JournalRow, record: PositionClosed) -> dict[str, Any]:
    by_exchange = record.closed_by == EXCHANGE_SIDE
    return {
        "seq": row.seq,
        "timestamp": rfc3339(record.closed_at),
        "event": "exchange_side_closure" if by_exchange else "position_closure",
        "symbol": record.inst_id,
        "side": record.side,
        "size": record.contracts,
        "entry_price": record.entry_price,
        "entry_time": rfc3339(record.opened_at),
        "exit_price": record.exit_price,
        "duration_sec": record.held_us // _MICROS,
        "reason": record.cause,
        "closed_by": record.closed_by,
        "gross": record.gross,
        "fees": record.fees,
        "funding": record.funding,
        "net": record.net,
        "position_id": record.position_id,
    }


def _partial(row: JournalRow, record: PartialTaken) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "timestamp": rfc3339(record.taken_at),
        "event": "partial_tp",
        "symbol": record.inst_id,
        "side": record.side,
        "partial_contracts": record.taken_contracts,
        "partial_coins": record.taken_coins,
        "partial_ratio": record.taken_ratio,
        "remaining_contracts": record.remaining_contracts,
        "remaining_coins": record.remaining_coins,
        "partial_pnl": record.gross,
        "commission": record.fees,
        "net_partial_pnl": record.net,
        "entry_price": record.entry_price,
        "exit_price": record.exit_price,
        "duration_sec": record.held_us // _MICROS,
        "reason": record.reason,
        "position_id": record.position_id,
        "partial_id": record.partial_id,
    }
