"""Entry signals from closed candles, each with a strength in [0, 1] on a scale that is the same for every coin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from scalpctl.core.evidence import Evidence
from scalpctl.core.indicators.study import Reading
from scalpctl.core.instants import Instant
from scalpctl.core.parameters import Parameters, setting
from scalpctl.core.sides import Side


class SignalKind(StrEnum):
    """What spoke."""

    RSI = "rsi"
    MACD = "macd"
    BOLLINGER = "bollinger"
    EMA_CROSS = "ema_cross"
    IMPULSE = "impulse"


@dataclass(frozen=True, slots=True)
class Signal:
    """One reason to open: side, strength, the close it was seen at, and its numbers."""

    kind: SignalKind
    inst_id: str
    side: Side
    strength: float
    price: float
    seen_at: Instant
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class SignalParameters(Parameters):
    """When indicators speak."""

    rsi_oversold: float = setting(30.0, "RSI below which buying is suggested", low=5.0, high=45.0)
    rsi_overbought: float = setting(70.0, "RSI above which selling is suggested", low=55.0, high=95.0)
    macd_full_atr: float = setting(0.3, "MACD histogram in ATRs that counts as full strength", low=0.02, high=5.0)
    macd_min_atr: float = setting(0.03, "MACD histogram in ATRs below which it is silent", low=0.0, high=2.0)
    ema_full_atr: float = setting(1.0, "distance of the EMAs in ATRs that counts as full strength", low=0.05, high=10.0)
    ema_min_atr: float = setting(0.1, "distance of the EMAs in ATRs below which they are silent", low=0.0, high=5.0)
    impulse_body_atr: float = setting(1.6, "candle body in ATRs that is an impulse", low=0.5, high=10.0)
    impulse_volume_ratio: float = setting(1.5, "volume over its mean that an impulse needs", low=0.5, high=20.0)
    impulse_wick_ratio: float = setting(0.4, "share of the body its wick may reach", low=0.05, high=2.0)


def clip(value: float) -> float:
    """Bring a strength into [0, 1]."""
    return 0.0 if value <= 0.0 else min(value, 1.0)


def from_rsi(reading: Reading, limits: SignalParameters) -> tuple[Side, float] | None:
    """Speak outside the band: how far outside, as a share of what is possible."""
    if reading.rsi < limits.rsi_oversold:
        return Side.LONG, clip((limits.rsi_oversold - reading.rsi) / limits.rsi_oversold)
    if reading.rsi > limits.rsi_overbought:
        return Side.SHORT, clip((reading.rsi - limits.rsi_overbought) / (100.0 - limits.rsi_overbought))
    return None


def from_macd(reading: Reading, limits: SignalParameters) -> tuple[Side, float] | None:
    """Speak when the histogram, measured in ATRs, is large enough."""
    if reading.atr <= 0.0:
        return None
    histogram = (reading.macd_line - reading.macd_signal) / reading.atr
    if abs(histogram) < limits.macd_min_atr or histogram == 0.0:
        return None
    return (Side.LONG if histogram > 0 else Side.SHORT), clip(abs(histogram) / limits.macd_full_atr)


def from_bollinger(reading: Reading, limits: SignalParameters) -> tuple[Side, float] | None:  # noqa: ARG001  one shape
    """Speak beyond a band: half strength at the band, full one half-width further."""
    half = reading.bollinger_upper - reading.bollinger_middle
    if half <= 0.0:
        return None
    place = (reading.close - reading.bollinger_middle) / half
    if place <= -1.0:
        return Side.LONG, clip(-place / 2)
    return (Side.SHORT, clip(place / 2)) if place >= 1.0 else None


def from_ema_cross(reading: Reading, limits: SignalParameters) -> tuple[Side, float] | None:
    """Speak when the averages, measured in ATRs, are far enough apart."""
    if reading.atr <= 0.0:
        return None
    apart = (reading.ema_fast - reading.ema_slow) / reading.atr
    if abs(apart) < limits.ema_min_atr or apart == 0.0:
        return None
    return (Side.LONG if apart > 0 else Side.SHORT), clip(abs(apart) / limits.ema_full_atr)


def from_impulse(reading: Reading, limits: SignalParameters) -> tuple[Side, float] | None:
    """Speak on a large body with volume and a short wick; without known volume it is silent."""
    body = reading.close - reading.open
    if reading.atr <= 0.0 or abs(body) < limits.impulse_body_atr * reading.atr:
        return None
    if reading.volume_ratio is None or reading.volume_ratio < limits.impulse_volume_ratio:
        return None
    wick = reading.high - reading.close if body > 0 else reading.close - reading.low
    if wick > limits.impulse_wick_ratio * abs(body):
        return None
    return (Side.LONG if body > 0 else Side.SHORT), clip(abs(body) / (2 * limits.impulse_body_atr * reading.atr))


RULES: dict[SignalKind, Callable[[Reading, SignalParameters], tuple[Side, float] | None]] = {
    SignalKind.RSI: from_rsi,
    SignalKind.MACD: from_macd,
    SignalKind.BOLLINGER: from_bollinger,
    SignalKind.EMA_CROSS: from_ema_cross,
    SignalKind.IMPULSE: from_impulse,
}


def speak(
    inst_id: str, reading: Reading, kinds: tuple[SignalKind, ...], limits: SignalParameters
) -> tuple[Signal, ...]:
    """Give every signal of the configured kinds; a kind that is not configured does not exist."""
    found = []
    for kind in kinds:
        said = RULES[kind](reading, limits)
        if said is None:
            continue
        shown = Evidence.of(
            "closed candle", close=reading.close, rsi=reading.rsi, macd_line=reading.macd_line,
            macd_signal=reading.macd_signal, atr=reading.atr, strength=said[1],
        )  # fmt: skip
        found.append(Signal(kind, inst_id, said[0], said[1], reading.close, reading.closed_at, shown))
    return tuple(found)
