"""Keeps the application log of a session: what a person would want to read, without a secret, and never as evidence."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from scalpctl.core.instants import rfc3339
from scalpctl.host.log_file import LogFile
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.okx.redaction import guard
from scalpctl.ports.clock import Clock

LOG = logging.getLogger("scalpctl.run")


@contextmanager
def begin_log(folder: LedgerFolder, clock: Clock, secrets: Iterable[str]) -> Iterator[None]:
    """Send what is logged meanwhile to the ledger's folder, and the error that ends it, if one does."""
    handler = LogFile(folder.path / "logs" / "scalpctl.log", clock)
    guard([handler], secrets)
    root = logging.getLogger()
    root.addHandler(handler)
    LOG.setLevel(logging.INFO)
    LOG.propagate = True
    try:
        yield
    except Exception as error:
        LOG.exception("it ended with %s", type(error).__name__)
        raise
    finally:
        root.removeHandler(handler)
        handler.close()


def told(line_of: Callable[[Any], str | None]) -> Callable[[Any, Any, Any], None]:
    """Give a watcher that logs the line of every record that is worth one."""

    def watcher(_event: Any, step: Any, at: Any) -> None:
        for record in step.records:
            line = line_of(record)
            if line is not None:
                LOG.info("%s %s", rfc3339(at), line)

    return watcher
