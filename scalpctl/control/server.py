"""The engine's end of the control socket: same user only, one line at a time, a repeated id answered from memory."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from scalpctl.control.arguments import require_fitting
from scalpctl.control.protocol import LINE_BYTES_MAX, PATH_BYTES_MAX, Answer, Request, decode_request, encode
from scalpctl.errors import ConfigurationError, ScalpctlError, UsageError

Handler = Callable[[Request], Awaitable[Any]]

ANSWERS_KEPT = 256
CONNECTIONS_MAX = 16
LINE_SECONDS_MAX = 10.0
LAST_WORDS_S = 1.0
"""How long whoever waits for an answer is given to take it when the engine ends."""


class ControlServer:
    """Serves the commands it is given until it is closed."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler], readings: Collection[str] = ()) -> None:
        """Listen at ``path`` once started; ``readings`` change nothing, and may be as large as a ledger is long."""
        self._path = path
        self._handlers = handlers
        self._readings = readings
        self._answers: OrderedDict[str, tuple[Request, asyncio.Future[Answer]]] = OrderedDict()
        self._read: set[asyncio.Future[Answer]] = set()
        self._server: asyncio.Server | None = None
        self._conversations: dict[asyncio.StreamWriter, asyncio.Future[None]] = {}

    async def start(self) -> None:
        """Make the socket, 0600, in place of one a dead engine left; the lease says that it is dead."""
        if len(os.fsencode(self._path)) > PATH_BYTES_MAX:
            raise ConfigurationError(
                f"{self._path} is too long for a control socket",
                hint=f"use a --root that leaves {PATH_BYTES_MAX} bytes",
            )
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listener.bind(str(self._path))
        finally:
            os.umask(before)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=LINE_BYTES_MAX)

    async def close(self) -> None:
        """Stop listening, tell whoever waits that nobody will answer, and remove the socket."""
        if self._server is not None:
            self._server.close()
            for answer in [*self._read, *(kept for _, kept in self._answers.values())]:
                answer.cancel()
            if self._conversations:  # a connection that stays open would keep the server from closing for ever
                await asyncio.wait(self._conversations.values(), timeout=LAST_WORDS_S)
            for writer in self._conversations:
                writer.transport.abort()
            await self._server.wait_closed()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        over = self._conversations[writer] = asyncio.get_running_loop().create_future()
        try:
            if len(self._conversations) <= CONNECTIONS_MAX and _same_user(writer):
                await self._converse(reader, writer)
        except (ConnectionError, TimeoutError):
            pass  # the other end went away or dawdled; it can ask again with the same id
        finally:
            del self._conversations[writer]
            over.set_result(None)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                async with asyncio.timeout(LINE_SECONDS_MAX):
                    line = await reader.readline()
            except ValueError:  # longer than the limit
                writer.write(encode(Answer(id="", ok=False, message="the command is too long", exit_code=64)))
                return
            if not line:
                return
            writer.write(encode(await self._answer(line)))
            await writer.drain()

    async def _answer(self, line: bytes) -> Answer:
        try:
            request = decode_request(line)
        except UsageError as error:
            return Answer(id="", ok=False, message=error.message, exit_code=error.exit_code)
        if request.command in self._readings:
            reading = asyncio.ensure_future(self._perform(request))
            self._read.add(reading)
            reading.add_done_callback(self._read.discard)
            return await _answered(request, reading)
        if request.id not in self._answers:
            self._answers[request.id] = (request, asyncio.ensure_future(self._perform(request)))
            while len(self._answers) > ANSWERS_KEPT:
                self._answers.popitem(last=False)
        first, answer = self._answers[request.id]
        if first != request:
            message = f"the id {request.id!r} was already used for another command"
            return Answer(id=request.id, ok=False, message=message, hint="use a new id", exit_code=64)
        return await _answered(request, answer)

    async def _perform(self, request: Request) -> Answer:
        handler = self._handlers.get(request.command)
        if handler is None:
            known = ", ".join(sorted(self._handlers))
            message = f"the engine does not know {request.command!r}"
            return Answer(id=request.id, ok=False, message=message, hint=f"it knows {known}", exit_code=64)
        try:
            require_fitting(request.command, request.arguments)
            return Answer(id=request.id, ok=True, result=await handler(request))
        except ScalpctlError as error:
            return Answer(id=request.id, ok=False, message=error.message, hint=error.hint, exit_code=error.exit_code)


async def _answered(request: Request, answer: asyncio.Future[Answer]) -> Answer:
    """Give an answer when it is there; it is worked on although the terminal that asked goes away."""
    await asyncio.wait([answer])
    if answer.cancelled():
        message, hint = "the engine ended before this was done", "`scalpctl positions` shows how things stand"
        return Answer(id=request.id, ok=False, message=message, hint=hint, exit_code=75)
    return answer.result()


def _same_user(writer: asyncio.StreamWriter) -> bool:
    connection = writer.get_extra_info("socket")
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return bool(user == os.geteuid())
