"""Nobody can quietly falsify or lose history: refused through our connections, detected when done by another tool."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from builders import a_closure, a_fill, a_position, a_transaction, one_of_each

from scalpctl.core.instants import Instant
from scalpctl.core.records.money import Posted
from scalpctl.errors import LedgerCorrupt
from scalpctl.host.hand_clock import HandClock
from scalpctl.ledger.anchors import AnchorLog, read_anchors
from scalpctl.ledger.backup import back_up
from scalpctl.ledger.chain import Head
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.sqlite import APPEND_ONLY, open_for_schema
from scalpctl.ledger.verification.findings import Finding
from scalpctl.ledger.verification.verify import Verified, quick_proof, verify
from scalpctl.ledger.writer import LedgerWriter

FORGERIES = {
    "update": "UPDATE {t} SET {c} = {c}",
    "delete": "DELETE FROM {t}",
    "replace": "INSERT OR REPLACE INTO {t} SELECT * FROM {t} LIMIT 1",
    "upsert": "INSERT INTO {t} SELECT * FROM {t} WHERE true LIMIT 1 ON CONFLICT DO UPDATE SET {c} = {c}",
}


def foreign(folder: LedgerFolder) -> sqlite3.Connection:
    """A tool that is not ours: no pragmas, no authorizer."""
    return sqlite3.connect(folder.ledger, isolation_level=None)


def checks(proof: Verified) -> set[str]:
    return {finding.check for finding in proof.findings}


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("how", FORGERIES)
def test_history_is_append_only_through_every_connection_of_ours(filled: LedgerFolder, table: str, how: str) -> None:
    connection = open_for_schema(filled.ledger)
    column = connection.execute(f"PRAGMA table_info({table})").fetchall()[-1][1]
    before = connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall()
    assert before
    with pytest.raises(sqlite3.DatabaseError):
        connection.execute(FORGERIES[how].format(t=table, c=column))
    assert connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall() == before
    connection.close()


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE fills",
        "DROP TRIGGER journal_chain",
        "ALTER TABLE fills ADD COLUMN x TEXT",
        "ATTACH ':memory:' AS x",
        "PRAGMA writable_schema=ON",
        "PRAGMA recursive_triggers=OFF",
        "PRAGMA synchronous=OFF",
        "UPDATE fills SET fee = '0'",
        "DELETE FROM journal",
        "CREATE TRIGGER x BEFORE INSERT ON fills BEGIN SELECT 1; END",
    ],
)
def test_the_writers_connection_is_denied_what_it_never_needs(writer: LedgerWriter, sql: str) -> None:
    with pytest.raises(sqlite3.DatabaseError, match="not authorized|prohibited"):
        writer._connection.execute(sql)


def test_a_row_cannot_be_slipped_into_the_journal(filled: LedgerFolder) -> None:
    connection = foreign(filled)
    copy = "INSERT INTO journal SELECT seq + {n}, ts_us, mono_ns, kind, idem || 'x', writer_id, cause, body, {p}, 'h' "
    last = "FROM journal ORDER BY seq DESC LIMIT 1"
    for forged in (copy.format(n=2, p="hash") + last, copy.format(n=1, p="prev") + last):
        with pytest.raises(sqlite3.IntegrityError, match="journal:"):
            connection.execute(forged)
    connection.close()


def test_a_foreign_tools_change_of_the_journal_is_named(filled: LedgerFolder) -> None:
    connection = foreign(filled)
    connection.execute("DROP TRIGGER journal_no_update")
    connection.execute("UPDATE journal SET body = replace(body, '50000.1', '50000.2') WHERE kind = 'fill_seen'")
    (seq,) = connection.execute("SELECT seq FROM journal WHERE kind = 'fill_seen'").fetchone()
    connection.close()
    proof = verify(filled.ledger)
    assert {"chain", "triggers", "tables"} <= checks(proof)
    assert Finding(seq, "chain", f"journal row {seq} (fill_seen) was changed after it was written") in proof.findings


def test_a_foreign_tools_insert_or_replace_passes_no_trigger(filled: LedgerFolder) -> None:
    connection = foreign(filled)
    for table in ("journal", "fills", "postings", "closures"):
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")
    connection.close()


@pytest.mark.parametrize(
    ("sql", "check"),
    [
        ("UPDATE orders SET price = '1'", "tables"),
        ("UPDATE positions SET side = 'short'", "tables"),
        ("DELETE FROM heartbeats", "tables"),
        ("INSERT INTO heartbeats SELECT 1, session_id, at, 1, 1, 1, 1, 1, 1, 1, '{}', '{}' FROM heartbeats", "tables"),
        ("UPDATE meta SET v = 'live' WHERE k = 'env'", "identity"),
        ("DROP TRIGGER fills_no_delete", "triggers"),
        ("CREATE TRIGGER mine BEFORE INSERT ON fills BEGIN SELECT 1; END", "triggers"),
        ("PRAGMA user_version = 7", "identity"),
    ],
)
def test_a_foreign_tools_change_of_anything_else_is_found(filled: LedgerFolder, sql: str, check: str) -> None:
    connection = foreign(filled)
    connection.execute(sql)
    connection.close()
    assert check in checks(verify(filled.ledger))


def test_one_flipped_byte_in_any_value_is_found(filled: LedgerFolder) -> None:
    """Every value of every row of every table, one byte changed at a time, in the file itself."""
    connection = foreign(filled)
    connection.execute("PRAGMA journal_mode=DELETE")
    values = [
        str(value).encode()
        for table in ("journal", "fills", "postings", "closures", "orders", "sessions", "drifts", "meta")
        for row in connection.execute(f"SELECT * FROM {table}")
        for value in row
        if isinstance(value, str) and len(value) > 5
    ]
    connection.close()
    content = filled.ledger.read_bytes()
    places = {place for value in values if (place := content.find(value)) >= 0}
    assert len(places) > 60
    for place in sorted(places)[:: max(1, len(places) // 40)]:
        damaged = bytearray(content)
        damaged[place + 2] ^= 0x01
        filled.ledger.write_bytes(damaged)
        assert not verify(filled.ledger).ok, f"byte {place + 2} was changed and nobody noticed"
    filled.ledger.write_bytes(content)
    assert verify(filled.ledger).ok


def test_a_cut_write_ahead_log_is_found_and_the_first_lost_row_named(
    opened: Callable[[], LedgerWriter], folder: LedgerFolder
) -> None:
    writer = opened()
    for record in one_of_each():
        writer.write(record)
    head = writer.head.seq
    copy = LedgerFolder(folder.root.parent / "copy", "sim", "main")
    shutil.copytree(folder.root, copy.root)  # what a crash would leave: file, log and anchors as they are now
    wal = copy.ledger.with_name("ledger.db-wal")
    wal.write_bytes(wal.read_bytes()[:-10])
    proof = verify(copy.ledger)
    assert checks(proof) == {"anchors"}
    assert proof.findings[0].seq == head
    wal.write_bytes(b"")
    assert "anchors" in checks(verify(copy.ledger)) or not verify(copy.ledger).ok


def test_the_write_ahead_log_may_end_at_any_frame(
    opened: Callable[[], LedgerWriter], folder: LedgerFolder, tmp_path: Path
) -> None:
    """Wherever a power cut ends the log: what is left is whole groups, proven, and what is lost is named."""
    writer = opened()
    for record in one_of_each():
        writer.write(record)
    crashed = LedgerFolder(tmp_path / "copy", "sim", "main")
    shutil.copytree(folder.root, crashed.root)
    log = crashed.ledger.with_name("ledger.db-wal")
    whole = log.read_bytes()
    frame = 24 + 4096
    lengths = set()
    for end in range(32, len(whole) + 1, frame):
        log.write_bytes(whole[:end])
        crashed.ledger.with_name("ledger.db-shm").unlink(missing_ok=True)
        proof = verify(crashed.ledger)
        assert checks(proof) <= {"anchors", "mirrors", "readable"}, proof.findings
        if proof.head is not None:
            lengths.add(proof.head.seq)
            assert proof.rows == proof.head.seq
    assert len(lengths) > 20
    assert max(lengths) == writer.head.seq


def test_a_restored_older_file_is_found(
    opened: Callable[[], LedgerWriter], folder: LedgerFolder, clock: HandClock
) -> None:
    writer = opened()
    writer.write(a_fill(1))
    writer.close()
    older = folder.ledger.read_bytes()
    writer = opened()
    writer.write(a_fill(2))
    writer.close()
    folder.ledger.write_bytes(older)
    proof = verify(folder.ledger)
    assert checks(proof) == {"anchors"}
    assert proof.findings[0].seq == 3
    assert not quick_proof(folder).ok
    with pytest.raises(LedgerCorrupt, match="are lost"):
        opened()


def test_a_forged_history_of_the_same_length_is_found(
    opened: Callable[[], LedgerWriter], folder: LedgerFolder, clock: HandClock
) -> None:
    writer = opened()
    writer.write(a_fill(1))
    writer.close()
    (folder.ledger).rename(folder.path / "true.db")
    anchors = folder.anchors.read_bytes()
    folder.anchors.unlink()
    writer = opened()
    writer.write(a_fill(1, price="1"))
    writer.close()
    folder.anchors.write_bytes(anchors)
    assert "anchors" in checks(verify(folder.ledger))


def test_damaged_pages_are_reported_and_never_a_traceback(filled: LedgerFolder) -> None:
    content = filled.ledger.read_bytes()
    for start in range(0, len(content), 4096 * 5):
        damaged = bytearray(content)
        damaged[start : start + 200] = bytes(200)
        filled.ledger.write_bytes(damaged)
        assert not verify(filled.ledger).ok


def test_a_damaged_ledger_is_not_opened_for_writing(filled: LedgerFolder, opened: Callable[[], LedgerWriter]) -> None:
    connection = foreign(filled)
    connection.execute("DROP TRIGGER journal_no_update")
    connection.execute("UPDATE journal SET body = '{}' WHERE seq = 3")
    connection.close()
    with pytest.raises(LedgerCorrupt):
        opened()


def test_unbalanced_postings_are_found_even_when_the_journal_says_so(
    writer: LedgerWriter, folder: LedgerFolder
) -> None:
    writer.write(a_position(), a_transaction())
    writer.close()
    connection = foreign(folder)
    connection.execute("DROP TRIGGER postings_no_update")
    connection.execute("UPDATE postings SET amount = '5' WHERE leg = 0")
    connection.close()
    assert {"postings", "tables"} <= checks(verify(folder.ledger))


def test_anchors_survive_a_cut_line(filled: LedgerFolder) -> None:
    whole = read_anchors(filled.anchors)
    filled.anchors.write_bytes(filled.anchors.read_bytes() + b'{"seq": 99, "ha')
    assert read_anchors(filled.anchors) == whole


@pytest.mark.parametrize("line", [b"7", b"[1]", b'{"seq": 5}', b"null", b"\xff"])
def test_a_line_that_is_no_anchor_binds_nothing(filled: LedgerFolder, line: bytes) -> None:
    whole = read_anchors(filled.anchors)
    filled.anchors.write_bytes(filled.anchors.read_bytes() + line + b"\n")
    assert read_anchors(filled.anchors) == whole


def noted(path: Path, heads: Iterable[tuple[int, bool]]) -> AnchorLog:
    log = AnchorLog(path)
    for seq, restored in heads:
        log.note(Head(seq, f"{seq:064x}"), Instant(seq), restored=restored)
    return log


def test_a_deliberate_restore_frees_from_what_was_noted_behind_it_and_from_nothing_before(tmp_path: Path) -> None:
    path = tmp_path / "anchors" / "heads"
    noted(path, [(10, False), (15, False), (20, False), (15, True)]).close()
    binding = [(10, False), (15, False), (15, True)]
    assert [(one.seq, one.restored) for one in read_anchors(path)] == binding
    noted(path, [(16, False)]).close()
    assert [(one.seq, one.restored) for one in read_anchors(path)] == [*binding, (16, False)]


def test_a_thinned_anchor_log_keeps_one_in_256_rows_every_restore_and_the_newest(tmp_path: Path) -> None:
    path = tmp_path / "anchors" / "heads"
    noted(path, [*((seq, False) for seq in range(1, 12_001)), (11_000, True), (11_001, False)]).close()
    assert path.stat().st_size > 1_000_000
    AnchorLog(path).close()
    kept = read_anchors(path)
    assert [one.seq for one in kept if one.restored] == [11_000]
    assert kept[-1].seq == 11_001
    assert {one.seq // 256 for one in kept} == set(range(11_001 // 256 + 1))
    assert len(kept) < 60


def test_a_long_anchor_log_is_thinned_and_still_binds(filled: LedgerFolder, opened: Callable[[], LedgerWriter]) -> None:
    line = filled.anchors.read_bytes().splitlines()[-1] + b"\n"
    filled.anchors.write_bytes(filled.anchors.read_bytes() + line * (1_000_000 // len(line) + 1))
    opened().close()
    assert filled.anchors.stat().st_size < 10_000
    assert verify(filled.ledger).ok


def test_a_backup_is_itself_provable(filled: LedgerFolder, clock: HandClock) -> None:
    assert verify(back_up(filled, clock, "test"), with_companions=False).ok


def test_postings_of_a_transaction_carry_every_leg(filled: LedgerFolder) -> None:
    connection = foreign(filled)
    legs = connection.execute("SELECT count(*) FROM postings").fetchone()[0]
    connection.close()
    assert legs == sum(len(record.legs) for record in one_of_each() if isinstance(record, Posted))


def test_proving_a_ledger_beside_its_busy_writer_raises_no_false_alarm(
    opened: Callable[[], LedgerWriter], folder: LedgerFolder
) -> None:
    writer, stop = opened(), threading.Event()

    def be_busy() -> None:
        for number in range(1, 3_000):
            name = f"P{number}"
            writer.append([a_position(name), a_fill(number), a_transaction(f"fill:t{number}"), a_closure(name)])
            if stop.is_set():
                return

    busy = threading.Thread(target=be_busy)
    busy.start()
    try:
        for _ in range(12):
            assert verify(folder.ledger).findings == []
            assert quick_proof(folder).findings == []
    finally:
        stop.set()
        busy.join()
    writer.wait()
    assert verify(folder.ledger).ok


def test_bytes_that_are_no_text_are_a_line_that_cannot_be_read(filled: LedgerFolder) -> None:
    broken = b'{"seq":1,"hash":"\xff\xfe","at":1}\n'
    with filled.anchors.open("ab") as anchors:
        anchors.write(broken)
    mirror = next(iter(sorted(filled.mirrors.glob("*.jsonl"))))
    with mirror.open("ab") as lines:
        lines.write(broken)
    assert checks(verify(filled.ledger)) == {"mirrors"}
