"""What the exit rules look at: derived from a position and what it has cost so far, whenever it is asked for."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from scalpctl.core.exits.view import PositionFacts
from scalpctl.core.money import ZERO, add
from scalpctl.core.pnl import settle
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Holding


def facts_of(ctx: Context, desk: Desk, holding: Holding) -> PositionFacts:
    """Give the facts of a position that is held, whoever opened it and whichever session that was."""
    if holding.facts is None:
        holding.facts = _derived(ctx, desk, holding)
    return holding.facts


def forget_facts(holding: Holding) -> None:
    """Have the facts derived anew, and the rules asked: something they rest on has changed."""
    holding.facts = None
    holding.watch.clear()


def _derived(ctx: Context, desk: Desk, holding: Holding) -> PositionFacts:
    position = holding.position
    fees = ctx.account.fees.get(desk.inst_id)
    return PositionFacts(
        instrument=desk.instrument,
        side=position.side,
        contracts=position.contracts,
        opened_contracts=position.contracts_max,
        average_price=position.average_price,
        leverage=holding.leverage,
        opened_at=position.opened_at,
        costs_paid=_costs_of_the_rest(holding),
        exit_fee_rate=fees.taker_rate if fees is not None else Decimal("0.0005"),
    )


def _costs_of_the_rest(holding: Holding) -> Decimal:
    """Share what entering and funding has cost between what is still held and what was closed already."""
    position = holding.position
    opening = add(*(-(fill.fee or ZERO) for fill in holding.fills if fill.action is position.side.opening), ZERO)
    whole = add(position.contracts.value, position.contracts_closed.value)
    share = Fraction(position.contracts.value) / Fraction(whole)
    return settle(Fraction(add(opening, holding.funding)) * share)
