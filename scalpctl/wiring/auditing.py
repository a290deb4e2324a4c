"""Gathers everything an audit looks at: the ledger at one instant, its folder, and, where asked, the exchange."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from scalpctl.analysis.audit.books import Books, FolderFacts, Proof, Thresholds
from scalpctl.core.instants import Instant
from scalpctl.errors import ScalpctlError
from scalpctl.ledger.anchors import read_anchors
from scalpctl.ledger.backup import backups
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.lease import holder_of
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ledger.sqlite import library_version
from scalpctl.ledger.verification import apart
from scalpctl.ledger.verification.leaks import MARKS
from scalpctl.ledger.verification.verify import Verified
from scalpctl.settings.loading import Loaded, recorded_problems

SEARCHED_BYTES_MAX = 50_000_000
_MARKS = (*(mark.encode() for mark in MARKS), b'"sign":"')


def books_of(reader: LedgerReader, loaded: Loaded, folder: LedgerFolder | None, wall: Instant) -> Books:
    """Give the books of a ledger as they stand at one instant; simulated ledgers live in their own time."""
    alive = folder is not None and holder_of(folder.lock) is not None
    reader.pin()
    env = reader.meta().get("env", "sim")
    (newest,) = reader.rows("SELECT max(ts_us) AS at FROM journal")
    settings = loaded.settings.audit
    return Books(
        reader=reader,
        now=Instant(newest["at"] or wall) if env == "sim" else wall,
        thresholds=Thresholds(**{name: getattr(settings, name) for name in type(settings).model_fields}),
        prove=prover(reader.path, with_companions=folder is not None, alone=not alive),
        config_problems=cache(recorded_problems),  # most sessions ran with the same
        folder=folder_facts(folder, wall, secrets_of(loaded)) if folder else None,
        engine_alive=alive,
        env=env,
        extra={"path": str(reader.path)},
    )


def prover(path: Path, *, with_companions: bool, alone: bool) -> Callable[[], Callable[[], Proof]]:
    """Give what begins to prove a file; where nobody else wants the other core, a large one is proven on it."""

    def begun() -> Callable[[], Proof]:
        if alone and apart.worth_it(path):
            waited_for = apart.begin(path, with_companions=with_companions)
        else:
            waited_for = partial(apart.proven, path, with_companions=with_companions)
        return lambda: _by_kind(waited_for())

    return begun


def _by_kind(found: Verified) -> Proof:
    kinds: dict[str, list[tuple[int | None, str]]] = {}
    for one in found.findings:
        kinds.setdefault(one.check, []).append((one.seq, one.what))
    return Proof({kind: tuple(rows) for kind, rows in kinds.items()}, tuple(found.not_checked))


def folder_facts(folder: LedgerFolder, wall: Instant, secrets: tuple[bytes, ...]) -> FolderFacts:
    """Gather what lies around a ledger."""
    known, version = backups(folder), library_version()
    anchors = read_anchors(folder.anchors)
    return FolderFacts(
        free_bytes=shutil.disk_usage(folder.path).free,
        open_to_others=tuple(_open_to_others(_own_paths(folder))),
        secrets_found=tuple(_leaks(folder, secrets)),
        backup_at=Instant(int(known[-1]["at"])) if known else None,
        drill_at=Instant(folder.drilled.stat().st_mtime_ns // 1_000) if folder.drilled.exists() else None,
        anchored_at=Instant(anchors[-1].at) if anchors else None,
        wall=wall,
        sqlite=".".join(map(str, version)),
        sqlite_note="older than 3.37 has no STRICT tables" if version < (3, 37, 0) else "",
    )


def secrets_of(loaded: Loaded) -> tuple[bytes, ...]:
    """Give the secrets that must not be found anywhere, where they can be read; they go no further than the search."""
    from scalpctl.settings.secrets import find_key

    if loaded.settings.env in {"sim", "paper"}:
        return ()
    try:
        key = find_key(loaded.credentials, dict(os.environ))
    except ScalpctlError:
        return ()
    return tuple(part.reveal().encode() for part in (key.secret, key.passphrase) if len(part.reveal()) >= 6)


def _own_paths(folder: LedgerFolder) -> Iterator[Path]:
    yield from filter(Path.exists, (folder.path, folder.anchors.parent, folder.anchors))
    yield from (path for path in folder.path.rglob("*") if not path.is_symlink())


def _open_to_others(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        try:
            status = path.lstat()
        except FileNotFoundError:  # a temporary file of the running engine
            continue
        if status.st_mode & 0o077 or status.st_uid != os.geteuid():
            yield f"{path} ({stat.S_IMODE(status.st_mode):04o})"


def _leaks(folder: LedgerFolder, secrets: tuple[bytes, ...]) -> Iterator[str]:
    for path in (*folder.mirrors.glob("*"), folder.emergency, *folder.path.glob("*.log"), *folder.path.glob("*.jsonl")):
        try:
            content = path.read_bytes()[:SEARCHED_BYTES_MAX]
        except OSError:
            continue
        if any(mark in content for mark in (*_MARKS, *secrets)):
            yield str(path)


def exchange_side(
    loaded: Loaded, folder: LedgerFolder, environ: dict[str, str], since: Instant, wall: Any
) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    """Ask the exchange, with no engine alive, how it sees the account; refusals come as their own errors."""
    from scalpctl.wiring.alone import looked_at, run, venue_of
    from scalpctl.wiring.session import Listening

    venue = venue_of(loaded, folder, environ, wall, Listening())
    picture: dict[str, Any] = run(venue, looked_at(venue, since))
    return picture, account_side(loaded, environ, wall)


def account_side(loaded: Loaded, environ: dict[str, str], wall: Any) -> tuple[dict[str, Any], ...]:
    """Ask the exchange how key and account are set up, an engine alive or not; the embedded one has nothing to say."""
    from scalpctl.settings.secrets import find_key
    from scalpctl.wiring import account_rows

    if loaded.settings.env in {"sim", "paper"}:
        return ()
    rows = asyncio.run(account_rows(loaded, find_key(loaded.credentials, environ), wall))
    return tuple({"check": row.check, "grade": str(row.grade), "found": row.found} for row in rows)
