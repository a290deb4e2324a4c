"""Rebuilds every typed table from the journal, in a new file that replaces the old one only when it is proven."""

from __future__ import annotations

from pathlib import Path

from scalpctl.core.instants import Instant, to_datetime
from scalpctl.errors import LedgerCorrupt
from scalpctl.host.private_files import create_private_file, sync_folder
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.lease import Lease
from scalpctl.ledger.replay import rebuild_into
from scalpctl.ledger.schema import require_current
from scalpctl.ledger.sqlite import open_reader
from scalpctl.ledger.verification.findings import require_clean
from scalpctl.ledger.verification.integrity import check_chain
from scalpctl.ledger.verification.verify import verify


def rebuild(folder: LedgerFolder, now: Instant) -> tuple[int, Path]:
    """Give the number of journal rows folded, and where the old file lies now."""
    folder.require_ledger()
    lease = Lease(folder.lock, "rebuild")
    fresh = folder.path / "ledger.rebuilding"
    try:
        fresh.unlink(missing_ok=True)
        source = open_reader(folder.ledger)
        try:
            require_current(source, folder.ledger)
            require_clean(check_chain(source), folder.ledger)  # tables folded from a broken journal prove nothing
            create_private_file(fresh)
            rows = rebuild_into(source, fresh)
        finally:
            source.close()
        proof = verify(fresh, with_companions=False)
        if not proof.ok:
            raise LedgerCorrupt(f"the rebuilt ledger does not verify: {proof.findings[0].what}")
        return rows, _swap(folder, fresh, now)
    finally:
        fresh.unlink(missing_ok=True)
        lease.release()


def _swap(folder: LedgerFolder, fresh: Path, now: Instant) -> Path:
    aside = folder.path / f"replaced-{to_datetime(now):%Y%m%dT%H%M%S%fZ}"
    aside.mkdir(mode=0o700)
    for suffix in ("-wal", "-shm"):
        companion = folder.ledger.with_name(folder.ledger.name + suffix)
        if companion.exists():
            companion.rename(aside / companion.name)
    folder.ledger.rename(aside / folder.ledger.name)
    fresh.rename(folder.ledger)
    sync_folder(folder.path)
    return aside
