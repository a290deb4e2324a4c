"""The figures of every session, kept as its records are written: whoever lists sessions need not fold their rows.

A record counts for the session that had begun last when it was written, as in every report on a session.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from scalpctl.core.money import ZERO, add, canonical, multiply, parse_decimal
from scalpctl.core.records.base import Record
from scalpctl.core.records.money import DriftDetected
from scalpctl.core.records.positions import EntryMade, PartialTaken, PositionClosed
from scalpctl.core.records.sessions import SessionStarted
from scalpctl.core.records.trading import Decided, FillSeen
from scalpctl.ledger.sqlite import Cells

Row = dict[str, Any]
TABLE = "session_figures"
COUNTS = ("decisions", "entries", "partial_takes", "trades", "wins", "maker_fills", "taker_fills", "drifts")
SUMS = ("gross", "fees", "funding", "net", "maker_fees", "taker_fees", "maker_value", "taker_value")
COLUMNS = ("session_id", "seq", "last_seq", *COUNTS, *SUMS)
_SLOTS = ", ".join("?" * len(COLUMNS))
_INSERT = f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) VALUES ({_SLOTS})"
_UPDATE = f"UPDATE {TABLE} SET {', '.join(f'{name} = ?' for name in COLUMNS[2:])} WHERE session_id = ?"
_NEWEST = f"SELECT {', '.join(COLUMNS)} FROM {TABLE} ORDER BY seq DESC LIMIT 1"


def begun(seq: int, record: SessionStarted) -> Row:
    """Give the figures of a session that has just begun."""
    return {"session_id": record.session_id, "seq": seq, "last_seq": seq} | dict.fromkeys(COUNTS, 0) | dict.fromkeys(
        SUMS, ZERO
    )  # fmt: skip


def count(row: Row, seq: int, kind: type[Record], record: Record) -> None:
    """Add what a record means to its session's figures."""
    row["last_seq"] = seq
    COUNTED[kind](row, record)


def cells_of(row: Row) -> Cells:
    """Spell figures as the cells of their row."""
    return (*(row[name] for name in COLUMNS[: -len(SUMS)]), *(canonical(row[name]) for name in SUMS))


class Figures:
    """Keeps the table of one connection, inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Write through ``connection``."""
        self._connection = connection
        self.waiting: list[tuple[int, Record]] = []

    def flush(self) -> None:
        """Write what the waiting records change: one row per session they belong to."""
        if not self.waiting:
            return
        cells = self._connection.execute(_NEWEST).fetchone()
        row = None if cells is None else dict(zip(COLUMNS, _read(cells), strict=True))
        for seq, record in self.waiting:
            if isinstance(record, SessionStarted):
                self._write(row)
                row = begun(seq, record)
                self._connection.execute(_INSERT, cells_of(row))
            elif row is not None:
                count(row, seq, type(record), record)
        self._write(row)
        self.waiting.clear()

    def _write(self, row: Row | None) -> None:
        if row is not None:
            self._connection.execute(_UPDATE, (*cells_of(row)[2:], row["session_id"]))


def _read(cells: Cells) -> Iterator[Any]:
    texts = len(COLUMNS) - len(SUMS)
    yield from cells[:texts]
    yield from (parse_decimal(str(cell)) for cell in cells[texts:])


def _sum(row: Row, name: str, amount: Decimal) -> None:
    row[name] = add(row[name], amount)


def _decided(row: Row, _record: Decided) -> None:
    row["decisions"] += 1


def _entered(row: Row, _record: EntryMade) -> None:
    row["entries"] += 1


def _taken(row: Row, _record: PartialTaken) -> None:
    row["partial_takes"] += 1


def _drifted(row: Row, _record: DriftDetected) -> None:
    row["drifts"] += 1


def _filled(row: Row, record: FillSeen) -> None:
    if record.liquidity not in {"maker", "taker"}:
        return
    row[f"{record.liquidity}_fills"] += 1
    _sum(row, f"{record.liquidity}_fees", -parse_decimal(record.fee))
    _sum(row, f"{record.liquidity}_value", multiply(parse_decimal(record.price), parse_decimal(record.coins)))


def _closed(row: Row, record: PositionClosed) -> None:
    row["trades"] += 1
    row["wins"] += parse_decimal(record.net) > ZERO
    for name in ("gross", "fees", "funding", "net"):
        _sum(row, name, parse_decimal(getattr(record, name)))


COUNTED: dict[type[Record], Callable[[Row, Any], None]] = {
    Decided: _decided,
    EntryMade: _entered,
    PartialTaken: _taken,
    PositionClosed: _closed,
    FillSeen: _filled,
    DriftDetected: _drifted,
}
KINDS: tuple[type[Record], ...] = (SessionStarted, *COUNTED)
"""Every kind of record that changes the table."""
