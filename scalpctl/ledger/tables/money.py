"""Where money went, what the exchange's own ledger says, and where the two disagree."""

from decimal import Decimal
from typing import ClassVar

from scalpctl.ledger.tables.columns import Table, born, count, exact, instant, text


class Posting(Table, table=True):
    """One leg of a double entry; the legs of a transaction sum to zero per currency."""

    __tablename__: ClassVar[str] = "postings"
    transaction_id: str = text(primary_key=True)
    leg: int = count(primary_key=True)
    seq: int = born()
    reason: str = text()
    account: str = text(index=True)
    ccy: str = text()
    amount: Decimal = exact()
    position_id: str | None = text(default=None, index=True)
    inst_id: str | None = text(default=None)
    source_kind: str = text()
    source_id: str = text()
    bill_id: str | None = text(default=None)
    posted_at: int = instant()


class Bill(Table, table=True):
    """One line of the exchange's own ledger, mirrored."""

    __tablename__: ClassVar[str] = "bills"
    bill_id: str = text(primary_key=True)
    seq: int = born()
    last_seq: int = born()
    type: str = text()
    sub_type: str = text()
    ccy: str = text()
    balance_change: Decimal = exact()
    balance: Decimal = exact()
    inst_id: str | None = text(default=None)
    order_id: str | None = text(default=None)
    trade_id: str | None = text(default=None)
    billed_at: int = instant()
    matched_to: str | None = text(default=None)
    matched_at: int | None = instant(default=None)


class Drift(Table, table=True):
    """Exchange and ledger disagreed: what each said, why, and what was done."""

    __tablename__: ClassVar[str] = "drifts"
    drift_id: str = text(primary_key=True)
    seq: int = born()
    last_seq: int = born()
    session_id: str | None = text(default=None)
    kind: str = text()
    inst_id: str | None = text(default=None)
    position_id: str | None = text(default=None)
    ours: str = text()
    theirs: str = text()
    detected_at: int = instant()
    explained_at: int | None = instant(default=None)
    cause: str | None = text(default=None)
    confidence: str | None = text(default=None)
    evidence: str | None = text(default=None)
    action: str = text()
    resolved_at: int | None = instant(default=None)


class Correction(Table, table=True):
    """An earlier record was wrong; this row points at it and says why."""

    __tablename__: ClassVar[str] = "corrections"
    seq: int = born(primary_key=True)
    wrong_seq: int = born()
    reason: str = text()
    corrected_by: str = text()
    corrected_at: int = instant()
