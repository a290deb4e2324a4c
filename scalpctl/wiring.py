"""The composition root: the only module that names concrete adapters."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from scalpctl.analysis.fitness import LedgerFacts, Machine
from scalpctl.core.instants import MICROS_PER_SECOND
from scalpctl.errors import ScalpctlError
from scalpctl.host.private_files import NETWORK_FILESYSTEMS, filesystem_of
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ports.clock import Clock


def machine_facts(root: Path, clock: Clock) -> Machine:
    """Gather what the machine is."""
    from scalpctl.ledger.sqlite import library_version

    existing = next(path for path in (root, *root.parents) if path.exists())
    kind = filesystem_of(existing)
    return Machine(
        python=sys.version_info[:3],
        sqlite=library_version(),
        filesystem=kind,
        network_filesystem=kind in NETWORK_FILESYSTEMS,
        free_bytes=shutil.disk_usage(existing).free,
        wall_step_us=_wall_step(clock),
    )


def ledger_facts(folder: LedgerFolder, clock: Clock) -> LedgerFacts:
    """Gather what the ledger is like, cheaply: its head against the newest anchor, not every row."""
    from scalpctl.ledger.backup import backups
    from scalpctl.ledger.lease import holder_of
    from scalpctl.ledger.verification.verify import quick_proof

    if not folder.ledger.exists():
        return LedgerFacts(exists=False)
    problem, cure, rows = None, "", 0
    try:
        proof = quick_proof(folder)
        rows = proof.rows
        if not proof.ok:
            problem, cure = proof.findings[0].what, "`scalpctl ledger verify` says more"
    except ScalpctlError as error:
        problem, cure = error.message, error.hint or ""
    holder = holder_of(folder.lock)
    known = backups(folder)
    return LedgerFacts(
        exists=True,
        problem=problem,
        cure=cure,
        rows=rows,
        holder=f"process {holder.get('pid')} ({holder.get('purpose')})" if holder is not None else None,
        backup_age_s=(clock.now() - int(known[-1]["at"])) // MICROS_PER_SECOND if known else None,
        emergency_bytes=folder.emergency.stat().st_size if folder.emergency.exists() else 0,
    )


def _wall_step(clock: Clock) -> int:
    wall, steady = clock.now(), clock.monotonic()
    shutil.disk_usage("/")  # some work in between
    return (clock.now() - wall) - (clock.monotonic() - steady) // 1_000
