"""Checks of the file itself: SQLite's structure, the hash chain, the anchors, the triggers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from scalpctl.ledger.anchors import Anchor
from scalpctl.ledger.chain import genesis_hash
from scalpctl.ledger.journal import JournalCells, journal_pages
from scalpctl.ledger.schema import HEAD, revision_of
from scalpctl.ledger.sqlite import trigger_statements, triggers_of
from scalpctl.ledger.verification.findings import Finding

STRUCTURE_MESSAGES_MAX = 20


def check_structure(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Ask SQLite whether pages, indexes and references are whole."""
    for (message,) in connection.execute(f"PRAGMA integrity_check({STRUCTURE_MESSAGES_MAX})"):
        if message != "ok":
            yield Finding(None, "structure", f"SQLite: {message}")
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        yield Finding(None, "structure", f"{table} row {row} refers to a missing {parent} row")


def check_seal(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Check what the file says about itself against the hash that sealed it."""
    meta = dict(connection.execute("SELECT k, v FROM meta").fetchall())
    if genesis_hash(meta) != meta.get("genesis"):
        yield Finding(None, "identity", "the table meta was changed after the ledger was made")


def check_identity(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Check the seal, and that the file has the schema this program knows."""
    yield from check_seal(connection)
    if revision_of(connection) != HEAD:
        yield Finding(None, "identity", f"schema revision {revision_of(connection)!r} is not {HEAD}")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != int(HEAD):
        yield Finding(None, "identity", f"user_version is {version}, not {int(HEAD)}")


class Chain:
    """Recomputes every hash of the rows it is shown, up to the first broken link: nothing behind it is proven."""

    def __init__(self, prev: str, *, after: int) -> None:
        """Begin behind a row whose hash is known."""
        self._prev, self._seq, self.broken = prev, after, False

    def take(self, page: Sequence[JournalCells]) -> Iterator[Finding]:
        """Take the rows that follow; gives what is wrong with them."""
        seq, prev = self._seq, self._prev
        for number, ts_us, mono_ns, kind, idem, writer, cause, body, stated_prev, stated in page:
            if self.broken:
                return
            seq += 1
            if number != seq or stated_prev != prev:
                self.broken = True
                yield Finding(seq, "chain", _break(seq, number))
                return
            whole = f"{prev}|{seq}|{ts_us}|{mono_ns}|{kind}|{idem}|{writer}|{cause}|{body}"
            prev = sha256(whole.encode()).hexdigest()
            if prev != stated:
                self.broken = True
                yield Finding(seq, "chain", f"journal row {seq} ({kind}) was changed after it was written")
        self._seq, self._prev = seq, prev

    def findings(self) -> Iterable[Finding]:
        """Give nothing more: every link was judged as it passed."""
        return ()


def chain_of(connection: sqlite3.Connection, *, after: int = 0) -> Chain:
    """Give the chain of a ledger, behind one of its rows."""
    return Chain(_hash_at(connection, after), after=after)


def check_chain(connection: sqlite3.Connection, *, after: int = 0) -> Iterator[Finding]:
    """Recompute every hash after a row."""
    chain = chain_of(connection, after=after)
    for page in journal_pages(connection, after=after):
        yield from chain.take(page)
        if chain.broken:
            return


def check_anchors(connection: sqlite3.Connection, anchors: Sequence[Anchor]) -> Iterator[Finding]:
    """Hold the journal against the heads noted outside the file: nothing cut off, nothing replaced."""
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()
    known = _hashes(connection, [anchor.seq for anchor in anchors if anchor.seq <= last])
    for anchor in anchors:
        if 0 < anchor.seq <= last and known.get(anchor.seq) != anchor.hash:
            yield Finding(anchor.seq, "anchors", f"journal row {anchor.seq} is not the one that was anchored")
            return
    newest = max((anchor.seq for anchor in anchors), default=0)
    if newest > last:
        lost = f"rows {last + 1} to {newest} were written and are lost: the journal ends at row {last}"
        yield Finding(last + 1, "anchors", lost)


def check_triggers(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Compare the triggers that protect history with the ones this program made."""
    expected = {statement.split()[2]: statement for statement in trigger_statements()}
    present = triggers_of(connection)
    for name in sorted(expected.keys() | present.keys()):
        if expected.get(name) != present.get(name):
            what = "missing" if name not in present else "unknown" if name not in expected else "changed"
            yield Finding(None, "triggers", f"trigger {name} is {what}")


def _hash_at(connection: sqlite3.Connection, seq: int) -> str:
    if seq == 0:
        row = connection.execute("SELECT v FROM meta WHERE k = 'genesis'").fetchone()
    else:
        row = connection.execute("SELECT hash FROM journal WHERE seq = ?", (seq,)).fetchone()
    return str(row[0]) if row else ""


def _hashes(connection: sqlite3.Connection, seqs: Sequence[int]) -> dict[int, str]:
    sql = "SELECT seq, hash FROM journal WHERE seq IN (SELECT value FROM json_each(?))"
    return dict(connection.execute(sql, (json.dumps(seqs),)).fetchall())


def _break(expected: int, found: int) -> str:
    if found != expected:
        return f"journal row {expected} is missing: the next one is {found}"
    return f"journal row {expected} does not follow the row before it"
