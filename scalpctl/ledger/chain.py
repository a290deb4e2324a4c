"""The hash chain: every journal row names the hash of the row before it, the first one that of the file's identity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple


class JournalRow(NamedTuple):
    """One row of the journal as stored."""

    seq: int
    ts_us: int
    mono_ns: int
    kind: str
    idem: str
    writer_id: str
    cause: int | None
    body: str
    prev: str
    hash: str


class Head(NamedTuple):
    """The newest row, by which the whole journal is known."""

    seq: int
    hash: str


JOURNAL_COLUMNS = ", ".join(JournalRow._fields)


def genesis_hash(meta: Mapping[str, str]) -> str:
    """Give the hash the first row points at: that of everything the file says about itself."""
    identity = {key: value for key, value in meta.items() if key != "genesis"}
    return sha256(json.dumps(identity, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def row_hash(  # noqa: PLR0913, PLR0917  a hash over eight columns needs them all
    prev: str, seq: int, ts_us: int, mono_ns: int, kind: str, idem: str, writer_id: str, cause: int | None, body: str
) -> str:
    """Give the hash of one row; the separators cannot occur inside the fields before the body."""
    head = f"{prev}|{seq}|{ts_us}|{mono_ns}|{kind}|{idem}|{writer_id}|{cause}|"
    return sha256((head + body).encode()).hexdigest()
