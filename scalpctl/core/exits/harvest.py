"""Profit harvesting: a quick profit after costs is taken inside a time window; a large one at any time."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from scalpctl.core.causes import Cause
from scalpctl.core.exits.bands import NOWHERE
from scalpctl.core.exits.state import ChainState
from scalpctl.core.exits.verdicts import Kind, Stateless, Verdict, Why, net_below
from scalpctl.core.exits.view import View
from scalpctl.core.instants import MICROS_PER_SECOND
from scalpctl.core.money import multiply
from scalpctl.core.parameters import Move, Parameters, of_price, setting


@dataclass(frozen=True, slots=True)
class HarvestParameters(Parameters):
    """How much counts as a quick profit, and until when."""

    profit_move: Move = setting(
        of_price("0.0025"), "profit after costs that is harvested", low=Decimal("0.0002"), high=Decimal("0.3")
    )
    within_s: int = setting(600, "seconds after opening in which it is harvested", low=5, high=14400)
    min_hold_s: int = setting(10, "seconds a position is left alone", low=0, high=3600)
    urgent_multiple: Decimal = setting(
        Decimal(2), "multiple of the profit that is harvested at any time", low=Decimal("1.1"), high=Decimal(20)
    )

    def __post_init__(self) -> None:
        """Refuse a window that closes before it opens."""
        self.check_bounds()
        if self.min_hold_s >= self.within_s:
            raise self.impossible("min_hold_s is not below within_s", "the rule could never fire")


@dataclass(frozen=True, slots=True)
class Harvest(Stateless):
    """Closes on a quick profit; costs are in the result already and are not added to the threshold again."""

    parameters: HarvestParameters
    cause = Cause.PROFIT_HARVEST
    vetoable = True

    def judge(self, view: View, state: ChainState) -> Verdict:  # noqa: ARG002  every rule is asked with the same two things
        """Compare the result after costs with the quick profit, and with its multiple outside the window."""
        limits, facts, net = self.parameters, view.facts, view.net
        profit = facts.amount(limits.profit_move)
        urgent = multiply(profit, limits.urgent_multiple)
        if net is None:
            return Verdict(self.cause, Kind.HOLD, Why.NO_PRICE, None, profit, band=NOWHERE)
        if net >= urgent:
            return Verdict(self.cause, Kind.CLOSE, Why.REACHED, net, urgent, band=NOWHERE)
        if view.held_us > limits.within_s * MICROS_PER_SECOND:
            return Verdict(self.cause, Kind.HOLD, Why.WINDOW_PASSED, net, urgent, band=net_below(view, urgent))
        if net < profit:
            return Verdict(self.cause, Kind.HOLD, Why.QUIET, net, profit, band=net_below(view, profit))
        if view.held_us < limits.min_hold_s * MICROS_PER_SECOND:
            return Verdict(self.cause, Kind.HOLD, Why.MIN_HOLD, net, profit, band=NOWHERE)
        return Verdict(self.cause, Kind.CLOSE, Why.REACHED, net, profit, band=NOWHERE)
