"""Bytes to rows and asks to bytes: the one place where an unreadable answer becomes ``AnswerMalformed``."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar

import msgspec

from scalpctl.errors import AnswerMalformed

T = TypeVar("T")

FRAME_BYTES_MAX = 1 << 20
"""Nothing the exchange has to say in one frame is longer than this."""
ANSWER_BYTES_MAX = 16 << 20
"""The full instrument list is about a megabyte; an answer ten times as long is not an answer."""

_ENCODER = msgspec.json.Encoder()


def encode(value: Any) -> bytes:
    """Spell a value as the exact bytes that will be signed and sent."""
    return _ENCODER.encode(value)


def decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """Give the one decoder of a type; numbers given as text are accepted where an integer is wanted."""
    return _decoder(kind)


@cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=False)


def decode(kind: type[T], data: bytes | bytearray | memoryview | msgspec.Raw, *, limit: int = ANSWER_BYTES_MAX) -> T:
    """Read bytes as ``kind`` or raise AnswerMalformed, whatever the bytes are."""
    if len(data) > limit:
        raise AnswerMalformed(f"an answer of {len(data)} bytes is longer than {limit}")
    try:
        value: T = decoder(kind).decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise AnswerMalformed(f"{type(error).__name__} in an answer of {len(data)} bytes") from None
    return value
