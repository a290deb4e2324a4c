"""Everything that is SQLite's own: how connections are opened, what they may not do, triggers, what its errors mean.

Measured traps this module exists for: INSERT OR REPLACE passes append-only triggers unless ``recursive_triggers`` is
on; a file created by SQLite is world-readable; NORMAL may lose the last commits; a reader must never create the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from scalpctl.errors import LedgerCorrupt, LedgerError, LedgerMissing, LedgerWriteFailed

APPLICATION_ID = 0x5343414C  # "SCAL"
BUSY_TIMEOUT_MS = 5_000
APPEND_ONLY = ("journal", "fills", "postings", "leases", "entries", "partial_takes", "closures")

CANONICAL_CHECK = (
    "{c} NOT GLOB '*[^-.0-9]*' AND {c} GLOB '*[0-9]' AND substr({c}, 2) NOT GLOB '*-*' AND {c} NOT GLOB '*.*.*' AND "
    "({c} GLOB '[1-9]*' OR {c} GLOB '-[1-9]*' OR {c} = '0' OR {c} GLOB '0.*' "
    "OR ({c} GLOB '-0.*' AND {c} GLOB '*[1-9]*'))"
)

_COMMON_PRAGMAS = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA mmap_size=0",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
)
_WRITER_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA wal_autocheckpoint=4000",  # 16 MB: a checkpoint costs two syncs, and readers do not mind
    "PRAGMA journal_size_limit=67108864",
)

Cells = tuple[object, ...]


def open_writer(path: Path) -> sqlite3.Connection:
    """Open the one writing connection: WAL, every commit on disk, forbidden operations denied."""
    connection = _connect(f"file:{quote(str(path))}?mode=rw")
    for pragma in (*_WRITER_PRAGMAS, *_COMMON_PRAGMAS):
        connection.execute(pragma)
    return connection


def open_new(path: Path) -> sqlite3.Connection:
    """Open an empty file to make a ledger of it: all of it in that one file, as soon as a commit returns."""
    connection = _connect(f"file:{quote(str(path))}?mode=rw")
    for pragma in ("PRAGMA journal_mode=DELETE", "PRAGMA synchronous=FULL", *_COMMON_PRAGMAS):
        connection.execute(pragma)
    return connection


def open_for_schema(path: Path) -> sqlite3.Connection:
    """Open for migrating the schema: as a writer, with foreign keys off."""
    connection = open_writer(path)
    connection.execute("PRAGMA foreign_keys=OFF")
    return connection


def open_memory() -> sqlite3.Connection:
    """Open a private database in memory with the writer's rules, for replays and comparisons."""
    connection = _connect("file::memory:")
    for pragma in _COMMON_PRAGMAS:
        connection.execute(pragma)
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open read-only; a missing file is an error and is never created."""
    if not path.exists():
        raise LedgerMissing(
            f"there is no ledger at {path}",
            hint="`scalpctl run` makes one; `scalpctl ledger path` says where it is looked for",
        )
    connection = _connect(f"file:{quote(str(path))}?mode=ro{_immutable(path)}")
    try:
        for pragma in (*_COMMON_PRAGMAS, "PRAGMA query_only=ON"):
            connection.execute(pragma)
        _refuse_foreign(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise meaning(error, path) from error
    except BaseException:
        connection.close()
        raise
    return connection


def deny_rewriting(connection: sqlite3.Connection) -> None:
    """Take from a writer what it never needs: UPDATE and DELETE of history, schema changes, other files."""
    connection.set_authorizer(_authorize)


def meaning(error: sqlite3.Error, path: Path) -> LedgerError:
    """Translate SQLite's error into what it means for the ledger."""
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    if name in {"SQLITE_CORRUPT", "SQLITE_NOTADB"} or name.startswith("SQLITE_CORRUPT"):
        return LedgerCorrupt(
            f"{path} is damaged or not a ledger ({name}: {error})", hint="run `scalpctl ledger restore` with a backup"
        )
    if name in {"SQLITE_BUSY", "SQLITE_LOCKED"}:
        return LedgerWriteFailed(
            f"{path} stayed locked for {BUSY_TIMEOUT_MS // 1000} s", hint="another program writes it; stop that program"
        )
    return LedgerWriteFailed(f"{path}: {name}: {error}", hint="check the disk: free space, permissions, health")


