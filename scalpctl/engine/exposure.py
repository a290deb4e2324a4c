"""What the account is committed to: positions of every hand, and entries of ours that are under way.

Candles of all instruments close in the same second. An entry that waits for its leverage or for its fill counts as a
position does, or several of them together would pass a limit that each one keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from scalpctl.core.money import ZERO, Contracts, add, ratio
from scalpctl.core.sides import Action, Side
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, EntryPlan, Role, Working

NOTHING = Contracts(ZERO)


@dataclass(frozen=True, slots=True)
class Exposure:
    """Everything together."""

    positions: int | None
    """None while the exchange has not shown what there is."""
    notional: Decimal | None
    """None where the exchange does not say it of a position that only it can price."""
    margin: Decimal
    sides: Mapping[str, Side]
    """The side of every instrument that is held or being entered here."""
    entering: frozenset[str]
    unsent: int
    """Entries that are decided and wait for their leverage: their orders are still to come."""


@dataclass(frozen=True, slots=True)
class Coming:
    """What an entry under way may still become."""

    side: Side
    contracts: Contracts
    price: Decimal
    leverage: Decimal


def exposure(ctx: Context) -> Exposure:
    """Add up what the account is committed to now."""
    desks, elsewhere = ctx.desks.values(), ctx.account.elsewhere
    coming = {desk.inst_id: [*_decided(desk), *left] for desk, left in _left_behind(ctx)}
    entering = frozenset(inst_id for inst_id, entries in coming.items() if entries)
    others = () if elsewhere is None else elsewhere.values()
    taken = sum(1 for desk in desks if _held(desk) or desk.inst_id in entering)
    worth = [report.notional for report in others] + [_worth(desk, coming[desk.inst_id]) for desk in desks]
    bound = [report.margin or report.imr or ZERO for report in others]
    return Exposure(
        positions=None if elsewhere is None else len(elsewhere) + taken,
        notional=_sum(worth),
        margin=add(*bound, *(_bound(desk, coming[desk.inst_id]) for desk in desks), ZERO),
        sides={desk.inst_id: side for desk in desks if (side := _side(desk, coming[desk.inst_id])) is not None},
        entering=entering,
        unsent=sum(1 for desk in desks if desk.wanted is not None),
    )


def _left_behind(ctx: Context) -> Iterator[tuple[Desk, list[Coming]]]:
    """Give each desk with the entry orders nobody follows: those an earlier session left, until they are over."""
    followed = {id(desk.execution.working) for desk in ctx.desks.values() if desk.execution is not None}
    left: dict[str, list[Coming]] = {inst_id: [] for inst_id in ctx.desks}
    for desk, working in ctx.orders.values():
        if working.role is Role.ENTRY and working.order.is_open and id(working) not in followed:
            left[desk.inst_id].append(_resting(desk, working))
    for inst_id, desk in ctx.desks.items():
        yield desk, left[inst_id]


def _resting(desk: Desk, working: Working) -> Coming:
    side = Side.LONG if working.action is Action.BUY else Side.SHORT
    contracts = working.order.contracts - working.order.filled
    return Coming(side, contracts, working.price or ZERO, desk.leverage or Decimal(1))


def _decided(desk: Desk) -> Iterator[Coming]:
    """Give an entry that waits for its leverage, and one that is being executed."""
    if desk.wanted is not None:
        yield _planned(desk.wanted, desk.wanted.sized.contracts)
    execution = desk.execution
    if execution is not None and execution.entry is not None:
        left, working = execution.quoter.left, execution.working
        if working is not None:  # its owner may have enlarged it
            left = max(left - working.order.filled, working.order.left)
        yield _planned(execution.entry, left)


def _planned(plan: EntryPlan, left: Contracts) -> Coming:
    return Coming(plan.side, left, plan.decision_price, plan.choice.capped)


def _held(desk: Desk) -> Contracts:
    """Give the larger of what our books and the exchange say: either may be the first to know."""
    ours = NOTHING if desk.holding is None else desk.holding.contracts
    return ours if desk.theirs is None else max(ours, desk.theirs.contracts)


def _side(desk: Desk, coming: Sequence[Coming]) -> Side | None:
    known = desk.holding or desk.theirs or next(iter(coming), None)
    return None if known is None else known.side


def _worth(desk: Desk, coming: Iterable[Coming]) -> Decimal:
    """Price what is held, and what is still to be entered at the price it was decided at."""
    to_come = (desk.instrument.notional(one.contracts, one.price).value for one in coming)
    return add(desk.instrument.notional(_held(desk), _price(desk)).value, *to_come)


def _bound(desk: Desk, coming: Iterable[Coming]) -> Decimal:
    theirs, holding = desk.theirs, desk.holding
    bound = ZERO if theirs is None else theirs.margin or theirs.imr or ZERO
    if theirs is None and holding is not None:
        bound = ratio(desk.instrument.notional(holding.contracts, _price(desk)).value, holding.leverage)
    return add(
        bound, *(ratio(desk.instrument.notional(one.contracts, one.price).value, one.leverage) for one in coming)
    )


def _price(desk: Desk) -> Decimal:
    """Give the dearer of mark and entry: a position that has lost its worth makes no room for another one."""
    holding = desk.holding
    told = (
        None if desk.mark is None else Decimal(desk.mark.price_text),
        None if desk.theirs is None else desk.theirs.average_price,
        None if holding is None or holding.position.is_flat else holding.position.average_price,
    )
    return max((price for price in told if price is not None), default=ZERO)


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [one for one in amounts if one is not None]
    return None if len(known) < len(amounts) else add(*known, ZERO)
