"""What audits said, one line each, beside the ledger and never in it: an audit changes nothing it judges."""

from __future__ import annotations

from typing import Any

import msgspec

from scalpctl.host.line_files import add_durable_line, whole_lines
from scalpctl.host.private_files import write_private
from scalpctl.ledger.canonical_json import UNREADABLE, encode
from scalpctl.ledger.folder import LedgerFolder

KEPT = 1_000


def note_audit(folder: LedgerFolder, line: dict[str, Any]) -> None:
    """Append what an audit said."""
    add_durable_line(folder.audits, encode(line))


def past_audits(folder: LedgerFolder) -> list[dict[str, Any]]:
    """Give what earlier audits said, oldest first."""
    found = []
    for line in whole_lines(folder.audits)[-KEPT:]:
        try:
            found.append(msgspec.json.decode(line))
        except UNREADABLE:
            continue
    return found


def set_baseline(folder: LedgerFolder, fingerprints: list[list[str]]) -> None:
    """Take what is found now as known from here on."""
    write_private(folder.audit_baseline, encode(fingerprints) + b"\n")


def baseline(folder: LedgerFolder) -> frozenset[tuple[str, str]]:
    """Give what is known and not counted again."""
    if not folder.audit_baseline.exists():
        return frozenset()
    pairs = msgspec.json.decode(folder.audit_baseline.read_bytes(), type=list[tuple[str, str]])
    return frozenset(pairs)
