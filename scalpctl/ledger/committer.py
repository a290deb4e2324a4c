"""Writes groups of records in one transaction: numbered, chained, projected into the tables, fenced."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from scalpctl.core.records.base import Record
from scalpctl.core.records.trading import FillSeen
from scalpctl.errors import InvariantBroken, LeaseHeld, LedgerError
from scalpctl.ledger.canonical_json import encode
from scalpctl.ledger.chain import JOURNAL_COLUMNS, Head, row_hash
from scalpctl.ledger.emergency import Group
from scalpctl.ledger.projection.projector import Projector
from scalpctl.ledger.sqlite import Cells

PROVENANCE: dict[type[Record], tuple[str, ...]] = {
    FillSeen: ("source", "received_at", "decision_price", "slippage", "client_id", "position_id")
}
"""Fields in which two sightings of one fact may differ without contradicting each other."""

REFUSALS = (InvariantBroken, LedgerError, ValueError, TypeError, sqlite3.IntegrityError)
"""What one record can be refused for; everything else means that the ledger itself cannot be written."""

_INSERT = f"INSERT INTO journal ({JOURNAL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(slots=True)
class Committed:
    """What a commit did: the new head, the rows written with their records, and the groups that were refused."""

    head: Head
    rows: list[Cells] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    refused: dict[int, Exception] = field(default_factory=dict)


class Committer:
    """Owns the order of the journal on one connection."""

    def __init__(self, connection: sqlite3.Connection, fence: int | None = None) -> None:
        """Continue the chain of ``connection``; ``fence`` is checked in every transaction once it is known."""
        self._connection = connection
        self._projector = Projector(connection)
        self.fence = fence
        self.head = head_of(connection)

    def commit(self, groups: Sequence[Group]) -> Committed:
        """Write all groups in one transaction; where one is refused, the others are still written."""
        try:
            return self._transaction(groups)
        except REFUSALS:
            self._rollback()
        done = Committed(self.head)
        for group in groups:
            try:
                one = self._transaction([group])
            except REFUSALS as error:
                self._rollback()
                done.refused[group.ticket] = _refusal(error)
            else:
                done.rows += one.rows
                done.records += one.records
        done.head = self.head
        return done

    def _transaction(self, groups: Sequence[Group]) -> Committed:
        self._connection.execute("BEGIN IMMEDIATE")
        self._assert_fence()
        done, names = Committed(self.head), [_names(group) for group in groups]
        known = self._already_written([name for names_of_one in names for name in names_of_one if name is not None])
        for group, names_of_one in zip(groups, names, strict=True):
            self._number(group, names_of_one, known, done)
        self._connection.executemany(_INSERT, done.rows)
        self._projector.apply_all(self.head.seq + 1, done.records)
        self._connection.execute("COMMIT")
        self.head = done.head
        return done

    def _number(self, group: Group, names: Sequence[str | None], known: dict[str, str], done: Committed) -> None:
        """Give each new record of a group its number and its link; the loop every record passes, so it is kept flat."""
        ticket, ts_us, mono_ns, writer_id, records, cause, _ = group
        seq, prev = done.head
        rows, written = done.rows, done.records
        for number, (record, idem) in enumerate(zip(records, names, strict=True)):
            body = encode(record).decode()
            if idem is None:
                idem = f"{writer_id}:{ticket}:{number}"  # noqa: PLW2901  the name it gets where the world has none
            elif idem in known:
                _same_fact(record, body, known[idem], idem)
                continue
            else:
                known[idem] = body
            seq += 1
            kind = record.record_kind
            digest = row_hash(prev, seq, ts_us, mono_ns, kind, idem, writer_id, cause, body)
            rows.append((seq, ts_us, mono_ns, kind, idem, writer_id, cause, body, prev, digest))
            written.append(record)
            prev = digest
        done.head = Head(seq, prev)

    def _assert_fence(self) -> None:
        if self.fence is None:
            return
        (newest,) = self._connection.execute("SELECT max(fence) FROM leases").fetchone()
        if newest != self.fence:
            raise LeaseHeld(
                f"another process took the ledger over (fence {newest}, ours {self.fence})",
                hint="this process must stop; the other one goes on",
            )

    def _already_written(self, names: Sequence[str]) -> dict[str, str]:
        """Give the bodies of the facts that the journal knows already."""
        if not names:
            return {}
        rows = self._connection.execute(
            "SELECT idem, body FROM journal WHERE idem IN (SELECT value FROM json_each(?))", (encode(names).decode(),)
        )
        return dict(rows.fetchall())

    def _rollback(self) -> None:
        self._projector.forget()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def head_of(connection: sqlite3.Connection) -> Head:
    """Give the newest row's number and hash, or the genesis of an empty journal."""
    row = connection.execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    if row is None:
        row = (0, *connection.execute("SELECT v FROM meta WHERE k = 'genesis'").fetchone())
    return Head(*row)


def _names(group: Group) -> Sequence[str | None]:
    """Give what the world calls each fact; None where it has no name for it."""
    return group.idems or [record.identity() for record in group.records]


def _refusal(error: Exception) -> Exception:
    if isinstance(error, InvariantBroken | LedgerError):
        return error
    return InvariantBroken(f"the ledger refused the record: {error}")


def _same_fact(record: Record, body: str, known: str, idem: str) -> None:
    """A fact that is written again must be the same fact; only how we learned of it may differ."""
    if body == known:
        return
    ours, theirs = msgspec.json.decode(body), msgspec.json.decode(known)
    for name in PROVENANCE.get(type(record), ()):
        ours.pop(name, None)
        theirs.pop(name, None)
    if ours != theirs:
        different = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
        raise InvariantBroken(
            f"{idem} is already written with another {', '.join(different)}",
            hint="two sources contradict each other; the first one stands, reconcile shows both",
        )
