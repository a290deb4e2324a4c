"""Backups that are proven when they are made, and restores that lose nothing of what was there before."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from scalpctl.errors import LedgerCorrupt, LedgerMissing
from scalpctl.host.line_files import add_durable_line, whole_lines
from scalpctl.host.private_files import made_whole, make_private_folder, write_private
from scalpctl.ledger.anchors import AnchorLog
from scalpctl.ledger.aside import set_aside, stamp
from scalpctl.ledger.canonical_json import UNREADABLE, encode
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.lease import Lease
from scalpctl.ledger.mirroring import catch_up_mirrors
from scalpctl.ledger.sqlite import meaning, open_reader
from scalpctl.ledger.verification.verify import Verified, verify, verify_older
from scalpctl.ports.clock import Clock

MANIFEST = "manifest.jsonl"


def back_up(folder: LedgerFolder, clock: Clock, reason: str, *, older: bool = False) -> Path:
    """Copy the ledger while it may be running, prove the copy, and note it in the manifest.

    Of an ``older`` schema, which is backed up before it is upgraded, the journal is proven: the tables follow from it.
    """
    folder.require_ledger()
    make_private_folder(folder.backups)
    target = folder.backups / f"ledger-{stamp(clock.now())}.db"
    with made_whole(target) as copy:
        _copy(folder.ledger, copy)
        proof = verify_older(copy) if older else verify(copy, with_companions=False)
        if not proof.ok or proof.head is None:
            raise LedgerCorrupt(
                f"the copy of {folder.ledger} does not verify: {proof.findings[0].what}",
                hint="the ledger itself is damaged; `scalpctl ledger verify` says where",
            )
    entry = {
        "file": target.name,
        "at": clock.now(),
        "reason": reason,
        "seq": proof.head.seq,
        "hash": proof.head.hash,
        "sha256": _sha256(target),
        "bytes": target.stat().st_size,
    }
    _note(folder, entry)
    return target


def backups(folder: LedgerFolder) -> list[dict[str, Any]]:
    """Give the manifest, oldest first."""
    path = folder.backups / MANIFEST
    try:
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in whole_lines(path) if line]
    except UNREADABLE as error:
        raise LedgerCorrupt(
            f"{path} is damaged ({error})", hint="repair or remove its broken line; every backup proves itself"
        ) from error


def let_go(folder: LedgerFolder, kept: int) -> list[Path]:
    """Remove the oldest backups beyond a number; the manifest keeps their heads as anchors."""
    present = sorted(folder.backups.glob("ledger-*.db"))
    gone = present[: max(0, len(present) - kept)]
    for path in gone:
        path.unlink()
    return gone


def find_backup(folder: LedgerFolder, name: str | None) -> Path:
    """Give a backup by file name or path, or the newest one."""
    if name is None:
        known = backups(folder)
        if not known:
            raise LedgerMissing(f"there is no backup in {folder.backups}", hint="`scalpctl ledger backup` makes one")
        return folder.backups / str(known[-1]["file"])
    for candidate in (Path(name), folder.backups / name):
        if candidate.is_file():
            return candidate
    known_names = ", ".join(str(entry["file"]) for entry in backups(folder)[-5:]) or "none"
    raise LedgerMissing(f"there is no backup {name!r}", hint=f"the latest: {known_names}")


def drill(folder: LedgerFolder, name: str | None) -> tuple[Path, Verified]:
    """Prove that a backup could be restored: its file is the one noted, and everything in it holds."""
    backup = find_backup(folder, name)
    proof = verify(backup, with_companions=False)
    for entry in backups(folder):
        if entry["file"] == backup.name and entry["sha256"] != _sha256(backup):
            raise LedgerCorrupt(f"{backup} is not the file that was backed up", hint="take another backup")
    if proof.ok:
        make_private_folder(folder.backups)
        write_private(folder.drilled, b"")  # its age is what an audit looks at
    return backup, proof


def restore(folder: LedgerFolder, clock: Clock, name: str | None) -> tuple[Path, Path | None]:
    """Put a proven backup in place; the ledger that was there is moved aside, whole, and named."""
    lease = Lease(folder.lock, "restore")
    try:
        backup, proof = drill(folder, name)
        if not proof.ok or proof.head is None:
            raise LedgerCorrupt(f"{backup} does not verify: {proof.findings[0].what}", hint="choose another backup")
        with made_whole(folder.ledger) as copy:
            _copy(backup, copy)
            aside = set_aside(folder, clock.now(), folder.mirrors)
            with closing(AnchorLog(folder.anchors)) as anchors:  # first, or a death in between leaves rows to be missed
                anchors.note(proof.head, clock.now(), restored=True)
        _mirror_again(folder)
    finally:
        lease.release()
    return backup, aside


def _copy(source: Path, target: Path) -> None:
    reader = open_reader(source)
    writer = sqlite3.connect(target, isolation_level=None)
    try:
        reader.backup(writer, pages=-1)  # in one step: a page-wise backup never finishes beside a busy writer
        writer.execute("PRAGMA journal_mode=DELETE")  # one file, no companions
    except sqlite3.Error as error:
        raise meaning(error, source) from error
    finally:
        writer.close()
        reader.close()


def _mirror_again(folder: LedgerFolder) -> None:
    """Write the mirrors of what is in place now; those of what was lost went aside with it."""
    with closing(open_reader(folder.ledger)) as reader:
        catch_up_mirrors(folder.mirrors, reader)


def _note(folder: LedgerFolder, entry: dict[str, Any]) -> None:
    add_durable_line(folder.backups / MANIFEST, encode(entry))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
