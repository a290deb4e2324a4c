"""The one way a record is spelled: JSON with sorted keys, no spaces, decimals as text."""

from __future__ import annotations

import msgspec

_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="string")

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What reading bytes that are not JSON can raise; a flipped bit makes them no text at all."""

encode = _ENCODER.encode
"""Give the canonical bytes of a record or of plain builtins."""


def spell(value: object) -> str:
    """Give the canonical text of a record or of plain builtins."""
    return _ENCODER.encode(value).decode()
