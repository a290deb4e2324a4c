"""Forgeries made with care: rows behind the last, a chain made anew over false money, rows taken out; each is named."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from builders import one_of_each

from scalpctl.core.records.positions import PositionClosed
from scalpctl.core.records.sessions import HeartbeatNoted
from scalpctl.ledger.chain import row_hash
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.journal import PAGE_ROWS, JournalCells
from scalpctl.ledger.sqlite import triggers_of
from scalpctl.ledger.verification.findings import Finding
from scalpctl.ledger.verification.integrity import check_chain
from scalpctl.ledger.verification.leaks import Leaks
from scalpctl.ledger.verification.verify import verify
from scalpctl.ledger.verification.walk import walk
from scalpctl.ledger.writer import LedgerWriter


def without_triggers(path: Path, *statements: str) -> None:
    """Change a ledger as a person with time would: its triggers go, and stand again when he is done."""
    connection = sqlite3.connect(path, isolation_level=None)
    triggers = triggers_of(connection)
    for name in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for text in triggers.values():
        connection.execute(text)
    connection.close()


def found_in(folder: LedgerFolder, check: str) -> list[str]:
    return [one.what for one in verify(folder.ledger, with_companions=False).findings if one.check == check]


@pytest.mark.parametrize("table", ["fills", "postings", "entries", "partial_takes", "closures", "heartbeats"])
def test_a_row_put_behind_the_last_is_found(filled: LedgerFolder, table: str) -> None:
    connection = sqlite3.connect(filled.ledger)
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    row = connection.execute(f"SELECT * FROM {table} ORDER BY rowid DESC LIMIT 1").fetchone()
    forged = [
        _another(value) if column[5] or column[1] == "seq" else value
        for column, value in zip(columns, row, strict=True)
    ]
    connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", forged)
    connection.commit()
    connection.close()
    assert any(f"was added by hand to {table}" in what for what in found_in(filled, "tables"))


def _another(value: object) -> object:
    return value + 10_000 if isinstance(value, int) else f"{value}x"


def test_a_chain_made_anew_over_money_that_does_not_add_up_proves_nothing(filled: LedgerFolder) -> None:
    closure = next(one for one in one_of_each() if isinstance(one, PositionClosed))
    connection = sqlite3.connect(filled.ledger)
    rows, statements = connection.execute("SELECT * FROM journal ORDER BY seq").fetchall(), []
    connection.close()
    prev = rows[0][8]
    for seq, ts_us, mono_ns, kind, idem, writer, cause, body, _, _ in rows:
        forged = body.replace(f'"net":"{closure.net}"', '"net":"1000000"') if kind == closure.record_kind else body
        digest = row_hash(prev, seq, ts_us, mono_ns, kind, idem, writer, cause, forged)
        statements.append(
            f"UPDATE journal SET body = '{forged.replace(chr(39), chr(39) * 2)}', prev = '{prev}', hash = '{digest}' "
            f"WHERE seq = {seq}"
        )
        prev = digest
    without_triggers(filled.ledger, *statements, "UPDATE closures SET net = '1000000'")
    assert found_in(filled, "chain") == []
    assert any("net says 1000000" in what for what in found_in(filled, "tables"))


def test_a_row_taken_out_of_the_journal_is_named_and_nothing_behind_it(long: LedgerFolder) -> None:
    without_triggers(long.ledger, "DELETE FROM journal WHERE seq = 3")
    assert found_in(long, "chain") == ["journal row 3 is missing: the next one is 4"]


def test_a_row_that_points_elsewhere_is_named(filled: LedgerFolder) -> None:
    without_triggers(filled.ledger, "UPDATE journal SET prev = 'elsewhere' WHERE seq = 3")
    assert found_in(filled, "chain") == ["journal row 3 does not follow the row before it"]


def test_a_tail_that_was_cut_off_is_told_with_its_rows(filled: LedgerFolder) -> None:
    last = verify(filled.ledger).rows
    without_triggers(filled.ledger, f"DELETE FROM journal WHERE seq > {last - 2}")
    lost = f"rows {last - 1} to {last} were written and are lost: the journal ends at row {last - 2}"
    assert Finding(last - 1, "anchors", lost) in verify(filled.ledger).findings


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("DROP TRIGGER fills_no_delete", "trigger fills_no_delete is missing"),
        ("CREATE TRIGGER mine BEFORE INSERT ON fills BEGIN SELECT 1; END", "trigger mine is unknown"),
        (
            "DROP TRIGGER fills_no_delete; CREATE TRIGGER fills_no_delete BEFORE DELETE ON fills BEGIN SELECT 1; END",
            "trigger fills_no_delete is changed",
        ),
    ],
)
def test_what_happened_to_a_trigger_is_said(filled: LedgerFolder, sql: str, what: str) -> None:
    connection = sqlite3.connect(filled.ledger)
    connection.executescript(sql)
    connection.close()
    assert found_in(filled, "triggers") == [what]


@pytest.fixture
def long(filled: LedgerFolder, opened: Callable[[], LedgerWriter]) -> LedgerFolder:
    """A closed ledger of more than one page."""
    writer = opened()
    example = next(one for one in one_of_each() if isinstance(one, HeartbeatNoted))
    writer.wait(writer.append([example] * (PAGE_ROWS + 5)))
    writer.close()
    return filled


@pytest.mark.parametrize("seq", [1, 2, PAGE_ROWS, PAGE_ROWS + 1, PAGE_ROWS + 4])
def test_one_changed_row_breaks_the_chain_once_wherever_it_lies(long: LedgerFolder, seq: int) -> None:
    without_triggers(long.ledger, f"UPDATE journal SET ts_us = ts_us + 1 WHERE seq = {seq}")
    connection = sqlite3.connect(long.ledger)
    assert [one.seq for one in check_chain(connection)] == [seq]
    connection.close()
    assert len(found_in(long, "chain")) == 1


def test_a_table_that_was_changed_throughout_is_told_a_hundred_times(long: LedgerFolder) -> None:
    without_triggers(long.ledger, "UPDATE heartbeats SET channel_ages = '{}x'")
    assert len(found_in(long, "tables")) == 100


def test_a_table_whose_rows_are_gone_is_told_once(long: LedgerFolder) -> None:
    without_triggers(long.ledger, "DELETE FROM heartbeats WHERE seq > 100")
    assert len(found_in(long, "tables")) == 1


def test_what_a_cell_says_and_what_the_journal_says_are_both_told(filled: LedgerFolder) -> None:
    connection = sqlite3.connect(filled.ledger)
    seq, fee = connection.execute("SELECT seq, fee FROM fills ORDER BY seq DESC LIMIT 1").fetchone()
    connection.close()
    without_triggers(filled.ledger, f"UPDATE fills SET fee = '7' WHERE seq = {seq}")
    assert found_in(filled, "tables") == [f"fills.fee of journal row {seq} says '7', the journal says '{fee}'"]


class Closing:
    """Takes the file away at the first page."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def take(self, page: Sequence[JournalCells]) -> Iterable[Finding]:
        self._connection.close()
        return ()

    def findings(self) -> Iterable[Finding]:
        return ()


def test_whoever_could_not_read_to_the_end_has_proven_nothing_and_says_so(long: LedgerFolder) -> None:
    found = list(walk(sqlite3.connect(long.ledger), {"first": Closing, "second": lambda _: Leaks()}))
    assert [one.check for one in found] == ["first", "second"]
    assert all("could not be checked" in one.what for one in found)
