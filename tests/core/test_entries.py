"""Entries: regime with hysteresis, scale-free signals, gates that explain every skip, sizes and leverage under caps."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.costs import CostParameters, Fees, edge
from scalpctl.core.gates.market import (
    MarketParameters,
    Sight,
    correlation,
    judge_correlation,
    judge_costs,
    judge_freshness,
    judge_funding,
    judge_margin,
    judge_price,
    judge_stop,
)
from scalpctl.core.gates.state import (
    LastClose,
    ReentryParameters,
    Standing,
    forbidden_by,
    judge_rest,
    judge_saturation,
    judge_standing,
    still_counting,
)
from scalpctl.core.gates.verdicts import Entrance, GateVerdict, Skip
from scalpctl.core.instants import Instant
from scalpctl.core.limits import Latch, LatchState, Limit
from scalpctl.core.market import Maintenance
from scalpctl.core.regime import Regime, RegimeInputs, RegimeParameters, RegimeState, advance, reading, state_from_plain
from scalpctl.core.sides import Side
from scalpctl.core.signals.choice import ChoiceParameters
from scalpctl.core.signals.choice import choose as choose_signal
from scalpctl.core.signals.rules import Signal, SignalKind, SignalParameters, speak
from scalpctl.errors import ConfigurationError

D = Decimal
SECOND = 1_000_000
ALL_KINDS = tuple(SignalKind)


def some_inputs(**changes: Any) -> RegimeInputs:
    fields: dict[str, Any] = {
        "atr_ratio": 0.001, "adx": 30.0, "plus_di": 30.0, "minus_di": 10.0, "deviation_ratio": 0.01, "reversals": 4,
        "volume_ratio": 1.5,
    }  # fmt: skip
    return RegimeInputs(**(fields | changes))


def test_a_regime_changes_after_confirmations_and_dwell(start: Instant) -> None:
    limits = RegimeParameters()
    state = RegimeState()
    seen = []
    for minute in range(10):
        state = advance(state, some_inputs(), Instant(start + minute * 60 * SECOND), limits)
        seen.append(state.regime)
    assert seen[:6] == [Regime.RANGING] * 6
    assert seen[6:] == [Regime.TRENDING] * 4


def test_a_trend_ends_at_a_lower_adx_than_it_starts() -> None:
    limits = RegimeParameters()
    between = some_inputs(adx=20.0)
    assert reading(between, Regime.RANGING, limits) is Regime.RANGING
    assert reading(between, Regime.TRENDING, limits) is Regime.TRENDING
    with pytest.raises(ConfigurationError):
        RegimeParameters(trend_adx_min=16.0, range_adx_max=20.0)


def test_d62_unknown_volume_neither_proves_nor_forbids_a_trend() -> None:
    limits = RegimeParameters()
    assert reading(some_inputs(volume_ratio=None), Regime.RANGING, limits) is Regime.TRENDING
    assert reading(some_inputs(volume_ratio=0.5), Regime.RANGING, limits) is Regime.RANGING


def test_an_ordinary_volatility_is_not_choppy_and_a_wild_one_is_at_once(start: Instant) -> None:
    limits = RegimeParameters()
    ordinary = some_inputs(atr_ratio=0.002, reversals=15, adx=10.0)
    assert reading(ordinary, Regime.RANGING, limits) is Regime.RANGING
    wild = some_inputs(atr_ratio=0.009, reversals=15)
    assert advance(RegimeState(), wild, start, limits).regime is Regime.CHOPPY


def test_a_flickering_reading_confirms_nothing(start: Instant) -> None:
    limits = RegimeParameters(dwell_s=0)
    state = RegimeState()
    for minute in range(20):
        flicker = some_inputs() if minute % 2 else some_inputs(adx=5.0)
        state = advance(state, flicker, Instant(start + minute * 60 * SECOND), limits)
    assert state.regime is Regime.RANGING
    assert state_from_plain(state.to_plain()) == state
    assert state_from_plain(RegimeState().to_plain()) == RegimeState()
    assert some_inputs().evidence().get("adx") == 30.0


def scaled(reading_: Any, factor: float) -> dict[str, float]:
    names = ("open", "high", "low", "close", "macd_line", "macd_signal", "atr", "ema_fast", "ema_slow",
             "bollinger_upper", "bollinger_middle", "bollinger_lower")  # fmt: skip
    return {name: getattr(reading_, name) * factor for name in names}


def test_d65_strength_does_not_depend_on_the_scale_of_the_price(reading: Any) -> None:
    loud: Any = {"rsi": 20.0, "open": 59900.0, "close": 60000.0, "high": 60005.0, "low": 59899.0, "ema_fast": 60020.0}
    dear = reading(**loud)
    cheap = reading(**(loud | scaled(dear, 1e-6)))
    spoken = [speak("X", one, ALL_KINDS, SignalParameters()) for one in (dear, cheap)]
    assert len(spoken[0]) >= 3
    for one, other in zip(*spoken, strict=True):
        assert (one.kind, one.side) == (other.kind, other.side)
        assert one.strength == pytest.approx(other.strength)


@settings(max_examples=80, deadline=None)
@given(
    rsi=st.floats(0, 100), macd=st.floats(-1e4, 1e4), atr=st.floats(0, 1e4), ema=st.floats(-1e4, 1e4),
    close=st.floats(1, 1e6), volume=st.none() | st.floats(0, 100),
)  # fmt: skip
def test_a_strength_is_always_a_share_of_one(reading: Any, rsi: float, macd: float, atr: float, ema: float,
                                             close: float, volume: float | None) -> None:  # fmt: skip
    seen = reading(rsi=rsi, macd_line=macd, atr=atr, ema_fast=60000.0 + ema, close=close, volume_ratio=volume)
    for signal in speak("X", seen, ALL_KINDS, SignalParameters()):
        assert 0.0 <= signal.strength <= 1.0


def test_d64_an_rsi_of_49_is_not_oversold(reading: Any) -> None:
    assert speak("X", reading(rsi=49.0), (SignalKind.RSI,), SignalParameters()) == ()
    with pytest.raises(ConfigurationError):
        SignalParameters(rsi_oversold=50.0)


def test_signals_speak_on_both_sides(reading: Any) -> None:
    bearish = reading(
        rsi=80.0, macd_line=-30.0, macd_signal=0.0, close=60080.0, ema_fast=59900.0, open=60200.0, low=60079.0,
    )  # fmt: skip
    sides = {signal.kind: signal.side for signal in speak("X", bearish, ALL_KINDS, SignalParameters())}
    assert sides[SignalKind.RSI] is Side.SHORT
    assert sides[SignalKind.MACD] is Side.SHORT
    assert sides[SignalKind.BOLLINGER] is Side.SHORT
    assert sides[SignalKind.EMA_CROSS] is Side.SHORT
    assert sides[SignalKind.IMPULSE] is Side.SHORT
    low = reading(close=59900.0, bollinger_upper=60060.0)
    assert speak("X", low, (SignalKind.BOLLINGER,), SignalParameters())[0].side is Side.LONG
    flat = reading(bollinger_upper=60000.0, atr=0.0)
    assert speak("X", flat, ALL_KINDS, SignalParameters()) == ()
    wicked = reading(open=59900.0, close=60000.0, high=60090.0)
    assert speak("X", wicked, (SignalKind.IMPULSE,), SignalParameters()) == ()
    quiet = reading(open=59900.0, close=60000.0, high=60001.0, volume_ratio=None)
    assert speak("X", quiet, (SignalKind.IMPULSE,), SignalParameters()) == ()


def a_signal(side: Side, strength: float, start: Instant) -> Signal:
    from scalpctl.core.evidence import Evidence

    return Signal(SignalKind.RSI, "X", side, strength, 60000.0, start, Evidence())


def test_d66_a_conflict_is_weighed_and_a_draw_is_a_skip_with_a_reason(start: Instant) -> None:
    limits = ChoiceParameters()
    both = (a_signal(Side.LONG, 0.8, start), a_signal(Side.SHORT, 0.5, start))
    chosen = choose_signal(both, Regime.RANGING, None, limits)
    assert chosen.signal is not None
    assert (chosen.signal.side, chosen.signal.strength) == (Side.LONG, pytest.approx(0.64))
    draw = (a_signal(Side.LONG, 0.5, start), a_signal(Side.SHORT, 0.48, start))
    assert choose_signal(draw, Regime.RANGING, None, limits).skipped is Skip.CONFLICT
    assert choose_signal((), Regime.RANGING, None, limits).skipped is Skip.NO_SIGNAL
    assert choose_signal((both[1],), Regime.TRENDING, Side.LONG, limits).skipped is Skip.TOO_WEAK


def a_standing(**changes: Any) -> Standing:
    fields: dict[str, Any] = {
        "latch": None, "traded": True, "announced": "", "warm": True, "position_open": False, "order_open": False,
        "close_running": False, "positions": 0, "positions_max": 5,
    }  # fmt: skip
    return Standing(**(fields | changes))


def skip_of(*verdicts: GateVerdict) -> Skip | None:
    return Entrance(verdicts).skip


def test_d67_d68_every_reason_not_to_enter_has_its_name(start: Instant) -> None:
    latch = Latch(Limit.DAILY_LOSS, "", start, "lost", LatchState.LATCHED)
    cases = {
        Skip.LATCHED: {"latch": latch},
        Skip.NOT_TRADED: {"traded": False},
        Skip.ANNOUNCED: {"announced": "maintenance"},
        Skip.WARMING_UP: {"warm": False},
        Skip.EXPOSURE_UNKNOWN: {"positions": None},
        Skip.POSITION_OPEN: {"position_open": True},
        Skip.ORDER_OPEN: {"order_open": True},
        Skip.CLOSE_RUNNING: {"close_running": True},
        Skip.POSITIONS_MAX: {"positions": 5},
    }
    for skip, change in cases.items():
        assert skip_of(*judge_standing(a_standing(**change))) is skip
    passed = Entrance(judge_standing(a_standing()))
    assert passed.skip is None
    assert passed.evidence().get("latched.passed") == "yes"


@given(st.integers(-7_200, 7_200), st.integers(0, 3_600), st.booleans())
def test_an_announced_maintenance_forbids_from_its_quiet_time_until_prices_have_settled(
    begins_in_s: int, lasts_s: int, ends_known: object
) -> None:  # fmt: skip
    at = Instant(1_767_225_600_000_000)
    begins = Instant(at + begins_in_s * SECOND)
    works = Maintenance("upgrade", begins, Instant(begins + lasts_s * SECOND) if ends_known else None)
    quiet = begins_in_s <= 900 and not (ends_known and begins_in_s + lasts_s < -300)
    assert bool(forbidden_by(None, [works], at, 900 * SECOND)) is quiet
    assert forbidden_by(Instant(at + 1), [], at, 0)


def test_a_maintenance_that_is_over_is_remembered_until_its_prices_have_settled(start: Instant) -> None:
    def at(seconds: int) -> Instant:
        return Instant(start + seconds * SECOND)

    works = Maintenance("upgrade", at(0), at(120))
    assert still_counting([works], [], at(130)) == (works,)
    assert still_counting([works], [works], at(130)) == (works,)
    assert still_counting([works], [], at(421)) == ()
    assert still_counting([works], [], at(-10)) == (), "called off before it began"


def test_d69_the_cool_down_counts_from_the_close_and_strength_does_not_shorten_it(start: Instant) -> None:
    limits = ReentryParameters()
    lost = LastClose(Side.LONG, D(-1), start)
    won = LastClose(Side.LONG, D(1), start)

    def after(seconds: int) -> Instant:
        return Instant(start + seconds * SECOND)

    assert skip_of(*judge_rest(Side.LONG, lost, after(10), limits)) is Skip.COOL_DOWN
    assert skip_of(*judge_rest(Side.SHORT, lost, after(100), limits)) is Skip.REENTRY
    assert skip_of(*judge_rest(Side.SHORT, lost, after(180), limits)) is None
    assert skip_of(*judge_rest(Side.LONG, won, after(30), limits)) is Skip.REENTRY
    assert skip_of(*judge_rest(Side.SHORT, won, after(30), limits)) is None
    assert skip_of(*judge_rest(Side.SHORT, None, start, limits)) is None


def test_signals_that_pile_up_on_one_side_pause_it(start: Instant) -> None:
    limits = ReentryParameters()
    heard = [(start, Side.LONG)] * 6
    assert skip_of(judge_saturation(Side.LONG, heard, start, limits)) is Skip.SATURATED
    assert skip_of(judge_saturation(Side.SHORT, heard, start, limits)) is None
    assert skip_of(judge_saturation(Side.LONG, heard[:5], start, limits)) is None


def a_sight(start: Instant, **changes: Any) -> Sight:
    fields: dict[str, Any] = {
        "at": start, "signal_at": start, "signal_price": D(60000), "bid": D("59999.9"), "ask": D(60000),
        "book_at": start, "mark": D(60000), "last_close": 60000.0, "atr": 30.0, "funding_at": None,
    }  # fmt: skip
    return Sight(**(fields | changes))


def test_d58_an_old_signal_is_not_executed(start: Instant) -> None:
    old = a_sight(start, signal_at=Instant(start - 51 * SECOND))
    assert skip_of(*judge_freshness(old, MarketParameters())) is Skip.STALE_SIGNAL


def test_d59_d60_freshness_is_judged_by_the_exchanges_time_and_unknown_does_not_pass(start: Instant) -> None:
    limits = MarketParameters()
    assert skip_of(*judge_freshness(a_sight(start), limits)) is None
    assert skip_of(*judge_freshness(a_sight(start, book_at=None), limits)) is Skip.STALE_PRICE
    assert skip_of(*judge_freshness(a_sight(start, book_at=Instant(start - 2 * SECOND)), limits)) is Skip.STALE_PRICE
    assert skip_of(*judge_freshness(a_sight(start, bid=D(60001)), limits)) is Skip.NO_BOOK


def test_d71_prices_that_disagree_forbid_the_entry(start: Instant) -> None:
    apart = a_sight(start, mark=D("59000"))
    assert skip_of(*judge_freshness(apart, MarketParameters())) is Skip.PRICE_DISAGREES
    assert skip_of(*judge_freshness(a_sight(start, mark=None), MarketParameters())) is Skip.PRICE_DISAGREES


def test_spread_slippage_and_gap_are_measured_in_their_own_units(start: Instant) -> None:
    limits = MarketParameters()
    assert skip_of(*judge_price(Side.LONG, a_sight(start), limits)) is None
    assert skip_of(*judge_price(Side.LONG, a_sight(start, ask=D(60050)), limits)) is Skip.SPREAD
    moved = a_sight(start, bid=D(60060), ask=D("60060.1"))
    assert skip_of(*judge_price(Side.LONG, moved, limits)) is Skip.SLIPPAGE
    assert skip_of(*judge_price(Side.SHORT, moved, limits)) is None
    jumped = a_sight(start, last_close=59900.0)
    assert skip_of(*judge_price(Side.SHORT, jumped, limits)) is Skip.GAP
    assert skip_of(*judge_price(Side.SHORT, a_sight(start, atr=0.0), limits)) is Skip.GAP
    assert skip_of(*judge_price(Side.SHORT, a_sight(start, bid=None), limits)) is Skip.SPREAD


def test_nobody_enters_to_pay_funding_a_minute_later(start: Instant) -> None:
    limits = MarketParameters()
    soon = a_sight(start, funding_at=Instant(start + 30 * SECOND))
    assert skip_of(judge_funding(Side.LONG, soon, D("0.0001"), limits)) is Skip.FUNDING
    assert skip_of(judge_funding(Side.SHORT, soon, D("0.0001"), limits)) is None
    later = a_sight(start, funding_at=Instant(start + 90 * SECOND))
    assert skip_of(judge_funding(Side.LONG, later, D("0.0001"), limits)) is None
    assert skip_of(judge_funding(Side.LONG, a_sight(start), None, limits)) is Skip.FUNDING


def test_a_signal_must_be_worth_its_costs() -> None:
    fees = Fees(D("0.0002"), D("0.0005"))
    assert fees.round_trip(maker_in=True, maker_out=False) == D("0.0007")
    poor = edge(D("0.0008"), D("0.5"), fees, D(0), CostParameters(atr_multiple=D(1)))
    assert skip_of(judge_costs(poor)) is Skip.COSTS
    rich = edge(D("0.004"), D("0.5"), fees, D("-0.001"), CostParameters(atr_multiple=D(1)))
    assert skip_of(judge_costs(rich)) is None
    assert rich.net_ratio == D("0.002") - D("0.0007") - D("0.0002")
    assert rich.evidence().get("cost_ratio") == D("0.0009")
    with pytest.raises(ConfigurationError):
        Fees(D("0.02"), D("0.05"))


def test_a10_an_entry_whose_stop_lies_in_noise_is_refused_at_the_gate() -> None:
    limits = MarketParameters()
    assert skip_of(judge_stop(D("0.0004"), D("0.0007"), D("0.001"), limits)) is Skip.STOP_IN_NOISE
    assert skip_of(judge_stop(D("0.006"), D("0.0007"), D("0.001"), limits)) is None


def test_f87_unknown_margin_is_never_safe() -> None:
    assert skip_of(judge_margin(None)) is Skip.MARGIN


def test_the_same_bet_twice_is_refused_and_too_little_history_too() -> None:
    limits = MarketParameters()
    wave = [0.1, -0.2, 0.3, -0.1, 0.2, -0.3, 0.1, 0.2, -0.2, 0.1, 0.05, -0.07]
    opposite = [-value for value in wave]
    assert skip_of(judge_correlation(wave, [("ETH", wave)], limits)) is Skip.CORRELATED
    assert skip_of(judge_correlation(wave, [("ETH", opposite)], limits)) is None
    assert skip_of(judge_correlation(wave, [], limits)) is None
    assert skip_of(judge_correlation(wave[:3], [("ETH", wave)], limits)) is Skip.CORRELATED
    assert correlation([0.0] * 12, wave) is None
