"""Every kind of record by its name, for whoever reads the journal back."""

from __future__ import annotations

from scalpctl.core.records import money, positions, sessions, trading
from scalpctl.core.records.base import Record

ALL: tuple[type[Record], ...] = (
    sessions.LeaseTaken,
    sessions.SessionStarted,
    sessions.SessionEnded,
    sessions.HeartbeatNoted,
    sessions.ConnectionNoted,
    sessions.LimitLatched,
    sessions.LimitCleared,
    sessions.OperatorCommanded,
    trading.InstrumentSpecified,
    trading.Decided,
    trading.OrderIntended,
    trading.OrderChanged,
    trading.FillSeen,
    trading.ProtectionPlaced,
    trading.ProtectionChanged,
    positions.PositionOpened,
    positions.PositionChanged,
    positions.EntryMade,
    positions.PartialTaken,
    positions.PositionClosed,
    positions.MarginChecked,
    positions.LeverageChosen,
    money.Posted,
    money.BillMirrored,
    money.BillMatched,
    money.DriftDetected,
    money.DriftExplained,
    money.Corrected,
)

BY_KIND: dict[str, type[Record]] = {record.record_kind: record for record in ALL}
