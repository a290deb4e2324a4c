"""Sizes and leverage stay under every cap, show their working, and are refused rather than rounded up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.leverage import Category, LeverageParameters, choose
from scalpctl.core.money import Contracts, Quote
from scalpctl.core.regime import Regime
from scalpctl.core.sizing import Profile, SizeRefusal, SizingInputs, SizingParameters, size
from scalpctl.errors import ConfigurationError, InvariantBroken

D = Decimal


def sizing(**changes: Any) -> SizingInputs:
    fields: dict[str, Any] = {
        "equity": Quote("1000"), "margin_used": Quote("0"), "margin_free": Quote("1000"), "price": D(60000),
        "leverage": D(10), "strength": D("0.5"), "atr_ratio": D("0.002"), "stop_ratio": D("0.007"),
    }  # fmt: skip
    return SizingInputs(**(fields | changes))


@settings(max_examples=80, deadline=None)
@given(
    strength=st.integers(0, 100), equity=st.integers(1, 10**6), atr=st.integers(0, 1000), leverage=st.integers(1, 50),
    used=st.integers(0, 10**5), stop=st.integers(10, 1000),
)  # fmt: skip
def test_a21_no_multiplier_lifts_a_size_above_a_cap(instrument: Any, strength: int, equity: int, atr: int,
                                                     leverage: int, used: int, stop: int) -> None:  # fmt: skip
    limits = SizingParameters(regime_multiple=D(2))
    inputs = sizing(
        strength=D(strength) / 100, equity=Quote(equity), atr_ratio=D(atr) / 10000, leverage=D(leverage),
        margin_used=Quote(used), stop_ratio=D(stop) / 10000,
    )  # fmt: skip
    sized = size(instrument(), inputs, limits)
    assert sized.notional.value <= limits.max_usd_size
    assert sized.notional.value * inputs.stop_ratio <= D(equity) * limits.risk_ratio + D("1E-9")
    assert sized.margin <= D(equity) * limits.position_ratio + D("1E-9")
    assert (sized.refusal is None) == bool(sized.contracts)


def test_a_size_shows_its_working_and_what_limited_it(instrument: Any) -> None:
    sized = size(instrument(), sizing(), SizingParameters())
    assert sized.contracts == Contracts("0.23")
    assert sized.limited_by == "signal"
    assert sized.evidence.get("base") == D(150)
    tight = size(instrument(), sizing(margin_free=Quote("5")), SizingParameters())
    assert tight.limited_by == tight.evidence.get("limited_by") == "margin_free"
    small = size(instrument(limit_contracts_max=D("0.05")), sizing(), SizingParameters())
    assert (small.contracts, small.limited_by) == (Contracts("0.05"), "one_order")


def test_a_size_below_the_minimum_is_refused_not_rounded_up(instrument: Any) -> None:
    big_lots = instrument(min_contracts=D("1"), lot_size=D("1"))
    assert size(big_lots, sizing(), SizingParameters()).refusal is SizeRefusal.BELOW_MINIMUM
    assert size(instrument(), sizing(equity=Quote("0")), SizingParameters()).refusal is SizeRefusal.NO_EQUITY
    used = size(instrument(), sizing(margin_used=Quote("900")), SizingParameters())
    assert used.refusal is SizeRefusal.MARGIN_USED_UP


def test_a_profile_is_left_downwards_only_with_conviction(instrument: Any) -> None:
    limits = SizingParameters()
    held = size(instrument(), sizing(equity=Quote("1600"), margin_free=Quote("1600")), limits).profile
    assert held == 2
    wobble = size(instrument(), sizing(equity=Quote("1450"), profile_held=held), limits)
    assert wobble.profile == 2
    assert wobble.evidence.get("base") == D(150)
    assert size(instrument(), sizing(equity=Quote("1425"), profile_held=held), limits).profile == 1
    assert size(instrument(), sizing(equity=Quote("100"), profile_held=held), limits).profile == 0
    assert size(instrument(), sizing(equity=Quote("1501"), profile_held=1), limits).profile == 2


def test_e78_impossible_sizing_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        SizingParameters(profiles=(Profile(size_usd_min=D(60), size_usd_max=D(48)),))
    with pytest.raises(ConfigurationError):
        SizingParameters(profiles=(Profile(D(900)), Profile(D(500))))
    with pytest.raises(ConfigurationError):
        SizingParameters(risk_ratio=D(1))
    with pytest.raises(InvariantBroken):
        sizing(leverage=D(0))


def test_leverage_shows_what_was_requested_and_what_capped_it() -> None:
    choice = choose(D("0.8"), Regime.TRENDING, D("0.0234"), exchange_max=D(75), limits=LeverageParameters(cap=8))
    assert (choice.adjusted, choice.category) == (D("0.96"), Category.VERY_STRONG)
    assert (choice.requested, choice.capped, choice.capped_by) == (D(15), D(8), "cap")
    assert choice.evidence.get("capped_by") == "cap"


@pytest.mark.parametrize(("strength", "leverage"), [("0.1", 3), ("0.3", 5), ("0.5", 8), ("0.7", 10), ("0.9", 15)])
def test_leverage_follows_the_category(strength: str, leverage: int) -> None:
    choice = choose(D(strength), Regime.RANGING, D("0.02"), exchange_max=D(100), limits=LeverageParameters())
    assert choice.capped == leverage


def test_low_volatility_does_not_raise_leverage_above_the_cap() -> None:
    bold = LeverageParameters(calm_multiple=D(2), cap=10)
    assert choose(D(1), Regime.TRENDING, D("0.001"), exchange_max=D(100), limits=bold).capped == D(10)
    wild = choose(D(1), Regime.CHOPPY, D("0.06"), exchange_max=D(100), limits=LeverageParameters())
    assert wild.adjusted == D("0.56")
    with pytest.raises(ConfigurationError):
        LeverageParameters(weak=2)
    with pytest.raises(ConfigurationError):
        LeverageParameters(calm_atr_ratio=D("0.09"))
