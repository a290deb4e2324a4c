"""Runs of the engine and how they felt."""

from decimal import Decimal
from typing import ClassVar

from scalpctl.ledger.tables.columns import Table, born, count, exact, instant, text


class SessionRow(Table, table=True):
    """One run of the engine; the config text it ran with is kept whole."""

    __tablename__: ClassVar[str] = "sessions"
    session_id: str = text(primary_key=True)
    seq: int = born()
    last_seq: int = born()
    env: str = text()
    account: str = text()
    started_at: int = instant()
    ended_at: int | None = instant(default=None)
    end_kind: str | None = text(default=None)
    end_reason: str | None = text(default=None)
    config_digest: str = text()
    config: str = text()
    code_version: str = text()
    code_digest: str = text()
    seed: int | None = count(default=None)
    world: str | None = text(default=None)
    tape: str | None = text(default=None)


class SessionFigures(Table, table=True):
    """What a session came to, kept up to date with its records; every figure can be folded anew from them."""

    __tablename__: ClassVar[str] = "session_figures"
    session_id: str = text(primary_key=True)
    seq: int = born()
    last_seq: int = born()
    decisions: int = count()
    entries: int = count()
    partial_takes: int = count()
    trades: int = count()
    wins: int = count()
    maker_fills: int = count()
    taker_fills: int = count()
    drifts: int = count()
    gross: Decimal = exact()
    fees: Decimal = exact()
    funding: Decimal = exact()
    net: Decimal = exact()
    maker_fees: Decimal = exact()
    taker_fees: Decimal = exact()
    maker_value: Decimal = exact()
    taker_value: Decimal = exact()


class Heartbeat(Table, table=True):
    """How the engine felt at one moment."""

    __tablename__: ClassVar[str] = "heartbeats"
    seq: int = born(primary_key=True)
    session_id: str = text(index=True)
    at: int = instant()
    loop_lag_us: int = count()
    commit_p99_us: int = count()
    wal_bytes: int = count()
    rss_bytes: int = count()
    open_files: int = count()
    inbox_length: int = count()
    clock_offset_us: int | None = count(default=None)
    channel_ages: str = text()
    limits: str = text()


class ConnectionEvent(Table, table=True):
    """A connection changed state, went stale, was throttled, or said something of note."""

    __tablename__: ClassVar[str] = "connection_events"
    seq: int = born(primary_key=True)
    session_id: str | None = text(default=None, index=True)
    at: int = instant()
    connection: str = text()
    event: str = text()
    detail: str = text()


class LimitLatch(Table, table=True):
    """What held the engine back, from when to when, and who released it."""

    __tablename__: ClassVar[str] = "limit_latches"
    latch_id: str = text(primary_key=True)
    seq: int = born()
    last_seq: int = born()
    session_id: str | None = text(default=None)
    name: str = text()
    reason: str = text()
    value: Decimal | None = exact(default=None)
    threshold: Decimal | None = exact(default=None)
    latched_at: int = instant()
    cleared_at: int | None = instant(default=None)
    cleared_by: str | None = text(default=None)
    clear_reason: str | None = text(default=None)


class OperatorCommand(Table, table=True):
    """What a person ordered."""

    __tablename__: ClassVar[str] = "operator_commands"
    command_id: str = text(primary_key=True)
    seq: int = born()
    session_id: str | None = text(default=None)
    command: str = text()
    arguments: str = text()
    operator: str = text()
    commanded_at: int = instant()
    outcome: str = text()
