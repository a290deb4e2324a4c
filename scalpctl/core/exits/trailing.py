"""Trailing stop: follows the best price at a distance that shrinks with profit, and only ever tightens.

Distances are shares of the entry price, so that long and short mirror each other exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace

from scalpctl.core.causes import Cause
from scalpctl.core.exits.bands import NOWHERE, Band, above, below
from scalpctl.core.exits.state import ChainState
from scalpctl.core.exits.verdicts import Kind, Verdict, Why
from scalpctl.core.exits.view import PositionFacts, View
from scalpctl.core.money import ESTIMATE, ZERO, add, multiply, ratio, subtract
from scalpctl.core.parameters import Move, Parameters, of_price, setting
from scalpctl.core.sides import Side

SHARE = Decimal("1E-12")
"""How finely a share of the value is told: a quotient has as many digits as it likes, and sums of them too many."""


@dataclass(frozen=True, slots=True)
class TrailingParameters(Parameters):
    """When the stop starts, how far behind it follows, and when it protects break-even."""

    activation_move: Move = setting(
        of_price("0.002"), "best profit after costs that starts the stop", low=ZERO, high=Decimal("0.3")
    )
    trail_ratio: Decimal = setting(
        Decimal("0.002"),
        "distance behind the best price when it starts, as a share of the entry price",
        low=Decimal("0.0002"),
        high=Decimal("0.05"),
    )
    trail_min_ratio: Decimal = setting(
        Decimal("0.0008"),
        "smallest distance, as a share of the entry price",
        low=Decimal("0.0001"),
        high=Decimal("0.05"),
    )
    tighten_ratio: Decimal = setting(
        Decimal("0.25"), "how much of each further gain the distance shrinks by", low=ZERO, high=Decimal(1)
    )
    breakeven_move: Move = setting(
        of_price("0.0015"),
        "best profit after costs from which the stop protects break-even",
        low=ZERO,
        high=Decimal("0.3"),
    )

    def __post_init__(self) -> None:
        """Refuse a trail that could only widen, and a break-even stop that would start after the trail locked more."""
        self.check_bounds()
        if self.trail_min_ratio > self.trail_ratio:
            raise self.impossible("trail_min_ratio is above trail_ratio", "the distance shrinks towards its minimum")
        if self.activation_move.basis is not self.breakeven_move.basis:
            raise self.impossible("activation and break-even use different bases", "use of_margin or of_price for both")
        if self.breakeven_move.ratio > self.activation_move.ratio:
            raise self.impossible("breakeven_move is above activation_move", "protect break-even first, then trail")


@dataclass(frozen=True, slots=True)
class TrailingStop:
    """Closes when the exit price falls back to the stop; not vetoable, because it is a stop."""

    parameters: TrailingParameters
    cause = Cause.TRAILING_STOP
    vetoable = False

    def advance(self, view: View, state: ChainState) -> ChainState:
        """Move the stop if it tightens; it never moves back."""
        if state.peak_price is None:
            return state
        level = self.level(view.facts, state.peak_price)
        if level is None or (state.trail_stop is not None and not view.facts.better(level, state.trail_stop)):
            return state
        return replace(state, trail_stop=level)

    def level(self, facts: PositionFacts, peak_price: Decimal) -> Decimal | None:
        """Give where the stop belongs after that best price; None while nothing is to be protected."""
        limits, best = self.parameters, facts.net_at(peak_price)
        if best < facts.amount(limits.breakeven_move):
            return None
        even = facts.instrument.stop_trigger(facts.price_for(ZERO), facts.side)
        activation = facts.amount(limits.activation_move)
        if best < activation:
            return even
        further = ratio(subtract(best, activation), facts.notional).quantize(SHARE, context=ESTIMATE)
        shrunk = subtract(limits.trail_ratio, multiply(limits.tighten_ratio, further))
        distance = multiply(max(limits.trail_min_ratio, shrunk), facts.average_price)
        trail = add(peak_price, multiply(distance, Decimal(-facts.side.sign)))
        stop = facts.instrument.stop_trigger(trail, facts.side)
        return stop if facts.better(stop, even) else even

    def judge(self, view: View, state: ChainState) -> Verdict:
        """Compare the exit price with the stop."""
        stop = state.trail_stop
        if stop is None:
            return Verdict(self.cause, Kind.HOLD, Why.NOT_ARMED, unit="price")
        if view.exit is None or not view.exit_fresh:
            return Verdict(self.cause, Kind.HOLD, Why.NO_PRICE, None, stop, unit="price", band=NOWHERE)
        price = view.exit.price
        if not view.facts.better(price, stop):
            return Verdict(self.cause, Kind.CLOSE, Why.REACHED, price, stop, unit="price", band=NOWHERE)
        band = Band(exit_low=above(stop)) if view.facts.side is Side.LONG else Band(exit_high=below(stop))
        return Verdict(self.cause, Kind.HOLD, Why.QUIET, price, stop, unit="price", band=band)
