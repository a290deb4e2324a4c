"""Upgrades an older ledger: under the lease, after a proven backup, in one transaction, proven again afterwards.

The only module that imports the migration framework, and only when the schema really differs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scalpctl.errors import LedgerCorrupt, LedgerTooNew
from scalpctl.ledger.backup import back_up
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.lease import Lease
from scalpctl.ledger.schema import HEAD, revision_of
from scalpctl.ledger.sqlite import open_for_schema, open_reader
from scalpctl.ledger.verification.integrity import check_chain, check_triggers
from scalpctl.ports.clock import Clock
from scalpctl.resources import folder as resource_folder


def upgrade(folder: LedgerFolder, clock: Clock) -> tuple[str, str, Path | None]:
    """Bring a ledger to this program's schema; gives the revision before, the one after, and the backup made."""
    folder.require_ledger()
    lease = Lease(folder.lock, "upgrade")
    try:
        before = _revision(folder.ledger)
        if before == HEAD:
            return before, HEAD, None
        if before > HEAD:
            raise LedgerTooNew(
                f"{folder.ledger} is at schema {before}, this scalpctl knows {HEAD}", hint="upgrade scalpctl"
            )
        backup = back_up(folder, clock, f"before upgrade from {before}", older=True)
        migrate_file(folder.ledger, backup)
    finally:
        lease.release()
    return before, HEAD, backup


def migrate_file(path: Path, backup: Path | None = None) -> None:
    """Run the missing revisions on a file in one transaction; any failure leaves it as it was."""
    connection = open_for_schema(path)
    try:
        counts = _row_counts(connection)
        run_revisions(connection, before_commit=lambda: _prove(connection, counts, path, backup))
    finally:
        connection.close()


class _OurTransaction:
    """A connection whose commits and rollbacks do nothing: the framework makes several, and we want one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        """Leave the transaction open."""

    def rollback(self) -> None:
        """Leave the transaction open."""

    def close(self) -> None:
        """Leave the connection open."""


def run_revisions(connection: sqlite3.Connection, *, before_commit: Callable[[], None] = lambda: None) -> None:
    """Run alembic to the newest revision on an open connection, inside one transaction of ours."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    engine = create_engine("sqlite://", creator=lambda: _OurTransaction(connection), poolclass=StaticPool)
    config = Config()
    config.set_main_option("script_location", str(resource_folder("migrations")).replace("%", "%%"))
    with engine.connect() as unit:
        config.attributes["connection"] = unit
        connection.execute("BEGIN IMMEDIATE")
        try:
            command.upgrade(config, "head")
            connection.execute(f"PRAGMA user_version = {int(HEAD)}")
            before_commit()
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _revision(path: Path) -> str:
    connection = open_reader(path)
    try:
        return revision_of(connection)
    finally:
        connection.close()


def _row_counts(connection: sqlite3.Connection) -> dict[str, int]:
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in names}


def _prove(connection: sqlite3.Connection, before: dict[str, int], path: Path, backup: Path | None) -> None:
    after = _row_counts(connection)
    lost = [name for name, count in before.items() if name != "alembic_version" and after.get(name) != count]
    findings = [*check_triggers(connection), *check_chain(connection)]
    if lost or findings:
        what = f"rows changed in {', '.join(lost)}" if lost else findings[0].what
        raise LedgerCorrupt(
            f"the upgrade of {path} failed its proof ({what}); nothing was changed", hint=f"backup: {backup}"
        )
