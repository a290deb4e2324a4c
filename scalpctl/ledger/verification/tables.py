"""Checks of what is derived: tables against the fold of the journal, balanced money, mirrors against records."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from time import sleep  # noqa: TID251  a proof stands beside the writer's own process: only real time passes there

from scalpctl.core.money import parse_decimal
from scalpctl.ledger.journal import journal_rows, record_of
from scalpctl.ledger.mirrors import MIRRORED, MirrorLine, mirror_line, mirrored_lines
from scalpctl.ledger.verification.findings import Finding

LOOKS, LOOKS_PER_SECOND = 10, 10
"""How often lines that are missing are looked for without any of them having come, and how fast."""


def check_postings(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Every transaction sums to zero per currency."""
    sql = "SELECT transaction_id, ccy, dsum(amount), min(seq) FROM postings GROUP BY transaction_id, ccy"
    for transaction, ccy, total, seq in connection.execute(sql):
        if parse_decimal(total):
            yield Finding(seq, "postings", f"transaction {transaction} is out of balance by {total} {ccy}")


def check_mirrors(connection: sqlite3.Connection, folder: Path, earlier: Sequence[MirrorLine]) -> Iterator[Finding]:
    """Every mirrored record has its line, word for word, and every line its record.

    A line is written just after its record: the lines read ``earlier`` than this connection's snapshot must all have
    their record in it, and its records must all have a line soon. So a busy writer is never taken for a forger.
    """
    expected = {row.seq: mirror_line(row, record_of(row)) for row in journal_rows(connection, kinds=MIRRORED)}
    for name, number, line in earlier:
        seq = line.get("seq") if line is not None else None
        if line is None or seq not in expected:
            yield Finding(None, "mirrors", f"{name}:{number} mirrors no record of the journal")
        elif expected[seq] != (name, line):
            yield Finding(seq, "mirrors", f"{name}:{number} differs from journal row {seq}")
    for seq in sorted(_without_line(folder, expected.keys())):
        yield Finding(seq, "mirrors", f"journal row {seq} has no line in {expected[seq][0]}")


def _without_line(folder: Path, expected: AbstractSet[int]) -> AbstractSet[int]:
    """Give the records that stay without a line: a writer may be in the middle of those of its last commit.

    Lines are written in order. One that others follow is waited for once; the last ones as long as more of them come.
    """
    missing, newest = _missing(folder, expected)
    patience = LOOKS
    while missing and patience:
        sleep(1 / LOOKS_PER_SECOND)
        before, (missing, newest) = missing, _missing(folder, expected)
        patience = LOOKS if len(missing) < len(before) else patience - 1
        if missing and min(missing) < newest and missing == before:
            break
    return missing


def _missing(folder: Path, expected: AbstractSet[int]) -> tuple[AbstractSet[int], int]:
    present = {line.get("seq") for _, _, line in mirrored_lines(folder) if line is not None}
    numbers = [seq for seq in present if isinstance(seq, int)]
    return expected - present, max(numbers, default=0)
