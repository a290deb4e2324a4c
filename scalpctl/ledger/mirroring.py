"""Brings the JSONL mirrors in line with a journal: after a crash, an upgrade, a restored backup."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from scalpctl.ledger.journal import journal_rows, record_of
from scalpctl.ledger.mirrors import MIRRORED, Mirrors, missing_from


def catch_up_mirrors(mirrors: Path, connection: sqlite3.Connection) -> None:
    """Write the lines that are missing."""
    rows = [(row, record_of(row)) for row in journal_rows(connection, kinds=MIRRORED)]
    missing = missing_from(mirrors, rows)
    Mirrors(mirrors).write([row for row, _ in missing], [record for _, record in missing])
