"""Everything one instrument's closed candles say, behind one call; each instrument has its own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from scalpctl.core.indicators.adx import Adx
from scalpctl.core.indicators.atr import Atr
from scalpctl.core.indicators.bollinger import Bollinger
from scalpctl.core.indicators.ema import Ema
from scalpctl.core.indicators.fused import Fused
from scalpctl.core.indicators.macd import Macd
from scalpctl.core.indicators.rsi import Rsi
from scalpctl.core.indicators.statistics import Window
from scalpctl.core.instants import Instant
from scalpctl.core.market import Candle
from scalpctl.core.parameters import Parameters, setting
from scalpctl.core.regime import RegimeInputs
from scalpctl.errors import InvariantBroken


@dataclass(frozen=True, slots=True)
class StudyParameters(Parameters):
    """Periods of the indicators, in closed candles."""

    rsi_bars: int = setting(14, "period of the RSI", low=2, high=200)
    macd_fast_bars: int = setting(12, "fast period of the MACD", low=2, high=200)
    macd_slow_bars: int = setting(26, "slow period of the MACD", low=3, high=400)
    macd_signal_bars: int = setting(9, "signal period of the MACD", low=1, high=200)
    atr_bars: int = setting(14, "period of the ATR", low=2, high=200)
    adx_bars: int = setting(14, "period of the ADX", low=2, high=200)
    bollinger_bars: int = setting(20, "window of the Bollinger bands", low=2, high=400)
    bollinger_deviations: float = setting(2.0, "width of the bands in standard deviations", low=0.5, high=5.0)
    ema_fast_bars: int = setting(8, "fast period of the EMA cross", low=2, high=200)
    ema_slow_bars: int = setting(21, "slow period of the EMA cross", low=3, high=400)
    window_short_bars: int = setting(20, "short window of the statistics", low=5, high=200)
    window_long_bars: int = setting(50, "long window of the statistics", low=10, high=400)

    def __post_init__(self) -> None:
        """Refuse what is fast and not faster than what is slow: it would say the opposite of what is meant."""
        self.check_bounds()
        for name, less, more in (
            ("macd", self.macd_fast_bars, self.macd_slow_bars),
            ("ema", self.ema_fast_bars, self.ema_slow_bars),
        ):
            if less >= more:
                raise self.impossible(f"{name}_fast_bars {less} is not below {name}_slow_bars {more}", "set both")
        if self.window_short_bars > self.window_long_bars:
            said = f"window_short_bars {self.window_short_bars} is above window_long_bars {self.window_long_bars}"
            raise self.impossible(said, "set both")

    @property
    def bars_needed(self) -> int:
        """Give how many closed candles there must be before every indicator says something."""
        return max(
            self.rsi_bars + 1, self.macd_slow_bars + self.macd_signal_bars, self.atr_bars + 1, 2 * self.adx_bars + 1,
            self.bollinger_bars, self.ema_slow_bars, self.window_long_bars,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """What the closed candles say after the last of them; ``revision`` grows with each candle."""

    revision: int
    closed_at: Instant
    open: float
    high: float
    low: float
    close: float
    rsi: float
    macd_line: float
    macd_signal: float
    atr: float
    adx: float
    plus_di: float
    minus_di: float
    ema_fast: float
    ema_slow: float
    bollinger_upper: float
    bollinger_middle: float
    bollinger_lower: float
    range_ratio: float
    volume_ratio: float | None
    deviation_ratio: float
    reversals: int

    @property
    def atr_ratio(self) -> float:
        """Give the ATR as a share of the close."""
        return self.atr / self.close

    def regime_inputs(self) -> RegimeInputs:
        """Give what the regime is judged from."""
        return RegimeInputs(
            self.atr_ratio,
            self.adx,
            self.plus_di,
            self.minus_di,
            self.deviation_ratio,
            self.reversals,
            self.volume_ratio,
        )


class Study:
    """All indicators of one instrument, fed with closed candles only."""

    __slots__ = ("_adx", "_bollinger", "_fast", "_fused", "_slow", "_window", "inst_id", "reading", "revision")

    def __init__(self, inst_id: str, parameters: StudyParameters) -> None:
        """Start cold; ``reading`` stays None until every indicator is warm."""
        p = parameters
        self.inst_id = inst_id
        self._fused = Fused(
            Rsi(p.rsi_bars), Macd(p.macd_fast_bars, p.macd_slow_bars, p.macd_signal_bars), Atr(p.atr_bars)
        )
        self._adx = Adx(p.adx_bars)
        self._bollinger = Bollinger(p.bollinger_bars, p.bollinger_deviations)
        self._fast, self._slow = Ema(p.ema_fast_bars), Ema(p.ema_slow_bars)
        self._window = Window(p.window_short_bars, p.window_long_bars)
        self.revision = 0
        self.reading: Reading | None = None

    def on_candle(self, candle: Candle, closed_at: Instant) -> Reading | None:
        """Take the next closed candle and give the new reading, if everything is warm."""
        if not candle.confirmed or candle.inst_id != self.inst_id:
            message = f"the study of {self.inst_id} takes its own closed candles only"
            raise InvariantBroken(message)
        high, low, close = candle.high, candle.low, candle.close
        self.revision += 1
        warm = self._fused.update(high, low, close)
        self._adx.update(high, low, close)
        self._bollinger.update(close)
        self._fast.update(close)
        self._slow.update(close)
        self._window.update(candle)
        if warm and self._window.ready:
            self.reading = self._read(candle, closed_at)
        return self.reading

    def _read(self, candle: Candle, closed_at: Instant) -> Reading | None:
        adx, bands, fast, slow = self._adx, self._bollinger, self._fast.value, self._slow.value
        if adx.value is None or adx.plus_di is None or adx.minus_di is None or fast is None or slow is None:
            return None
        if bands.upper is None or bands.middle is None or bands.lower is None:
            return None
        return Reading(
            revision=self.revision,
            closed_at=closed_at,
            open=candle.open,
            high=candle.high,
            low=candle.low,
            close=candle.close,
            rsi=self._fused.rsi,
            macd_line=self._fused.line,
            macd_signal=self._fused.signal,
            atr=self._fused.atr,
            adx=adx.value,
            plus_di=adx.plus_di,
            minus_di=adx.minus_di,
            ema_fast=fast,
            ema_slow=slow,
            bollinger_upper=bands.upper,
            bollinger_middle=bands.middle,
            bollinger_lower=bands.lower,
            range_ratio=self._window.range_ratio,
            volume_ratio=self._window.volume_ratio,
            deviation_ratio=self._window.deviation_ratio,
            reversals=self._window.reversals,
        )

    def to_state(self) -> dict[str, Any]:
        """Give the whole state as plain builtins."""
        return {
            "revision": self.revision,
            "fused": self._fused.to_state(),
            "adx": self._adx.to_state(),
            "bollinger": self._bollinger.to_state(),
            "ema_fast": self._fast.to_state(),
            "ema_slow": self._slow.to_state(),
            "window": self._window.to_state(),
            "reading": None if self.reading is None else asdict(self.reading),
        }

    @classmethod
    def from_state(cls, inst_id: str, state: dict[str, Any]) -> Self:
        """Continue from a stored state, reading included."""
        made = cls(inst_id, StudyParameters())
        made.revision = state["revision"]
        made._fused = Fused.from_state(state["fused"])
        made._adx = Adx.from_state(state["adx"])
        made._bollinger = Bollinger.from_state(state["bollinger"])
        made._fast, made._slow = Ema.from_state(state["ema_fast"]), Ema.from_state(state["ema_slow"])
        made._window = Window.from_state(state["window"])
        made.reading = None if state["reading"] is None else Reading(**state["reading"])
        return made
