"""Ids of what a session makes: a pure function of the session and a counter, so that nothing is ever named twice."""

from __future__ import annotations

from hashlib import sha256

PREFIX = "sc"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Names:
    """Gives the ids of one session, in the order asked for."""

    def __init__(self, session_id: str) -> None:
        """Name things after a session, whose id sorts by time and never repeats."""
        self.session_id = session_id
        self._stem = stem_of(session_id)
        self._count = 0

    def order(self, role: str) -> str:
        """Name an order or conditional order: letters and digits, at most 32, never used before."""
        return f"{PREFIX}{self._stem}{role[0]}{self._next()}"

    def thing(self, kind: str) -> str:
        """Name a decision, a position, a drift or a latch."""
        return f"{kind}-{self._stem}-{self._next()}"

    def _next(self) -> str:
        self._count += 1
        number, text = self._count, ""
        while number:
            number, digit = divmod(number, 36)
            text = _DIGITS[digit] + text
        return text.rjust(5, "0")


def stem_of(session_id: str) -> str:
    """Give twelve letters and digits that no other session has."""
    number, text = int.from_bytes(sha256(session_id.encode()).digest()[:12], "big"), ""
    while len(text) < 12:
        number, digit = divmod(number, 36)
        text += _DIGITS[digit]
    return text


def is_ours(client_id: str) -> bool:
    """Tell whether an id at the exchange was given by some session of an engine like this one."""
    return client_id.startswith(PREFIX) and len(client_id) == len(PREFIX) + 18


def session_stem(client_id: str) -> str:
    """Give what tells which session gave an id; empty for an id of somebody else's."""
    return client_id[len(PREFIX) : len(PREFIX) + 12] if is_ours(client_id) else ""
