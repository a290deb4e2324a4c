"""The strategy's parameters are set in the configuration: checked where they stand, resolved with their source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scalpctl.core.parameters import Move, Parameters, Scope, of_price
from scalpctl.core.regime import Regime
from scalpctl.errors import ConfigurationError
from scalpctl.settings.loading import Loaded, load
from scalpctl.settings.problems import ConfigurationProblems
from scalpctl.settings.strategy import GROUPS, SET_IN_LIMITS

D = Decimal


def loaded(tmp_path: Path, text: str) -> Loaded:
    path = tmp_path / "scalpctl.yaml"
    path.write_text(text)
    return load(path, {})


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigurationProblems) as caught:
        loaded(tmp_path, text)
    return "\n".join(str(problem) for problem in caught.value.problems)


def test_the_most_special_value_wins_and_its_source_is_known(tmp_path: Path) -> None:
    strategy = loaded(
        tmp_path,
        """
strategy:
  parameters: {take_profit: {profit_move: 0.006 of_price}, trailing_stop: {trail_ratio: 0.003}}
  by_regime: {trending: {take_profit: {profit_move: 0.009 of_price}}}
  by_instrument:
    SOL-USDT-SWAP:
      take_profit: {profit_move: 0.012 of_price}
      by_regime: {choppy: {take_profit: {profit_move: 0.004 of_price}}}
""",
    ).settings.strategy

    def found(inst_id: str, regime: Regime) -> tuple[Any, Scope]:
        resolved = strategy.resolved("take_profit", inst_id, regime)
        return resolved.values.profit_move, resolved.source("profit_move")

    assert found("BTC-USDT-SWAP", Regime.RANGING) == (of_price("0.006"), Scope.GLOBAL)
    assert found("BTC-USDT-SWAP", Regime.TRENDING) == (of_price("0.009"), Scope.REGIME)
    assert found("SOL-USDT-SWAP", Regime.TRENDING) == (of_price("0.012"), Scope.INSTRUMENT)
    assert found("SOL-USDT-SWAP", Regime.CHOPPY) == (of_price("0.004"), Scope.INSTRUMENT_REGIME)
    trail = strategy.resolved("trailing_stop", "BTC-USDT-SWAP", Regime.RANGING)
    assert trail.values.trail_ratio == D("0.003")


def test_the_hard_ceilings_stand_in_limits_and_only_there(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "limits: {max_usd_size: 70, leverage_max: 4, losses_in_a_row_max: 2}\n").settings
    sizing = settings.strategy.resolved("sizing", "X", Regime.RANGING, settings.limits)
    assert sizing.values.max_usd_size == D(70)
    assert settings.strategy.resolved("leverage", "X", Regime.RANGING, settings.limits).values.cap == 4
    assert settings.strategy.resolved("limits", "X", Regime.RANGING, settings.limits).values.losses_max == 2
    for group, name in SET_IN_LIMITS:
        assert "is not a setting" in refused(tmp_path, f"strategy: {{parameters: {{{group}: {{{name}: 5}}}}}}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("parameters: {trailing_stop: {trail_ratoi: 0.003}}", "did you mean 'trail_ratio'?"),
        ("parameters: {trailing_stop: {trail_ratio: 0.3}}", "is outside"),
        ("parameters: {trailing_stop: {trail_ratio: 0.3%}}", "0.3%"),
        ("parameters: {take_profit: {profit_move: 0.006}}", "does not say of what"),
        ("parameters: {take_profit: {profit_move: 0.6 of_price}}", "is outside"),
        ("parameters: {smart_exit: {min_hold_s: 2.5}}", "is not a whole number"),
        ("parameters: {leverage: {weak: 9, medium: 4}}", "leverage falls while strength rises"),
        ("parameters: {indicators: {macd_slow_bars: 10}}", "macd_fast_bars 12 is not below macd_slow_bars 10"),
        ("parameters: {indicators: {ema_fast_bars: 30}}", "ema_fast_bars 30 is not below ema_slow_bars 21"),
        ("parameters: {indicators: {window_long_bars: 15}}", "window_short_bars 20 is above window_long_bars 15"),
        ("by_regime: {sideways: {}}", "sideways"),
        ("by_instrument: {BTCUSDT: {}}", "BTCUSDT"),
        ("exits: [stop_loss]", "lacks"),
        ("exits: [margin_safety, stop_loss, loss_cut, emergency, emergency]", "a rule twice"),
    ],
)
def test_a_bad_parameter_is_refused_where_it_stands(tmp_path: Path, text: str, said: str) -> None:
    problem = refused(tmp_path, f"strategy:\n  {text}\n")
    assert said in problem
    assert "scalpctl.yaml:" in problem


def _numbers() -> Iterator[tuple[str, str]]:
    for group, kind in GROUPS.items():
        for spec in fields(kind):  # type: ignore[arg-type]
            value = getattr(kind(), spec.name)
            if isinstance(value, (int, float, Decimal, Move)) and not isinstance(value, bool):
                yield group, spec.name


def _scaled(value: Any, factor: Decimal) -> Any:
    if isinstance(value, Move):
        return Move(value.ratio * factor, value.basis)
    return type(value)(value * (float(factor) if isinstance(value, float) else factor))


WIDE = {
    ("loss_cut", "loss_usd_max"), ("sizing", "max_usd_size"), ("choice", "counter_trend_multiple"),
    ("smart_exit", "min_hold_s"), ("holding_limit", "extension_s"), ("reentry", "cool_down_s"),
    ("reentry", "same_side_s"),
}  # fmt: skip
"""Amounts and seconds that people choose freely, and one multiple that is zero: no percent hides in them."""


@pytest.mark.parametrize(("group", "name"), list(_numbers()))
def test_a_parameter_a_hundred_times_too_large_is_refused(group: str, name: str) -> None:
    base: Parameters = GROUPS[group]()
    scaled = _scaled(getattr(base, name), D(100))
    if (group, name) in WIDE:
        assert getattr(replace(base, **{name: scaled}), name) == scaled  # type: ignore[type-var]
        return
    with pytest.raises(ConfigurationError):
        replace(base, **{name: scaled})  # type: ignore[type-var]


@pytest.mark.parametrize(("group", "name"), list(_numbers()))
def test_a_parameter_a_hundred_times_too_small_is_refused_or_taken_as_written(group: str, name: str) -> None:
    base: Parameters = GROUPS[group]()
    scaled = _scaled(getattr(base, name), D("0.01"))
    try:
        taken = replace(base, **{name: scaled})  # type: ignore[type-var]
    except ConfigurationError:
        return
    assert getattr(taken, name) == scaled
    low = next(spec.metadata["low"] for spec in fields(base) if spec.name == name)  # type: ignore[arg-type]
    assert low in {0, None} or name.endswith("_s") or (group, name) in WIDE | SMALL


SMALL = {("trailing_stop", "tighten_ratio"), ("leverage", "calm_atr_ratio"), ("choice", "conflict_multiple")}
"""Shares whose hundredth part still means something: cautious, not mistaken."""
