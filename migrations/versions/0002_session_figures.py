"""The figures of every session in a table of their own, filled from the journal that is there."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import cast

from alembic import op

from scalpctl.ledger.creation import split_statements
from scalpctl.ledger.journal import journal_rows, record_of
from scalpctl.ledger.projection.figures import KINDS, Figures

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
FLUSH_ROWS = 5_000


def upgrade() -> None:
    """Make the table and the view, and fold the journal into it."""
    bind = op.get_bind()
    for statement in split_statements(Path(__file__).with_suffix(".sql").read_text()):
        bind.exec_driver_sql(statement)
    connection = cast("sqlite3.Connection", bind.connection.dbapi_connection)
    figures = Figures(connection)
    for row in journal_rows(connection, kinds=[kind.record_kind for kind in KINDS]):
        figures.waiting.append((row.seq, record_of(row)))
        if len(figures.waiting) >= FLUSH_ROWS:
            figures.flush()
    figures.flush()


def downgrade() -> None:
    """Refuse: a ledger goes back by restoring a backup."""
    message = "a ledger is not downgraded; restore the backup that `scalpctl ledger upgrade` made"
    raise NotImplementedError(message)
