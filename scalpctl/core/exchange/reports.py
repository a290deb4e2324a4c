"""What an exchange reports. Numbers are Decimals from its own text; what it left blank is None, never zero.

Enumerations that the exchange may extend are carried as its own text: an unknown member is information, not an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from scalpctl.core.exchange.requests import MarginMode
from scalpctl.core.instants import Instant
from scalpctl.core.money import Contracts
from scalpctl.core.sides import Action, Side


@dataclass(frozen=True, slots=True)
class OrderReport:
    """An order as the exchange last described it; ``state`` is its text: live, partially_filled, filled, canceled."""

    inst_id: str
    order_id: str
    client_id: str
    action: Action
    position_side: Side | None
    type: str
    state: str
    contracts: Contracts
    filled_contracts: Contracts
    price: Decimal | None
    average_price: Decimal | None
    fee: Decimal | None
    fee_ccy: str
    pnl: Decimal | None
    reduce_only: bool
    leverage: Decimal | None
    margin_mode: str
    category: str
    source: str
    cancel_source: str
    algo_id: str
    algo_client_id: str
    tag: str
    created_at: Instant
    updated_at: Instant


@dataclass(frozen=True, slots=True)
class FillReport:
    """One execution; ``fee`` is signed as sent (negative when paid), ``liquidity`` is maker or taker."""

    inst_id: str
    trade_id: str
    order_id: str
    client_id: str
    action: Action
    position_side: Side | None
    price: Decimal
    contracts: Contracts
    fee: Decimal | None
    fee_ccy: str
    liquidity: str
    pnl: Decimal | None
    sub_type: str
    bill_id: str
    tag: str
    filled_at: Instant
    source: str


@dataclass(frozen=True, slots=True)
class PositionReport:
    """A position as the exchange holds it; ``contracts`` is never negative, ``side`` says which way."""

    inst_id: str
    position_id: str
    side: Side
    net_mode: bool
    contracts: Contracts
    average_price: Decimal | None
    mark_price: Decimal | None
    margin_mode: MarginMode | None
    leverage: Decimal | None
    margin: Decimal | None
    imr: Decimal | None
    mmr: Decimal | None
    margin_ratio: Decimal | None
    liquidation_price: Decimal | None
    unrealised: Decimal | None
    realised: Decimal | None
    adl: str
    last_trade_id: str
    created_at: Instant
    updated_at: Instant
    notional: Decimal | None
    """What it is worth in the settlement currency."""


@dataclass(frozen=True, slots=True)
class FlatReport:
    """The exchange says that a position has become nothing; in net mode it no longer knows which side it was."""

    inst_id: str
    position_id: str
    side: Side | None
    updated_at: Instant


@dataclass(frozen=True, slots=True)
class ClosedPositionReport:
    """One row of the exchange's position history; ``type`` is its text for partial, full, liquidation or ADL."""

    inst_id: str
    position_id: str
    side: Side | None
    type: str
    contracts_max: Contracts | None
    contracts_closed: Contracts | None
    open_average_price: Decimal | None
    close_average_price: Decimal | None
    pnl: Decimal | None
    realised: Decimal | None
    fee: Decimal | None
    funding_fee: Decimal | None
    liquidation_penalty: Decimal | None
    leverage: Decimal | None
    margin_mode: str
    opened_at: Instant
    updated_at: Instant


@dataclass(frozen=True, slots=True)
class AlgoReport:
    """A conditional order as the exchange keeps it."""

    inst_id: str
    algo_id: str
    client_id: str
    kind: str
    state: str
    action: Action
    position_side: Side | None
    contracts: Contracts | None
    close_fraction: Decimal | None
    stop_trigger: Decimal | None
    take_trigger: Decimal | None
    trigger_price: Decimal | None
    trigger_type: str
    callback_ratio: Decimal | None
    callback_spread: Decimal | None
    active_price: Decimal | None
    move_trigger: Decimal | None
    order_id: str
    fail_code: str
    reduce_only: bool
    created_at: Instant
    updated_at: Instant | None
    margin_mode: str = ""

    @property
    def stands(self) -> bool:
        """Tell whether it waits for its trigger still, or has more to do."""
        return self.state in {"live", "pause", "partially_effective"}


@dataclass(frozen=True, slots=True)
class BalanceReport:
    """One currency of the account."""

    ccy: str
    equity: Decimal | None
    cash: Decimal | None
    bound: Decimal | None
    """What isolated positions hold back as margin; it is not part of the cash."""
    available: Decimal | None
    frozen: Decimal | None
    unrealised: Decimal | None
    imr: Decimal | None
    mmr: Decimal | None
    margin_ratio: Decimal | None
    updated_at: Instant


@dataclass(frozen=True, slots=True)
class BillReport:
    """One line of the exchange's own ledger; with isolated margin the money may move at the position only."""

    bill_id: str
    type: str
    sub_type: str
    ccy: str
    balance_change: Decimal
    balance: Decimal
    inst_id: str
    order_id: str
    trade_id: str
    contracts: Contracts | None
    price: Decimal | None
    pnl: Decimal | None
    fee: Decimal | None
    interest: Decimal | None
    at: Instant
    position_balance_change: Decimal | None = None
    position_balance: Decimal | None = None
    margin_mode: str = ""


@dataclass(frozen=True, slots=True)
class AccountReport:
    """How the account is set up, and what its key may do."""

    uid: str
    main_uid: str
    level: str
    position_mode: str
    isolated_mode: str
    permissions: tuple[str, ...]
    ip: str
    fee_level: str
    label: str
    self_trade_prevention: str
