"""The exit chain: protective rules first, then the configured order; it answers with one decision and a band.

An absent rule is an absent rule. Every rule is asked on every evaluation, so that what almost fired is known too.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from scalpctl.core.causes import PROTECTIVE, Cause
from scalpctl.core.evidence import Evidence
from scalpctl.core.exits.bands import NOWHERE, Band, meet, not_better
from scalpctl.core.exits.state import ChainState
from scalpctl.core.exits.verdicts import Kind, Rule, Stateless, Verdict, Why
from scalpctl.core.exits.view import View
from scalpctl.errors import InvariantBroken


class Decision(Struct, frozen=True):
    """What the chain decided at one look, everything it was told, and the state to keep.

    ``winner`` is None when nothing happens. ``vetoed`` are the verdicts a holding smart exit suppressed.
    """

    winner: Verdict | None
    verdicts: tuple[Verdict, ...]
    vetoed: tuple[Verdict, ...]
    state: ChainState
    band: Band
    view: View

    @property
    def standing(self) -> tuple[tuple[Cause, Kind, Why], ...]:
        """Give what each rule says, without numbers: a decision that stands the same need not be recorded again."""
        return tuple((verdict.rule, verdict.kind, verdict.why) for verdict in self.verdicts)

    def evidence(self) -> Evidence:
        """Show every input and every verdict."""
        shown = self.view.inputs()
        for verdict in self.verdicts:
            shown += verdict.evidence()
        return shown


class Chain:
    """The rules of one instrument in one regime, in order of rank."""

    __slots__ = ("_movers", "rules")

    def __init__(self, rules: Sequence[Rule]) -> None:
        """Put protective rules first, keeping the given order otherwise; a rule occurs once."""
        causes = [rule.cause for rule in rules]
        if len(dict.fromkeys(causes)) != len(causes):
            message = f"a rule occurs twice in the exit chain: {', '.join(causes)}"
            raise InvariantBroken(message)
        first = [rule for rule in rules if rule.cause in PROTECTIVE]
        self.rules = (*first, *(rule for rule in rules if rule.cause not in PROTECTIVE))
        self._movers = tuple(rule for rule in self.rules if not isinstance(rule, Stateless))

    def evaluate(self, view: View, state: ChainState) -> Decision:
        """Ask every rule and give the decision, the state after it, and the band in which it stays."""
        state = self._advance(view, state)
        verdicts = [rule.judge(view, state) for rule in self.rules]
        winner, vetoed = self._win(verdicts)
        if winner is not None and winner.kind is Kind.PARTIAL:
            state = replace(state, steps_taken=state.steps_taken + 1)
        band = NOWHERE if winner is not None or vetoed or not view.steady else self._band(view, state, verdicts)
        return Decision(winner, tuple(verdicts), tuple(vetoed), state, band, view)

    def _advance(self, view: View, state: ChainState) -> ChainState:
        """Remember a better price, then let the rules with a memory move on."""
        if view.exit is not None and view.exit_fresh:
            price = view.exit.price
            if state.peak_price is None or view.facts.better(price, state.peak_price):
                state = replace(state, peak_price=price)
        for rule in self._movers:
            state = rule.advance(view, state)
        return state

    def _win(self, verdicts: list[Verdict]) -> tuple[Verdict | None, list[Verdict]]:
        """Find the first close, else the first partial take, that nobody in front vetoes."""
        veto = False
        vetoed: list[Verdict] = []
        partial: Verdict | None = None
        for rule, verdict in zip(self.rules, verdicts, strict=True):
            if verdict.kind is Kind.HOLD:
                continue
            if verdict.kind is Kind.VETO:
                veto = True
            elif veto and rule.vetoable:
                vetoed.append(verdict)
            elif verdict.kind is Kind.CLOSE:
                return verdict, vetoed
            elif partial is None:
                partial = verdict
        return partial, vetoed

    def _band(self, view: View, state: ChainState, verdicts: list[Verdict]) -> Band:
        """Share the bands of all rules, and end where a better price would have to be remembered."""
        bands = [verdict.band for verdict in verdicts]
        peak = state.peak_price
        if peak is not None:
            bands.append(not_better(peak, view.facts.side))
        return meet(bands)
