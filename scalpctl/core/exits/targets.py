"""Take-profit and stop-loss, in shares of the margin or of the price, with all costs included once."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from scalpctl.core.causes import Cause
from scalpctl.core.exits.bands import NOWHERE
from scalpctl.core.exits.protective import judge_loss
from scalpctl.core.exits.state import ChainState
from scalpctl.core.exits.verdicts import Kind, Stateless, Verdict, Why, net_below
from scalpctl.core.exits.view import View
from scalpctl.core.money import add, ratio
from scalpctl.core.parameters import Basis, Move, Parameters, of_price, setting
from scalpctl.errors import ConfigurationError

SMALLEST, LARGEST = Decimal("0.0005"), Decimal("0.5")


@dataclass(frozen=True, slots=True)
class TakeProfitParameters(Parameters):
    """Where a profit is taken."""

    profit_move: Move = setting(of_price("0.004"), "profit after costs that is taken", low=SMALLEST, high=LARGEST)


@dataclass(frozen=True, slots=True)
class StopLossParameters(Parameters):
    """Where a loss is stopped."""

    loss_move: Move = setting(of_price("0.006"), "loss after costs that is stopped", low=SMALLEST, high=LARGEST)


@dataclass(frozen=True, slots=True)
class TakeProfit(Stateless):
    """Closes when the result after costs reaches the target."""

    parameters: TakeProfitParameters
    cause = Cause.TAKE_PROFIT
    vetoable = True

    def judge(self, view: View, state: ChainState) -> Verdict:  # noqa: ARG002  every rule is asked with the same two things
        """Compare the result after costs with the target."""
        facts, net = view.facts, view.net
        target = facts.amount(self.parameters.profit_move)
        if net is None:
            return Verdict(self.cause, Kind.HOLD, Why.NO_PRICE, None, target, band=NOWHERE)
        if net >= target:
            return Verdict(self.cause, Kind.CLOSE, Why.REACHED, net, target, band=NOWHERE)
        return Verdict(self.cause, Kind.HOLD, Why.QUIET, net, target, band=net_below(view, target))


@dataclass(frozen=True, slots=True)
class StopLoss(Stateless):
    """Closes when the result after costs, on the guard price, falls to the stop. Protective."""

    parameters: StopLossParameters
    cause = Cause.STOP_LOSS
    vetoable = False

    def judge(self, view: View, state: ChainState) -> Verdict:  # noqa: ARG002  every rule is asked with the same two things
        """Compare the result after costs with the stop."""
        facts = view.facts
        return judge_loss(self.cause, view, facts.amount(self.parameters.loss_move))


def refuse_impossible(
    take: Move, stop: Move, *, leverage: Decimal, round_trip_ratio: Decimal, noise_ratio: Decimal
) -> None:
    """Refuse a stop that costs alone would trigger or that lies inside noise, and a target that costs would eat.

    ``round_trip_ratio`` and ``noise_ratio`` are shares of the price; a move of the margin is brought to it first.
    """
    stop_price, take_price = _of_price(stop, leverage), _of_price(take, leverage)
    if stop_price <= round_trip_ratio:
        message = f"stop {stop} at {leverage}x is {stop_price} of the price, within the round trip {round_trip_ratio}"
        raise ConfigurationError(message, hint="costs alone would trigger it: widen the stop or lower the leverage")
    if stop_price < add(round_trip_ratio, noise_ratio):
        message = f"stop {stop} at {leverage}x is {stop_price} of the price, inside its noise of {noise_ratio}"
        raise ConfigurationError(message, hint="widen the stop, lower the leverage, or write it of_price")
    if take_price < round_trip_ratio:
        message = f"take-profit {take} at {leverage}x leaves less than its round trip costs"
        raise ConfigurationError(message, hint=f"a round trip costs {round_trip_ratio} of the price")


def _of_price(move: Move, leverage: Decimal) -> Decimal:
    """Bring a move to a share of the price, exactly enough to compare."""
    return move.ratio if move.basis is Basis.OF_PRICE else ratio(move.ratio, leverage)
