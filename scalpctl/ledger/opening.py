"""Opens a ledger for writing: lease, file, schema, identity, chain, what an emergency left behind. One path for all."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from scalpctl.core.records.sessions import LeaseTaken
from scalpctl.errors import LedgerCorrupt, LedgerMissing
from scalpctl.host.private_files import (
    made_whole,
    make_private_folder,
    refuse_network_filesystem,
    require_private,
)
from scalpctl.host.process import boot_id
from scalpctl.ledger.anchors import AnchorLog, read_anchors
from scalpctl.ledger.committer import Committer
from scalpctl.ledger.creation import create_schema
from scalpctl.ledger.emergency import EmergencyFile, Group, put_aside, waiting_groups
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.lease import Lease
from scalpctl.ledger.mirroring import catch_up_mirrors
from scalpctl.ledger.schema import require_current
from scalpctl.ledger.sqlite import deny_rewriting, meaning, open_new, open_writer
from scalpctl.ledger.verification.findings import require_clean
from scalpctl.ledger.verification.integrity import check_anchors, check_chain, check_triggers
from scalpctl.ledger.writer import LedgerWriter
from scalpctl.ports.clock import Clock
from scalpctl.ports.ids import IdSource

TAIL_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Holder:
    """The process a lease is recorded for; a simulation whose runs must be equal names none."""

    pid: int
    boot_id: str


def open_ledger(
    folder: LedgerFolder,
    clock: Clock,
    ids: IdSource,
    *,
    purpose: str,
    writer_id: str = "",
    holder: Holder | None = None,
) -> LedgerWriter:
    """Give the writer of a ledger, made on first use; one that is held, foreign, damaged or old is refused."""
    prepare_folder(folder)
    lease = Lease(folder.lock, purpose)
    try:
        named = holder or Holder(os.getpid(), boot_id())
        return _open_under(lease, folder, clock, writer_id or ids.new_id(), (purpose, named))
    except sqlite3.Error as error:
        lease.release()
        raise meaning(error, folder.ledger) from error
    except BaseException:
        lease.release()
        raise


def prepare_folder(folder: LedgerFolder) -> None:
    """Make the ledger's folders private, and refuse a disk whose locks cannot be trusted."""
    make_private_folder(folder.root)
    refuse_network_filesystem(make_private_folder(folder.path))
    make_private_folder(folder.backups)


def _open_under(
    lease: Lease, folder: LedgerFolder, clock: Clock, writer_id: str, why: tuple[str, Holder]
) -> LedgerWriter:  # fmt: skip
    if not folder.ledger.exists():
        _create(folder, clock)
    require_private(folder.ledger)
    connection = open_writer(folder.ledger)
    try:
        require_current(connection, folder.ledger)
        _require_identity(connection, folder)
        tail = max(0, Committer(connection).head.seq - TAIL_ROWS)
        require_clean(check_triggers(connection), folder.ledger)
        require_clean(check_chain(connection, after=tail), folder.ledger)
        require_clean(check_anchors(connection, read_anchors(folder.anchors)), folder.ledger)
        deny_rewriting(connection)
        committer = Committer(connection)
        anchors = AnchorLog(folder.anchors)
        fence = _take_fence(connection, committer, clock, writer_id, why)
        committer.fence = fence
        _ingest_emergency(folder, committer, clock)
        catch_up_mirrors(folder.mirrors, connection)
        anchors.note(committer.head, clock.now())
    except BaseException:
        connection.close()
        raise
    return LedgerWriter(
        folder=folder,
        connection=connection,
        committer=committer,
        lease=lease,
        anchors=anchors,
        emergency=EmergencyFile(folder.emergency, folder.reserve),
        clock=clock,
        writer_id=writer_id,
    )


def _create(folder: LedgerFolder, clock: Clock) -> None:
    if read_anchors(folder.anchors):
        raise LedgerMissing(
            f"{folder.ledger} is gone, but its anchors remember {read_anchors(folder.anchors)[-1].seq} rows",
            hint=f"`scalpctl ledger restore` brings a backup back; to start anew move {folder.anchors} away",
        )
    meta = {"env": folder.env, "account": folder.account, "created_at": str(clock.now()), "ledger": "scalpctl"}
    with made_whole(folder.ledger) as file, closing(open_new(file)) as connection:
        create_schema(connection, meta)


def _require_identity(connection: sqlite3.Connection, folder: LedgerFolder) -> None:
    meta: Mapping[str, str] = dict(connection.execute("SELECT k, v FROM meta").fetchall())
    if (meta.get("env"), meta.get("account")) != (folder.env, folder.account):
        raise LedgerCorrupt(
            f"{folder.ledger} belongs to {meta.get('env')}-{meta.get('account')}, not to {folder.name}",
            hint="sim, paper, demo and live never share a ledger; put the file back where it came from",
        )


def _take_fence(
    connection: sqlite3.Connection, committer: Committer, clock: Clock, writer_id: str, why: tuple[str, Holder]
) -> int:
    (newest,) = connection.execute("SELECT coalesce(max(fence), 0) FROM leases").fetchone()
    fence = int(newest) + 1
    purpose, holder = why
    taken = LeaseTaken(
        fence=fence, pid=holder.pid, boot_id=holder.boot_id, purpose=purpose, taken_at=clock.now()
    )  # fmt: skip
    _write(committer, Group(0, clock.now(), clock.monotonic(), writer_id, [taken]))
    return fence


def _ingest_emergency(folder: LedgerFolder, committer: Committer, clock: Clock) -> None:
    if not folder.emergency.exists() or folder.emergency.stat().st_size == 0:
        return
    for group in waiting_groups(folder.emergency):
        _write(committer, group)
    put_aside(folder.emergency, clock.now())


def _write(committer: Committer, group: Group) -> None:
    for refusal in committer.commit([group]).refused.values():
        raise refusal
