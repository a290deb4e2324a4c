"""Plays a session's tape through the machine again and holds every record against the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from scalpctl.core.records.base import Record
from scalpctl.engine.machine import Machine
from scalpctl.engine.memory import Remembered
from scalpctl.engine.plan import Plan
from scalpctl.errors import LedgerCorrupt, UsageError
from scalpctl.ledger.canonical_json import spell
from scalpctl.ledger.reading import LedgerReader
from scalpctl.settings.model import Settings
from scalpctl.tape.recording import played_whole
from scalpctl.wiring.code import code_digest
from scalpctl.wiring.strategy import settled

NOT_THE_MACHINES = ("lease_taken",)
UNREADABLE = (AttributeError, LookupError, TypeError, ValueError)
"""What playing a tape of other code may end with: it holds values as the code of its time knew them."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What playing a tape again found: how many events and records, and the first record that differs, if any."""

    session_id: str
    events: int
    records: int
    difference: dict[str, Any] | None
    same_code: bool = True
    """Whether the code that plays it is the one that recorded it; other code may decide otherwise."""

    @property
    def same(self) -> bool:
        """Tell whether every record is identical."""
        return self.difference is None


def replay(reader: LedgerReader, tapes: Path, session_id: str) -> Replayed:
    """Play a session again; the configuration is the one the ledger keeps, the memory the one on the tape."""
    (session,) = reader.rows("SELECT * FROM sessions WHERE session_id = ?", (session_id,))
    if session["code_digest"] == code_digest():
        return _played(reader, tapes, session)
    try:
        return replace(_played(reader, tapes, session), same_code=False)
    except UNREADABLE as error:
        raise UsageError(
            f"session {session_id} was recorded by other code (version {session['code_version']}): "
            "this one cannot play its tape",
            hint="play it with the version that recorded it",
        ) from error


def _played(reader: LedgerReader, tapes: Path, session: dict[str, Any]) -> Replayed:
    session_id = str(session["session_id"])
    settings = Settings.model_validate(msgspec.json.decode(session["config"]))
    tape = played_whole(tapes, str(session["tape"]))
    _, remembered = next(tape)
    if not isinstance(remembered, Remembered):
        raise LedgerCorrupt(f"the tape of {session_id} does not begin with what its engine remembered")
    machine = Machine(Plan(settled(settings)), session_id, remembered)
    written = _written(reader, session)
    events = records = 0
    for at, event in tape:
        events += 1
        for record in machine.handle(event, at).records:
            records += 1
            difference = _difference(record, next(written, None), events, at)
            if difference is not None:
                return Replayed(session_id, events, records, difference)
    left = next(written, None)
    missing = None if left is None else {"written": left["body"], "replayed": None, "kind": left["kind"]}
    return Replayed(session_id, events, records, missing)


def _written(reader: LedgerReader, session: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the journal rows a session's machine wrote, in order: from its beginning to its end or the next one's."""
    ended = reader.rows(
        "SELECT min(seq) AS seq FROM journal WHERE seq > ? AND kind = 'lease_taken'", (session["seq"],)
    )[0]["seq"]
    sql = "SELECT kind, body FROM journal WHERE seq >= ? AND seq < ? ORDER BY seq"
    for row in reader.rows(sql, (session["seq"], ended or 1 << 60)):
        if row["kind"] not in NOT_THE_MACHINES:
            yield row


def _difference(record: Record, row: dict[str, Any] | None, number: int, at: int) -> dict[str, Any] | None:
    body = spell(record)
    if row is not None and (row["kind"], row["body"]) == (record.record_kind, body):
        return None
    written = None if row is None else row["body"]
    return {"event": number, "at": at, "kind": record.record_kind, "written": written, "replayed": body}
