"""From several signals to at most one: the stronger side wins, conflict weakens it, a draw is a skip with a reason."""

from __future__ import annotations

from dataclasses import dataclass, replace

from scalpctl.core.gates.verdicts import Skip
from scalpctl.core.parameters import Parameters, setting
from scalpctl.core.regime import Regime
from scalpctl.core.sides import Side
from scalpctl.core.signals.rules import Signal


@dataclass(frozen=True, slots=True)
class ChoiceParameters(Parameters):
    """How signals are weighed against one another, and against the regime."""

    strength_min: float = setting(0.25, "strength below which no entry is made", low=0.01, high=0.99)
    conflict_gap: float = setting(0.05, "difference of two sides that is a draw", low=0.0, high=0.5)
    conflict_multiple: float = setting(0.8, "multiple of the winner when the other side spoke too", low=0.0, high=1.0)
    counter_trend_multiple: float = setting(0.0, "multiple of a signal against a trend", low=0.0, high=1.0)


@dataclass(frozen=True, slots=True)
class Choice:
    """The signal that goes on to the gates, or why there is none; ``others`` spoke as well."""

    signal: Signal | None
    skipped: Skip | None
    others: tuple[Signal, ...]


def choose(signals: tuple[Signal, ...], regime: Regime, trend: Side | None, limits: ChoiceParameters) -> Choice:
    """Choose the strongest signal, weakened by what speaks against it; silence is a reason too."""
    if not signals:
        return Choice(None, Skip.NO_SIGNAL, ())
    weighed = [_weighed(signal, regime, trend, limits) for signal in signals]
    best = max(weighed, key=lambda signal: signal.strength)  # the first of equals: configured order
    others = tuple(signal for signal in weighed if signal is not best)
    against = [signal.strength for signal in others if signal.side is not best.side and signal.strength > 0.0]
    if against and best.strength - max(against) <= limits.conflict_gap:
        return Choice(None, Skip.CONFLICT, tuple(weighed))
    if against:
        best = replace(best, strength=best.strength * limits.conflict_multiple)
    if best.strength < limits.strength_min:
        return Choice(None, Skip.TOO_WEAK, tuple(weighed))
    return Choice(best, None, others)


def _weighed(signal: Signal, regime: Regime, trend: Side | None, limits: ChoiceParameters) -> Signal:
    if regime is Regime.TRENDING and trend is not None and signal.side is not trend:
        return replace(signal, strength=signal.strength * limits.counter_trend_multiple)
    return signal
