"""A real WebSocket: the library's protocol without I/O inside an asyncio protocol, so that no queue stands between."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Protocol, cast
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from scalpctl.errors import ConfigurationError, ExchangeUnreachable
from scalpctl.okx.stream.frames import FrameCutter
from scalpctl.okx.wire.codec import FRAME_BYTES_MAX

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
DIAL_WITHIN_S = 10.0
_CLOSED_ABNORMALLY = 1006
_HEAD_ENDS = b"\r\n\r\n"
_QUIET = logging.getLogger("scalpctl.okx.websocket")
_QUIET.setLevel(logging.CRITICAL)  # the library would log handshake headers and login frames


class Sink(Protocol):
    """Who listens to a socket; none of these may wait."""

    def opened(self, line: Line) -> None:
        """The handshake is done."""
        ...

    def frame(self, data: bytes) -> None:
        """One whole message came."""
        ...

    def closed(self, code: int | None, error: Exception | None) -> None:
        """The socket is gone; said exactly once. ``error`` is set when it went because of a bug of ours."""
        ...


class Line(Protocol):
    """An open connection."""

    def send(self, frame: bytes) -> bool:
        """Send one text frame; False when the connection is closing, so that nothing was sent."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class Dialer(Protocol):
    """Opens connections."""

    async def dial(self, url: str, sink: Sink) -> Line:
        """Open one or raise ExchangeUnreachable."""
        ...


class WebSocketLine(asyncio.Protocol):
    """One WebSocket of ours."""

    def __init__(self, url: str, sink: Sink, opened: asyncio.Future[None]) -> None:
        """Prepare the handshake."""
        deflate = [ClientPerMessageDeflateFactory()] if url.startswith("wss:") else None
        self._ws = ClientProtocol(parse_uri(url), extensions=deflate, max_size=FRAME_BYTES_MAX, logger=_QUIET)
        self._sink = sink
        self._opened = opened
        self._transport: asyncio.Transport | None = None
        self._cutter = FrameCutter(sink.frame, self._general, FRAME_BYTES_MAX)
        self._head, self._head_is_whole = b"", False
        self._parts: list[bytes] = []
        self._size = 0
        self._closed = False
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the handshake."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without inheriting from it
        self._ws.send_request(self._ws.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take bytes; whole messages go to the sink at once."""
        if self._ws.state is not State.CONNECTING:  # also while it closes: the cutter may hold the half of a frame
            self._cutter.feed(data)
            return
        part, rest = self._of_the_head(data)
        self._general(part)
        if rest:
            self.data_received(rest)

    def _of_the_head(self, data: bytes) -> tuple[bytes, bytes]:
        """Split off what follows the head of the other side's answer: not a byte of it is for the handshake."""
        if self._head_is_whole:
            return data, b""
        before = len(self._head)
        self._head += data
        at = self._head.find(_HEAD_ENDS)
        if at < 0:
            return data, b""
        self._head_is_whole = True
        ends = at + len(_HEAD_ENDS) - before
        return data[:ends], data[ends:]

    def _general(self, data: bytes) -> None:
        """Let the library take what is not a plain message: handshake, pings, closing, fragments, compression."""
        self._ws.receive_data(data)
        for event in self._ws.events_received():
            if isinstance(event, Frame):
                self._frame(event)
            elif isinstance(event, Response):
                self._answered()
        self._flush()
        if self._ws.close_expected() and self._transport is not None:
            self._transport.close()

    def eof_received(self) -> bool:
        """Let the transport close."""
        self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the sink, once; what is not trouble of the line is a bug and must not look like one."""
        if self._closed:
            return
        self._closed = True
        self._end()
        if not self._opened.done():
            self._opened.set_exception(ExchangeUnreachable("the connection was closed during its handshake"))
        else:
            bug = None if isinstance(exc, OSError) else exc
            self._sink.closed(self._ws.close_code or _CLOSED_ABNORMALLY, bug)

    def send(self, frame: bytes) -> bool:
        """Send one text frame; on a connection that is closing it goes nowhere, and False says so."""
        if self._ws.state is not State.OPEN or self._transport is None or self._transport.is_closing():
            return False
        self._ws.send_text(frame)
        self._flush()
        return True

    def close(self) -> None:
        """Say goodbye and do not wait for the answer."""
        if self._ws.state is State.OPEN:
            self._ws.send_close(1000)
            self._flush()
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size():
            self._transport.abort()  # nobody takes what we say: waiting for it would wait for ever
        else:
            self._transport.close()

    def give_up(self) -> None:
        """Drop a connection that never came to be: there is no end of it to tell anybody."""
        self._closed = True
        if self._transport is not None:
            self._transport.abort()

    def _end(self) -> None:
        """Tell the protocol, once, that no byte will follow: only then does it know its close code."""
        if not self._ended:
            self._ended = True
            self._ws.receive_eof()

    def _answered(self) -> None:
        if self._ws.handshake_exc is not None:
            if not self._opened.done():
                self._opened.set_exception(
                    ExchangeUnreachable(f"the stream's handshake failed: {_why(self._ws.handshake_exc)}")
                )
        elif not self._opened.done():
            self._opened.set_result(None)
            self._sink.opened(self)

    def _frame(self, frame: Frame) -> None:
        if frame.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            return
        if frame.fin and not self._parts:
            self._sink.frame(bytes(frame.data))
            return
        self._parts.append(bytes(frame.data))
        if frame.fin:
            whole, self._parts = b"".join(self._parts), []
            self._sink.frame(whole)

    def _flush(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        for data in self._ws.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()


class WebSocketDialer:
    """Opens WebSockets over TLS, or in the clear to this very machine."""

    def __init__(self, within_s: float = DIAL_WITHIN_S) -> None:
        """Wait so long for a handshake."""
        self._within_s = within_s

    async def dial(self, url: str, sink: Sink) -> Line:
        """Open one and wait for its handshake."""
        address = urlsplit(url)
        secure = address.scheme == "wss"
        if not secure and address.hostname not in _LOOPBACK:
            raise ConfigurationError(f"{address.scheme}://{address.hostname} is not encrypted", hint="use wss")
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = loop.create_future()
        line: WebSocketLine | None = None
        try:
            async with asyncio.timeout(self._within_s):
                _, line = await loop.create_connection(
                    lambda: WebSocketLine(url, sink, opened),
                    address.hostname or "",
                    address.port or (443 if secure else 80),
                    ssl=ssl.create_default_context() if secure else None,
                    ssl_shutdown_timeout=2.0 if secure else None,
                )
                await opened
        except (OSError, TimeoutError, WebSocketException) as error:
            opened.cancel()
            if line is not None:  # what nobody answers would be kept open until the other side lets go
                line.give_up()
            raise ExchangeUnreachable(f"{address.hostname} cannot be reached: {type(error).__name__}") from None
        return line


def _why(error: Exception) -> str:
    """Say what the other side answered, where it answered; the rest of an error may quote what was sent."""
    if isinstance(error, InvalidStatus):
        return f"HTTP {error.response.status_code}"
    return type(error).__name__
