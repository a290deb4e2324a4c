"""Lives of positions, flat to flat, and the workings recorded along the way."""

from decimal import Decimal
from typing import ClassVar

from scalpctl.ledger.tables.columns import Table, born, count, exact, instant, text


class Position(Table, table=True):
    """One life of a position, from flat to flat."""

    __tablename__: ClassVar[str] = "positions"
    position_id: str = text(primary_key=True)
    seq: int = born()
    last_seq: int = born()
    session_id: str | None = text(default=None, index=True)
    inst_id: str = text()
    side: str = text()
    margin_mode: str = text()
    origin: str = text()
    state: str = text()
    contracts: Decimal = exact()
    entry_price: Decimal | None = exact(default=None)
    leverage: Decimal | None = exact(default=None)
    peak_price: Decimal | None = exact(default=None)
    trough_price: Decimal | None = exact(default=None)
    protection_state: str | None = text(default=None)
    parameter_set: str = text()
    opened_at: int = instant()
    closed_at: int | None = instant(default=None)


class Entry(Table, table=True):
    """One opening or adding, with everything that led to it."""

    __tablename__: ClassVar[str] = "entries"
    entry_id: str = text(primary_key=True)
    seq: int = born()
    position_id: str = text(index=True)
    client_id: str | None = text(default=None)
    decision_id: str | None = text(default=None)
    signal: str | None = text(default=None)
    strength: Decimal | None = exact(default=None)
    regime: str | None = text(default=None)
    sizing: str = text()
    leverage_requested: Decimal | None = exact(default=None)
    leverage_granted: Decimal | None = exact(default=None)
    margin: Decimal | None = exact(default=None)
    decision_price: Decimal | None = exact(default=None)
    average_price: Decimal = exact()
    contracts: Decimal = exact()
    fees: Decimal = exact()
    entered_at: int = instant()


class PartialTake(Table, table=True):
    """One partial take-profit: what was taken, what remained, what it brought."""

    __tablename__: ClassVar[str] = "partial_takes"
    partial_id: str = text(primary_key=True)
    seq: int = born()
    position_id: str = text(index=True)
    inst_id: str = text()
    side: str = text()
    client_id: str | None = text(default=None)
    decision_id: str | None = text(default=None)
    taken_contracts: Decimal = exact()
    taken_coins: Decimal = exact()
    taken_ratio: Decimal = exact()
    remaining_contracts: Decimal = exact()
    remaining_coins: Decimal = exact()
    gross: Decimal = exact()
    fees: Decimal = exact()
    net: Decimal = exact()
    entry_price: Decimal = exact()
    exit_price: Decimal = exact()
    held_us: int = count()
    reason: str = text()
    taken_at: int = instant()


class Closure(Table, table=True):
    """A position reached zero: one cause, its proof, and the whole money."""

    __tablename__: ClassVar[str] = "closures"
    position_id: str = text(primary_key=True)
    seq: int = born()
    session_id: str | None = text(default=None, index=True)
    inst_id: str = text()
    side: str = text()
    cause: str = text()
    closed_by: str = text()
    evidence: str = text()
    pre_close: str = text()
    contracts: Decimal = exact()
    entry_price: Decimal = exact()
    exit_price: Decimal | None = exact(default=None)
    gross: Decimal = exact()
    fees: Decimal = exact()
    funding: Decimal = exact()
    net: Decimal = exact()
    maker_share: Decimal | None = exact(default=None)
    mae: Decimal | None = exact(default=None)
    mfe: Decimal | None = exact(default=None)
    leverage: Decimal | None = exact(default=None)
    regime: str | None = text(default=None)
    held_us: int = count()
    opened_at: int = instant()
    closed_at: int = instant()


class MarginCheck(Table, table=True):
    """A reading of margin safety with every component, and whether it could be trusted."""

    __tablename__: ClassVar[str] = "margin_checks"
    seq: int = born(primary_key=True)
    session_id: str | None = text(default=None)
    position_id: str | None = text(default=None, index=True)
    inst_id: str = text()
    at: int = instant()
    margin_ratio: Decimal | None = exact(default=None)
    margin_ratio_recomputed: Decimal | None = exact(default=None)
    liquidation_price: Decimal | None = exact(default=None)
    mark_price: Decimal | None = exact(default=None)
    imr: Decimal | None = exact(default=None)
    mmr: Decimal | None = exact(default=None)
    trusted: int = count()
    why: str = text()
    components: str = text()


class LeverageChoice(Table, table=True):
    """Leverage wanted, capped and granted, with its working."""

    __tablename__: ClassVar[str] = "leverage_choices"
    seq: int = born(primary_key=True)
    session_id: str | None = text(default=None)
    position_id: str | None = text(default=None, index=True)
    inst_id: str = text()
    at: int = instant()
    strength: Decimal = exact()
    regime_multiplier: Decimal = exact()
    volatility_multiplier: Decimal = exact()
    adjusted_strength: Decimal = exact()
    category: str = text()
    requested: Decimal = exact()
    capped: Decimal = exact()
    granted: Decimal | None = exact(default=None)
    working: str = text()
