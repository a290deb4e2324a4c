"""What was decided, ordered and executed: instruments, decisions, orders, fills, protection."""

from __future__ import annotations

from typing import ClassVar

from scalpctl.core.instants import Instant
from scalpctl.core.money import Exact
from scalpctl.core.records.base import UNSET, Json, Record, UnsetType


class InstrumentSpecified(Record, frozen=True, kw_only=True):
    """The exchange specified an instrument, or changed its specification."""

    record_kind: ClassVar[str] = "instrument_specified"
    inst_id: str
    version: int
    ct_val: Exact
    ct_mult: Exact
    lot_size: Exact
    min_contracts: Exact
    tick_size: Exact
    settle_ccy: str
    leverage_max: Exact
    state: str
    valid_from_at: Instant

    def identity(self) -> str:
        """One row per version."""
        return f"instrument:{self.inst_id}:{self.version}"


class Decided(Record, frozen=True, kw_only=True):
    """An evaluation that mattered: who won, and every verdict and gate with the numbers it rested on."""

    record_kind: ClassVar[str] = "decided"
    decision_id: str
    session_id: str
    position_id: str | None
    inst_id: str
    decided_at: Instant
    subject: str
    outcome: str
    winner: str | None
    verdicts: Json
    gates: Json
    evidence: Json
    parameters: Json

    def identity(self) -> str:
        """One row per decision."""
        return f"decision:{self.decision_id}"


class OrderIntended(Record, frozen=True, kw_only=True):
    """An order is about to be sent; durable before the request leaves."""

    record_kind: ClassVar[str] = "order_intended"
    client_id: str
    session_id: str | None
    position_id: str | None
    decision_id: str | None
    role: str
    inst_id: str
    inst_version: int
    action: str
    position_side: str | None
    order_type: str
    price: Exact | None
    contracts: Exact
    post_only: bool
    reduce_only: bool
    margin_mode: str
    decision_price: Exact | None
    intended_at: Instant
    expires_at: Instant | None
    state: str = "intended"
    filled_contracts: Exact = Exact("0")

    def identity(self) -> str:
        """An order is named by our own id, before the exchange has one."""
        return f"order:{self.client_id}"


class OrderChanged(Record, frozen=True, kw_only=True):
    """Something became known about an order: sent, acknowledged, filled, cancelled, refused, unknown, void."""

    record_kind: ClassVar[str] = "order_changed"
    client_id: str
    state: str
    order_id: str | UnsetType = UNSET
    filled_contracts: Exact | UnsetType = UNSET
    average_price: Exact | UnsetType = UNSET
    price: Exact | UnsetType = UNSET
    contracts: Exact | UnsetType = UNSET
    sent_at: Instant | UnsetType = UNSET
    acked_at: Instant | UnsetType = UNSET
    finished_at: Instant | UnsetType = UNSET
    refusal_code: str | UnsetType = UNSET
    refusal: str | UnsetType = UNSET
    cancel_source: str | UnsetType = UNSET


class FillSeen(Record, frozen=True, kw_only=True):
    """One execution: the only thing that moves a position."""

    record_kind: ClassVar[str] = "fill_seen"
    inst_id: str
    trade_id: str
    order_id: str
    client_id: str | None
    position_id: str | None
    action: str
    position_side: str | None
    price: Exact
    contracts: Exact
    coins: Exact
    fee: Exact
    fee_ccy: str
    liquidity: str
    exchange_pnl: Exact
    sub_type: str
    category: str
    bill_id: str | None
    decision_price: Exact | None
    slippage: Exact | None
    source: str
    filled_at: Instant
    received_at: Instant

    def identity(self) -> str:
        """The exchange names a fill by instrument, trade and order."""
        return f"fill:{self.inst_id}:{self.trade_id}:{self.order_id}"


class ProtectionPlaced(Record, frozen=True, kw_only=True):
    """A stop is kept, or about to be kept, at the exchange."""

    record_kind: ClassVar[str] = "protection_placed"
    protection_id: str
    position_id: str
    inst_id: str
    kind: str
    trigger_price: Exact | None
    trigger_type: str
    callback_ratio: Exact | None
    active_price: Exact | None
    placed_at: Instant
    state: str = "intended"

    def identity(self) -> str:
        """A stop is named by our algo client id."""
        return f"protection:{self.protection_id}"


class ProtectionChanged(Record, frozen=True, kw_only=True):
    """A stop was confirmed, moved, fired, failed or cancelled; its trail state survives a restart."""

    record_kind: ClassVar[str] = "protection_changed"
    protection_id: str
    state: str
    algo_id: str | UnsetType = UNSET
    trigger_price: Exact | UnsetType = UNSET
    trail_state: Json | UnsetType = UNSET
    confirmed_at: Instant | UnsetType = UNSET
    ended_at: Instant | UnsetType = UNSET
    failure: str | UnsetType = UNSET
