"""The application log: a JSON object per line; private, rotated, compressed, let go of after a month; no evidence."""

from __future__ import annotations

import gzip
import json
import logging
import os
import shutil
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from scalpctl.core.instants import Instant, rfc3339, to_datetime
from scalpctl.host.private_files import create_private_file, make_private_folder, open_private_append
from scalpctl.ports.clock import Clock

BYTES_MAX = 10_000_000
KEPT_US = 30 * 86_400 * 1_000_000


class LogFile(RotatingFileHandler):
    """Appends records to a private file; what cannot be written is dropped, and whoever logs goes on."""

    def __init__(self, path: Path, clock: Clock, bytes_max: int = BYTES_MAX) -> None:
        """Log into ``path``; what is older than a month is let go of now and at every rotation."""
        make_private_folder(path.parent)
        self._clock = clock
        super().__init__(path, maxBytes=bytes_max, backupCount=1, encoding="utf-8", delay=True)
        self._let_go()

    def _open(self) -> TextIOWrapper:
        return os.fdopen(open_private_append(Path(self.baseFilename)), "a", encoding="utf-8")

    def format(self, record: logging.LogRecord) -> str:
        """Give the line of a record; a newline in a message cannot begin another one."""
        fields = {"at": rfc3339(self._clock.now()), "level": record.levelname.lower(), "name": record.name}
        fields["message"] = record.getMessage()
        if record.exc_text:
            fields["error"] = record.exc_text
        return json.dumps(fields, ensure_ascii=False)

    def doRollover(self) -> None:  # noqa: N802  the library's name
        """Compress what is full, and begin again."""
        if self.stream is not None:
            self.stream.close()
            self.stream = None
        full = Path(self.baseFilename)
        stamp = to_datetime(self._clock.now()).strftime("%Y%m%dT%H%M%S%f")
        packed = full.with_name(f"{full.stem}-{stamp}.log.gz")
        create_private_file(packed)
        with full.open("rb") as source, gzip.open(packed, "wb") as target:
            shutil.copyfileobj(source, target)
        full.unlink()
        self._let_go()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the library's name
        """Drop the record: a log that cannot be written never stops anything."""

    def _let_go(self) -> None:
        full = Path(self.baseFilename)
        oldest = to_datetime(Instant(max(0, self._clock.now() - KEPT_US))).strftime("%Y%m%dT%H%M%S%f")
        for packed in full.parent.glob(f"{full.stem}-*.log.gz"):
            if packed.name < f"{full.stem}-{oldest}":
                packed.unlink(missing_ok=True)
