"""For each kind of record: the table it belongs to, and whether it makes a row or changes one.

A row is the record's fields under the same names, plus ``seq`` (the journal row that made it) and, where rows may
change, ``last_seq`` (the one that changed it last).
"""

from __future__ import annotations

from dataclasses import dataclass

from scalpctl.core.records import money, positions, sessions, trading
from scalpctl.core.records.base import Record


@dataclass(frozen=True, slots=True)
class Makes:
    """The record makes one row; ``changes_later`` says that other records may change it."""

    table: str
    changes_later: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """The record changes the row with the same key; fields left UNSET stay as they are."""

    table: str
    key: str


Plan = Makes | Changes

PLAN: dict[type[Record], Plan] = {
    sessions.LeaseTaken: Makes("leases"),
    sessions.SessionStarted: Makes("sessions", changes_later=True),
    sessions.SessionEnded: Changes("sessions", "session_id"),
    sessions.HeartbeatNoted: Makes("heartbeats"),
    sessions.ConnectionNoted: Makes("connection_events"),
    sessions.LimitLatched: Makes("limit_latches", changes_later=True),
    sessions.LimitCleared: Changes("limit_latches", "latch_id"),
    sessions.OperatorCommanded: Makes("operator_commands"),
    trading.InstrumentSpecified: Makes("instruments"),
    trading.Decided: Makes("decisions"),
    trading.OrderIntended: Makes("orders", changes_later=True),
    trading.OrderChanged: Changes("orders", "client_id"),
    trading.FillSeen: Makes("fills"),
    trading.ProtectionPlaced: Makes("protections", changes_later=True),
    trading.ProtectionChanged: Changes("protections", "protection_id"),
    positions.PositionOpened: Makes("positions", changes_later=True),
    positions.PositionChanged: Changes("positions", "position_id"),
    positions.EntryMade: Makes("entries"),
    positions.PartialTaken: Makes("partial_takes"),
    positions.PositionClosed: Makes("closures"),
    positions.MarginChecked: Makes("margin_checks"),
    positions.LeverageChosen: Makes("leverage_choices"),
    money.BillMirrored: Makes("bills", changes_later=True),
    money.BillMatched: Changes("bills", "bill_id"),
    money.DriftDetected: Makes("drifts", changes_later=True),
    money.DriftExplained: Changes("drifts", "drift_id"),
    money.Corrected: Makes("corrections"),
}
"""Every kind but ``posted``, whose legs become one row each, is one row."""
