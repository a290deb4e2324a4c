"""What the exchange says no with: its documented code and message."""

from __future__ import annotations

from collections.abc import Mapping


class Denied(Exception):
    """A request that was refused; nothing has changed."""

    def __init__(self, code: str, message: str, sub: str = "") -> None:
        """Refuse with a code."""
        super().__init__(message)
        self.code, self.message, self.sub = code, message, sub


REFUSABLE = ("order", "amend", "cancel", "stop", "move-stop", "cancel-stop", "leverage")
"""The kinds of requests somebody may have refused for a while, whatever they ask for."""


def refusal_of(what: str) -> str:
    """Give the switch under which it is kept that a kind of request is refused."""
    return f"refuse {what}"


def refuse_as_asked(switches: Mapping[str, str], now: int, what: str) -> None:
    """Refuse a request of a kind somebody wants refused at this time."""
    code, _, until = switches.get(refusal_of(what), "").partition(" ")
    if code and now < int(until):
        raise Denied(code, f"Every {what} is refused for a while, as somebody asked.")
