"""Partial take-profit as a ladder: each step takes a share of the largest size once; what is too small is refused."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from scalpctl.core.causes import Cause
from scalpctl.core.exits.bands import NOWHERE
from scalpctl.core.exits.state import ChainState
from scalpctl.core.exits.verdicts import Kind, Stateless, Verdict, Why, net_below
from scalpctl.core.exits.view import PositionFacts, View
from scalpctl.core.money import ZERO, Contracts, add, multiply, ratio
from scalpctl.core.parameters import Move, Parameters, of_price, setting


@dataclass(frozen=True, slots=True)
class Step(Parameters):
    """One step of the ladder."""

    take_ratio: Decimal = setting(
        Decimal("0.4"), "share of the largest size that is taken", low=Decimal("0.05"), high=Decimal("0.9")
    )
    profit_move: Move = setting(
        of_price("0.002"),
        "profit after costs of the whole position that triggers it",
        low=Decimal("0.0002"),
        high=Decimal("0.5"),
    )

    @property
    def ratio(self) -> Decimal:
        """Give the share, which the bounds of a ladder are about."""
        return self.take_ratio


@dataclass(frozen=True, slots=True)
class PartialParameters(Parameters):
    """The ladder, from the nearest step to the farthest."""

    steps: tuple[Step, ...] = setting(
        (Step(), Step(Decimal("0.3"), of_price("0.003"))),
        "steps of the ladder",
        low=Decimal("0.05"),
        high=Decimal("0.9"),
    )

    def __post_init__(self) -> None:
        """Refuse ladders that take more than everything, or whose steps do not rise."""
        self.check_bounds()
        if not self.steps:
            raise self.impossible("the ladder has no step", "leave the rule out of the chain instead")
        if add(*(step.take_ratio for step in self.steps)) > 1:
            raise self.impossible("the steps take more than the whole position", "let the shares add up to at most 1")
        for lower, upper in zip(self.steps, self.steps[1:], strict=False):
            if lower.profit_move.basis is not upper.profit_move.basis:
                raise self.impossible("the steps mix of_margin and of_price", "use one basis for the whole ladder")
            if lower.profit_move.ratio >= upper.profit_move.ratio:
                raise self.impossible("the steps do not rise", "sort them by profit")


@dataclass(frozen=True, slots=True)
class PartialTake(Stateless):
    """Takes the next step of the ladder when its profit is reached, each step once."""

    parameters: PartialParameters
    cause = Cause.PARTIAL_TAKE
    vetoable = True

    def judge(self, view: View, state: ChainState) -> Verdict:
        """Compare the result per contract with the next step; refuse a part the exchange would refuse."""
        facts, net = view.facts, view.net
        if state.steps_taken >= len(self.parameters.steps):
            return Verdict(self.cause, Kind.HOLD, Why.LADDER_DONE, unit="steps")
        step = self.parameters.steps[state.steps_taken]
        profit = facts.amount(step.profit_move)
        if net is None:
            return Verdict(self.cause, Kind.HOLD, Why.NO_PRICE, None, profit, band=NOWHERE)
        if net < profit:
            return Verdict(self.cause, Kind.HOLD, Why.QUIET, net, profit, band=net_below(view, profit))
        part, refusal = size_of(facts, step.take_ratio)
        if refusal is not None:  # stays refused until a fill changes the position
            return Verdict(self.cause, Kind.HOLD, refusal, part.value, facts.instrument.min_contracts, unit="contracts")
        return Verdict(self.cause, Kind.PARTIAL, Why.REACHED, net, profit, contracts=part, band=NOWHERE)


def size_of(facts: PositionFacts, take_ratio: Decimal) -> tuple[Contracts, Why | None]:
    """Give the contracts of a step in whole lots, and why they cannot be taken, if so."""
    wanted = Contracts(multiply(facts.opened_contracts.value, take_ratio))
    part = facts.instrument.floor_contracts(min(wanted, facts.contracts))
    if part.value <= ZERO:
        return part, Why.BELOW_MINIMUM
    left = facts.contracts - part
    if left.value < facts.instrument.min_contracts:
        return part, Why.LEAVES_DUST
    return part, None


def shares(total: Decimal, parts: tuple[Contracts, ...], quantum: Decimal = Decimal("1E-8")) -> tuple[Decimal, ...]:
    """Split a sum over parts so that the pieces add up to it exactly: each piece is a difference of rounded totals."""
    whole = add(*(part.value for part in parts))
    given, seen, pieces = ZERO, ZERO, []
    for index, part in enumerate(parts):
        seen = add(seen, part.value)
        share = ratio(multiply(total, seen), whole).quantize(quantum)
        upto = total if index == len(parts) - 1 else share
        pieces.append(add(upto, -given))
        given = upto
    return tuple(pieces)
