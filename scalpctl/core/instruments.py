"""One version of an instrument's specification, and the only conversions between contracts, coins and quote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from scalpctl.core.instants import Instant
from scalpctl.core.money import ZERO, Coins, Contracts, Quote, ceil_to, floor_to, is_multiple, multiply, ratio
from scalpctl.core.sides import Action, Side
from scalpctl.errors import NotCanonical

INST_ID = re.compile(r"[A-Z0-9]{1,20}-[A-Z0-9]{1,10}-SWAP")


def parse_inst_id(text: str) -> str:
    """Read ``BTC-USDT`` or ``BTC-USDT-SWAP`` as the exact instrument id; anything else is refused."""
    candidate = text if text.endswith("-SWAP") else f"{text}-SWAP"
    if INST_ID.fullmatch(candidate) is None:
        message = f"{text[:40]!r} is not an instrument"
        raise NotCanonical(message, hint="write it like BTC-USDT or BTC-USDT-SWAP")
    return candidate


@dataclass(frozen=True, slots=True)
class Instrument:
    """A linear perpetual as the exchange specified it from ``valid_from_at`` on."""

    inst_id: str
    ct_val: Decimal
    ct_mult: Decimal
    tick_size: Decimal
    lot_size: Decimal
    min_contracts: Decimal
    settle_ccy: str = "USDT"
    leverage_max: Decimal = Decimal(1)
    state: str = "live"
    inst_id_code: int | None = None
    limit_contracts_max: Decimal | None = None
    market_contracts_max: Decimal | None = None
    """The most the exchange takes in one order, with a price and without one."""
    valid_from_at: Instant | None = None
    expires_at: Instant | None = None
    """When the exchange takes it off its list, once that is announced."""
    fee_group: str = ""
    """Under which name the account's fee rates for it are listed."""

    def __post_init__(self) -> None:
        """Refuse a specification that would price something wrongly."""
        parse_inst_id(self.inst_id)
        for name in ("ct_val", "ct_mult", "tick_size", "lot_size", "min_contracts"):
            value = getattr(self, name)
            if not isinstance(value, Decimal) or not value.is_finite() or value <= ZERO:
                message = f"{self.inst_id}: {name} must be a positive decimal, not {value!r}"
                raise NotCanonical(message)

    @property
    def coins_per_contract(self) -> Decimal:
        """Give the base coins in one contract: ctVal x ctMult."""
        return multiply(self.ct_val, self.ct_mult)

    def coins(self, contracts: Contracts) -> Coins:
        """Convert contracts to coins, exactly."""
        return Coins(multiply(contracts.value, self.coins_per_contract))

    def notional(self, contracts: Contracts, price: Decimal) -> Quote:
        """Give what that many contracts are worth at a price, exactly."""
        return Quote(multiply(self.coins(contracts).value, price))

    def contracts_within(self, notional: Quote, price: Decimal) -> Contracts:
        """Give the most contracts, in whole lots, whose notional does not exceed a sum; zero below the minimum."""
        per_lot = self.notional(Contracts(self.lot_size), price).value
        if notional.value < per_lot:
            return Contracts(ZERO)
        lots = floor_to(ratio(notional.value, per_lot), Decimal(1))
        while multiply(lots, per_lot) > notional.value:  # the quotient is an estimate; the product is exact
            lots -= 1
        return self.floor_contracts(Contracts(multiply(lots, self.lot_size)))

    def floor_contracts(self, contracts: Contracts) -> Contracts:
        """Round a size down to whole lots; zero when that is below the minimum, never up to it."""
        floored = floor_to(contracts.value, self.lot_size)
        return Contracts(floored if floored >= self.min_contracts else ZERO)

    def in_one_order(self, contracts: Contracts, *, market: bool = False) -> Contracts:
        """Give what of a size fits into one order; what is left over is nothing, or enough for another one."""
        most = self.market_contracts_max if market else self.limit_contracts_max
        if most is None or contracts.value <= most:
            return contracts
        part = self.floor_contracts(Contracts(most))
        if (contracts - part).value < self.min_contracts:
            part = self.floor_contracts(contracts - Contracts(self.min_contracts)) or part
        return part or contracts

    def is_valid_size(self, contracts: Contracts) -> bool:
        """Tell whether the exchange would accept this size."""
        return contracts.value >= self.min_contracts and is_multiple(contracts.value, self.lot_size)

    def passive_price(self, price: Decimal, action: Action) -> Decimal:
        """Round a limit price to the tick so that it is never worse for us: buys down, sells up."""
        return floor_to(price, self.tick_size) if action is Action.BUY else ceil_to(price, self.tick_size)

    def stop_trigger(self, price: Decimal, side: Side) -> Decimal:
        """Round a protective trigger to the tick so that it never fires later: up for a long, down for a short."""
        return ceil_to(price, self.tick_size) if side is Side.LONG else floor_to(price, self.tick_size)
