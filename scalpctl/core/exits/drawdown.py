"""Profit drawdown: a position that had a profit may give back only a share of it; it never closes a loser."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from scalpctl.core.causes import Cause
from scalpctl.core.exits.bands import NOWHERE
from scalpctl.core.exits.state import ChainState
from scalpctl.core.exits.verdicts import Kind, Stateless, Verdict, Why, net_above, net_below
from scalpctl.core.exits.view import View
from scalpctl.core.money import ZERO, multiply, subtract
from scalpctl.core.parameters import Move, Parameters, of_price, setting

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class DrawdownParameters(Parameters):
    """From which profit on, and how much of the best may be given back."""

    arm_move: Move = setting(
        of_price("0.002"), "best profit after costs that arms the rule", low=Decimal("0.0002"), high=Decimal("0.5")
    )
    give_back_ratio: Decimal = setting(
        Decimal("0.4"), "share of the best profit that may be given back", low=Decimal("0.05"), high=Decimal("0.95")
    )


@dataclass(frozen=True, slots=True)
class Drawdown(Stateless):
    """Closes when the share is given back and something is left.

    The best profit follows from the best price and the present size, so a partial take rescales it by itself.
    """

    parameters: DrawdownParameters
    cause = Cause.PROFIT_DRAWDOWN
    vetoable = True

    def judge(self, view: View, state: ChainState) -> Verdict:
        """Compare the result after costs with what must be left of the best one."""
        limits, facts, net = self.parameters, view.facts, view.net
        if net is None or state.peak_price is None:
            return Verdict(self.cause, Kind.HOLD, Why.NO_PRICE, band=NOWHERE)
        best = facts.net_at(state.peak_price)
        arm = facts.amount(limits.arm_move)
        if best < arm:
            return Verdict(self.cause, Kind.HOLD, Why.NOT_ARMED, best, arm, input="peak_price")
        floor = multiply(best, subtract(ONE, limits.give_back_ratio))
        if net > floor:
            return Verdict(self.cause, Kind.HOLD, Why.QUIET, net, floor, band=net_above(view, floor))
        if net <= ZERO:
            return Verdict(self.cause, Kind.HOLD, Why.NOT_PROFITABLE, net, ZERO, band=net_below(view, ZERO))
        return Verdict(self.cause, Kind.CLOSE, Why.REACHED, net, floor, band=NOWHERE)
