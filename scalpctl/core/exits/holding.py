"""Holding limit: no position is held for ever; winners may be given a stated extension, losers may not."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from scalpctl.core.causes import Cause
from scalpctl.core.exits.bands import NOWHERE, Band
from scalpctl.core.exits.state import ChainState
from scalpctl.core.exits.verdicts import Kind, Stateless, Verdict, Why, net_above
from scalpctl.core.exits.view import View
from scalpctl.core.instants import MICROS_PER_SECOND
from scalpctl.core.parameters import Move, Parameters, of_price, setting


@dataclass(frozen=True, slots=True)
class HoldingParameters(Parameters):
    """How long a position may be held."""

    limit_s: int = setting(1800, "seconds after which a position is closed", low=10, high=172800)
    extension_s: int = setting(900, "seconds a winner may be held longer", low=0, high=172800)
    extend_move: Move = setting(
        of_price("0.001"), "profit after costs that counts as a winner", low=Decimal("0.0001"), high=Decimal("0.3")
    )


@dataclass(frozen=True, slots=True)
class HoldingLimit(Stateless):
    """Closes at the limit, with or without a believable price; a winner at the end of its extension."""

    parameters: HoldingParameters
    cause = Cause.HOLDING_LIMIT
    vetoable = False

    def judge(self, view: View, state: ChainState) -> Verdict:  # noqa: ARG002  every rule is asked with the same two things
        """Compare the age of the position with its limit."""
        limits = self.parameters
        opened, held = view.facts.opened_at, view.held_us
        limit = limits.limit_s * MICROS_PER_SECOND
        latest = limit + limits.extension_s * MICROS_PER_SECOND
        value = Decimal(held).scaleb(-6)
        if held < limit:
            return self._say(Kind.HOLD, Why.QUIET, value, limit, Band(until=opened + limit))
        profit = view.facts.amount(limits.extend_move)
        if view.net is not None and view.net >= profit and held < latest:
            kept = net_above(view, profit)
            band = Band(kept.exit_low, kept.exit_high, until=opened + latest)
            return self._say(Kind.HOLD, Why.EXTENDED, value, latest, band)
        return self._say(Kind.CLOSE, Why.REACHED, value, limit, NOWHERE)

    def _say(self, kind: Kind, why: Why, value: Decimal, limit_us: int, band: Band) -> Verdict:
        threshold = Decimal(limit_us).scaleb(-6)
        return Verdict(self.cause, kind, why, value, threshold, unit="seconds", input="held_us", band=band)
