"""Who is running: this process, this boot, and whether another process still lives."""

from __future__ import annotations

import getpass
import os
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
