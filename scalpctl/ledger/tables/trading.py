"""What was decided, ordered, executed and protected."""

from decimal import Decimal
from typing import ClassVar

from scalpctl.ledger.tables.columns import Table, born, count, exact, instant, text


class InstrumentVersion(Table, table=True):
    """One version of an instrument's specification."""

    __tablename__: ClassVar[str] = "instruments"
    inst_id: str = text(primary_key=True)
    version: int = count(primary_key=True)
    seq: int = born()
    ct_val: Decimal = exact()
    ct_mult: Decimal = exact()
    lot_size: Decimal = exact()
    min_contracts: Decimal = exact()
    tick_size: Decimal = exact()
    settle_ccy: str = text()
    leverage_max: Decimal = exact()
    state: str = text()
    valid_from_at: int = instant()


class Decision(Table, table=True):
    """One evaluation that mattered, with every verdict and gate and the numbers it rested on."""

    __tablename__: ClassVar[str] = "decisions"
    decision_id: str = text(primary_key=True)
    seq: int = born()
    session_id: str = text(index=True)
    position_id: str | None = text(default=None, index=True)
    inst_id: str = text()
    decided_at: int = instant()
    subject: str = text()
    outcome: str = text()
    winner: str | None = text(default=None)
    verdicts: str = text()
    gates: str = text()
    evidence: str = text()
    parameters: str = text()


class Order(Table, table=True):
    """One instruction to the exchange, from intent to end."""

    __tablename__: ClassVar[str] = "orders"
    client_id: str = text(primary_key=True)
    seq: int = born()
    last_seq: int = born()
    session_id: str | None = text(default=None, index=True)
    position_id: str | None = text(default=None, index=True)
    decision_id: str | None = text(default=None)
    role: str = text()
    inst_id: str = text()
    inst_version: int = count()
    action: str = text()
    position_side: str | None = text(default=None)
    order_type: str = text()
    price: Decimal | None = exact(default=None)
    contracts: Decimal = exact()
    post_only: int = count()
    reduce_only: int = count()
    margin_mode: str = text()
    decision_price: Decimal | None = exact(default=None)
    state: str = text()
    order_id: str | None = text(default=None, index=True)
    filled_contracts: Decimal = exact()
    average_price: Decimal | None = exact(default=None)
    intended_at: int = instant()
    expires_at: int | None = instant(default=None)
    sent_at: int | None = instant(default=None)
    acked_at: int | None = instant(default=None)
    finished_at: int | None = instant(default=None)
    refusal_code: str | None = text(default=None)
    refusal: str | None = text(default=None)
    cancel_source: str | None = text(default=None)


class Fill(Table, table=True):
    """One execution, with the exchange's own digits; never updated, never deleted."""

    __tablename__: ClassVar[str] = "fills"
    inst_id: str = text(primary_key=True)
    trade_id: str = text(primary_key=True)
    order_id: str = text(primary_key=True)
    seq: int = born()
    client_id: str | None = text(default=None, index=True)
    position_id: str | None = text(default=None, index=True)
    action: str = text()
    position_side: str | None = text(default=None)
    price: Decimal = exact()
    contracts: Decimal = exact()
    coins: Decimal = exact()
    fee: Decimal = exact()
    fee_ccy: str = text()
    liquidity: str = text()
    exchange_pnl: Decimal = exact()
    sub_type: str = text()
    category: str = text()
    bill_id: str | None = text(default=None)
    decision_price: Decimal | None = exact(default=None)
    slippage: Decimal | None = exact(default=None)
    source: str = text()
    filled_at: int = instant()
    received_at: int = instant()


class Protection(Table, table=True):
    """One stop kept at the exchange; its trail state survives a restart."""

    __tablename__: ClassVar[str] = "protections"
    protection_id: str = text(primary_key=True)
    seq: int = born()
    last_seq: int = born()
    position_id: str = text(index=True)
    inst_id: str = text()
    kind: str = text()
    algo_id: str | None = text(default=None)
    trigger_price: Decimal | None = exact(default=None)
    trigger_type: str = text()
    callback_ratio: Decimal | None = exact(default=None)
    active_price: Decimal | None = exact(default=None)
    trail_state: str | None = text(default=None)
    state: str = text()
    placed_at: int = instant()
    confirmed_at: int | None = instant(default=None)
    ended_at: int | None = instant(default=None)
    failure: str | None = text(default=None)
