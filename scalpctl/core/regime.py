"""What kind of market it is: trending, ranging or choppy, with hysteresis, confirmations and a minimum dwell.

Every measure is a share of one or a plain count, and so is every threshold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from scalpctl.core.evidence import Evidence
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.parameters import Parameters, setting


class Regime(StrEnum):
    """The kind of market; RANGING is assumed until there is evidence."""

    TRENDING = "trending"
    RANGING = "ranging"
    CHOPPY = "choppy"


@dataclass(frozen=True, slots=True)
class RegimeParameters(Parameters):
    """When a market counts as trending or choppy, and how reluctantly that opinion changes."""

    trend_adx_min: float = setting(22.0, "ADX from which a market may trend (0 to 100)", low=10.0, high=60.0)
    range_adx_max: float = setting(18.0, "ADX below which a trend is over (0 to 100)", low=5.0, high=60.0)
    trend_di_gap_min: float = setting(5.0, "difference of +DI and -DI that gives a direction", low=0.5, high=50.0)
    trend_deviation_ratio: float = setting(
        0.004, "distance from the longer average that a trend needs", low=0.0005, high=0.05
    )
    trend_volume_ratio: float = setting(
        1.1, "last volume over its mean that a trend needs, where volume is known", low=0.2, high=10.0
    )
    choppy_atr_ratio: float = setting(0.004, "ATR over price from which a market may be choppy", low=0.0005, high=0.05)
    choppy_reversals_min: int = setting(10, "direction changes in the short window that choppy needs", low=3, high=40)
    confirmations: int = setting(3, "equal readings in a row before the opinion changes", low=1, high=20)
    dwell_s: int = setting(360, "seconds an opinion lasts at least", low=0, high=14400)
    choppy_at_once_ratio: float = setting(
        2.0, "ATR as a multiple of the choppy limit that skips dwell and confirmations", low=1.0, high=20.0
    )

    def __post_init__(self) -> None:
        """Refuse hysteresis that is upside down."""
        self.check_bounds()
        if self.range_adx_max >= self.trend_adx_min:
            raise self.impossible(
                f"range_adx_max {self.range_adx_max} is not below trend_adx_min {self.trend_adx_min}",
                "leave a gap: a trend starts at the higher ADX and ends at the lower one",
            )


@dataclass(frozen=True, slots=True)
class RegimeInputs:
    """What the regime is judged from; None means unknown, and unknown never proves a trend or calm."""

    atr_ratio: float
    adx: float
    plus_di: float
    minus_di: float
    deviation_ratio: float
    reversals: int
    volume_ratio: float | None

    def evidence(self) -> Evidence:
        """Show the measures."""
        return Evidence.of(
            "closed candles",
            atr_ratio=self.atr_ratio,
            adx=self.adx,
            plus_di=self.plus_di,
            minus_di=self.minus_di,
            deviation_ratio=self.deviation_ratio,
            reversals=self.reversals,
            volume_ratio=self.volume_ratio,
        )


@dataclass(frozen=True, slots=True)
class RegimeState:
    """The opinion held, since when, and the one that is gathering confirmations."""

    regime: Regime = Regime.RANGING
    since_at: Instant | None = None
    candidate: Regime = Regime.RANGING
    confirmations: int = 0

    def to_plain(self) -> dict[str, str | int | None]:
        """Give the state as plain builtins, so that a restart keeps its opinion."""
        return {
            "regime": self.regime.value,
            "since_at": self.since_at,
            "candidate": self.candidate.value,
            "confirmations": self.confirmations,
        }


def state_from_plain(plain: dict[str, str | int | None]) -> RegimeState:
    """Read a stored opinion."""
    since = plain["since_at"]
    return RegimeState(
        Regime(str(plain["regime"])),
        None if since is None else Instant(int(since)),
        Regime(str(plain["candidate"])),
        int(plain["confirmations"] or 0),
    )


def reading(inputs: RegimeInputs, held: Regime, limits: RegimeParameters) -> Regime:
    """Say what one set of measures looks like; what is held decides which side of the hysteresis applies."""
    if inputs.atr_ratio >= limits.choppy_atr_ratio and inputs.reversals >= limits.choppy_reversals_min:
        return Regime.CHOPPY
    adx_limit = limits.range_adx_max if held is Regime.TRENDING else limits.trend_adx_min
    directed = abs(inputs.plus_di - inputs.minus_di) >= limits.trend_di_gap_min
    away = held is Regime.TRENDING or inputs.deviation_ratio >= limits.trend_deviation_ratio
    loud = held is Regime.TRENDING or inputs.volume_ratio is None or inputs.volume_ratio >= limits.trend_volume_ratio
    if inputs.adx >= adx_limit and directed and away and loud:
        return Regime.TRENDING
    return Regime.RANGING


def advance(state: RegimeState, inputs: RegimeInputs, at: Instant, limits: RegimeParameters) -> RegimeState:
    """Give the opinion after one more closed candle."""
    seen = reading(inputs, state.regime, limits)
    since = at if state.since_at is None else state.since_at
    if seen is state.regime:
        return RegimeState(state.regime, since, seen, 0)
    count = state.confirmations + 1 if seen is state.candidate else 1
    if seen is Regime.CHOPPY and inputs.atr_ratio >= limits.choppy_atr_ratio * limits.choppy_at_once_ratio:
        return RegimeState(seen, at, seen, 0)
    dwelt = at - since >= limits.dwell_s * MICROS_PER_SECOND
    if count >= limits.confirmations and dwelt:
        return RegimeState(seen, at, seen, 0)
    return replace(state, since_at=since, candidate=seen, confirmations=count)
