"""Candles close on the exchange's clock; the study is warm only when everything is, and survives a restart."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.indicators.candles import Folded, Folder
from scalpctl.core.indicators.statistics import Window
from scalpctl.core.indicators.study import Study, StudyParameters
from scalpctl.core.market import Candle
from scalpctl.errors import InvariantBroken

MINUTE = 60_000_000
BASE = 1_795_162_500_000_000 - 1_795_162_500_000_000 % MINUTE


def test_a_candle_closes_when_the_exchange_minute_ends() -> None:
    folder = Folder("BTC-USDT-SWAP")
    for price, offset in ((100.0, 0), (103.0, 10), (99.0, 20), (101.0, MINUTE - 1)):
        assert folder.add(price, BASE + offset, 2.0) is Folded.INSIDE
    assert folder.add(102.0, BASE + MINUTE) is Folded.CLOSED
    closed = folder.closed
    assert closed is not None
    assert (closed.open, closed.high, closed.low, closed.close) == (100.0, 103.0, 99.0, 101.0)
    assert (closed.contracts, closed.opened_at, closed.confirmed) == (8.0, BASE, True)


def test_d61_an_older_tick_changes_nothing() -> None:
    folder = Folder("BTC-USDT-SWAP")
    folder.add(100.0, BASE + 10)
    assert folder.add(500.0, BASE + 5) is Folded.OUT_OF_ORDER
    assert folder.high == 100.0


@pytest.mark.parametrize("bad", [0.0, -5.0, math.nan, math.inf], ids=str)
def test_c50_a_price_of_zero_is_no_price(bad: float) -> None:
    folder = Folder("BTC-USDT-SWAP")
    folder.add(100.0, BASE)
    assert folder.add(bad, BASE + 1) is Folded.NOT_A_PRICE
    assert folder.low == 100.0


def test_a_gap_of_more_than_a_bar_is_told() -> None:
    folder = Folder("BTC-USDT-SWAP")
    folder.add(100.0, BASE)
    assert folder.add(100.0, BASE + 3 * MINUTE) is Folded.CLOSED_AFTER_GAP


def test_a_folder_continues_from_its_stored_state() -> None:
    folder = Folder("BTC-USDT-SWAP")
    folder.add(100.0, BASE)
    again = Folder.from_state(folder.to_state())
    assert again.add(104.0, BASE + 5) is Folded.INSIDE
    assert again.forming().high == 104.0
    assert not again.forming().confirmed


def test_only_bars_it_knows_are_folded() -> None:
    with pytest.raises(InvariantBroken):
        Folder("BTC-USDT-SWAP", "7m")
    with pytest.raises(InvariantBroken):
        Folder("BTC-USDT-SWAP").forming()


def candles(count: int, *, volume: float = 5.0) -> list[Candle]:
    chance, price, made = random.Random(4), 60000.0, []
    for index in range(count):
        start = price
        price *= math.exp(chance.gauss(0, 0.001))
        high, low = max(start, price) * 1.0002, min(start, price) * 0.9998
        made.append(
            Candle("BTC-USDT-SWAP", "1m", BASE + index * MINUTE, start, high, low, price, volume + index % 3, True)
        )
    return made


def test_d70_there_is_no_reading_before_everything_is_warm() -> None:
    study = Study("BTC-USDT-SWAP", StudyParameters())
    readings = [study.on_candle(candle, candle.opened_at + MINUTE) for candle in candles(60)]
    assert readings[48] is None
    assert readings[49] is not None
    assert readings[59].revision == 60


_PERIODS = {"fast": st.integers(2, 60), "more": st.integers(1, 60)}


@given(
    macd=st.fixed_dictionaries(_PERIODS), ema=st.fixed_dictionaries(_PERIODS), window=st.integers(10, 90),
    rest=st.lists(st.integers(2, 60), min_size=5, max_size=5),
)  # fmt: skip
@settings(deadline=None, max_examples=30)
def test_whatever_periods_are_accepted_are_warm_after_the_candles_they_say_they_need(
    macd: dict[str, int], ema: dict[str, int], window: int, rest: list[int]
) -> None:
    parameters = StudyParameters(
        rsi_bars=rest[0], atr_bars=rest[1], adx_bars=rest[2], bollinger_bars=rest[3], macd_signal_bars=rest[4],
        macd_fast_bars=macd["fast"], macd_slow_bars=macd["fast"] + macd["more"], ema_fast_bars=ema["fast"],
        ema_slow_bars=ema["fast"] + ema["more"], window_short_bars=min(20, window), window_long_bars=window,
    )  # fmt: skip
    study = Study("BTC-USDT-SWAP", parameters)
    for candle in candles(parameters.bars_needed):
        study.on_candle(candle, candle.opened_at + MINUTE)
    assert study.reading is not None


def test_a_study_continues_from_its_stored_state() -> None:
    whole = Study("BTC-USDT-SWAP", StudyParameters())
    for candle in candles(70):
        whole.on_candle(candle, candle.opened_at + MINUTE)
    half = Study("BTC-USDT-SWAP", StudyParameters())
    for candle in candles(70)[:55]:
        half.on_candle(candle, candle.opened_at + MINUTE)
    again = Study.from_state("BTC-USDT-SWAP", half.to_state())
    assert again.reading == half.reading
    for candle in candles(70)[55:]:
        again.on_candle(candle, candle.opened_at + MINUTE)
    assert again.reading == whole.reading


def test_d61_a_study_refuses_an_unclosed_or_foreign_candle() -> None:
    study = Study("BTC-USDT-SWAP", StudyParameters())
    good = candles(1)[0]
    fields = {name: getattr(good, name) for name in good.__struct_fields__}
    for wrong in ({"confirmed": False}, {"inst_id": "ETH-USDT-SWAP"}):
        with pytest.raises(InvariantBroken):
            study.on_candle(Candle(**(fields | wrong)), good.opened_at)


def test_d62_missing_volume_is_unknown_not_silence() -> None:
    window = Window(5, 10)
    for candle in candles(12, volume=-0.0):
        window.update(candle)
    assert window.volume_ratio is None
    loud: Any = Window(5, 10)
    for candle in candles(12, volume=5.0):
        loud.update(candle)
    assert 0.5 < loud.volume_ratio < 2.0
    assert loud.reversals >= 0
    assert loud.range_ratio > 0.0
    assert loud.deviation_ratio >= 0.0
