"""Everything a check may look at: the ledger, the clock, the thresholds, the folder, perhaps the exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

import msgspec

from scalpctl.analysis.audit.findings import NotJudged, Row
from scalpctl.analysis.summary import Reader
from scalpctl.core.instants import MICROS_PER_SECOND, Instant


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where a check begins to complain; the values stand in the configuration."""

    settle_s: int
    commit_ms_max: int
    contradiction_ratio_max: Decimal
    drifts_per_day_max: int
    entry_slippage_ratio_max: Decimal
    exit_slippage_ratio_max: Decimal
    fee_maker_ratio: Decimal
    fee_taker_ratio: Decimal
    free_disk_mb_min: int
    heartbeat_gap_s_max: int
    latency_ms_max: int
    liquidation_distance_ratio_min: Decimal
    loop_lag_ms_max: int
    maker_share_min: Decimal
    margin_ratio_min: Decimal
    memory_growth_ratio_max: Decimal
    naked_s_max: int
    open_files_max: int
    reconnects_per_hour_max: int
    trail_ratio_min: Decimal


BEGINNING, END = Instant(0), Instant(4_000_000_000_000_000)


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """What lies around the ledger, gathered before the checks run."""

    free_bytes: int | None = None
    open_to_others: tuple[str, ...] = ()
    secrets_found: tuple[str, ...] = ()
    backup_at: Instant | None = None
    drill_at: Instant | None = None
    anchored_at: Instant | None = None
    wall: Instant = BEGINNING
    sqlite: str = ""
    sqlite_note: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What verifying the whole file found, by kind of proof."""

    findings: Mapping[str, tuple[tuple[int | None, str], ...]]
    not_checked: tuple[str, ...] = ()


@dataclass
class Books:
    """The one argument of every check."""

    reader: Reader
    now: Instant
    thresholds: Thresholds
    prove: Callable[[], Callable[[], Proof]]
    """Begins to prove the file, and gives what waits for the proof."""
    config_problems: Callable[[str], list[str]]
    folder: FolderFacts | None = None
    exchange: Row | None = None
    account: tuple[Row, ...] | str = ()
    """How key and account are set up, or why that is not known."""
    engine_alive: bool = False
    since: Instant = BEGINNING
    until: Instant = END
    env: str = "sim"
    extra: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def proving(self) -> Callable[[], Proof]:
        """Begin to prove the file, once; gives what waits for the proof."""
        return self.prove()

    @cached_property
    def proof(self) -> Proof:
        """Give the proof of the file, made once."""
        return self.proving()

    @cached_property
    def _named(self) -> dict[str, Any]:
        settled = self.now - self.thresholds.settle_s * MICROS_PER_SECOND
        return {"now": self.now, "since": self.since, "until": self.until, "settled": settled} | {
            name: (format(value, "f") if isinstance(value, Decimal) else value)
            for name, value in asdict(self.thresholds).items()
        }

    @property
    def settled(self) -> Instant:
        """Give the instant before which nothing is in flight any more."""
        return Instant(self._named["settled"])

    def rows(self, sql: str, **more: Any) -> list[Row]:
        """Give rows; every query may name :since, :until, :now, :settled and every threshold."""
        return self.reader.rows(sql, self._named | more)

    def figures(self) -> FolderFacts:
        """Give what is known about the folder, or say that it was not looked at."""
        if self.folder is None:
            raise NotJudged("the ledger was named by its file; only a ledger in its usual folder has companions")
        return self.folder

    def picture(self) -> Row:
        """Give the exchange's side, or say that it was not asked."""
        if self.exchange is None:
            raise NotJudged("needs the exchange: --online")
        return self.exchange

    @cached_property
    def sessions(self) -> list[Row]:
        """Give the sessions in scope with their configuration read."""
        found = self.rows(
            "SELECT * FROM sessions WHERE coalesce(ended_at, :now) >= :since AND started_at <= :until ORDER BY seq"
        )
        return [row | {"settings": read_json(row["config"])} for row in found]


def read_json(text: str | None) -> Any:
    """Give what a JSON column holds, or nothing where it is not JSON."""
    try:
        return msgspec.json.decode(text or "null")
    except msgspec.DecodeError:
        return None
