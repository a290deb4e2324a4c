"""The ledger's tables as SQLModel classes: the one definition migrations, writer and readers are pinned to."""

from scalpctl.ledger.tables import journal, money, positions, sessions, trading
from scalpctl.ledger.tables.columns import METADATA, add_checks

__all__ = ["METADATA", "journal", "money", "positions", "sessions", "trading"]

add_checks(METADATA)
