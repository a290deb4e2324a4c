"""Files of lines that are only added to: what a power loss cut short was never said, and never spoils the next line."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from scalpctl.host.private_files import open_private_append


def whole_lines(path: Path) -> list[bytes]:
    """Give the lines that were written whole, none where there is no file."""
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


def open_lines(path: Path) -> int:
    """Open (or make) a private file for adding lines, behind its last whole one; gives the descriptor."""
    descriptor = open_private_append(path)
    try:
        if not _ends_whole(path):
            os.ftruncate(descriptor, sum(len(line) + 1 for line in whole_lines(path)))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def add_line(descriptor: int, line: bytes) -> None:
    """Add one line, or raise what kept it from being written whole."""
    data = line + b"\n"
    if os.write(descriptor, data) < len(data):
        raise OSError(errno.ENOSPC, "a line was not written whole")


def add_durable_line(path: Path, line: bytes) -> None:
    """Add one line to a file; it is on disk when this returns."""
    descriptor = open_lines(path)
    try:
        add_line(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
