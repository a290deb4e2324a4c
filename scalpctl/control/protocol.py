"""The words between a terminal and a running engine: one JSON line each way, bounded, versioned, safe to repeat."""

from __future__ import annotations

from typing import Any

import msgspec

from scalpctl.errors import UsageError

VERSION = 1
LINE_BYTES_MAX, ANSWER_BYTES_MAX = 65_536, 1 << 29
"""An answer may tell every execution and every bill of a ledger's life."""
PATH_BYTES_MAX = 107
"""What a Unix socket's address holds; a longer path has no socket, and so no engine behind it."""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command; the same id sent twice is one command."""

    id: str
    command: str
    arguments: dict[str, Any] = {}
    operator: str = ""
    version: int = VERSION


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a command; ``exit_code`` is what the asking command should end with."""

    id: str
    ok: bool
    result: Any = None
    message: str = ""
    hint: str | None = None
    exit_code: int = 0
    version: int = VERSION


_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def encode(message: Request | Answer) -> bytes:
    """Spell a message as one line."""
    return msgspec.json.encode(message) + b"\n"


def decode_request(line: bytes) -> Request:
    """Read a command; anything else is refused."""
    try:
        request = msgspec.json.decode(line, type=Request)
    except _UNREADABLE as error:
        raise UsageError(f"not a command: {error}") from error
    if request.version != VERSION:
        raise UsageError(f"the engine speaks version {VERSION}, the command version {request.version}")
    if not 1 <= len(request.id) <= 64:
        raise UsageError("a command needs an id of 1 to 64 characters")
    return request


def decode_answer(line: bytes) -> Answer:
    """Read an answer."""
    try:
        return msgspec.json.decode(line, type=Answer)
    except _UNREADABLE as error:
        raise UsageError(f"the engine's answer was not understood: {error}") from error
