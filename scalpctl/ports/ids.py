"""Where identities come from."""

from __future__ import annotations

from typing import Protocol


class IdSource(Protocol):
    """Gives ids that never repeat: 26 characters that sort by creation time, as in a ULID."""

    def new_id(self) -> str:
        """Give the next id."""
        ...
