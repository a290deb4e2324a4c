"""Cuts the bytes of a WebSocket into messages; only what is plain is cut here, everything else is the library's.

Nearly every frame of an exchange is one whole, unmasked, uncompressed message. Handing each of them through a general
protocol costs several times what it takes to read the message itself, and a burst is when that time matters.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

_TEXT, _BINARY = 0x81, 0x82  # final, no extension bits, opcode 1 or 2
_SHORT, _MEDIUM, _LONG = 125, 126, 127  # a longer size follows in two or eight bytes; above is a mask
_FOR_EVER = sys.maxsize


class FrameCutter:
    """Gives whole plain messages to one side and every other frame, as it came, to the other."""

    def __init__(self, message: Callable[[bytes], None], other: Callable[[bytes], None], bytes_max: int) -> None:
        """Cut for ``message``; control frames, fragments, compressed and oversized frames go to ``other``."""
        self._message = message
        self._other = other
        self._bytes_max = bytes_max
        self._kept: list[bytes] = []
        """The beginning of a frame whose end has not come."""
        self._missing = 0
        """How many bytes must come before looking again is worth it."""
        self._foreign = 0
        """How many bytes of a frame that is not plain are still to come."""

    def feed(self, data: bytes) -> None:
        """Take bytes, cut wherever the network cut them."""
        if len(data) < self._missing:
            self._kept.append(data)
            self._missing -= len(data)
            return
        if self._kept:
            data = b"".join((*self._kept, data))
            self._kept.clear()
        self._missing = 0
        at = self._pass_on(data, 0) if self._foreign else 0
        self._cut(data, at, len(data))

    def _cut(self, data: bytes, at: int, end: int) -> None:
        message, bytes_max = self._message, self._bytes_max
        while at < end:
            begins, ends = _bounds(data, at, end)
            plain = data[at] in {_TEXT, _BINARY} and ends - begins <= bytes_max
            if not ends or (plain and ends > end):
                self._kept.append(data[at:])
                self._missing = max(1, ends - end)
                return
            if plain:
                message(data[begins:ends])
                at = ends
            else:
                self._foreign = ends - at
                at = self._pass_on(data, at)

    def _pass_on(self, data: bytes, at: int) -> int:
        """Hand on what is here of a foreign frame; gives where it ends."""
        part = data[at : at + self._foreign]
        self._foreign -= len(part)
        self._other(part)
        return at + len(part)


def _bounds(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Give where the payload of a frame begins and ends; nothing while its head is not here."""
    if end - at < 2:
        return 0, 0
    size = data[at + 1]
    if size <= _SHORT:
        return at + 2, at + 2 + size
    if size == _MEDIUM:
        return (at + 4, at + 4 + (data[at + 2] << 8 | data[at + 3])) if end - at >= 4 else (0, 0)
    if size == _LONG:
        return (at + 10, at + 10 + int.from_bytes(data[at + 2 : at + 10], "big")) if end - at >= 10 else (0, 0)
    return at, _FOR_EVER  # a server never masks: the library ends the connection, and nothing after that is ours
