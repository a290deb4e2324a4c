"""Makes a large ledger out of a real one: the journal of simulated hours many times, with other names and times."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from scalpctl.host.private_files import create_private_file
from scalpctl.ledger.chain import JOURNAL_COLUMNS, JournalRow, row_hash
from scalpctl.ledger.creation import create_schema
from scalpctl.ledger.journal import record_of
from scalpctl.ledger.projection.projector import Projector
from scalpctl.ledger.sqlite import open_new, open_reader

_NUMBERS = re.compile(r"\b(?:9|8[123])00000\d{10,}\b")
_TIMES = re.compile(r"\b17\d{14}\b")
_INSERT = f"INSERT INTO journal ({JOURNAL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ONCE = ("instrument_specified", "lease_taken")


def large_ledger(rows: int, target: Path) -> Path:
    """Give a ledger with about so many journal rows; one that is there already is taken."""
    if target.exists():
        return target
    with tempfile.TemporaryDirectory() as name:
        sample = "--for 6h --speed max --seed 7 --on-exit flatten -q"  # copies of an open position would add up
        command = [sys.executable, "-m", "scalpctl", "run", *sample.split()]
        subprocess.run([*command, "--root", name], check=True, capture_output=True)
        source = open_reader(Path(name) / "sim-main" / "ledger.db")
        found = [JournalRow._make(row) for row in source.execute(f"SELECT {JOURNAL_COLUMNS} FROM journal ORDER BY seq")]
        meta = dict(source.execute("SELECT k, v FROM meta").fetchall())
        source.close()
    _write(found, meta, max(1, rows // len(found)), target)
    return target


def _write(found: list[JournalRow], meta: dict[str, str], times: int, target: Path) -> None:
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    create_private_file(part)
    connection = open_new(part)
    create_schema(connection, {key: value for key, value in meta.items() if key != "genesis"})
    (prev,) = connection.execute("SELECT v FROM meta WHERE k = 'genesis'").fetchone()
    projector, seq, span = Projector(connection), 0, found[-1].ts_us - found[0].ts_us + 60_000_000
    token = re.search(r'"position-(\w+)-', next(row.body for row in found if row.kind == "position_opened"))
    session = re.search(r'"session_id":"(\w+)"', next(row.body for row in found if row.kind == "session_started"))
    if token is None or session is None:
        raise SystemExit("the sample has no positions")
    for number in range(times):
        connection.execute("BEGIN")
        for row in found:
            if number and row.kind in _ONCE:
                continue
            seq += 1
            made = _again(row, seq, prev, number, span, (token[1], session[1]))
            connection.execute(_INSERT, made)
            projector.apply(seq, record_of(made))
            prev = made.hash
        projector.flush()
        connection.execute("COMMIT")
    connection.close()
    part.rename(target)


def _again(row: JournalRow, seq: int, prev: str, number: int, span: int, names: tuple[str, str]) -> JournalRow:  # noqa: PLR0917  one row, its new place, its new names
    def renamed(text: str) -> str:
        if not number:
            return text
        text = _NUMBERS.sub(lambda found: f"{found[0]}{number:05}", text)
        text = _TIMES.sub(lambda found: str(int(found[0]) + number * span), text)
        for name in names:
            text = text.replace(name, f"{name[:-5]}{number:05}")
        return text

    body, idem, at = renamed(row.body), renamed(row.idem), row.ts_us + number * span
    if number and idem == row.idem:
        idem = f"{row.idem}:{number}"
    hashed = row_hash(prev, seq, at, row.mono_ns, row.kind, idem, row.writer_id, None, body)
    return JournalRow(seq, at, row.mono_ns, row.kind, idem, row.writer_id, None, body, prev, hashed)
