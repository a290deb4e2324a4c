"""Is this machine fit to trade? Facts in, findings out; what cannot be judged says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

PYTHON_MIN = (3, 11)
SQLITE_FIXED = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
FREE_BYTES_MIN = 200_000_000
"""As the default configuration has it."""
BACKUP_AGE_S_MAX = 26 * 3_600


class Grade(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Row:
    """One check: what was found, and what to do about it."""

    check: str
    grade: Grade
    found: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine is."""

    python: tuple[int, int, int]
    sqlite: tuple[int, int, int]
    filesystem: str
    network_filesystem: bool
    free_bytes: int
    wall_step_us: int


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """What the ledger is like; None where it was not looked at."""

    exists: bool
    problem: str | None = None
    cure: str = ""
    rows: int = 0
    holder: str | None = None
    backup_age_s: int | None = None
    emergency_bytes: int = 0


def judge_machine(machine: Machine, free_bytes_min: int = FREE_BYTES_MIN) -> Iterator[Row]:
    """Judge interpreter, SQLite, disk and clock; with less than ``free_bytes_min`` nothing would be entered."""
    version = ".".join(map(str, machine.python))
    if machine.python[:2] < PYTHON_MIN:
        yield Row("python", Grade.FAIL, version, "install Python 3.11 or newer")
    else:
        yield Row("python", Grade.OK, version)
    yield _sqlite(machine.sqlite)
    yield _filesystem(machine)
    yield _free_space(machine.free_bytes, free_bytes_min)
    if abs(machine.wall_step_us) > 50_000:
        cure = "something steps the clock; let chrony or systemd-timesyncd slew it"
        yield Row("clock", Grade.WARN, f"wall clock moved {machine.wall_step_us} us against monotonic time", cure)
    else:
        yield Row("clock", Grade.OK, "wall and monotonic clocks agree")


def judge_ledger(facts: LedgerFacts) -> Iterator[Row]:
    """Judge the ledger, who holds it, what waits beside it, and its backups."""
    if not facts.exists:
        yield Row("ledger", Grade.SKIP, "there is none yet", "`scalpctl run` makes one")
        return
    if facts.problem is not None:
        yield Row("ledger", Grade.FAIL, facts.problem, facts.cure)
    else:
        yield Row("ledger", Grade.OK, f"{facts.rows} journal rows, head matches its anchor")
    yield Row("lease", Grade.OK, f"held by {facts.holder}" if facts.holder else "free")
    if facts.emergency_bytes:
        found = f"{facts.emergency_bytes} bytes wait in emergency.jsonl"
        yield Row("emergency", Grade.WARN, found, "the next start takes them in; find out why the disk failed")
    yield _backup(facts.backup_age_s)


def _sqlite(version: tuple[int, int, int]) -> Row:
    text = ".".join(map(str, version))
    fixed = version >= SQLITE_FIXED[0] or any(version[:2] == known[:2] and version >= known for known in SQLITE_FIXED)
    note = "" if fixed else " (has the WAL-reset race; one writing process is safe from it, and there is only one)"
    return Row("sqlite", Grade.OK, text + note)


def _filesystem(machine: Machine) -> Row:
    if machine.network_filesystem:
        return Row("filesystem", Grade.FAIL, machine.filesystem, "keep the ledger on a local disk (--root)")
    return Row("filesystem", Grade.OK, machine.filesystem)


def _free_space(free: int, least: int) -> Row:
    found, bound = f"{free // 1_000_000} MB free", f"below {least // 1_000_000} MB nothing is entered"
    if free < least:
        return Row("disk", Grade.FAIL, found, f"make room: {bound}")
    if free < 2 * least:
        return Row("disk", Grade.WARN, found, f"make room soon: {bound}")
    return Row("disk", Grade.OK, found)


def _backup(age_s: int | None) -> Row:
    if age_s is None:
        return Row("backup", Grade.WARN, "there is none", "`scalpctl ledger backup`")
    found = f"the newest is {age_s // 3_600} h old"
    if age_s > BACKUP_AGE_S_MAX:
        return Row("backup", Grade.WARN, found, "`scalpctl ledger backup`, daily or more often")
    return Row("backup", Grade.OK, found)