def trigger_statements() -> tuple[str, ...]:
    """Give the statements that make history append-only and the journal gapless."""
    append_only = (
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for table in APPEND_ONLY
        for verb in ("UPDATE", "DELETE")
    )
    return (*append_only, _JOURNAL_CHAIN, *_no_replace(), _LEASE_FENCE)


def triggers_of(connection: sqlite3.Connection) -> dict[str, str]:
    """Give every trigger of a file by name, with its text."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
    return dict(rows.fetchall())


def run_all(connection: sqlite3.Connection, statements: Iterable[str]) -> None:
    """Execute statements one by one."""
    for statement in statements:
        connection.execute(statement)


_JOURNAL_CHAIN = (
    "CREATE TRIGGER journal_chain BEFORE INSERT ON journal "
    "WHEN (NEW.seq - 1, NEW.prev) IS NOT (SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1) "
    "AND NOT (NEW.seq = 1 AND NEW.prev IS (SELECT v FROM meta WHERE k = 'genesis') "
    "AND NOT EXISTS (SELECT 1 FROM journal)) "
    "BEGIN SELECT RAISE(ABORT, 'journal: a row has the next number and the hash of the row before it'); END"
)
_LEASE_FENCE = (
    "CREATE TRIGGER leases_fence BEFORE INSERT ON leases "
    "WHEN NEW.fence IS NOT (SELECT coalesce(max(fence), 0) + 1 FROM leases) "
    "BEGIN SELECT RAISE(ABORT, 'leases: the fence only grows'); END"
)
_KEYS = {
    "fills": "inst_id = NEW.inst_id AND trade_id = NEW.trade_id AND order_id = NEW.order_id",
    "postings": "transaction_id = NEW.transaction_id AND leg = NEW.leg",
    "entries": "entry_id = NEW.entry_id",
    "partial_takes": "partial_id = NEW.partial_id",
    "closures": "position_id = NEW.position_id",
}


def _no_replace() -> tuple[str, ...]:
    return tuple(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {key}) "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for table, key in _KEYS.items()
    )


_DENIED = {
    sqlite3.SQLITE_ATTACH,
    sqlite3.SQLITE_DETACH,
    sqlite3.SQLITE_ALTER_TABLE,
    sqlite3.SQLITE_CREATE_TRIGGER,
    sqlite3.SQLITE_DROP_INDEX,
    sqlite3.SQLITE_DROP_TABLE,
    sqlite3.SQLITE_DROP_TRIGGER,
    sqlite3.SQLITE_DROP_VIEW,
}
_DENIED_PRAGMAS = ("writable_schema", "recursive_triggers", "synchronous", "journal_mode")


def _authorize(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
    del database, trigger
    if action in _DENIED:
        return sqlite3.SQLITE_DENY
    if action in (sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE) and first in APPEND_ONLY:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and first in _DENIED_PRAGMAS and second is not None:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and second == "load_extension":
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _exact_sum() -> object:
    from scalpctl.ledger.exact_sum import ExactSum  # most queries never add, and decimals cost as much as SQLite

    return ExactSum()


def _connect(uri: str) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise meaning(error, Path(uri.removeprefix("file:").split("?")[0])) from error
    connection.create_aggregate("dsum", 1, cast("Any", _exact_sum))  # the stubs know only numbers
    return connection


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    if path.stat().st_size == 0:
        raise LedgerCorrupt(
            f"{path} is empty: it was never finished, or its disk lost it",
            hint="`scalpctl ledger restore` brings a backup back; where nothing was ever written remove the file",
        )
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise LedgerCorrupt(f"{path} is a SQLite file, but not a scalpctl ledger", hint="name the right file")


def _immutable(path: Path) -> str:
    """Allow reading from a read-only directory, where SQLite cannot make its shared-memory file."""
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size > 0:
        return ""
    probe = path.parent.stat().st_mode & 0o222
    return "" if probe else "&immutable=1"


def library_version() -> tuple[int, int, int]:
    """Give the version of the SQLite library this Python is linked with."""
    major, minor, patch = sqlite3.sqlite_version_info
    return major, minor, patch
