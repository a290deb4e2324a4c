"""What every record has: a kind, and an identity that makes writing it twice the same as writing it once."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import UNSET, Struct, UnsetType

__all__ = ["UNSET", "Json", "Record", "UnsetType"]

Json = dict[str, Any] | list[Any]
"""Plain builtins that canonical JSON can spell; numbers that are money stay text."""


class Record(Struct, frozen=True, kw_only=True):
    """One fact for the journal."""

    record_kind: ClassVar[str] = ""

    def identity(self) -> str | None:
        """Name the fact where the world has a name for it; otherwise the writer numbers it."""
        return None
