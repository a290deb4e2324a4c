"""What an exit rule says: hold, veto softer exits, take a part, or close; always with its number and its limit."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from math import inf
from typing import Protocol

from msgspec import Struct

from scalpctl.core.causes import Cause
from scalpctl.core.evidence import Evidence, Item
from scalpctl.core.exits.bands import EVERYWHERE, FOREVER, NOWHERE, Band, above, below
from scalpctl.core.exits.state import ChainState
from scalpctl.core.exits.view import PositionFacts, View
from scalpctl.core.money import Contracts
from scalpctl.core.sides import Side


class Kind(StrEnum):
    """The four verdicts."""

    HOLD = "hold"
    VETO = "veto"
    PARTIAL = "partial"
    CLOSE = "close"


class Why(StrEnum):
    """The reason of a verdict, also of one that does nothing."""

    REACHED = "reached"
    QUIET = "quiet"
    NO_PRICE = "no_price"
    NO_READING = "no_reading"
    MIN_HOLD = "min_hold"
    NOT_ARMED = "not_armed"
    NOT_PROFITABLE = "not_profitable"
    WINDOW_PASSED = "window_passed"
    CONFIRMING = "confirming"
    HOLDING_ON = "holding_on"
    VETO_LAPSED = "veto_lapsed"
    BELOW_MINIMUM = "below_minimum"
    LEAVES_DUST = "leaves_dust"
    LADDER_DONE = "ladder_done"
    EXTENDED = "extended"
    UNTRUSTED = "untrusted"
    ORDERED = "ordered"


class Verdict(Struct, frozen=True, gc=False):
    """One rule's answer: the value it looked at, the threshold, in which unit, and the band in which it stays."""

    rule: Cause
    kind: Kind
    why: Why
    value: Decimal | None = None
    threshold: Decimal | None = None
    unit: str = "quote"
    input: str = "exit_price"
    contracts: Contracts | None = None
    until: int | None = None
    band: Band = EVERYWHERE

    @property
    def distance(self) -> Decimal | None:
        """Give how far the value still was from the threshold; None where there is no number."""
        if self.value is None or self.threshold is None:
            return None
        return abs(self.value - self.threshold)

    def evidence(self) -> Evidence:
        """Show the verdict as evidence, named after its rule."""
        name = self.rule.value
        return Evidence(
            (
                Item(f"{name}.verdict", self.kind.value, self.why.value),
                Item(f"{name}.value", self.value, self.input),
                Item(f"{name}.threshold", self.threshold, self.unit),
                Item(f"{name}.distance", self.distance, self.unit),
            )
        )


class Rule(Protocol):
    """An exit rule: a function from a view to a verdict, with a name and a rank."""

    @property
    def cause(self) -> Cause:
        """Name the rule by the cause its closures carry."""
        ...

    @property
    def vetoable(self) -> bool:
        """Tell whether a holding smart exit may suppress it for a while."""
        ...

    def judge(self, view: View, state: ChainState) -> Verdict:
        """Say what should happen, and in which band that stays so."""
        ...

    def advance(self, view: View, state: ChainState) -> ChainState:
        """Carry the rule's memory forward before anything is judged."""
        ...


class Stateless:
    """What most rules share: they remember nothing."""

    __slots__ = ()

    def advance(self, view: View, state: ChainState) -> ChainState:  # noqa: ARG002  the shape of Rule
        """Remember nothing."""
        return state


def net_below(view: View, net: Decimal) -> Band:
    """Give the band of exit prices in which the result stays below that."""
    low, high = _edges(view.facts, "below", net)
    return Band(low, high)


def net_above(view: View, net: Decimal) -> Band:
    """Give the band of exit prices in which the result stays above that."""
    low, high = _edges(view.facts, "above", net)
    return Band(low, high)


def guard_above(view: View, net: Decimal) -> Band:
    """Give the band of guard prices in which the result stays above that, while the guard can be believed."""
    if not view.steady:
        return NOWHERE
    low, high = _edges(view.facts, "above", net)
    return Band(guard_low=low, guard_high=high, until=FOREVER if view.mark_until is None else view.mark_until)


def _edges(facts: PositionFacts, which: str, net: Decimal) -> tuple[float, float]:
    """Give the open interval of prices on one side of a result, remembered with the facts."""
    known = facts.bounds.get((which, net))
    if known is None:
        price = facts.price_for(net)
        higher_is_more = facts.side is Side.LONG
        wants_higher = higher_is_more if which == "above" else not higher_is_more
        known = (above(price), inf) if wants_higher else (-inf, below(price))
        facts.bounds[which, net] = known
    return known
