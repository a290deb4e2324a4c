"""Section 0: the file itself. What fails here cannot be waived, because nothing else could be believed."""

from __future__ import annotations

from collections.abc import Iterator

from scalpctl.analysis.audit.books import Books
from scalpctl.analysis.audit.findings import INTEGRITY, RED, Finding, Needs, NotJudged, check

VERIFY = "`scalpctl ledger verify` says more; `scalpctl ledger restore` brings back the newest proven backup"
REBUILD = "the journal is the truth: `scalpctl ledger rebuild` folds the tables from it again"


def _proven(books: Books, *kinds: str) -> Iterator[Finding]:
    for kind in kinds:
        if kind in books.proof.not_checked and len(kinds) == 1:
            raise NotJudged(f"there are no {kind} beside this file")
        for seq, what in books.proof.findings.get(kind, ()):
            rows = ({"table": "journal", "seq": seq},) if seq is not None else ()
            yield Finding(f"journal {seq}" if seq is not None else kind, what, rows=rows)


@check(
    "AU-01", section=INTEGRITY, severity=RED, title="The journal is whole and unchanged", cure=VERIFY, needs=Needs.PROOF
)
def chain(books: Books) -> Iterator[Finding]:
    """Every journal row names the hash of the row before it; all hashes are computed again from the first row to the
    last, and numbers have no gap. What was changed, taken out or put in later is found here.
    """
    yield from _proven(books, "chain", "identity")


@check(
    "AU-02", section=INTEGRITY, severity=RED, title="Nothing was cut off or rolled back", cure=VERIFY, needs=Needs.PROOF
)
def anchors(books: Books) -> Iterator[Finding]:
    """The head of the journal is noted in a file outside the ledger's folder. A ledger that ends before such an anchor
    was cut or replaced by an older copy.
    """
    yield from _proven(books, "anchors")


@check("AU-03", section=INTEGRITY, severity=RED, title="The database file is sound", cure=VERIFY, needs=Needs.PROOF)
def structure(books: Books) -> Iterator[Finding]:
    """SQLite's own check of every page, index and reference."""
    yield from _proven(books, "structure")


@check(
    "AU-04",
    section=INTEGRITY,
    severity=RED,
    title="The triggers that forbid rewriting are in place",
    cure=REBUILD,
    needs=Needs.PROOF,
)
def triggers(books: Books) -> Iterator[Finding]:
    """The triggers that make history unchangeable are compared with those this release makes, word for word."""
    yield from _proven(books, "triggers")


@check(
    "AU-06",
    section=INTEGRITY,
    severity=RED,
    title="Every table is the fold of the journal",
    cure=REBUILD,
    needs=Needs.PROOF,
)
def tables(books: Books) -> Iterator[Finding]:
    """The journal is folded again and every table compared with the fold, row by row; mirrored files as well."""
    yield from _proven(books, "tables", "mirrors")
