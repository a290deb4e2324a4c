"""Logs without secrets: the talkative libraries are capped, and every record is cleaned before anybody writes it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

LIBRARIES = ("httpx", "httpcore", "websockets", "hpack", "h2", "asyncio")
MASK = "***"
_HEADERS = re.compile(
    r"""(?ix) (OK-ACCESS-[A-Z]+ | "?passphrase"? | "?apiKey"? | "?sign"? | "?secret"?)
        (['"]?\s*[:=,]\s*b?['"]?) ([^'"\s,}\]]+)"""
)


class Redaction(logging.Filter):
    """Replaces known secrets, and whatever follows the name of one, in message, exception and stack."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Know these secrets; short ones are left to the names, lest they blank ordinary words."""
        super().__init__()
        longest_first = sorted((text for text in secrets if len(text) >= 6), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __repr__(self) -> str:
        """Name the type only."""
        return "Redaction(***)"

    def clean(self, text: str) -> str:
        """Give a text without secrets."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        return _HEADERS.sub(rf"\1\2{MASK}", text)

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean a record in place; it is always let through."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # arguments that do not fit the message are somebody's bug, not a leak
            message = str(record.msg)
        record.msg = self.clean(message)
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_info = None  # a formatter that would print it anew would print it uncleaned
        if record.exc_text:
            record.exc_text = self.clean(record.exc_text)
        if record.stack_info:
            record.stack_info = self.clean(record.stack_info)
        return True


def quieten() -> None:
    """Let the libraries speak of warnings only, whatever level the root logger has."""
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def guard(handlers: Iterable[logging.Handler], secrets: Iterable[str]) -> Redaction:
    """Put the redaction on handlers: there every record passes, whichever logger it came from."""
    redaction = Redaction(secrets)
    quieten()
    for handler in handlers:
        handler.addFilter(redaction)
    return redaction
