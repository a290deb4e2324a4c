"""What the exchange says no with: its documented code and message."""

from __future__ import annotations


class Denied(Exception):
    """A request that was refused; nothing has changed."""

    def __init__(self, code: str, message: str, sub: str = "") -> None:
        """Refuse with a code."""
        super().__init__(message)
        self.code, self.message, self.sub = code, message, sub
