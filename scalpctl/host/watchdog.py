"""The watchdog of systemd, where it started this process: told that we are ready, and again and again that we live."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class Watchdog:
    """Speaks the notification protocol; where nobody watches nothing is said."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Find it where it says itself that it listens, and how long it waits for a sign of life."""
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        for_us = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        patience_us = environ.get("WATCHDOG_USEC", "")
        self.expects_every_s = int(patience_us) / 1e6 / 2 if for_us and patience_us.isdecimal() else None
        """Half of its patience; None where it does not watch."""

    def tell(self, message: str) -> bool:
        """Say something and wait for nobody; False where there is too much it has not heard yet."""
        if not self._address:
            return True
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.setblocking(False)
                line.sendto(message.encode(), self._address)
        except BlockingIOError:
            return False
        except OSError:  # one that does not listen any more is none
            return True
        return True
