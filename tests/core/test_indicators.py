"""Indicators equal TA-Lib on long random and adversarial series, restart where they stopped, and refuse nonsense."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
import talib

from scalpctl.core.indicators.adx import Adx
from scalpctl.core.indicators.atr import Atr
from scalpctl.core.indicators.bollinger import Bollinger
from scalpctl.core.indicators.ema import Ema
from scalpctl.core.indicators.fused import Fused
from scalpctl.core.indicators.macd import Macd
from scalpctl.core.indicators.rsi import NEUTRAL, Rsi
from scalpctl.errors import InvariantBroken

RELATIVE = 1e-9
"""Tolerance: a billionth of the price (of 100 for indices). Both sides add the same numbers in another order."""


def a_series(kind: str, count: int = 3000) -> list[tuple[float, float, float]]:
    chance = random.Random(kind)
    price, rows = 60000.0 if kind != "tiny" else 0.00001234, []
    for index in range(count):
        if kind in {"random", "tiny"}:
            price *= math.exp(chance.gauss(0, 0.002))
        elif kind == "flat":
            price = 60000.0
        elif kind == "flat then moves":
            price = 60000.0 if index < 500 else price * math.exp(chance.gauss(0, 0.001))
        elif kind == "moves then flat":
            price = price * math.exp(chance.gauss(0, 0.001)) if index < 300 else price
        elif kind == "saw":
            price = 60000.0 + (index % 2) * 0.1
        elif kind == "only up":
            price += 0.1
        elif kind == "only down":
            price = max(price - 0.1, 1.0)
        elif kind == "crash":
            price = price * 0.5 if index in {700, 1400} else price * math.exp(chance.gauss(0, 0.0005))
        spread = 0.0 if kind in {"flat", "moves then flat"} else price * abs(chance.gauss(0, 0.0007))
        high, low = price + spread, price - spread * chance.random()
        rows.append((high, low, price))
    return rows


KINDS = ["random", "tiny", "flat", "flat then moves", "moves then flat", "saw", "only up", "only down", "crash"]


def same(ours: list[float | None], theirs: Any, scale: float, *, skip: Any = None) -> None:
    assert len(ours) == len(theirs)
    for index, (mine, yours) in enumerate(zip(ours, theirs, strict=True)):
        assert (mine is None) == math.isnan(yours), f"warm-up differs at {index}"
        if mine is not None and not (skip and skip(index)):
            assert abs(mine - yours) <= RELATIVE * scale, f"{mine} is not {yours} at {index}"


@pytest.fixture(params=KINDS, scope="module")
def rows(request: pytest.FixtureRequest) -> list[tuple[float, float, float]]:
    return a_series(request.param)


def columns(rows: list[tuple[float, float, float]]) -> tuple[Any, Any, Any]:
    return tuple(np.array(column) for column in zip(*rows, strict=True))


def test_ema_equals_talib(rows: Any) -> None:
    close = columns(rows)[2]
    for period in (2, 8, 21, 200):
        ema = Ema(period)
        same([ema.update(price) for price in close.tolist()], talib.EMA(close, period), float(close.max()))


def test_rsi_equals_talib_except_that_no_movement_is_neutral(rows: Any) -> None:
    close = columns(rows)[2]
    for period in (2, 14, 50):
        rsi = Rsi(period)
        ours = [rsi.update(price) for price in close.tolist()]
        theirs = talib.RSI(close, period)

        def unmoved(index: int, ours: Any = ours, theirs: Any = theirs) -> bool:
            no_movement = ours[index] == NEUTRAL and theirs[index] == 0.0
            return no_movement or (
                index >= 1000 and rows[index] == rows[index - 1000]
            )  # sums of denormals after a thousand still bars

        same(ours, theirs, 100.0, skip=unmoved)


def test_macd_equals_talib(rows: Any) -> None:
    close = columns(rows)[2]
    macd = Macd(12, 26, 9)
    lines, signals, histograms = [], [], []
    for price in close.tolist():
        histograms.append(macd.update(price))
        lines.append(macd.line)
        signals.append(macd.signal)
    line, signal, histogram = talib.MACD(close, 12, 26, 9)
    scale = float(close.max())
    same(lines, line, scale)
    same(signals, signal, scale)
    same(histograms, histogram, scale)


def test_atr_equals_talib(rows: Any) -> None:
    high, low, close = columns(rows)
    for period in (2, 14, 50):
        atr = Atr(period)
        ours = [atr.update(*row) for row in rows]
        same(ours, talib.ATR(high, low, close, period), float(close.max()))


def test_adx_and_directional_indicators_equal_talib(rows: Any) -> None:
    high, low, close = columns(rows)
    for period in (2, 9, 14):
        adx, ours, plus, minus = Adx(period), [], [], []
        for row in rows:
            ours.append(adx.update(*row))
            plus.append(adx.plus_di)
            minus.append(adx.minus_di)

        def still(index: int) -> bool:
            return index >= 1000 and rows[index] == rows[index - 1000]  # sums of denormals after a thousand still bars

        same(plus, talib.PLUS_DI(high, low, close, period), 1e4, skip=still)
        same(minus, talib.MINUS_DI(high, low, close, period), 1e4, skip=still)
        same(ours, talib.ADX(high, low, close, period), 1e4, skip=still)


def test_bollinger_bands_equal_talib(rows: Any) -> None:
    close = columns(rows)[2]
    bands, uppers, middles, lowers = Bollinger(20, 2.0), [], [], []
    for price in close.tolist():
        middles.append(bands.update(price))
        uppers.append(bands.upper)
        lowers.append(bands.lower)
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    scale = float(close.max())
    same(middles, middle, scale)
    same(uppers, upper, scale * 1e3)  # TA-Lib subtracts squares: it loses half its digits on quiet prices
    same(lowers, lower, scale * 1e3)


def test_the_fused_object_equals_the_three_indicators(rows: Any) -> None:
    rsi, macd, atr = Rsi(14), Macd(), Atr(14)
    fused = Fused(Rsi(14), Macd(), Atr(14))
    for row in rows:
        values = (rsi.update(row[2]), macd.update(row[2]), atr.update(*row))
        if not fused.update(*row):
            assert None in values
            continue
        expected = (rsi.value, macd.line, macd.signal, atr.value)
        for mine, theirs in zip((fused.rsi, fused.line, fused.signal, fused.atr), expected, strict=True):
            assert math.isclose(mine, theirs, rel_tol=1e-9, abs_tol=row[2] * 1e-10)


NAMES = ["ema", "rsi", "macd", "atr", "adx", "bollinger", "fused"]
MAKERS = [
    lambda: Ema(8),
    lambda: Rsi(14),
    Macd,
    lambda: Atr(14),
    lambda: Adx(9),
    lambda: Bollinger(20),
    lambda: Fused(Rsi(14), Macd(), Atr(14)),
]


@pytest.mark.parametrize("make", MAKERS, ids=NAMES)
@pytest.mark.parametrize("cut", [0, 1, 10, 34, 35, 300])
def test_an_indicator_continues_from_its_stored_state(make: Any, cut: int) -> None:
    rows = a_series("random", 400)
    whole, first = make(), make()
    takes_bars = isinstance(whole, Atr | Adx | Fused)
    for index, row in enumerate(rows):
        args = row if takes_bars else row[2:]
        whole.update(*args)
        if index == cut:
            first = type(first).from_state(first.to_state())
        first.update(*args)
    assert first.to_state() == whole.to_state()


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf, -math.inf], ids=str)
@pytest.mark.parametrize("make", MAKERS, ids=NAMES)
def test_d50_no_indicator_accepts_what_is_not_a_price(make: Any, bad: float) -> None:
    indicator = make()
    with pytest.raises(InvariantBroken):
        indicator.update(*([bad] * 3 if isinstance(indicator, Atr | Adx | Fused) else [bad]))


def test_a_stored_state_of_another_shape_is_refused() -> None:
    with pytest.raises(InvariantBroken):
        Ema.from_state({"period": 3, "value": None})


@pytest.mark.parametrize(
    "make",
    [lambda: Ema(0), lambda: Rsi(1), lambda: Macd(26, 12), lambda: Atr(1), lambda: Adx(1)],
    ids=["ema", "rsi", "macd", "atr", "adx"],
)
def test_a_period_that_cannot_be_is_refused(make: Any) -> None:
    with pytest.raises(InvariantBroken):
        make()


def test_d63_two_instruments_do_not_share_an_indicator() -> None:
    one, other = Adx(9), Adx(9)
    for row in a_series("random", 50):
        one.update(*row)
    assert other.count == 0
    assert one.value is not None
