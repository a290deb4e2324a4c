"""The life of a position, flat to flat: opened, entered, watched, taken from, closed; and its recorded workings."""

from __future__ import annotations

from typing import ClassVar

from scalpctl.core.instants import Instant
from scalpctl.core.money import Exact
from scalpctl.core.records.base import UNSET, Json, Record, UnsetType


class PositionOpened(Record, frozen=True, kw_only=True):
    """A position began to exist, made by the engine or adopted."""

    record_kind: ClassVar[str] = "position_opened"
    position_id: str
    session_id: str | None
    inst_id: str
    side: str
    margin_mode: str
    origin: str
    opened_at: Instant
    parameter_set: str
    contracts: Exact = Exact("0")
    state: str = "open"

    def identity(self) -> str:
        """One opening per position."""
        return f"position_opened:{self.position_id}"


class PositionChanged(Record, frozen=True, kw_only=True):
    """Size, average entry, extremes or protection of an open position changed."""

    record_kind: ClassVar[str] = "position_changed"
    position_id: str
    contracts: Exact | UnsetType = UNSET
    entry_price: Exact | UnsetType = UNSET
    leverage: Exact | UnsetType = UNSET
    margin_mode: str | UnsetType = UNSET
    peak_price: Exact | UnsetType = UNSET
    trough_price: Exact | UnsetType = UNSET
    protection_state: str | UnsetType = UNSET


class EntryMade(Record, frozen=True, kw_only=True):
    """A position was opened or added to, with everything that led to it."""

    record_kind: ClassVar[str] = "entry_made"
    entry_id: str
    position_id: str
    client_id: str | None
    decision_id: str | None
    signal: str | None
    strength: Exact | None
    regime: str | None
    sizing: Json
    leverage_requested: Exact | None
    leverage_granted: Exact | None
    margin: Exact | None
    decision_price: Exact | None
    average_price: Exact
    contracts: Exact
    fees: Exact
    entered_at: Instant

    def identity(self) -> str:
        """One row per entry."""
        return f"entry:{self.entry_id}"


class PartialTaken(Record, frozen=True, kw_only=True):
    """Part of a position was closed with a profit; ``net = gross - fees``, fees positive when paid."""

    record_kind: ClassVar[str] = "partial_taken"
    partial_id: str
    position_id: str
    inst_id: str
    side: str
    client_id: str | None
    decision_id: str | None
    taken_contracts: Exact
    taken_coins: Exact
    taken_ratio: Exact
    remaining_contracts: Exact
    remaining_coins: Exact
    gross: Exact
    fees: Exact
    net: Exact
    entry_price: Exact
    exit_price: Exact
    held_us: int
    reason: str
    taken_at: Instant

    def identity(self) -> str:
        """One row per partial take."""
        return f"partial:{self.partial_id}"


class PositionClosed(Record, frozen=True, kw_only=True):
    """A position reached zero: one cause, its proof, and the whole money; ``gross - fees - funding = net``."""

    record_kind: ClassVar[str] = "position_closed"
    position_id: str
    session_id: str | None
    inst_id: str
    side: str
    cause: str
    closed_by: str
    evidence: Json
    pre_close: Json
    contracts: Exact
    entry_price: Exact
    exit_price: Exact | None
    gross: Exact
    fees: Exact
    funding: Exact
    net: Exact
    maker_share: Exact | None
    mae: Exact | None
    mfe: Exact | None
    leverage: Exact | None
    regime: str | None
    held_us: int
    opened_at: Instant
    closed_at: Instant

    def identity(self) -> str:
        """A position closes once."""
        return f"closure:{self.position_id}"


class MarginChecked(Record, frozen=True, kw_only=True):
    """A reading of margin safety with every component, and whether it can be trusted."""

    record_kind: ClassVar[str] = "margin_checked"
    session_id: str | None
    position_id: str | None
    inst_id: str
    at: Instant
    margin_ratio: Exact | None
    margin_ratio_recomputed: Exact | None
    liquidation_price: Exact | None
    mark_price: Exact | None
    imr: Exact | None
    mmr: Exact | None
    trusted: bool
    why: str
    components: Json


class LeverageChosen(Record, frozen=True, kw_only=True):
    """Leverage wanted, capped and granted, with the multipliers that led there."""

    record_kind: ClassVar[str] = "leverage_chosen"
    session_id: str | None
    position_id: str | None
    inst_id: str
    at: Instant
    strength: Exact
    regime_multiplier: Exact
    volatility_multiplier: Exact
    adjusted_strength: Exact
    category: str
    requested: Exact
    capped: Exact
    granted: Exact | None
    working: Json
