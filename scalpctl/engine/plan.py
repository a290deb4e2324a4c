"""What a session trades and by which rules: everything configured, resolved once per instrument and regime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from scalpctl.core.causes import Cause
from scalpctl.core.condition import Bounds
from scalpctl.core.costs import CostParameters
from scalpctl.core.drift import DriftParameters
from scalpctl.core.exchange.requests import MarginMode
from scalpctl.core.exits.catalogue import Built, build
from scalpctl.core.exits.view import PriceParameters
from scalpctl.core.gates.market import MarketParameters
from scalpctl.core.gates.state import ReentryParameters
from scalpctl.core.indicators.study import StudyParameters
from scalpctl.core.instants import MICROS_PER_SECOND
from scalpctl.core.leverage import LeverageParameters
from scalpctl.core.limits import LimitParameters
from scalpctl.core.maker import MakerParameters
from scalpctl.core.margin import MarginParameters
from scalpctl.core.parameters import Overrides, Resolved, Scope, resolve
from scalpctl.core.protection import ProtectionParameters
from scalpctl.core.regime import Regime, RegimeParameters
from scalpctl.core.signals.choice import ChoiceParameters
from scalpctl.core.signals.rules import SignalKind, SignalParameters
from scalpctl.core.sizing import SizingParameters

BAR, BAR_US = "1m", 60 * MICROS_PER_SECOND
WARM_CANDLES = 120
"""Past candles read at the start: more than the longest default window, so that every indicator is warm."""

_GROUPS: dict[str, type[Any]] = {
    "prices": PriceParameters,
    "market": MarketParameters,
    "reentry": ReentryParameters,
    "costs": CostParameters,
    "sizing": SizingParameters,
    "leverage": LeverageParameters,
    "maker": MakerParameters,
    "margin": MarginParameters,
    "protection": ProtectionParameters,
    "limits": LimitParameters,
    "drift": DriftParameters,
    "signals": SignalParameters,
    "choice": ChoiceParameters,
}


@dataclass(frozen=True, slots=True)
class Safety:
    """How fast protection must stand, how old a price may be, and what happens to what appears."""

    order_expires_us: int = 2_000_000
    account_age_us: int = 30_000_000
    cancel_all_after_s: int = 30
    appeared: str = "protect"
    """What is done with a position nobody here opened: protect, adopt, alert or flatten."""
    mirror_trailing: bool = True
    quiet_before_maintenance_us: int = 900_000_000
    leave_before_delisting_us: int = 3_600_000_000
    ramp_positions: int = 0
    """So many first positions are of the smallest size; then a person looks at them."""
    condition: Bounds = field(default_factory=Bounds)

    def manages(self, origin: str) -> bool:
        """Tell whether the exit rules look after a position of this origin."""
        return origin == "engine" or self.appeared == "adopt"

    def guards(self, origin: str) -> bool:
        """Tell whether a position of this origin gets a stop of ours."""
        return origin == "engine" or self.appeared != "alert"

    def flattens(self, origin: str) -> bool:
        """Tell whether a position of this origin is closed as soon as it is seen."""
        return origin != "engine" and self.appeared == "flatten"


@dataclass(frozen=True, slots=True)
class Settled:
    """What the configuration says, in the core's own types."""

    env: str
    account: str
    inst_ids: tuple[str, ...]
    signals: tuple[SignalKind, ...]
    exits: tuple[Cause, ...]
    overrides: Mapping[str, Overrides]
    positions_max: int
    exposure_max: Decimal
    margin_mode: MarginMode
    safety: Safety = field(default_factory=Safety)


@dataclass(frozen=True, slots=True)
class Rules:
    """Every parameter that applies to one instrument in one regime, and where the values came from."""

    exits: Built
    prices: PriceParameters
    market: MarketParameters
    reentry: ReentryParameters
    costs: CostParameters
    sizing: SizingParameters
    leverage: LeverageParameters
    maker: MakerParameters
    margin: MarginParameters
    protection: ProtectionParameters
    limits: LimitParameters
    drift: DriftParameters
    signals: SignalParameters
    choice: ChoiceParameters
    sources: dict[str, str]
    """Values that are not their rule's default, by name, with the scope that set them."""


class Plan:
    """The rules of every instrument in every regime, ready for use."""

    def __init__(self, settled: Settled) -> None:
        """Resolve everything once; an impossible set of values is refused here, not on a tick."""
        self.settled = settled
        self.safety = settled.safety
        self._rules = {
            (inst_id, regime): _rules(settled, inst_id, regime) for inst_id in settled.inst_ids for regime in Regime
        }
        self._regimes: dict[str, RegimeParameters] = {}

    def rules(self, inst_id: str, regime: Regime) -> Rules:
        """Give the rules of an instrument in a regime; one that is not traded (adopted) gets the general ones."""
        known = self._rules.get((inst_id, regime))
        if known is None:
            known = self._rules[inst_id, regime] = _rules(self.settled, inst_id, regime)
        return known

    def study(self, inst_id: str) -> StudyParameters:
        """Give the indicators' periods; they do not depend on the regime, which is judged from them."""
        found: StudyParameters = _one(self.settled, StudyParameters, "indicators", inst_id, Regime.RANGING).values
        return found

    def regime(self, inst_id: str) -> RegimeParameters:
        """Give what the regime of an instrument is judged by."""
        known = self._regimes.get(inst_id)
        if known is None:  # asked for with every candle
            known = _one(self.settled, RegimeParameters, "regime", inst_id, Regime.RANGING).values
            self._regimes[inst_id] = known
        return known


def _rules(settled: Settled, inst_id: str, regime: Regime) -> Rules:
    by_cause = {cause: settled.overrides.get(cause.value, Overrides()) for cause in settled.exits}
    built = build(settled.exits, by_cause, inst_id, regime.value)
    found = {group: _one(settled, kind, group, inst_id, regime) for group, kind in _GROUPS.items()}
    named: Sequence[tuple[str, Resolved[Any]]] = [
        *((cause.value, resolved) for cause, resolved in built.parameters),
        *found.items(),
    ]
    sources = {
        f"{group}.{name}": scope.value
        for group, resolved in named
        for name, scope in resolved.sources
        if scope is not Scope.DEFAULT
    }
    return Rules(exits=built, sources=sources, **{group: resolved.values for group, resolved in found.items()})


def _one(settled: Settled, kind: type[Any], group: str, inst_id: str, regime: Regime) -> Resolved[Any]:
    return resolve(kind, settled.overrides.get(group, Overrides()), inst_id, regime.value)
