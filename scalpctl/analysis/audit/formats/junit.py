"""JUnit XML, for build servers."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from scalpctl.analysis.audit.findings import SECTIONS, Judged
from scalpctl.analysis.audit.judging import Audit


def junit(audit: Audit) -> str:
    """Give one test case per check."""
    failed = sum(1 for one in audit.judged if not one.ok)
    skipped = sum(1 for one in audit.judged if one.not_judged)
    head = f'<testsuite name="scalpctl audit" tests="{len(audit.judged)}" failures="{failed}" skipped="{skipped}">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *map(_case, audit.judged), "</testsuite>", ""])


def _case(one: Judged) -> str:
    name, family = quoteattr(f"{one.check.id} {one.check.title}"), quoteattr(SECTIONS[one.check.section])
    inner = ""
    if one.not_judged:
        inner = f"<skipped message={quoteattr(one.not_judged)}/>"
    elif one.findings:
        text = "\n".join(f"{finding.severity} {finding.subject}: {finding.what}" for finding in one.findings)
        inner = f"<failure message={quoteattr(f'{len(one.findings)} findings')}>{escape(_printable(text))}</failure>"
    return f"  <testcase classname={family} name={name}>{inner}</testcase>"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)
