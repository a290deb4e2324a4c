"""One line per thing that matters while the engine runs; everything else is in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scalpctl.core.instants import Instant, rfc3339
from scalpctl.core.records.base import Record
from scalpctl.core.records.money import DriftDetected, DriftExplained
from scalpctl.core.records.positions import EntryMade, PartialTaken, PositionClosed, PositionOpened
from scalpctl.core.records.sessions import (
    ConnectionNoted,
    LimitCleared,
    LimitLatched,
    OperatorCommanded,
    SessionEnded,
    SessionStarted,
)
from scalpctl.core.records.trading import ProtectionChanged, ProtectionPlaced

_QUIET_CONNECTIONS = ("load", "opened", "ready")


def line_of(record: Record) -> str | None:
    """Give the line a record is worth, if any."""
    teller = _TELLERS.get(type(record))
    return teller(record) if teller is not None else None


def stamped(at: Instant, line: str) -> str:
    """Put the time before a line."""
    return f"{rfc3339(at)[11:19]}  {line}"


def _started(one: SessionStarted) -> str:
    world = f" · world {one.world}, seed {one.seed}" if one.world else ""
    return f"session {one.session_id} begins · {one.env}-{one.account}{world}"


def _ended(one: SessionEnded) -> str:
    return f"session {one.session_id} ends: {one.end_kind}, {one.end_reason}"


def _opened(one: PositionOpened) -> str:
    return f"opened   {one.inst_id} {one.side} ({one.origin})"


def _entry(one: EntryMade) -> str:
    leverage = f" at {one.leverage_granted}x" if one.leverage_granted else ""
    why = f"{one.signal} {one.strength} in {one.regime}"
    return f"entry    {one.contracts} contracts @ {one.average_price}{leverage} · {why} · fees {one.fees}"


def _partial(one: PartialTaken) -> str:
    return f"partial  {one.inst_id} {one.side} {one.taken_contracts} @ {one.exit_price} · net {one.net} · {one.reason}"


def _closed(one: PositionClosed) -> str:
    held = one.held_us // 1_000_000
    return (
        f"closed   {one.inst_id} {one.side} {one.contracts} · {one.cause} by {one.closed_by} · net {one.net} "
        f"= {one.gross} - fees {one.fees} - funding {one.funding} · held {held // 60}m{held % 60:02d}s"
    )


def _drift(one: DriftDetected) -> str:
    return f"drift    {one.kind} {one.inst_id or ''} · ours {one.ours} · theirs {one.theirs}"


def _explained(one: DriftExplained) -> str:
    return f"drift    explained: {one.cause} ({one.confidence})"


def _latched(one: LimitLatched) -> str:
    return f"limit    {one.name}: {one.reason}; entries stop"


def _cleared(one: LimitCleared) -> str:
    return f"limit    released by {one.cleared_by}: {one.clear_reason}"


def _command(one: OperatorCommanded) -> str:
    return f"command  {one.command} by {one.operator}: {one.outcome}"


def _connection(one: ConnectionNoted) -> str | None:
    if one.event in _QUIET_CONNECTIONS:
        return None
    detail = one.detail.get("detail", "") if isinstance(one.detail, dict) else ""
    return f"line     {one.connection} {one.event} {detail}".rstrip()


def _stop(one: ProtectionChanged) -> str | None:
    if one.state in {"lost", "refused", "fired", "void"}:
        return f"stop     {one.state} {one.failure if isinstance(one.failure, str) else ''}".rstrip()
    return None


def _placed(one: ProtectionPlaced) -> str:
    return f"stop     {one.inst_id} placed at {one.trigger_price} ({one.trigger_type})"


_TELLERS: dict[type[Any], Callable[[Any], str | None]] = {
    SessionStarted: _started,
    SessionEnded: _ended,
    PositionOpened: _opened,
    EntryMade: _entry,
    PartialTaken: _partial,
    PositionClosed: _closed,
    DriftDetected: _drift,
    DriftExplained: _explained,
    LimitLatched: _latched,
    LimitCleared: _cleared,
    OperatorCommanded: _command,
    ConnectionNoted: _connection,
    ProtectionChanged: _stop,
    ProtectionPlaced: _placed,
}
