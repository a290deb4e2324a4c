"""What people get out of a ledger: queries that cannot write, exports that cannot bite, mirrors that agree."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import a_closure, a_fill, a_position, a_session
from full_disk import no_file_may_grow_beyond
from hypothesis import given
from hypothesis import strategies as st

from scalpctl.core.money import CANONICAL
from scalpctl.core.records.sessions import OperatorCommanded
from scalpctl.errors import LedgerMissing, UsageError
from scalpctl.host.clock import WallClock
from scalpctl.ledger.export import csv_text, export, inert
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.query import run_query, tables_of
from scalpctl.ledger.reading import LedgerReader, session_id
from scalpctl.ledger.verification.verify import verify
from scalpctl.ledger.writer import LedgerWriter

HOSTILE = [
    "DELETE FROM fills",
    "UPDATE orders SET price = '1'",
    "INSERT INTO meta VALUES ('a', 'b')",
    "DROP TABLE fills",
    "CREATE TABLE x (y)",
    "ATTACH '/tmp/x.db' AS x",
    "PRAGMA journal_mode=DELETE",
    "PRAGMA query_only=OFF",
    "PRAGMA writable_schema=ON",
    "VACUUM",
    "VACUUM INTO '/tmp/x.db'",
    "REINDEX",
    "BEGIN",
    "SELECT 1; DELETE FROM fills",
    "SELECT load_extension('x')",
    "SELECT writefile('/tmp/x', 'y')",
    "SELECT randomblob(1000000000)",
    "SELECT zeroblob(1000000000)",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
    "SELECT count(*) FROM journal a, journal b, journal c, journal d, journal e, journal f",
    "SELECT * FROM nowhere",
    "SELEKT 1",
    "",
    ";",
    "--",
    "EXPLAIN DELETE FROM fills",
    "SELECT " + "(" * 200 + "1" + ")" * 200,
    "SELECT 'x\x00y' FROM fills; DROP TABLE fills",
]


@pytest.mark.parametrize("sql", HOSTILE, ids=range(len(HOSTILE)))
def test_no_query_changes_anything_or_runs_for_ever(filled: LedgerFolder, sql: str) -> None:
    before = hashlib.sha256(filled.ledger.read_bytes()).digest()
    with pytest.raises(UsageError) as refused:
        run_query(filled.ledger, sql, WallClock(), seconds_max=0.3)
    assert refused.value.hint
    assert hashlib.sha256(filled.ledger.read_bytes()).digest() == before


def test_a_query_is_answered_with_its_columns(filled: LedgerFolder) -> None:
    answer = run_query(filled.ledger, "SELECT inst_id, dsum(fee) AS fees FROM fills GROUP BY 1", WallClock())
    assert answer == (["inst_id", "fees"], [("BTC-USDT-SWAP", "-0.0120000024")], False)
    assert run_query(filled.ledger, "SELECT seq FROM journal", WallClock(), rows_max=3).cut
    tables = {row[0] for row in tables_of(filled.ledger).rows}
    assert {"journal", "fills", "trades", "closures"} <= tables


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_exports_keep_the_exact_text(filled: LedgerFolder, tmp_path: Path, form: str) -> None:
    written = export(filled.ledger, tmp_path / "out", form, ["fills", "journal"])
    assert [path.name for path in written] == [f"fills.{form}", f"journal.{form}"]
    if form == "csv":
        (row,) = csv.DictReader(written[0].read_text().splitlines())
    elif form == "jsonl":
        row = json.loads(written[0].read_text())
    else:
        import pyarrow.parquet as pq

        (row,) = pq.read_table(written[0]).to_pylist()
    assert row["fee"] == "-0.0120000024"
    assert written[0].stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError, match="exists"):
        export(filled.ledger, tmp_path / "out", form, ["fills"])
    export(filled.ledger, tmp_path / "out", form, ["fills"], force=True)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_an_export_that_cannot_be_finished_leaves_the_earlier_one(
    writer: LedgerWriter, folder: LedgerFolder, tmp_path: Path, form: str
) -> None:
    writer.write(*(a_fill(number) for number in range(300)))
    writer.close()
    (file,) = export(folder.ledger, tmp_path / "out", form, ["journal"])
    before = file.read_bytes()
    with no_file_may_grow_beyond(40_000), pytest.raises(OSError, match="large"):
        export(folder.ledger, tmp_path / "out", form, ["journal"], force=True)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_table_without_rows_has_the_types_of_one_with_rows(filled: LedgerFolder, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    (file,) = export(filled.ledger, tmp_path, "parquet", ["limit_latches"])
    table = pq.read_table(file)
    assert {str(kind) for kind in table.schema.types} == {"int64", "string"}


def test_an_export_of_the_unknown_is_refused(filled: LedgerFolder, tmp_path: Path) -> None:
    for form, tables in (("xlsx", ()), ("csv", ("nothing",))):
        with pytest.raises(UsageError):
            export(filled.ledger, tmp_path / "out", form, tables)
    assert len(export(filled.ledger, tmp_path / "all", "jsonl")) > 20


@given(st.one_of(st.text(max_size=20), st.from_regex(r"\A[\s]*[-=+@\t\r].*\Z")))
def test_no_exported_cell_is_a_formula_and_none_is_lost(text: str) -> None:
    (_, (cell,)) = csv.reader(io.StringIO(csv_text(["c"], [[text]]), newline=""))
    assert cell.removeprefix("'") == text.removeprefix("'")
    assert CANONICAL.fullmatch(cell) or cell.lstrip()[:1] not in tuple("=+-@\uff1d\uff0b\uff0d\uff20")
    assert cell[:1] not in {"\t", "\r"}


def test_numbers_stay_numbers_in_exports() -> None:
    assert inert("-1.5") == "-1.5"
    assert inert("-1+2") == "'-1+2"
    assert inert("=HYPERLINK(1)") == "'=HYPERLINK(1)"
    assert inert(" @SUM(1)") == "' @SUM(1)"
    assert inert("\uff1dx") == "'\uff1dx"
    assert inert(5) == 5


def test_mirrors_carry_what_people_follow(filled: LedgerFolder) -> None:
    closures = [
        json.loads(line)
        for path in filled.mirrors.glob("position_closures_*.jsonl")
        for line in path.read_text().splitlines()
    ]
    partials = [
        json.loads(line) for path in filled.mirrors.glob("partial_tp_*.jsonl") for line in path.read_text().splitlines()
    ]
    assert closures[0]["event"] == "position_closure"
    assert closures[0]["duration_sec"] == 246
    assert closures[0]["net"] == "0.216191952"
    assert partials[0]["net_partial_pnl"] == "0.114"
    assert partials[0]["duration_sec"] == 120
    assert partials[0]["entry_price"] == "50000.1"


def test_what_the_exchange_closed_is_named_so(writer: LedgerWriter, folder: LedgerFolder) -> None:
    writer.write(a_position(), a_closure(closed_by="exchange", cause="liquidation", exit_price=None))
    writer.close()
    (line,) = [json.loads(line) for path in folder.mirrors.glob("*.jsonl") for line in path.read_text().splitlines()]
    assert line["event"] == "exchange_side_closure"
    assert line["reason"] == "liquidation"
    assert line["entry_time"] == "2026-11-20T08:15:31.123Z"


@pytest.mark.parametrize("harm", ["cut", "changed", "added", "garbage"])
def test_mirrors_that_disagree_are_found_and_lost_lines_written_again(
    filled: LedgerFolder, opened: Callable[[], LedgerWriter], harm: str
) -> None:
    path = next(filled.mirrors.glob("position_closures_*.jsonl"))
    line = path.read_text()
    path.write_text(
        {
            "cut": "",
            "changed": line.replace("0.216191952", "0.9"),
            "added": line + line.replace('"seq":', '"seq":9'),
            "garbage": line + "{not json\n",
        }[harm]
    )
    proof = verify(filled.ledger)
    assert {finding.check for finding in proof.findings} == {"mirrors"}
    opened().close()
    assert verify(filled.ledger).ok is (harm == "cut")


def test_the_lines_of_a_commit_that_are_still_being_written_are_waited_for(filled: LedgerFolder) -> None:
    path = next(filled.mirrors.glob("position_closures_*.jsonl"))
    line = path.read_text()
    path.write_text("")
    late = threading.Timer(0.4, lambda: path.write_text(line))
    late.start()
    assert verify(filled.ledger).findings == []
    late.join()


def test_a_line_that_mirrors_nothing_is_named_by_its_number(filled: LedgerFolder) -> None:
    path = next(filled.mirrors.glob("position_closures_*.jsonl"))
    path.write_text(path.read_text() + "{not json\n")
    (found,) = verify(filled.ledger).findings
    assert found.what == f"{path.name}:2 mirrors no record of the journal"


def test_a_record_without_its_line_is_named_with_the_file_it_belongs_in(filled: LedgerFolder) -> None:
    path = next(filled.mirrors.glob("position_closures_*.jsonl"))
    seq = json.loads(path.read_text())["seq"]
    path.write_text("")
    assert [one.what for one in verify(filled.ledger).findings] == [f"journal row {seq} has no line in {path.name}"]


def test_opening_a_ledger_again_mirrors_nothing_twice(filled: LedgerFolder, opened: Callable[[], LedgerWriter]) -> None:
    before = {path.name: path.read_text() for path in filled.mirrors.glob("*.jsonl")}
    opened().close()
    assert {path.name: path.read_text() for path in filled.mirrors.glob("*.jsonl")} == before


def test_a_session_is_named_by_id_prefix_or_last(writer: LedgerWriter, folder: LedgerFolder) -> None:
    for number in range(7):
        writer.write(a_session(f"01ABC{number}"))
    with LedgerReader(folder.ledger) as reader:
        assert session_id(reader, "last") == "01ABC6"
        assert session_id(reader, "01abc3") == "01ABC3"
        for wrong in ("01ABC", "%", "", "nothing"):
            with pytest.raises(UsageError) as missing:
                session_id(reader, wrong)
            assert (missing.value.hint or "").count("01ABC") == 5


def test_reading_tells_what_the_file_is(filled: LedgerFolder) -> None:
    with LedgerReader(filled.ledger) as reader:
        assert reader.meta()["env"] == "sim"
    with pytest.raises(LedgerMissing):
        run_query(filled.path / "none.db", "SELECT 1", WallClock())


def test_a_read_only_folder_can_still_be_read(filled: LedgerFolder) -> None:
    filled.path.chmod(0o500)
    try:
        with LedgerReader(filled.ledger) as reader:
            assert reader.rows("SELECT count(*) AS n FROM journal")[0]["n"] > 20
    finally:
        filled.path.chmod(0o700)


def test_hostile_text_is_stored_as_text(writer: LedgerWriter, folder: LedgerFolder) -> None:
    nasty = "'; DROP TABLE fills; --\x1b[31m\u202e=cmd()"
    writer.write(
        OperatorCommanded(
            command_id="x", session_id=None, command=nasty, arguments={"a": nasty}, operator=nasty,
            commanded_at=a_session().started_at, outcome="done",
        )
    )  # fmt: skip
    with LedgerReader(folder.ledger) as reader:
        assert reader.rows("SELECT command FROM operator_commands") == [{"command": nasty}]
    assert verify(folder.ledger).ok
