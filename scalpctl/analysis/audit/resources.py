"""Section 6: memory, disk, waiting times, backups."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from scalpctl.analysis.audit.books import Books
from scalpctl.analysis.audit.findings import RED, YELLOW, Finding, Needs, NotJudged, check

HOUR_US = 3_600_000_000
BACKUP_AGE_US_MAX = 26 * HOUR_US
DRILL_AGE_US_MAX = 8 * 24 * HOUR_US
WAL_BYTES_MAX = 64 * 1024 * 1024

_FELT = (
    "SELECT session_id, count(*) AS n, max(loop_lag_us) AS lag_us, max(commit_p99_us) AS commit_us, max(wal_bytes) AS "
    "wal, "
    "max(open_files) AS files, min(seq) AS seq FROM heartbeats WHERE at BETWEEN :since AND :until GROUP BY session_id"
)
_MEMORY = (
    "SELECT a.session_id, a.rss_bytes AS before, b.rss_bytes AS after, a.seq, b.seq AS last_seq FROM heartbeats a JOIN "
    "heartbeats b ON "
    "b.session_id = a.session_id AND b.at BETWEEN a.at + 7200000000 AND a.at + 7260000000 WHERE a.rss_bytes > 0 AND "
    "a.at - (SELECT "
    "started_at FROM sessions s WHERE s.session_id = a.session_id) > 1800000000 AND a.at BETWEEN :since AND :until"
)


@check(
    "AU-43",
    section=6,
    severity=YELLOW,
    title="The engine has room to breathe",
    cure="`scalpctl doctor`; a bigger machine, fewer instruments, a faster disk",
)
def resources(books: Books) -> Iterator[Finding]:
    """From the heartbeats: waiting of the event loop, of commits, the size of the write-ahead log, open files, and
    memory that grows by more than the threshold in two hours after the first half hour; and the free disk space now.
    """
    most = books.thresholds
    for row in books.rows(_FELT):
        bounds = (
            ("the event loop waited", row["lag_us"], most.loop_lag_ms_max * 1_000),
            ("a commit took", row["commit_us"], most.commit_ms_max * 1_000),
        )
        for what, value, bound in bounds:
            if value > bound:
                yield Finding(f"session {row['session_id']}", f"{what} {value / 1_000:.0f} ms", rows=(row,))
        if row["wal"] > WAL_BYTES_MAX:
            yield Finding(
                f"session {row['session_id']}", f"the write-ahead log grew to {row['wal']} bytes", RED, (row,)
            )
        if row["files"] > most.open_files_max:
            yield Finding(f"session {row['session_id']}", f"{row['files']} files were open", rows=(row,))
    for row in books.rows(_MEMORY):
        if row["after"] > row["before"] * (1 + most.memory_growth_ratio_max):
            grown = Decimal(row["after"]) / row["before"] - 1
            yield Finding(f"session {row['session_id']}", f"memory grew by {grown:.1%} in two hours", rows=(row,))
            break
    free = books.folder.free_bytes if books.folder else None
    if free is not None and free < most.free_disk_mb_min * 1_000_000:
        yield Finding("disk", f"{free // 1_000_000} MB are free", RED, ({"free_bytes": free},))


@check(
    "AU-44",
    section=6,
    severity=YELLOW,
    title="A proven backup exists, and was restored as a drill",
    cure="`scalpctl ledger backup`, `scalpctl ledger restore --drill`",
    needs=Needs.FOLDER,
)
def backups(books: Books) -> Iterator[Finding]:
    """Once a ledger is a day old its newest proven backup is younger than 26 hours (red without any); once it is nine
    days old a restore was tried within the last eight.
    """
    known = books.figures()
    if books.env == "sim":
        raise NotJudged("the embedded exchange's ledger can be made again")
    (first,) = books.rows("SELECT min(ts_us) AS at FROM journal")
    age = known.wall - (first["at"] or known.wall)
    if age > BACKUP_AGE_US_MAX and (known.backup_at is None or known.wall - known.backup_at > BACKUP_AGE_US_MAX):
        what = (
            "there is no backup"
            if known.backup_at is None
            else f"the newest backup is {(known.wall - known.backup_at) // HOUR_US} h old"
        )
        yield Finding("backups", what, RED if known.backup_at is None else YELLOW, ({"backup_at": known.backup_at},))
    if age > DRILL_AGE_US_MAX + 24 * HOUR_US and (
        known.drill_at is None or known.wall - known.drill_at > DRILL_AGE_US_MAX
    ):
        yield Finding(
            "restore drill", "no restore was tried within eight days", YELLOW, ({"drill_at": known.drill_at},)
        )
