"""Checks of what is derived: tables against the fold of the journal, balanced money, mirrors against records."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from scalpctl.core.money import parse_decimal
from scalpctl.ledger.journal import journal_rows, record_of
from scalpctl.ledger.mirrors import MIRRORED, MirrorLine, mirror_line, mirrored_lines
from scalpctl.ledger.replay import folded_in_memory, typed_tables
from scalpctl.ledger.verification.findings import Finding

DIFFERENCES_MAX = 100


def check_tables(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Fold the journal again and compare every typed table with the fold, row by row."""
    fold = folded_in_memory(connection)
    try:
        for table in typed_tables(fold):
            yield from _compare(connection, fold, table)
    finally:
        fold.close()


def check_postings(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Every transaction sums to zero per currency."""
    sql = "SELECT transaction_id, ccy, dsum(amount), min(seq) FROM postings GROUP BY transaction_id, ccy"
    for transaction, ccy, total, seq in connection.execute(sql):
        if parse_decimal(total):
            yield Finding(seq, "postings", f"transaction {transaction} is out of balance by {total} {ccy}")


def check_mirrors(connection: sqlite3.Connection, folder: Path, earlier: Sequence[MirrorLine]) -> Iterator[Finding]:
    """Every mirrored record has its line, word for word, and every line its record.

    A line is written just after its record: the lines read ``earlier`` than this connection's snapshot must all have
    their record in it, and its records must all have a line by now. So a busy writer is never taken for a forger.
    """
    expected = {row.seq: mirror_line(row, record_of(row)) for row in journal_rows(connection, kinds=MIRRORED)}
    for name, number, line in earlier:
        seq = line.get("seq") if line is not None else None
        if line is None or seq not in expected:
            yield Finding(None, "mirrors", f"{name}:{number} mirrors no record of the journal")
        elif expected[seq] != (name, line):
            yield Finding(seq, "mirrors", f"{name}:{number} differs from journal row {seq}")
    present = {line.get("seq") for _, _, line in mirrored_lines(folder) if line is not None}
    for seq in sorted(expected.keys() - present):
        yield Finding(seq, "mirrors", f"journal row {seq} has no line in {expected[seq][0]}")


def _compare(ledger: sqlite3.Connection, fold: sqlite3.Connection, table: str) -> Iterator[Finding]:
    columns = [row[1] for row in fold.execute(f"PRAGMA table_info({table})")]
    key = [row[1] for row in fold.execute(f"PRAGMA table_info({table})") if row[5]]
    sql = f"SELECT {', '.join(columns)} FROM {table} NOT INDEXED ORDER BY seq, {', '.join(key)}"
    found = 0
    for ours, folded in zip_longest(ledger.execute(sql), fold.execute(sql)):
        if ours == folded:
            continue
        yield _difference(table, columns, ours, folded)
        found += 1
        if found == DIFFERENCES_MAX or ours is None or folded is None:
            return


def _difference(
    table: str, columns: list[str], ours: tuple[Any, ...] | None, folded: tuple[Any, ...] | None
) -> Finding:
    if ours is None or folded is None:
        row = dict(zip(columns, folded or ours or (), strict=False))
        what = "is missing from" if ours is None else "was added by hand to"
        return Finding(row["seq"], "tables", f"the row of journal row {row['seq']} {what} {table}")
    wrong = [name for name, left, right in zip(columns, ours, folded, strict=True) if left != right]
    seq = folded[columns.index("seq")]
    name = wrong[0]
    left, right = ours[columns.index(name)], folded[columns.index(name)]
    return Finding(seq, "tables", f"{table}.{name} of journal row {seq} says {left!r}, the journal says {right!r}")
