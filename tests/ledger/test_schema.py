"""One definition, several users: models, migrations, schema file, hot writer and PostgreSQL agree."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from builders import T0, a_fill
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import Session, select

from scalpctl.core.records.registry import ALL
from scalpctl.errors import LedgerCorrupt, LedgerMissing, LedgerTooNew
from scalpctl.host.hand_clock import HandClock
from scalpctl.ledger import migrate
from scalpctl.ledger.creation import create_schema, split_statements
from scalpctl.ledger.ddl import create_on, schema_statements, schema_text
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.projection.plan import PLAN
from scalpctl.ledger.rebuild import rebuild
from scalpctl.ledger.schema import HEAD
from scalpctl.ledger.sqlite import APPEND_ONLY, open_for_schema, open_memory
from scalpctl.ledger.tables import METADATA
from scalpctl.ledger.tables.journal import Journal
from scalpctl.ledger.tables.trading import Fill
from scalpctl.ledger.verification.verify import verify
from scalpctl.resources import folder as resource_folder

ROOT = Path(__file__).parents[2]
MIGRATIONS = ROOT / "migrations" / "versions"


def objects(connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'")
    return {name: re.sub(r"\s+", " ", sql) for name, sql in rows}


def test_the_schema_file_is_what_the_models_say() -> None:
    assert (ROOT / "scalpctl" / "ledger" / "schema.sql").read_text() == schema_text()
    assert tuple(split_statements(schema_text())) == schema_statements()


def test_the_migrations_lead_to_what_the_models_say() -> None:
    migrated, created = open_memory(), open_memory()
    migrate.run_revisions(migrated)
    create_schema(created, {"env": "sim"})
    assert objects(migrated) == objects(created)
    (revision,) = migrated.execute("SELECT version_num FROM alembic_version").fetchone()
    assert revision == HEAD
    migrated.close()
    created.close()


def test_the_head_is_the_newest_migration() -> None:
    numbers = sorted(path.name[:4] for path in MIGRATIONS.glob("*.py"))
    assert numbers[-1] == HEAD
    assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)]


def test_migrations_never_rebuild_history() -> None:
    for path in MIGRATIONS.glob("*.py"):
        assert "batch_alter_table" not in path.read_text(), path


@pytest.mark.parametrize("record", ALL, ids=lambda record: record.record_kind)
def test_every_field_of_a_record_has_its_column(record: type) -> None:
    if record.record_kind == "posted":
        return
    columns = METADATA.tables[PLAN[record].table].columns.keys()
    assert set(record.__struct_fields__) <= set(columns)


def test_every_table_and_record_says_what_it_is() -> None:
    assert {record.__doc__ is not None for record in ALL} == {True}
    assert set(APPEND_ONLY) <= set(METADATA.tables)
    assert len({record.record_kind for record in ALL}) == len(ALL)


def test_records_come_back_from_their_json() -> None:
    fill = a_fill()
    assert msgspec.json.decode(msgspec.json.encode(fill), type=type(fill)) == fill


def test_a_ledger_of_today_is_left_as_it_is_without_a_backup(filled: LedgerFolder, clock: HandClock) -> None:
    before, after, backup = migrate.upgrade(filled, clock)
    assert (before, after, backup) == (HEAD, HEAD, None)


def test_a_ledger_without_session_figures_gets_them_from_its_journal(filled: LedgerFolder, clock: HandClock) -> None:
    connection = open_for_schema(filled.ledger)
    kept = connection.execute("SELECT * FROM session_figures").fetchall()
    connection.execute("DROP VIEW session_results")
    connection.execute("DROP TABLE session_figures")
    connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    before, after, backup = migrate.upgrade(filled, clock)
    assert (before, after) == ("0001", HEAD)
    assert backup is not None
    connection = open_for_schema(filled.ledger)
    assert kept
    assert connection.execute("SELECT * FROM session_figures").fetchall() == kept
    connection.close()
    assert verify(filled.ledger).ok


def test_upgrading_nothing_or_the_future_is_refused(
    folder: LedgerFolder, filled: LedgerFolder, clock: HandClock
) -> None:
    connection = sqlite3.connect(filled.ledger)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(LedgerTooNew):
        migrate.upgrade(filled, clock)
    with pytest.raises(LedgerMissing):
        migrate.upgrade(LedgerFolder(folder.root, "demo", "none"), clock)


def test_a_migration_that_fails_its_proof_changes_nothing(filled: LedgerFolder) -> None:
    connection = open_for_schema(filled.ledger)
    connection.execute("DROP TRIGGER fills_no_update")
    before = objects(connection)
    counts = connection.execute("SELECT count(*) FROM journal").fetchone()
    connection.close()
    with pytest.raises(LedgerCorrupt, match="failed its proof"):
        migrate.migrate_file(filled.ledger)
    connection = open_for_schema(filled.ledger)
    assert objects(connection) == before
    assert connection.execute("SELECT count(*) FROM journal").fetchone() == counts
    connection.close()


def test_the_packaged_migrations_are_found() -> None:
    assert (resource_folder("migrations") / "env.py").is_file()


def test_tables_are_rebuilt_from_the_journal_alone(filled: LedgerFolder, clock: HandClock) -> None:
    connection = sqlite3.connect(filled.ledger)
    connection.execute("DELETE FROM orders")
    connection.execute("UPDATE positions SET side = 'short'")
    connection.commit()
    connection.close()
    assert not verify(filled.ledger).ok
    rows, aside = rebuild(filled, clock.now())
    assert rows == len(ALL)
    assert verify(filled.ledger).findings == []
    assert (aside / "ledger.db").exists()


def test_a_broken_journal_is_not_rebuilt_from(filled: LedgerFolder, clock: HandClock) -> None:
    connection = sqlite3.connect(filled.ledger)
    connection.execute("DROP TRIGGER journal_no_update")
    connection.execute("UPDATE journal SET ts_us = ts_us + 1 WHERE seq = 4")
    connection.commit()
    connection.close()
    with pytest.raises(LedgerCorrupt, match="row 4"):
        rebuild(filled, clock.now())
    assert not list(filled.path.glob(".*.new*"))


def journal_row() -> Journal:
    return Journal(
        seq=1, ts_us=T0, mono_ns=0, kind="fill_seen", idem="x", writer_id="w", cause=None, body="{}", prev="p", hash="h"
    )


def fill_row(**changes: object) -> Fill:
    fill = {name: getattr(a_fill(), name) for name in a_fill().__struct_fields__}
    money = ("price", "contracts", "coins", "fee", "exchange_pnl", "decision_price", "slippage")
    exact = {name: Decimal(fill[name]) for name in money}
    return Fill(**(fill | exact | {"seq": 1} | changes))


def round_trip(url: str) -> None:
    engine = create_engine(url)
    METADATA.drop_all(engine)
    create_on(engine)
    digits = Decimal("12345678901234567.123456789012345678")
    with Session(engine) as unit:
        unit.add(journal_row())
        unit.flush()
        unit.add(fill_row(price=digits, fee=Decimal("-1E-16")))
        unit.commit()
    with Session(engine) as unit:
        fill = unit.exec(select(Fill)).one()
        assert fill.price == digits
        assert str(fill.price) == str(digits)
        assert fill.fee == Decimal("-0.0000000000000001")
        assert fill.filled_at == a_fill().filled_at
    for changes in ({"price": Decimal("NaN")}, {"filled_at": 1.5}, {"fee": 0.1}):
        with Session(engine) as unit, pytest.raises(StatementError):
            unit.add(fill_row(trade_id="other", **changes))
            unit.commit()
    with engine.connect() as unit, pytest.raises(IntegrityError):
        unit.execute(text("UPDATE fills SET price = '1e5'"))
    with engine.connect() as unit:
        assert unit.execute(text("SELECT count(*) FROM fills_plain WHERE price_real > 1e16")).scalar() == 1
    engine.dispose()


def test_the_models_round_trip_on_sqlite(tmp_path: Path) -> None:
    round_trip(f"sqlite:///{tmp_path / 'models.db'}")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder of its own that another user may use; pytest's own folders are for their owner only."""
    with tempfile.TemporaryDirectory(prefix="scalpctl-postgres-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.fixture
def postgres(open_folder: Path) -> Iterator[str]:
    """A real server of our own, where one is installed."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin/initdb")] or [
        Path(name) for name in [shutil.which("initdb")] if name
    ]
    if not found:
        pytest.skip("no PostgreSQL server is installed here (initdb was not found)")
    tools, data = found[-1].parent, open_folder / "pg"
    as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if _is_root() else []
    made = subprocess.run(
        [*as_user, str(tools / "initdb"), "-D", str(data), "-U", "scalp", "-A", "trust"],
        capture_output=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip(f"PostgreSQL could not be set up here: {made.stderr.decode()[-200:]}")
    options = f"-c listen_addresses='' -c unix_socket_directories={open_folder} -c fsync=off"
    control = [*as_user, str(tools / "pg_ctl"), "-D", str(data), "-w", "-l", str(open_folder / "log")]
    subprocess.run([*control, "-o", options, "start"], check=True, capture_output=True)
    yield f"postgresql+psycopg://scalp@/postgres?host={open_folder}"
    subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True)


def _is_root() -> bool:
    import os

    return os.geteuid() == 0


def test_the_models_round_trip_on_postgresql(postgres: str) -> None:
    round_trip(postgres)
