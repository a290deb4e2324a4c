"""Checks of what is derived: tables against the fold of the journal, balanced money, mirrors against records."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from scalpctl.core.money import parse_decimal
from scalpctl.ledger.journal import journal_rows, record_of
from scalpctl.ledger.mirrors import MIRRORED, MirrorLine, mirror_line, mirrored_lines
from scalpctl.ledger.verification.findings import Finding


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
