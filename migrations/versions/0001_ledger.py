"""The first ledger: journal, typed tables, triggers, views. What a revision did is frozen as SQL beside it."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from scalpctl.ledger.creation import split_statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything on an empty file."""
    for statement in split_statements(Path(__file__).with_suffix(".sql").read_text()):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: a ledger goes back by restoring a backup."""
    message = "a ledger is not downgraded; restore the backup that `scalpctl ledger upgrade` made"
    raise NotImplementedError(message)
