"""A terminal's end of the control socket."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from scalpctl.control.protocol import ANSWER_BYTES_MAX, PATH_BYTES_MAX, Answer, Request, decode_answer, encode
from scalpctl.errors import ScalpctlError, UsageError

PART_BYTES = 1 << 18


class EngineSilent(ScalpctlError):
    """The engine did not answer in time; the command may or may not have been carried out."""

    exit_code = 75


def ask(path: Path, request: Request, *, seconds: float = 30.0) -> Answer | None:
    """Send one command and give its answer; None when no engine listens there."""
    if len(os.fsencode(path)) > PATH_BYTES_MAX:
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        try:
            connection.sendall(encode(request))
            return decode_answer(_line(connection))
        except (TimeoutError, ConnectionError) as error:
            raise EngineSilent(
                f"the engine took the command but did not answer within {seconds:g} s",
                hint="`scalpctl positions` shows whether it was carried out",
            ) from error


def _line(connection: socket.socket) -> bytes:
    parts, size = [connection.recv(PART_BYTES)], 0
    while not parts[-1].endswith(b"\n"):
        if not parts[-1]:
            raise ConnectionResetError
        size += len(parts[-1])
        if size > ANSWER_BYTES_MAX:
            raise UsageError("the engine's answer is too long", hint="ask without the engine: stop it, then ask again")
        parts.append(connection.recv(PART_BYTES))
    return b"".join(parts)
