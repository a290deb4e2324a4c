"""Which part of a ledger is looked at: sessions, and the stretch of the journal they wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from scalpctl.analysis.summary import Reader
from scalpctl.core.instants import Instant

Row = dict[str, Any]
END = 2**62


@dataclass(frozen=True, slots=True)
class Scope:
    """Sessions and journal rows; everything in it was written between the two."""

    sessions: tuple[str, ...]
    first_seq: int
    last_seq: int
    begins: Instant
    ends: Instant
    rows: tuple[Row, ...] = field(default=(), compare=False)

    @property
    def hours(self) -> float:
        """Give how long it was."""
        return max(0, self.ends - self.begins) / 3_600_000_000

    @property
    def name(self) -> str:
        """Give a short name: the session, or how many."""
        return self.sessions[0] if len(self.sessions) == 1 else f"{len(self.sessions)} sessions"

    def named(self) -> Row:
        """Give the parameters every query of the analysis may use."""
        names = json.dumps(self.sessions)
        return {"first": self.first_seq, "last": self.last_seq, "ends": self.ends, "sessions": names}


def of_sessions(reader: Reader, names: tuple[str, ...]) -> Scope:
    """Give the scope of sessions: from the first row of the first to the row before whatever followed the last."""
    every = reader.rows("SELECT * FROM sessions ORDER BY seq")
    chosen = [row for row in every if row["session_id"] in names]
    after = [row["seq"] for row in every if row["seq"] > chosen[-1]["seq"]]
    (head,) = reader.rows("SELECT max(seq) AS seq, max(ts_us) AS at FROM journal")
    ended = chosen[-1]["ended_at"] or head["at"]
    return Scope(
        sessions=tuple(row["session_id"] for row in chosen),
        first_seq=chosen[0]["seq"],
        last_seq=min(after) - 1 if after else head["seq"],
        begins=Instant(chosen[0]["started_at"]),
        ends=Instant(ended),
        rows=tuple(chosen),
    )


def since(reader: Reader, at: Instant) -> Scope:
    """Give the scope from an instant on, over however many sessions."""
    (head,) = reader.rows("SELECT coalesce(max(seq), 0) AS seq, coalesce(max(ts_us), 0) AS at FROM journal")
    (first,) = reader.rows(
        "SELECT coalesce(min(seq), :end) AS seq FROM journal WHERE ts_us >= :at", {"at": at, "end": END}
    )
    touched = reader.rows(
        "SELECT * FROM sessions WHERE coalesce(ended_at, :end) >= :at ORDER BY seq", {"at": at, "end": END}
    )
    return Scope(
        sessions=tuple(row["session_id"] for row in touched),
        first_seq=min(first["seq"], head["seq"] + 1),
        last_seq=head["seq"],
        begins=at,
        ends=Instant(max(head["at"], at)),
        rows=tuple(touched),
    )
