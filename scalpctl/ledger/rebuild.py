"""Rebuilds every typed table from the journal, in a new file that replaces the old one only when it is proven."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from scalpctl.core.instants import Instant
from scalpctl.errors import LedgerCorrupt
from scalpctl.host.private_files import made_whole
from scalpctl.ledger.aside import set_aside
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.lease import Lease
from scalpctl.ledger.replay import rebuild_into
from scalpctl.ledger.schema import require_current
from scalpctl.ledger.sqlite import open_reader
from scalpctl.ledger.verification.findings import require_clean
from scalpctl.ledger.verification.integrity import check_chain
from scalpctl.ledger.verification.verify import verify


def rebuild(folder: LedgerFolder, now: Instant) -> tuple[int, Path | None]:
    """Give the number of journal rows folded, and where the old file lies now."""
    folder.require_ledger()
    lease = Lease(folder.lock, "rebuild")
    try:
        with made_whole(folder.ledger) as fresh:
            rows = _folded_into(fresh, folder.ledger)
            return rows, set_aside(folder, now)
    finally:
        lease.release()


def _folded_into(fresh: Path, ledger: Path) -> int:
    with closing(open_reader(ledger)) as source:
        require_current(source, ledger)
        require_clean(check_chain(source), ledger)  # tables folded from a broken journal prove nothing
        rows = rebuild_into(source, fresh)
    proof = verify(fresh, with_companions=False)
    if not proof.ok:
        raise LedgerCorrupt(f"the rebuilt ledger does not verify: {proof.findings[0].what}")
    return rows
