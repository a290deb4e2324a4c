"""Protective rules: margin safety, loss cut, emergency. They come first; nothing vetoes or delays them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from scalpctl.core.causes import Cause
from scalpctl.core.exits.bands import EVERYWHERE, NOWHERE, Band
from scalpctl.core.exits.state import ChainState
from scalpctl.core.exits.verdicts import Kind, Stateless, Verdict, Why, guard_above
from scalpctl.core.exits.view import View
from scalpctl.core.margin import MarginAnswer
from scalpctl.core.parameters import Move, Parameters, of_margin, of_price, setting

SMALLEST, LARGEST = Decimal("0.0005"), Decimal("0.9")


@dataclass(frozen=True, slots=True)
class LossCutParameters(Parameters):
    """The most one position may lose, in price terms and in money, whatever its stop says."""

    loss_move: Move = setting(of_price("0.012"), "loss after costs that is cut at once", low=SMALLEST, high=LARGEST)
    loss_usd_max: Decimal = setting(
        Decimal(25), "loss after costs in quote currency that is cut at once", low=Decimal("0.5"), high=Decimal(100000)
    )


@dataclass(frozen=True, slots=True)
class EmergencyParameters(Parameters):
    """The share of the margin whose loss is an emergency by itself."""

    loss_move: Move = setting(
        of_margin("0.5"), "loss after costs that is an emergency", low=Decimal("0.05"), high=LARGEST
    )


def judge_loss(cause: Cause, view: View, limit: Decimal) -> Verdict:
    """Close when the result on the guard price has fallen to the limit."""
    net, floor = view.guard_net, -limit
    source = "mark_price" if view.guard_is_mark else "exit_price"
    if net is None:
        return Verdict(cause, Kind.HOLD, Why.NO_PRICE, None, floor, input=source, band=NOWHERE)
    if net <= floor:
        return Verdict(cause, Kind.CLOSE, Why.REACHED, net, floor, input=source, band=NOWHERE)
    return Verdict(cause, Kind.HOLD, Why.QUIET, net, floor, input=source, band=guard_above(view, floor))


@dataclass(frozen=True, slots=True)
class MarginSafety(Stateless):
    """Closes when margin safety says so; an untrusted reading is shown as such and looked at again in time."""

    cause = Cause.MARGIN_SAFETY
    vetoable = False

    def judge(self, view: View, state: ChainState) -> Verdict:  # noqa: ARG002  every rule is asked with the same two things
        """Pass on the margin verdict, which carries its own working."""
        verdict = view.margin
        if verdict is None:
            return Verdict(self.cause, Kind.HOLD, Why.UNTRUSTED, unit="ratio", input="margin_ratio")
        kind = Kind.CLOSE if verdict.answer is MarginAnswer.CLOSE else Kind.HOLD
        undecided = verdict.answer is MarginAnswer.UNDECIDED
        why = Why.REACHED if kind is Kind.CLOSE else Why.UNTRUSTED if undecided else Why.QUIET
        again = verdict.ask_again_at
        band = EVERYWHERE if again is None else Band(until=again)
        return Verdict(
            self.cause, kind, why, verdict.ratio, verdict.threshold, unit="ratio", input="margin_ratio", band=band
        )


@dataclass(frozen=True, slots=True)
class LossCut(Stateless):
    """Closes at the smaller of the two loss limits."""

    parameters: LossCutParameters
    cause = Cause.LOSS_CUT
    vetoable = False

    def judge(self, view: View, state: ChainState) -> Verdict:  # noqa: ARG002  every rule is asked with the same two things
        """Compare the result after costs with the smaller limit."""
        facts = view.facts
        moved = facts.amount(self.parameters.loss_move)
        return judge_loss(self.cause, view, min(moved, self.parameters.loss_usd_max))


@dataclass(frozen=True, slots=True)
class Emergency(Stateless):
    """Closes when the account says emergency, or when most of the margin is gone."""

    parameters: EmergencyParameters
    cause = Cause.EMERGENCY
    vetoable = False

    def judge(self, view: View, state: ChainState) -> Verdict:  # noqa: ARG002  every rule is asked with the same two things
        """Obey an emergency at once, even blind; otherwise watch the margin."""
        if view.emergency:
            return Verdict(self.cause, Kind.CLOSE, Why.ORDERED, unit="", input=view.emergency, band=NOWHERE)
        facts = view.facts
        return judge_loss(self.cause, view, facts.amount(self.parameters.loss_move))
