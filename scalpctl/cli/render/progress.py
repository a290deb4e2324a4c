"""Says on a terminal how far a long read has come, and leaves no trace when it is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def counted(doing: str, things: str, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Give a function that is told how many things have been read; off a terminal it says nothing."""
    shown = sys.stderr.isatty() and not quiet
    told = False

    def tell(number: int) -> None:
        nonlocal told
        if shown:
            told = True
            print(f"\r{doing}: {number:,} {things}", end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        if told:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
