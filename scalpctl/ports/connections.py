"""Who wants to know what happens to the lines to the exchange."""

from __future__ import annotations

from typing import Protocol

from scalpctl.core.exchange.connections import ConnectionEvent


class ConnectionListener(Protocol):
    """Takes facts about connections; it must not wait and must not fail."""

    def heard(self, event: ConnectionEvent) -> None:
        """Take one fact."""
        ...
