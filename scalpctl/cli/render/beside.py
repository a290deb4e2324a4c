"""Writing beside the work it tells of: an engine never waits for a terminal or a pipe that takes nothing."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Protocol, TextIO

Work = Callable[[], None]
KEPT = 2_000
"""Pieces that may wait; what comes after them is told as a number."""
LAST_WORDS_S = 2.0
_GONE = (errno.EPIPE, errno.EIO, errno.ECONNRESET)
"""What a pipe, a terminal and a socket say when nobody is at the other end; a full disk has room again some day."""


class Writing(Protocol):
    """Takes pieces of writing up, one after the other."""

    def do(self, work: Work) -> bool:
        """Take a piece up; False where too many wait already."""
        ...

    def to(self, stream: TextIO) -> Callable[[str], None]:
        """Give what writes a line to a stream, as a piece of this writing."""
        ...

    def end(self) -> None:
        """Finish what was taken up, as far as somebody reads it."""
        ...


class AtOnce:
    """Writes at once: simulated time waits for its reader."""

    def __init__(self, gone: Work) -> None:
        """Call ``gone`` when nobody reads any more."""
        self._gone: Work | None = gone

    def do(self, work: Work) -> bool:
        """Write; True however it went."""
        if self._gone is not None:
            try:
                work()
            except OSError as error:
                if error.errno in _GONE:
                    gone, self._gone = self._gone, None
                    gone()
        return True

    def to(self, stream: TextIO) -> Callable[[str], None]:
        """Write through the buffers of the interpreter, in order with whatever else is printed."""
        return partial(print, file=stream)

    def end(self) -> None:
        """Nothing waits."""


class Beside:
    """Writes in a thread of its own, which may stand still as long as nobody reads."""

    def __init__(self, gone: Work) -> None:
        """Call ``gone``, from that thread, when nobody will read any more."""
        self._gone = gone
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._thread = Thread(target=self._write, name="writing", daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Tell whether nothing waits."""
        return self._queue.empty()

    def do(self, work: Work) -> bool:
        """Take a piece up without waiting; False where too many wait already."""
        if self._queue.qsize() >= KEPT:
            return False
        self._queue.put(work)
        return True

    def to(self, stream: TextIO) -> Callable[[str], None]:
        """Write past the buffers: whoever ends the interpreter must not find them locked by a thread that waits."""
        return partial(_put, stream.fileno())

    def end(self) -> None:
        """Give what waits a moment more; a reader that stands still is not waited for."""
        self._queue.put(None)
        self._thread.join(LAST_WORDS_S)

    def _write(self) -> None:
        for work in iter(self._queue.get, None):
            try:
                work()
            except OSError as error:
                if error.errno in _GONE:
                    self._gone()
                    return


class Lines:
    """Writes lines, and how many are missing once they are taken again."""

    def __init__(self, stream: TextIO, writing: Writing, missing: Callable[[int], str]) -> None:
        """Write to a stream; ``missing`` puts the number of those nobody took into words."""
        self._writing = writing
        self._put = writing.to(stream)
        self._missing = missing
        self._missed = 0

    def add(self, line: str) -> None:
        """Take a line up; one too many is counted."""
        told = f"{self._missing(self._missed)}\n{line}" if self._missed else line
        self._missed = 0 if self._writing.do(partial(self._put, told)) else self._missed + 1


def _put(descriptor: int, text: str) -> None:
    left = memoryview(f"{text}\n".encode(sys.stdout.encoding or "utf-8", errors="replace"))
    while left:
        left = left[os.write(descriptor, left) :]
