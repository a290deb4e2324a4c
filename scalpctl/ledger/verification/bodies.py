"""Reads the records of a proof back: what a row only stores as JSON text stays the text it is.

Two thirds of a ledger are the numbers a decision rested on. Its row holds them as the very text the journal holds, so
neither has to be taken apart to be compared.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Required, TypedDict

import msgspec
from msgspec import NODEFAULT, Raw

from scalpctl.core.records.base import Record
from scalpctl.ledger.canonical_json import spell
from scalpctl.ledger.projection.rows import json_fields


@cache
def body_reader(kind: type[Record]) -> Callable[[str], Any]:
    """Give what turns the body of a journal row into a record of this kind, its JSON fields unread."""
    return msgspec.json.Decoder(_unread(kind) if json_fields(kind) else kind).decode


@cache
def changes_reader(kind: type[Record]) -> Callable[[str], dict[str, Any]]:
    """Give what turns the body of a journal row into the cells it changes: what it leaves unset is not in it."""
    nested = json_fields(kind)
    fields = {one.name: Raw if one.name in nested else _held(one) for one in msgspec.structs.fields(kind)}
    read: Callable[[str], Any] = msgspec.json.Decoder(_dictionary(kind.__name__, fields)).decode
    if not nested:
        return read

    def with_json(body: str) -> dict[str, Any]:
        cells: dict[str, Any] = read(body)
        return cells | {name: text_of(cells[name]) for name in nested if name in cells}

    return with_json


def text_of(value: object) -> str:
    """Give the canonical text of a JSON field: what was left unread is that text."""
    return str(value, "utf-8") if isinstance(value, Raw) else spell(value)


def _held(field: msgspec.structs.FieldInfo) -> Any:
    return Required[field.type] if field.default is NODEFAULT else field.type


def _dictionary(name: str, fields: dict[str, Any]) -> Any:
    make: Any = TypedDict  # what checks types wants the fields written down
    return make(name, fields, total=False)


def _unread(kind: type[Record]) -> type[Any]:
    nested = json_fields(kind)
    fields: list[Any] = []
    for one in msgspec.structs.fields(kind):
        held = Raw if one.name in nested else one.type
        fields.append((one.name, held) if one.default is NODEFAULT else (one.name, held, one.default))
    return msgspec.defstruct(kind.__name__, fields, frozen=True, kw_only=True)
