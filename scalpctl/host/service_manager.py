"""The service manager that started this process, if any: told that we are ready, and again and again that we live."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping


class ServiceManager:
    """Speaks systemd's notification protocol; without a manager nothing is said."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Find the manager as it says itself where it listens, and how long it waits for a sign of life."""
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        for_us = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        patience_us = environ.get("WATCHDOG_USEC", "")
        self.expects_every_s = int(patience_us) / 1e6 / 2 if for_us and patience_us.isdecimal() else None
        """Half of its patience; None where it does not watch."""

    def tell(self, message: str) -> None:
        """Say something; a manager that does not listen any more is none."""
        if self._address:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.sendto(message.encode(), self._address)
