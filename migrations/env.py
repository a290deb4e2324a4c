"""Alembic's entry: runs the revisions on the connection that scalpctl hands over, and on nothing else."""

from __future__ import annotations

from alembic import context

from scalpctl.ledger.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
