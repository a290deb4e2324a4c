"""Runs checks, sets aside what is waived or known, and comes to a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from scalpctl.analysis.audit.books import Books, read_json
from scalpctl.analysis.audit.findings import INTEGRITY, RED, YELLOW, Check, Finding, Judged, Needs, NotJudged, Row
from scalpctl.core.instants import Instant, rfc3339
from scalpctl.errors import ScalpctlError


class Verdict(StrEnum):
    """What an audit comes to."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    UNKNOWN = "unknown"


EXIT_CODES = {Verdict.GREEN: 0, Verdict.YELLOW: 1, Verdict.RED: 2, Verdict.UNKNOWN: 3}


@dataclass(slots=True)
class Audit:
    """A whole audit."""

    judged: list[Judged]
    at: Instant
    go_live: bool = False
    unreachable: str | None = None
    figures: dict[str, float] = field(default_factory=dict)

    def count(self, severity: str) -> int:
        """Count the checks that came out red, or yellow."""
        return sum(1 for one in self.judged if not one.ok and one.severity == severity)

    @property
    def verdict(self) -> Verdict:
        """Give the verdict: offline findings stand, also when the exchange could not be asked."""
        if self.count(RED) or (self.go_live and self.count(YELLOW)):
            return Verdict.RED
        if self.unreachable is not None:
            return Verdict.UNKNOWN
        return Verdict.YELLOW if self.count(YELLOW) else Verdict.GREEN

    @property
    def exit_code(self) -> int:
        """Give what a monitoring system reads."""
        return EXIT_CODES[self.verdict]


@dataclass(frozen=True, slots=True)
class Waiver:
    """A check somebody set aside for a while, with a reason."""

    check_id: str
    until: Instant
    reason: str
    by: str
    seq: int

    @property
    def shown(self) -> str:
        """Say who waived it, until when, and why."""
        return f"waived by {self.by} until {rfc3339(self.until)}: {self.reason}"


def waivers(books: Books, wall: Instant) -> dict[str, Waiver]:
    """Give the waivers in force; the latest word about a check counts."""
    found: dict[str, Waiver] = {}
    for row in books.rows(
        "SELECT seq, arguments, operator FROM operator_commands WHERE command = 'waive' ORDER BY seq"
    ):
        said = read_json(row["arguments"]) or {}
        one = Waiver(
            str(said.get("check")),
            Instant(int(said.get("until", 0))),
            str(said.get("reason")),
            row["operator"],
            row["seq"],
        )
        found[one.check_id] = one
    return {name: one for name, one in found.items() if one.until > wall}


def judge(
    books: Books, checks: Iterable[Check], waived: Mapping[str, Waiver], known: frozenset[tuple[str, str]]
) -> list[Judged]:
    """Run checks one by one; each stands on its own, so that one that cannot be run hides no other.

    What rests on the proof of the file comes last, so that the proof can be made meanwhile.
    """
    wanted = list(checks)
    if any(_waits(one) for one in wanted):
        _ = books.proving
    done = {one.id: _judge(books, one, waived.get(one.id), known) for one in sorted(wanted, key=_waits)}
    return [done[one.id] for one in wanted]


def _waits(check: Check) -> bool:
    return check.needs is Needs.PROOF


def _judge(books: Books, check: Check, waiver: Waiver | None, known: frozenset[tuple[str, str]]) -> Judged:
    result = Judged(check)
    try:
        if check.needs is Needs.EXCHANGE:
            books.picture()
        found = check.findings(books)
    except NotJudged as reason:
        result.not_judged = str(reason)
        return result
    except ScalpctlError as error:
        result.findings = [Finding("check", f"could not be judged: {error.message}", RED)]
        return result
    for one in found:
        aside = None if check.section == INTEGRITY else _aside(check, one, waiver, known)
        if aside is None:
            result.findings.append(one)
        else:
            result.waived.append((one, aside))
    return result


def _aside(check: Check, one: Finding, waiver: Waiver | None, known: frozenset[tuple[str, str]]) -> str | None:
    if waiver is not None:
        return waiver.shown
    return "known: in the baseline" if (check.id, one.subject) in known else None


def fingerprints(judged: Iterable[Judged]) -> list[list[str]]:
    """Name what was found, so that the next audit can tell what is new."""
    return sorted([one.check.id, finding.subject] for one in judged for finding in one.findings)


def plain(judged: Judged) -> Row:
    """Give a judged check for a program."""
    return {
        "id": judged.check.id,
        "section": judged.check.section,
        "severity": str(judged.severity),
        "ok": judged.ok,
        "title": judged.check.title,
        "findings": [_plain(one) | {"cure": judged.check.cure} for one in judged.findings],
        "waived": [_plain(one) | {"why": why} for one, why in judged.waived],
    }


def _plain(one: Finding) -> Row:
    return {"subject": one.subject, "severity": str(one.severity), "what": one.what, "rows": list(one.rows)}
