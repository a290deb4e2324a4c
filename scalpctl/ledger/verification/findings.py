"""What a check found wrong, and where."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from scalpctl.errors import LedgerCorrupt


class Finding(NamedTuple):
    """One thing that is wrong; ``seq`` is the journal row concerned, where there is one."""

    seq: int | None
    check: str
    what: str


def require_clean(findings: Iterable[Finding], path: Path) -> None:
    """Refuse a ledger in which anything was found."""
    for finding in findings:
        raise LedgerCorrupt(
            f"{path}: {finding.what}",
            hint="`scalpctl ledger verify` lists everything; `scalpctl ledger restore` cures it",
        )
