"""Cutting a stream into messages: however the network cuts it, the same messages come out as were put in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from scalpctl.okx.stream.frames import FrameCutter
from scalpctl.okx.stream.socket import WebSocketLine
from scalpctl.okx.wire.codec import FRAME_BYTES_MAX


class Wire:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def get_write_buffer_size(self) -> int:
        return 0


class Ours:
    """One line of ours, talking to a server of the library's, byte by byte in this process."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.wire = Wire()
        loop = asyncio.new_event_loop()
        self.line = WebSocketLine("ws://127.0.0.1:1/ws/v5/public", self, loop.create_future())
        loop.close()
        self.line.connection_made(self.wire)  # type: ignore[arg-type]
        self.server = ServerProtocol(max_size=None)
        self.server.receive_data(self.wire.written)
        (request,) = self.server.events_received()
        assert isinstance(request, Request)
        self.server.send_response(self.server.accept(request))
        self.wire.written = b""

    def opened(self, line: Any) -> None:
        pass

    def frame(self, data: bytes) -> None:
        self.messages.append(data)

    def closed(self, code: int | None, error: Exception | None) -> None:
        raise AssertionError("nobody hung up")

    def hear(self, data: bytes, cuts: Sequence[int]) -> None:
        for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            self.line.data_received(data[begin:end])

    def answers(self) -> list[Frame]:
        self.server.receive_data(self.wire.written)
        return [event for event in self.server.events_received() if isinstance(event, Frame)]


SAYINGS = st.one_of(
    st.tuples(st.just("text"), st.integers(0, 300).map(lambda size: b"a" * size)),
    st.tuples(st.just("text"), st.sampled_from([125, 126, 127, 65_535, 65_536]).map(lambda size: b"b" * size)),
    st.tuples(st.just("binary"), st.binary(max_size=40)),
    st.tuples(st.just("pieces"), st.binary(min_size=2, max_size=40)),
    st.tuples(st.just("ping"), st.binary(max_size=20)),
)


def say(server: ServerProtocol, kind: str, data: bytes) -> None:
    if kind == "text":
        server.send_text(data)
    elif kind == "binary":
        server.send_binary(data)
    elif kind == "ping":
        server.send_ping(data)
    else:
        server.send_binary(data[:1], fin=False)
        server.send_ping(b"between")
        server.send_continuation(data[1:], fin=True)


@given(st.lists(SAYINGS, max_size=12), st.data())
def test_messages_arrive_whole_and_in_order_however_the_bytes_are_cut(
    sayings: list[tuple[str, bytes]], draw: st.DataObject
) -> None:  # fmt: skip
    ours = Ours()
    for kind, data in sayings:
        say(ours.server, kind, data)
    stream = b"".join(ours.server.data_to_send())
    cuts = draw.draw(st.lists(st.integers(0, len(stream)), max_size=12).map(sorted))
    ours.hear(stream, cuts)
    assert ours.messages == [data for kind, data in sayings if kind != "ping"]
    pings = [data if kind == "ping" else b"between" for kind, data in sayings if kind in {"ping", "pieces"}]
    pongs = [bytes(frame.data) for frame in ours.answers() if frame.opcode is Opcode.PONG]
    assert pongs == pings


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_no_bytes_whatever_raise(chunks: list[bytes]) -> None:
    ours = Ours()
    ours.hear(b"".join(ours.server.data_to_send()), ())
    for chunk in chunks:
        ours.line.data_received(chunk)


def test_a_masked_or_an_oversized_frame_ends_the_connection() -> None:
    for bad in (b"\x81\x85abcdhello", b"\x81\x7f" + (FRAME_BYTES_MAX + 1).to_bytes(8, "big") + b"x" * 100):
        ours = Ours()
        ours.hear(b"".join(ours.server.data_to_send()) + b"\x81\x02ok" + bad, ())
        assert ours.messages == [b"ok"]
        (closing,) = [frame for frame in ours.answers() if frame.opcode is Opcode.CLOSE]
        assert int.from_bytes(closing.data[:2], "big") in {1002, 1009}


def test_a_large_frame_in_small_pieces_is_put_together_once() -> None:
    heard: list[bytes] = []
    cutter = FrameCutter(heard.append, lambda _foreign: None, FRAME_BYTES_MAX)
    size = FRAME_BYTES_MAX
    stream = b"\x81\x7f" + size.to_bytes(8, "big") + b"y" * size
    for at in range(0, len(stream), 1_000):
        cutter.feed(stream[at : at + 1_000])
        assert len(heard) == (at + 1_000 >= len(stream))
    assert heard == [b"y" * size]


def test_byte_by_byte_a_message_is_there_with_its_last_byte() -> None:
    heard: list[bytes] = []
    cutter = FrameCutter(heard.append, lambda _foreign: None, FRAME_BYTES_MAX)
    wanted = [b"", b"x", b"y" * 125, b"z" * 126]
    for data in wanted:
        frame = Frame(Opcode.TEXT, data).serialize(mask=False)
        for at in range(len(frame)):
            cutter.feed(frame[at : at + 1])
        assert heard[-1] == data
    assert heard == wanted


def test_what_arrives_while_we_close_is_still_cut_where_it_was() -> None:
    ours = Ours()
    ours.hear(b"".join(ours.server.data_to_send()), ())
    say(ours.server, "text", b"a" * 50)
    whole = b"".join(ours.server.data_to_send())
    ours.line.data_received(whole[:20])
    ours.line.close()
    ours.line.data_received(whole[20:])
    assert ours.messages == [b"a" * 50]
    (closing,) = [frame for frame in ours.answers() if frame.opcode is Opcode.CLOSE]
    assert int.from_bytes(closing.data[:2], "big") == 1000
