"""The whole proof of one ledger, each check standing on its own so that one failure does not hide the others."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from scalpctl.errors import LedgerError
from scalpctl.ledger.anchors import read_anchors
from scalpctl.ledger.chain import Head
from scalpctl.ledger.committer import head_of
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.mirrors import mirrored_lines
from scalpctl.ledger.schema import require_current
from scalpctl.ledger.sqlite import open_reader
from scalpctl.ledger.verification import integrity, tables
from scalpctl.ledger.verification.findings import Finding
from scalpctl.ledger.verification.fold import Fold
from scalpctl.ledger.verification.walk import Begin, guard, walk

Check = Callable[[sqlite3.Connection], Iterable[Finding]]
_WALKERS: dict[str, Begin] = {"chain": integrity.chain_of, "tables": Fold}
_NOBODY: Mapping[str, Begin] = MappingProxyType({})
STRUCTURE = "structure"


@dataclass(slots=True)
class Verified:
    """What the proof came to."""

    rows: int = 0
    head: Head | None = None
    findings: list[Finding] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Tell whether nothing at all was found."""
        return not self.findings


def verify_older(path: Path) -> Verified:
    """Prove of a ledger with an older schema what does not depend on it: pages, identity, and the whole journal."""
    result = Verified(not_checked=["triggers", "tables", "postings", "anchors", "mirrors"])
    checks = (
        (STRUCTURE, integrity.check_structure), ("identity", integrity.check_seal),
        ("chain", integrity.check_chain),
    )  # fmt: skip
    return _judged(open_reader(path), checks, result)


def structure(path: Path) -> list[Finding]:
    """Give what SQLite's own check of the file finds, and nothing else."""
    checks = ((STRUCTURE, _pin_snapshot), (STRUCTURE, integrity.check_structure))
    return _judged(open_reader(path), checks, Verified()).findings


def verify(
    path: Path,
    *,
    with_companions: bool = True,
    also: Mapping[str, Begin] = _NOBODY,
    leaving_out: Collection[str] = (),
) -> Verified:
    """Prove a ledger file; its anchors and mirrors too, where they lie in their usual places.

    Who ``also`` wants to see every row of the journal walks along; somebody else makes the checks that are
    left out.
    """
    result = Verified()
    folder = LedgerFolder.around(path) if with_companions else None
    # reads the companions: they must not be newer than the snapshot
    checks = [one for one in _checks(folder, result, _WALKERS | dict(also)) if one[0] not in leaving_out]
    try:
        connection = open_reader(path)
    except LedgerError as error:
        if not path.exists():
            raise
        result.findings.append(Finding(None, STRUCTURE, error.message))
        return result
    first: tuple[tuple[str, Check], ...] = (("identity", lambda c: _current(c, path)), (STRUCTURE, _pin_snapshot))
    return _judged(connection, (*first, *checks), result)


def _judged(connection: sqlite3.Connection, checks: Iterable[tuple[str, Check]], result: Verified) -> Verified:
    try:
        for name, check in checks:
            with guard(name, result.findings):
                result.findings.extend(check(connection))
        result.rows, result.head = _head(connection)
    finally:
        connection.close()
    return result


def _checks(folder: LedgerFolder | None, result: Verified, walkers: Mapping[str, Begin]) -> Iterator[tuple[str, Check]]:
    yield STRUCTURE, integrity.check_structure
    yield "identity", integrity.check_identity
    yield "triggers", integrity.check_triggers
    yield "chain", lambda connection: walk(connection, walkers)
    if folder is None:
        result.not_checked += ["anchors", "mirrors"]
    else:
        anchors, lines = read_anchors(folder.anchors), list(mirrored_lines(folder.mirrors))
        if not anchors:
            result.not_checked.append("anchors")
        yield "anchors", lambda connection: integrity.check_anchors(connection, anchors)
        yield "mirrors", lambda connection: tables.check_mirrors(connection, folder.mirrors, lines)
    yield "postings", tables.check_postings


def _current(connection: sqlite3.Connection, path: Path) -> Iterable[Finding]:
    require_current(connection, path)
    return ()


def _pin_snapshot(connection: sqlite3.Connection) -> Iterable[Finding]:
    """See one state of the file in every check, however busy its writer is."""
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM meta").fetchone()
    return ()


def _head(connection: sqlite3.Connection) -> tuple[int, Head | None]:
    try:
        (rows,) = connection.execute("SELECT count(*) FROM journal").fetchone()
        return rows, head_of(connection)
    except sqlite3.Error:
        return 0, None


def quick_proof(folder: LedgerFolder) -> Verified:
    """Prove what can be proven in a moment: identity, triggers, and the head against its anchors."""
    result = Verified()
    anchors = read_anchors(folder.anchors)  # before the file, so that a busy writer is not taken for a cut tail
    connection = open_reader(folder.ledger)
    try:
        require_current(connection, folder.ledger)
        for name, check in (
            ("identity", integrity.check_identity),
            ("triggers", integrity.check_triggers),
            ("anchors", lambda connection: integrity.check_anchors(connection, anchors)),
        ):
            with guard(name, result.findings):
                result.findings.extend(check(connection))
        result.rows, result.head = _head(connection)
    finally:
        connection.close()
    return result
