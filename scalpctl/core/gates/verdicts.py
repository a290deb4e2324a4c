"""What a gate says, and every reason an entry can be skipped for: a closed enumeration, so no skip is unexplained."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from scalpctl.core.evidence import Evidence, Item, Value


class Skip(StrEnum):
    """Why an entry was not made."""

    NO_SIGNAL = "no_signal"
    CONFLICT = "conflict"
    TOO_WEAK = "too_weak"
    WARMING_UP = "warming_up"
    NOT_TRADED = "not_traded"
    ANNOUNCED = "announced"
    LATCHED = "latched"
    POSITION_OPEN = "position_open"
    ORDER_OPEN = "order_open"
    CLOSE_RUNNING = "close_running"
    POSITIONS_MAX = "positions_max"
    EXPOSURE_UNKNOWN = "exposure_unknown"
    STALE_SIGNAL = "stale_signal"
    STALE_PRICE = "stale_price"
    PRICE_DISAGREES = "price_disagrees"
    NO_BOOK = "no_book"
    SPREAD = "spread"
    SLIPPAGE = "slippage"
    GAP = "gap"
    COOL_DOWN = "cool_down"
    REENTRY = "reentry"
    SATURATED = "saturated"
    CORRELATED = "correlated"
    FUNDING = "funding"
    COSTS = "costs"
    STOP_IN_NOISE = "stop_in_noise"
    STOP_NEAR_LIQUIDATION = "stop_near_liquidation"
    MARGIN = "margin"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """One gate's answer: passed or not, the value, the limit, and where the value came from."""

    gate: Skip
    passed: bool
    value: Value
    limit: Value
    source: str = "computed"

    def evidence(self) -> Evidence:
        """Show the verdict as evidence, named after its gate."""
        name = self.gate.value
        return Evidence(
            (
                Item(f"{name}.passed", "yes" if self.passed else "no", self.source),
                Item(f"{name}.value", self.value, self.source),
                Item(f"{name}.limit", self.limit, "configuration"),
            )
        )


@dataclass(frozen=True, slots=True)
class Entrance:
    """All gates of one signal; ``skip`` is the first that said no, None when all passed."""

    verdicts: tuple[GateVerdict, ...]

    @property
    def skip(self) -> Skip | None:
        """Give the first gate that refused."""
        return next((verdict.gate for verdict in self.verdicts if not verdict.passed), None)

    def evidence(self) -> Evidence:
        """Show every gate."""
        shown = Evidence()
        for verdict in self.verdicts:
            shown += verdict.evidence()
        return shown


def at_most(gate: Skip, value: Decimal | float | None, limit: Decimal | float, source: str = "computed") -> GateVerdict:
    """Pass while the value does not exceed the limit; an unknown value never passes."""
    passed = value is not None and value <= limit
    return GateVerdict(gate, passed, value, limit, source)


def at_least(
    gate: Skip, value: Decimal | float | None, limit: Decimal | float, source: str = "computed"
) -> GateVerdict:
    """Pass while the value is not below the limit; an unknown value never passes."""
    passed = value is not None and value >= limit
    return GateVerdict(gate, passed, value, limit, source)


def unless(gate: Skip, reason: str, source: str = "computed") -> GateVerdict:
    """Pass while there is no reason against it."""
    return GateVerdict(gate, not reason, reason or "none", "none", source)
