"""Where money went: balanced postings, the exchange's own bills, and disagreements."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from scalpctl.core.instants import Instant
from scalpctl.core.money import Exact
from scalpctl.core.records.base import UNSET, Json, Record, UnsetType


class LedgerAccount(StrEnum):
    """The accounts of the double entry; what cannot be explained goes to suspense and nowhere else."""

    CASH = "cash"
    PNL = "pnl"
    FEE = "fee"
    FUNDING = "funding"
    TRANSFER = "transfer"
    LIQUIDATION_PENALTY = "liquidation_penalty"
    INTEREST = "interest"
    ELSEWHERE = "elsewhere"
    SUSPENSE = "suspense"


class Leg(Struct, frozen=True, kw_only=True):
    """One side of a double entry: cash grows with a positive amount."""

    account: LedgerAccount
    ccy: str
    amount: Exact


class Posted(Record, frozen=True, kw_only=True):
    """One balanced transaction; its legs sum to zero per currency or it is not written."""

    record_kind: ClassVar[str] = "posted"
    transaction_id: str
    reason: str
    position_id: str | None
    inst_id: str | None
    source_kind: str
    source_id: str
    bill_id: str | None
    posted_at: Instant
    legs: tuple[Leg, ...]

    def identity(self) -> str:
        """A source of money is posted once."""
        return f"posted:{self.transaction_id}"


class BillMirrored(Record, frozen=True, kw_only=True):
    """A line of the exchange's own ledger, as sent."""

    record_kind: ClassVar[str] = "bill_mirrored"
    bill_id: str
    type: str
    sub_type: str
    ccy: str
    balance_change: Exact
    balance: Exact
    inst_id: str | None
    order_id: str | None
    trade_id: str | None
    billed_at: Instant

    def identity(self) -> str:
        """The exchange names its bills."""
        return f"bill:{self.bill_id}"


class BillMatched(Record, frozen=True, kw_only=True):
    """A bill was matched to the one transaction that explains it."""

    record_kind: ClassVar[str] = "bill_matched"
    bill_id: str
    matched_to: str
    matched_at: Instant


class DriftDetected(Record, frozen=True, kw_only=True):
    """Exchange and ledger disagree."""

    record_kind: ClassVar[str] = "drift_detected"
    drift_id: str
    session_id: str | None
    kind: str
    inst_id: str | None
    position_id: str | None
    ours: Json
    theirs: Json
    detected_at: Instant
    action: str

    def identity(self) -> str:
        """One row per disagreement."""
        return f"drift:{self.drift_id}"


class DriftExplained(Record, frozen=True, kw_only=True):
    """A disagreement was attributed to a cause, with its proof, and perhaps resolved."""

    record_kind: ClassVar[str] = "drift_explained"
    drift_id: str
    cause: str
    confidence: str
    evidence: Json
    explained_at: Instant
    action: str | UnsetType = UNSET
    resolved_at: Instant | UnsetType | None = UNSET


class Corrected(Record, frozen=True, kw_only=True):
    """An earlier record was wrong; it stays, and this one points at it and says why."""

    record_kind: ClassVar[str] = "corrected"
    wrong_seq: int
    reason: str
    corrected_by: str
    corrected_at: Instant
