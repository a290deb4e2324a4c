"""The driver against real sockets: an independent server on this machine as the counterpart."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.server import serve

from scalpctl.errors import ConfigurationError, ExchangeUnreachable, InvariantBroken
from scalpctl.okx.stream.socket import WebSocketDialer


class Sink:
    """Keeps what a socket says."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[bytes] = asyncio.Queue()
        self.ended: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self.openings = 0

    def opened(self, line: Any) -> None:
        self.openings += 1

    def frame(self, data: bytes) -> None:
        if data == b"bug":
            raise InvariantBroken("a bug of ours")
        self.frames.put_nowait(data)

    def closed(self, code: int | None, error: Exception | None) -> None:
        self.error = error
        self.ended.set_result(code)


@asynccontextmanager
async def exchange(handler: Any) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0, ping_interval=0.05) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws/v5/public"


async def echo(connection: Any) -> None:
    async for message in connection:
        await connection.send("pong" if message == "ping" else message)


async def test_text_goes_out_and_comes_back_and_protocol_pings_are_answered() -> None:
    async with exchange(echo) as url, asyncio.timeout(5):
        sink = Sink()
        line = await WebSocketDialer().dial(url, sink)
        line.send(b"ping")
        assert await sink.frames.get() == b"pong"
        await asyncio.sleep(0.3)  # several protocol pings; an unanswered one would end the connection
        line.send(json.dumps({"a": "\u20ac"}).encode())
        assert await sink.frames.get() == b'{"a": "\\u20ac"}'
        line.close()
        assert await sink.ended in {1000, 1005, 1006}
        assert sink.openings == 1


async def test_a_bug_while_reading_is_told_as_a_bug_and_not_as_a_lost_line() -> None:
    async with exchange(echo) as url, asyncio.timeout(5):
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        sink = Sink()
        line = await WebSocketDialer().dial(url, sink)
        assert line.send(b"bug")
        await sink.ended
        assert isinstance(sink.error, InvariantBroken)
        assert not line.send(b"more")


class Sender(threading.Thread):
    """An exchange in a thread of its own, which goes on sending while we do something else."""

    COUNT, PADDING = 12_000, "x" * 4_000

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self.listening: Future[str] = Future()

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        gone = asyncio.Event()

        async def flood(connection: Any) -> None:
            for number in range(self.COUNT):
                await connection.send(f"{number} {self.PADDING}")
                self.sent = number + 1
            await connection.wait_closed()
            gone.set()

        async with serve(flood, "127.0.0.1", 0, compression=None) as server:
            self.listening.set_result(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws/v5/public")
            await gone.wait()


class Slow(Sink):
    """Stops the whole process at its first frame, as a garbage collector or a swapping machine does."""

    def __init__(self, sender: Sender) -> None:
        super().__init__()
        self.sender = sender
        self.ahead = 0
        self.numbers: list[int] = []
        self.whole = asyncio.Event()

    def frame(self, data: bytes) -> None:
        if not self.numbers:
            time.sleep(1.0)
            self.ahead = self.sender.sent
        self.numbers.append(int(data.split(b" ", 1)[0]))
        if len(self.numbers) == Sender.COUNT:
            self.whole.set()


async def test_a_reader_that_stands_still_holds_the_sender_up_and_loses_nothing() -> None:
    sender = Sender()
    sender.start()
    async with asyncio.timeout(30):
        sink = Slow(sender)
        line = await WebSocketDialer().dial(await asyncio.wrap_future(sender.listening), sink)
        await sink.whole.wait()
        line.close()
    assert sink.ahead < Sender.COUNT * 0.5, "nothing held the sender up"
    assert sink.numbers == list(range(Sender.COUNT))
    await asyncio.to_thread(sender.join, 5)


async def test_a_message_in_pieces_is_given_whole() -> None:
    async def pieces(connection: Any) -> None:
        await connection.send(["a" * 10, "b" * 70_000, "c"])
        await connection.wait_closed()

    async with exchange(pieces) as url, asyncio.timeout(5):
        sink = Sink()
        line = await WebSocketDialer().dial(url, sink)
        assert await sink.frames.get() == b"a" * 10 + b"b" * 70_000 + b"c"
        line.close()


@pytest.mark.parametrize("code", [4001, 4004, 4007, 1012])
async def test_the_close_code_of_the_exchange_is_told_once(code: int) -> None:
    async with exchange(lambda connection: connection.close(code)) as url, asyncio.timeout(5):
        sink = Sink()
        await WebSocketDialer().dial(url, sink)
        assert await sink.ended == code


async def test_a13_a_frame_of_more_than_a_megabyte_ends_the_connection_without_being_kept() -> None:
    async def big(connection: Any) -> None:
        await connection.send("x" * (1 << 20) + "y")
        await connection.wait_closed()

    async with exchange(big) as url, asyncio.timeout(5):
        sink = Sink()
        await WebSocketDialer().dial(url, sink)
        assert await sink.ended in {1009, 1006}
        assert sink.frames.empty()


async def test_a15_nobody_there_is_unreachable() -> None:
    async with exchange(echo) as url:
        pass
    with pytest.raises(ExchangeUnreachable):
        await WebSocketDialer().dial(url, Sink())


async def test_a15_an_answer_that_is_no_websocket_is_unreachable() -> None:
    async def html(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(html, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ExchangeUnreachable):
            await WebSocketDialer().dial(f"ws://127.0.0.1:{port}/", Sink())


async def test_a_line_whose_handshake_nobody_answers_is_let_go_of_and_not_told_as_lost() -> None:
    ended: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with suppress(ConnectionError):
            await reader.read()
        ended.set_result(b"")
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    sink = Sink()
    async with asyncio.timeout(10):
        with pytest.raises(ExchangeUnreachable, match="TimeoutError"):
            await WebSocketDialer(0.2).dial(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/x", sink)
        await ended
    assert not sink.ended.done()
    server.close()


async def test_a15_a_stream_in_the_clear_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        await WebSocketDialer().dial("ws://ws.example.com/ws", Sink())


async def test_a15_a_certificate_nobody_vouches_for_is_refused() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"this is not tls")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ExchangeUnreachable):
            await WebSocketDialer().dial(f"wss://127.0.0.1:{port}/", Sink())


def test_the_driver_runs_on_the_fast_loop_as_well() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def talk() -> bytes:
        async with exchange(echo) as url, asyncio.timeout(5):
            sink = Sink()
            line = await WebSocketDialer().dial(url, sink)
            line.send(b"ping")
            heard = await sink.frames.get()
            line.close()
            await sink.ended
            return heard

    assert uvloop.run(talk()) == b"pong"
