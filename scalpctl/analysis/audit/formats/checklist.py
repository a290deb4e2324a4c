"""The checklist as Markdown: what one pastes into a decision to go live."""

from __future__ import annotations

from itertools import groupby

from scalpctl.analysis.audit.findings import SECTIONS, Judged
from scalpctl.analysis.audit.judging import Audit
from scalpctl.core.instants import rfc3339


def checklist(audit: Audit) -> str:
    """Give every check by section, ticked or with what was found."""
    lines = [
        f"# Audit of {rfc3339(audit.at)}: {audit.verdict}",
        "",
        f"{audit.count('red')} red, {audit.count('yellow')} yellow, {len(audit.judged)} checks.",
    ]
    if audit.unreachable:
        lines += ["", f"The exchange could not be asked: {audit.unreachable}"]
    for section, group in groupby(audit.judged, key=lambda one: one.check.section):
        lines += ["", f"## {section}. {SECTIONS[section]}", ""]
        for one in group:
            lines += _lines(one)
    return "\n".join(lines) + "\n"


def _lines(one: Judged) -> list[str]:
    mark = "-" if one.not_judged else "x" if one.ok else " "
    head = f"- [{mark}] {one.check.id} {one.check.title}"
    if one.not_judged:
        return [f"{head} (not judged: {one.not_judged})"]
    found = [f"  - **{finding.severity}** {_safe(finding.subject)}: {_safe(finding.what)}" for finding in one.findings]
    return [
        head,
        *found,
        *(f"  - ({why}) {_safe(finding.subject)}: {_safe(finding.what)}" for finding, why in one.waived),
    ]


def _safe(text: str) -> str:
    """Keep text from the ledger from becoming markup."""
    return "".join(
        f"\\{letter}" if letter in "\\`*_[]<>|#" else letter if letter.isprintable() else "?" for letter in text
    )
