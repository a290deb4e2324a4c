"""Funding: at its time those who hold pay or receive, and the next rate is forecast."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from scalpctl.core.money import add, multiply
from scalpctl.simulator import positions
from scalpctl.simulator.specs import BY_ID
from scalpctl.simulator.state import Account, Market, Position

if TYPE_CHECKING:
    from scalpctl.simulator.exchange import Exchange

HISTORY_KEPT = 400


def settle(ex: Exchange) -> None:
    """Settle every funding that is due."""
    for market in ex.state.markets.values():
        if ex.now >= market.funding_at:
            _settle(ex, market)


def _settle(ex: Exchange, market: Market) -> None:
    rate = Decimal(market.funding_rate)
    for account in ex.state.accounts.values():
        for position in account.positions.values():
            if position.inst_id == market.inst_id:
                _pay(ex, account, position, rate)
    market.funding_history.append((market.funding_at, market.funding_rate))
    del market.funding_history[:-HISTORY_KEPT]
    market.funding_at += ex.state.funding_every_s * 1_000_000
    drift = max(-0.0006, min(0.0006, ex.random.gauss(0.0001, 0.00012)))
    market.funding_rate = f"{drift:.8f}"
    ex.listener.market(market, "funding")


def _pay(ex: Exchange, account: Account, position: Position, rate: Decimal) -> None:
    """Move one position's funding: a positive rate makes longs pay and shorts receive."""
    mark = ex.mark(position.inst_id)
    amount = multiply(positions.value_of(BY_ID[position.inst_id], -position.contracts, mark), rate)
    if not amount:
        return
    at_position = position.mode == "isolated" and ex.state.switches.get("funding_at") != "balance"
    sub = "173" if amount < 0 else "174"
    bill = ex.bill(account, "8", sub, Decimal(0) if at_position else amount, amount if at_position else Decimal(0))
    if at_position:
        position.margin = add(position.margin, amount)
        bill.position_balance = position.margin
    position.funding = add(position.funding, amount)
    bill.inst_id, bill.mode, bill.pnl = position.inst_id, position.mode, amount
    bill.contracts, bill.price = format(abs(position.contracts), "f"), format(mark, "f")
    ex.state.books.funding = add(ex.state.books.funding, -amount)
    position.updated = ex.now
    ex.listener.balance(account, "funding_fee", position.inst_id, "")
    ex.listener.position(account, position)
