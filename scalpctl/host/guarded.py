"""A process that may hold keys: its files are private by default, and it leaves no memory behind when it dies."""

from __future__ import annotations

import os
import resource


def guard_process() -> None:
    """Make files private by default and keep secrets out of core dumps."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
