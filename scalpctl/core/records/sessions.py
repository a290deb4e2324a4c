"""Runs of the engine, and how they felt: sessions, heartbeats, connections, latches, operators."""

from __future__ import annotations

from typing import ClassVar

from scalpctl.core.instants import Instant
from scalpctl.core.money import Exact
from scalpctl.core.records.base import Json, Record


class LeaseTaken(Record, frozen=True, kw_only=True):
    """A process became the only writer of this ledger."""

    record_kind: ClassVar[str] = "lease_taken"
    fence: int
    pid: int
    boot_id: str
    purpose: str
    taken_at: Instant


class SessionStarted(Record, frozen=True, kw_only=True):
    """A run of the engine began, with everything that could change its decisions."""

    record_kind: ClassVar[str] = "session_started"
    session_id: str
    env: str
    account: str
    started_at: Instant
    config_digest: str
    config: str
    code_version: str
    code_digest: str
    seed: int | None = None
    world: str | None = None
    tape: str | None = None

    def identity(self) -> str:
        """One start per session."""
        return f"session_started:{self.session_id}"


class SessionEnded(Record, frozen=True, kw_only=True):
    """A run ended: clean, crashed (sealed by the next start) or quarantined."""

    record_kind: ClassVar[str] = "session_ended"
    session_id: str
    ended_at: Instant
    end_kind: str
    end_reason: str

    def identity(self) -> str:
        """One end per session."""
        return f"session_ended:{self.session_id}"


class HeartbeatNoted(Record, frozen=True, kw_only=True):
    """How the engine felt at one moment."""

    record_kind: ClassVar[str] = "heartbeat"
    session_id: str
    at: Instant
    loop_lag_us: int
    commit_p99_us: int
    wal_bytes: int
    rss_bytes: int
    open_files: int
    inbox_length: int
    clock_offset_us: int | None
    channel_ages: Json
    limits: Json = {}  # noqa: RUF012  msgspec copies the default


class ConnectionNoted(Record, frozen=True, kw_only=True):
    """A connection changed state, went stale, was throttled, or said something of note."""

    record_kind: ClassVar[str] = "connection_event"
    session_id: str | None
    at: Instant
    connection: str
    event: str
    detail: Json


class LimitLatched(Record, frozen=True, kw_only=True):
    """A limit was hit and holds entries back until it is cleared."""

    record_kind: ClassVar[str] = "limit_latched"
    latch_id: str
    session_id: str | None
    name: str
    reason: str
    value: Exact | None
    threshold: Exact | None
    latched_at: Instant

    def identity(self) -> str:
        """One latching per latch."""
        return f"limit_latched:{self.latch_id}"


class LimitCleared(Record, frozen=True, kw_only=True):
    """A latch was released, by whom and why."""

    record_kind: ClassVar[str] = "limit_cleared"
    latch_id: str
    cleared_at: Instant
    cleared_by: str
    clear_reason: str

    def identity(self) -> str:
        """One release per latch."""
        return f"limit_cleared:{self.latch_id}"


class OperatorCommanded(Record, frozen=True, kw_only=True):
    """A person ordered something."""

    record_kind: ClassVar[str] = "operator_command"
    command_id: str
    session_id: str | None
    command: str
    arguments: Json
    operator: str
    commanded_at: Instant
    outcome: str

    def identity(self) -> str:
        """Sending one command twice is one command."""
        return f"operator_command:{self.command_id}"
