"""Section 13: who can read it, what leaked, what runs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from scalpctl.analysis.audit.books import Books
from scalpctl.analysis.audit.findings import RED, YELLOW, Finding, Needs, check

_IN_SCOPE = "SELECT seq, kind FROM journal WHERE seq = :seq AND ts_us BETWEEN :since AND :until"
_SHOWN_MAX = 20


@check(
    "AU-45",
    section=13,
    severity=RED,
    title="Ledger, keys and logs are readable by their owner only",
    cure="chmod 0700 the folders, 0600 the files",
    needs=Needs.FOLDER,
)
def privacy(books: Books) -> Iterator[Finding]:
    """Every file and folder of the ledger, its backups, mirrors, socket and anchors belongs to whoever runs this, and
    nobody else can read or write it.
    """
    for path in books.figures().open_to_others:
        yield Finding(path, "can be read or written by others, or belongs to somebody else", rows=({"path": path},))


@check(
    "AU-46",
    section=13,
    severity=RED,
    title="No secret was written down",
    cure="replace the API key at once; then find out where it came from",
    needs=Needs.PROOF,
)
def secrets(books: Books) -> Iterator[Finding]:
    """The journal, mirrors, emergency file and logs are searched for signatures, keys and passphrases; where the API
    key can be read, for the key itself.
    """
    found = (
        (what, row) for seq, what in books.proof.findings.get("secrets", ()) for row in books.rows(_IN_SCOPE, seq=seq)
    )
    for what, row in islice(found, _SHOWN_MAX):
        yield Finding(f"journal {row['seq']}", what, rows=(row,))
    for place in books.folder.secrets_found if books.folder else ():
        yield Finding(place, "holds what looks like a key or a signature", rows=({"path": place},))


_CODE = (
    "SELECT code_version, count(DISTINCT code_digest) AS n, group_concat(DISTINCT substr(code_digest, 1, 12)) AS "
    "digests, max(seq) AS "
    "seq FROM sessions WHERE started_at BETWEEN :since AND :until AND env IN ('demo', 'live') GROUP BY code_version "
    "HAVING n > 1"
)


@check(
    "AU-48",
    section=13,
    severity=YELLOW,
    title="What ran is a release, on a sound SQLite",
    cure="install a release; do not edit installed code",
)
def code(books: Books) -> Iterator[Finding]:
    """Demo and live sessions of one version ran the same code. The SQLite library has no known defect that matters
    here.
    """
    for row in books.rows(_CODE):
        yield Finding(
            f"version {row['code_version']}", f"ran as {row['n']} different codes: {row['digests']}", YELLOW, (row,)
        )
    note = books.folder.sqlite_note if books.folder else ""
    if note:
        yield Finding("SQLite", note, RED, ({"version": books.folder.sqlite if books.folder else ""},))
