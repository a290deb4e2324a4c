"""What a check is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scalpctl.analysis.audit.books import Books

Row = dict[str, Any]


class Severity(StrEnum):
    """How bad it is: red is money or safety, yellow wants a look."""

    RED = "red"
    YELLOW = "yellow"


RED, YELLOW = Severity.RED, Severity.YELLOW

SECTIONS = {
    0: "integrity",
    1: "parameters",
    2: "instruments",
    3: "records",
    4: "warning thresholds",
    5: "orders, races and duplicates",
    6: "resources",
    7: "entry gates",
    8: "regimes",
    9: "drift",
    10: "money",
    11: "limits and endings",
    12: "connections",
    13: "security",
}
INTEGRITY = 0


class Needs(StrEnum):
    """What a check looks at."""

    LEDGER = "ledger"
    PROOF = "proof"
    FOLDER = "folder"
    EXCHANGE = "exchange"


class NotJudged(Exception):
    """The facts a check needs are not there; the reason is said instead of a verdict."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: whom it concerns, what it is, and the rows that prove it."""

    subject: str
    what: str
    severity: Severity | None = None
    rows: tuple[Row, ...] = ()


Function = Callable[["Books"], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """One entry of the checklist: a pure function from the books to findings."""

    id: str
    section: int
    severity: Severity
    title: str
    cure: str
    needs: Needs
    function: Function
    page: str

    def findings(self, books: Books) -> list[Finding]:
        """Run it; a finding that says nothing else is as severe as its check."""
        return [replace(one, severity=one.severity or self.severity) for one in self.function(books)]


def check(
    name: str, *, section: int, severity: Severity, title: str, cure: str, needs: Needs = Needs.LEDGER
) -> Callable[[Function], Check]:
    """Make a check of a function; its docstring becomes its page."""

    def made(function: Function) -> Check:
        page = " ".join((function.__doc__ or "").split())
        return Check(name, section, severity, title, cure, needs, function, page)

    return made


@dataclass(slots=True)
class Judged:
    """A check with what it found; what is waived or known from before is kept apart and shown."""

    check: Check
    findings: list[Finding] = field(default_factory=list)
    waived: list[tuple[Finding, str]] = field(default_factory=list)
    not_judged: str | None = None

    @property
    def ok(self) -> bool:
        """Tell whether nothing is left to complain about."""
        return not self.findings

    @property
    def severity(self) -> Severity:
        """Give the worst of what was found, or what a finding would be."""
        return (
            RED
            if any(one.severity is RED for one in self.findings)
            else (YELLOW if self.findings else self.check.severity)
        )
