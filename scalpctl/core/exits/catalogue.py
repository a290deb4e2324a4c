"""The exit rules that exist, their parameters, and the chain a configuration asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scalpctl.core.causes import Cause
from scalpctl.core.exits.chain import Chain
from scalpctl.core.exits.drawdown import Drawdown, DrawdownParameters
from scalpctl.core.exits.harvest import Harvest, HarvestParameters
from scalpctl.core.exits.holding import HoldingLimit, HoldingParameters
from scalpctl.core.exits.partial import PartialParameters, PartialTake
from scalpctl.core.exits.protective import Emergency, EmergencyParameters, LossCut, LossCutParameters, MarginSafety
from scalpctl.core.exits.smart import SmartExit, SmartExitParameters
from scalpctl.core.exits.targets import StopLoss, StopLossParameters, TakeProfit, TakeProfitParameters
from scalpctl.core.exits.trailing import TrailingParameters, TrailingStop
from scalpctl.core.exits.verdicts import Rule
from scalpctl.core.parameters import Overrides, Parameters, Resolved, resolve
from scalpctl.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Listed:
    """One rule: how it is made, and which parameters it takes (margin safety is judged where margin is read)."""

    make: Callable[[Any], Rule]
    parameters: type[Parameters] | None


RULES: dict[Cause, Listed] = {
    Cause.MARGIN_SAFETY: Listed(lambda _: MarginSafety(), None),
    Cause.STOP_LOSS: Listed(StopLoss, StopLossParameters),
    Cause.LOSS_CUT: Listed(LossCut, LossCutParameters),
    Cause.EMERGENCY: Listed(Emergency, EmergencyParameters),
    Cause.SMART_EXIT: Listed(SmartExit, SmartExitParameters),
    Cause.PROFIT_HARVEST: Listed(Harvest, HarvestParameters),
    Cause.PROFIT_DRAWDOWN: Listed(Drawdown, DrawdownParameters),
    Cause.TAKE_PROFIT: Listed(TakeProfit, TakeProfitParameters),
    Cause.PARTIAL_TAKE: Listed(PartialTake, PartialParameters),
    Cause.TRAILING_STOP: Listed(TrailingStop, TrailingParameters),
    Cause.HOLDING_LIMIT: Listed(HoldingLimit, HoldingParameters),
}

DEFAULT_ORDER = tuple(RULES)
REQUIRED = (Cause.MARGIN_SAFETY, Cause.STOP_LOSS, Cause.EMERGENCY)


@dataclass(frozen=True, slots=True)
class Built:
    """A chain, and the resolved parameters of each of its rules with the source of every value."""

    chain: Chain
    parameters: tuple[tuple[Cause, Resolved[Any]], ...]


def build(order: Sequence[Cause], overrides: Mapping[Cause, Overrides], inst_id: str, regime: str) -> Built:
    """Make the chain for one instrument in one regime; a rule that is not in the order does not exist."""
    missing = [cause.value for cause in REQUIRED if cause not in order]
    if missing:
        message = f"the exit chain lacks {', '.join(missing)}"
        raise ConfigurationError(message, hint="protective rules may be tuned, not left out")
    rules: list[Rule] = []
    resolved: list[tuple[Cause, Resolved[Any]]] = []
    for cause in order:
        listed = RULES.get(cause)
        if listed is None:
            message = f"{cause.value} is not an exit rule"
            raise ConfigurationError(message, hint=f"known: {', '.join(known.value for known in RULES)}")
        if listed.parameters is None:
            rules.append(listed.make(None))
            continue
        found = resolve(listed.parameters, overrides.get(cause, Overrides()), inst_id, regime)
        resolved.append((cause, found))
        rules.append(listed.make(found.values))
    return Built(Chain(rules), tuple(resolved))
