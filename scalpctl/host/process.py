"""Who is running: this process, this boot, and whether another process still lives."""

from __future__ import annotations

import getpass
import os
import resource
from pathlib import Path


def boot_id() -> str:
    """Give the id of this boot of the machine, so that a pid from before a reboot is not mistaken."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


def operator() -> str:
    """Name the person at the keyboard as the operating system does."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid())


def resident_bytes() -> int:
    """Give the memory this process occupies."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")
