"""Frames to typed pushes: hot channels by the constant bytes before their data, everything else by reading once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from scalpctl.okx.wire.channels import CHANNELS
from scalpctl.okx.wire.codec import FRAME_BYTES_MAX, decode, decoder
from scalpctl.okx.wire.operations import OPERATION_ID, ChannelArg, Heard, OperationReply

T = TypeVar("T")

_DATA = b',"data":'
_ROUTES_MAX = 1_024
_REPLY = b'{"id":"' + OPERATION_ID.encode()
_REPLIES = msgspec.json.Decoder(OperationReply, strict=False)
_BAD = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)


class Rows(Struct, Generic[T], gc=False):
    """All that is read of a frame whose beginning is known."""

    data: list[T]


class Pushed(Struct, frozen=True, gc=False):
    """Rows of one channel, with what its frame says about them."""

    arg: ChannelArg
    rows: list[Any]
    action: str = ""
    event_type: str = ""
    cur_page: int | None = None
    last_page: bool | None = None


class Said(Struct, frozen=True):
    """A word about the connection: login, subscribe, error, notice, conn counts."""

    event: str
    code: str
    msg: str
    id: str
    arg: ChannelArg | None
    channel: str
    conn_count: str


Incoming = Pushed | Said | OperationReply


_Route = tuple[Callable[[bytes], Any], ChannelArg]


class Router:
    """Reads frames; learns the constant prefix of every instrument's hot channel from its first frame."""

    def __init__(self) -> None:
        """Know no prefix yet."""
        self._routes: dict[bytes, _Route] = {}
        self._latest: tuple[bytes, _Route] | None = None
        """A burst is many frames of one channel: its route need not be looked up for each."""

    def read(self, frame: bytes) -> Incoming:
        """Give what a frame says, or raise AnswerMalformed."""
        latest = self._latest
        if latest is None or not frame.startswith(latest[0]):
            prefix = frame[: frame.find(_DATA) + len(_DATA)]
            route = self._routes.get(prefix)
            if route is None:
                return self._read_slowly(frame, prefix)
            latest = self._latest = (prefix, route)
        decode_rows, arg = latest[1]
        try:
            return Pushed(arg, decode_rows(frame).data)
        except _BAD:  # a blank where the hot path wants a number, or worse: read it as a whole
            return self._read_slowly(frame, latest[0])

    def _read_slowly(self, frame: bytes, prefix: bytes) -> Incoming:
        if frame.startswith(_REPLY):
            try:
                return _REPLIES.decode(frame)
            except _BAD:
                pass  # an error event with the operation's id, or worse
        heard = decode(Heard, frame, limit=FRAME_BYTES_MAX)
        if heard.event:
            return _said(heard)
        if heard.arg is None:
            return decode(OperationReply, frame, limit=FRAME_BYTES_MAX)
        channel = CHANNELS.get(heard.arg.channel)
        row = Any if channel is None else channel.row  # a channel we do not know is carried, not fatal
        rows = decode(list[row], heard.data or b"[]")  # type: ignore[valid-type]  # the row is chosen at run time
        if channel is not None and prefix == _constant_prefix(heard):
            self._learn(prefix, channel.lean or row, heard.arg)
        return Pushed(heard.arg, rows, heard.action, heard.event_type, heard.cur_page, heard.last_page)

    def _learn(self, prefix: bytes, row: Any, arg: ChannelArg) -> None:
        if len(self._routes) < _ROUTES_MAX:
            self._routes[prefix] = (decoder(Rows[row]).decode, arg)


def _constant_prefix(heard: Heard) -> bytes:
    """Give the bytes every frame of this channel begins with: only frames that are an arg and data alone have them."""
    if heard.arg is None or heard.action or heard.event_type or heard.arg.uid:
        return b""
    return b'{"arg":' + msgspec.json.encode(heard.arg) + _DATA


def _said(heard: Heard) -> Said:
    return Said(
        event=heard.event,
        code=str(heard.code),
        msg=heard.msg or "",
        id=heard.id or "",
        arg=heard.arg,
        channel=heard.channel,
        conn_count=str(heard.conn_count),
    )
