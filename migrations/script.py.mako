"""${message}."""

from __future__ import annotations

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema; journal, fills and postings only ever gain columns or tables."""


def downgrade() -> None:
    """Refuse: a ledger goes back by restoring a backup."""
    message = "a ledger is not downgraded; restore the backup that `scalpctl ledger upgrade` made"
    raise NotImplementedError(message)
