"""A process that may hold keys: its files are private by default, and it leaves no memory behind when it dies."""

from __future__ import annotations

import os
import resource
import sys


def guard_process() -> None:
    """Make files private by default, keep secrets out of core dumps and prints out of files."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _fill_standard_streams()


def _fill_standard_streams() -> None:
    """Where a standard stream is closed put one that swallows: the next file opened would take its number otherwise."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8"))
