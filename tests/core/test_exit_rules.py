"""Each exit rule keeps its promise; each known way such a rule can fail is a test named after it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.causes import PROTECTIVE, Cause
from scalpctl.core.exits.bands import NOWHERE
from scalpctl.core.exits.catalogue import DEFAULT_ORDER, RULES, build
from scalpctl.core.exits.chain import Chain
from scalpctl.core.exits.drawdown import Drawdown, DrawdownParameters
from scalpctl.core.exits.harvest import Harvest, HarvestParameters
from scalpctl.core.exits.holding import HoldingLimit, HoldingParameters
from scalpctl.core.exits.partial import PartialParameters, PartialTake, Step, size_of
from scalpctl.core.exits.protective import Emergency, EmergencyParameters, LossCut, LossCutParameters, MarginSafety
from scalpctl.core.exits.smart import SmartExit, SmartExitParameters
from scalpctl.core.exits.state import ChainState
from scalpctl.core.exits.targets import (
    StopLoss,
    StopLossParameters,
    TakeProfit,
    TakeProfitParameters,
    refuse_impossible,
)
from scalpctl.core.exits.trailing import TrailingParameters, TrailingStop
from scalpctl.core.exits.verdicts import Kind, Why
from scalpctl.core.exits.view import Quoted
from scalpctl.core.instants import Instant
from scalpctl.core.money import Contracts
from scalpctl.core.parameters import of_margin, of_price
from scalpctl.core.sides import Side
from scalpctl.errors import ConfigurationError, InvariantBroken

D = Decimal
START = ChainState()


def test_protective_rules_come_first_in_any_order() -> None:
    chain = build(tuple(reversed(DEFAULT_ORDER)), {}, "BTC-USDT-SWAP", "ranging").chain
    first = [rule.cause for rule in chain.rules][: len(RULES) - 7]
    assert all(cause in PROTECTIVE for cause in first)


def test_c56_a_rule_that_is_not_in_the_order_does_not_exist() -> None:
    order = (Cause.MARGIN_SAFETY, Cause.STOP_LOSS, Cause.EMERGENCY, Cause.TAKE_PROFIT)
    built = build(order, {}, "BTC-USDT-SWAP", "ranging")
    assert [rule.cause for rule in built.chain.rules] == list(order)


def test_protective_rules_cannot_be_left_out() -> None:
    with pytest.raises(ConfigurationError, match="stop_loss"):
        build((Cause.MARGIN_SAFETY, Cause.EMERGENCY), {}, "BTC-USDT-SWAP", "ranging")
    with pytest.raises(ConfigurationError, match="manual"):
        build((*DEFAULT_ORDER, Cause.MANUAL), {}, "BTC-USDT-SWAP", "ranging")
    with pytest.raises(InvariantBroken):
        Chain((MarginSafety(), MarginSafety()))


def test_a01_a02_costs_are_counted_once_per_side(facts: Any, view: Any) -> None:
    position = facts(costs_paid=D("0.3"))  # 600 of value, 5 bps in; 5 bps out at 60300 is 0.3015
    assert position.net_at(D(60300)) == D(3) - D("0.3") - D("0.3015")
    rule = Harvest(HarvestParameters(profit_move=of_price("0.003998"), min_hold_s=0))  # 2.3988 of 600
    assert rule.judge(view(position, "60300"), START).kind is Kind.HOLD
    lower = Harvest(HarvestParameters(profit_move=of_price("0.00399"), min_hold_s=0))
    assert lower.judge(view(position, "60300"), START).kind is Kind.CLOSE


def test_a03_a_share_of_margin_scales_with_leverage_and_costs_do_not(facts: Any, view: Any) -> None:
    rule = TakeProfit(TakeProfitParameters(profit_move=of_margin("0.02")))
    for leverage in (5, 10, 20):
        position = facts(leverage=Decimal(leverage))
        threshold = rule.judge(view(position), START).threshold
        assert threshold == D(600) * D("0.02") / leverage


def test_a04_the_result_does_not_step_with_the_age_of_the_position(facts: Any, view: Any) -> None:
    results = [view(facts(), "59900", after_s=age).net for age in (0, 9.9, 10, 10.1, 60)]
    assert len(dict.fromkeys(results)) == 1


def test_a05_one_percent_is_one_percent(facts: Any) -> None:
    assert StopLossParameters(loss_move=of_price("0.01")).loss_move.of(D(600), D(60)) == D(6)
    with pytest.raises(ConfigurationError) as refused:
        StopLossParameters(loss_move=of_price("1.0"))
    assert "0.01" in str(refused.value.hint)


def test_a06_a_loss_cut_of_margin_is_not_triggered_by_price_noise(facts: Any, view: Any) -> None:
    rule = LossCut(LossCutParameters(loss_move=of_margin("0.04")))
    position = facts(leverage=Decimal(5), costs_paid=D(0), exit_fee_rate=D(0))
    assert rule.judge(view(position, "59700"), START).kind is Kind.HOLD  # half a percent of price, 2.5 of margin
    assert rule.judge(view(position, "59500"), START).kind is Kind.CLOSE


def test_a07_the_fee_estimate_uses_coins_and_never_keeps_a_loser_open(facts: Any, view: Any, instrument: Any) -> None:
    doge = instrument(inst_id="DOGE-USDT-SWAP", ct_val=D(1000), tick_size=D("0.00001"))
    position = facts(instrument=doge, average_price=D("0.135"), costs_paid=D("0.0675"))
    assert position.net_at(D("0.135")) == -D("0.0675") - D("0.0675")
    assert HoldingLimit(HoldingParameters()).judge(view(position, "0.130", after_s=1800), START).kind is Kind.CLOSE


def test_a10_a_stop_inside_noise_is_refused() -> None:
    limits = {"round_trip_ratio": D("0.0007"), "noise_ratio": D("0.001")}
    with pytest.raises(ConfigurationError, match="round trip"):
        refuse_impossible(of_price("0.004"), of_margin("0.008"), leverage=D(20), **limits)
    with pytest.raises(ConfigurationError, match="noise"):
        refuse_impossible(of_price("0.004"), of_price("0.0015"), leverage=D(20), **limits)
    with pytest.raises(ConfigurationError, match="take-profit"):
        refuse_impossible(of_margin("0.005"), of_price("0.006"), leverage=D(20), **limits)
    refuse_impossible(of_price("0.004"), of_price("0.006"), leverage=D(20), **limits)


def test_a11_a_take_profit_is_never_a_net_loss(facts: Any, view: Any) -> None:
    rule = TakeProfit(TakeProfitParameters(profit_move=of_margin("0.0005")))
    for step in range(200):
        seen = view(facts(leverage=Decimal(20)), D(60000) + step)
        if rule.judge(seen, START).kind is Kind.CLOSE:
            assert seen.net > 0
            return
    pytest.fail("the target was never reached")


def test_a13_the_best_profit_is_rescaled_after_a_partial_take(facts: Any, view: Any) -> None:
    rule = Drawdown(DrawdownParameters())
    peak = ChainState(peak_price=D(60300))
    whole, rest = facts(), facts(contracts=Contracts("0.3"), costs_paid=D("0.036"))
    assert rule.judge(view(whole, "60250"), peak).kind is Kind.HOLD
    assert rule.judge(view(rest, "60250"), peak).kind is Kind.HOLD


def test_a22_the_verdict_says_which_price_it_judged(facts: Any, view: Any) -> None:
    seen = view(facts(), "59000", mark="60000")
    assert StopLoss(StopLossParameters()).judge(seen, START).input == "mark_price"
    assert seen.inputs().get("exit_price") == D(59000)


def test_c43_nothing_delays_an_emergency(facts: Any, view: Any, whole_chain: Chain, reading: Any) -> None:
    newborn = view(facts(), "58000", after_s=0, reading=reading(rsi=30.0))
    decision = whole_chain.evaluate(newborn, START)
    assert decision.winner is not None
    assert decision.winner.rule is Cause.STOP_LOSS
    assert [verdict.kind for verdict in decision.verdicts if verdict.rule is Cause.SMART_EXIT] == [Kind.VETO]


def test_c44_c45_a_drawdown_closes_winners_and_never_losers(facts: Any, view: Any) -> None:
    rule = Drawdown(DrawdownParameters())
    peak = ChainState(peak_price=D(60300))
    assert rule.judge(view(facts(), "60150"), peak).kind is Kind.CLOSE
    assert rule.judge(view(facts(), "59990"), peak).why is Why.NOT_PROFITABLE
    with pytest.raises(ConfigurationError):
        DrawdownParameters(give_back_ratio=D("1.5"))


def test_c46_the_holding_limit_closes_losers_too(facts: Any, view: Any) -> None:
    rule = HoldingLimit(HoldingParameters(limit_s=600, extension_s=300))
    assert rule.judge(view(facts(), "59950", after_s=599), START).kind is Kind.HOLD
    assert rule.judge(view(facts(), "59950", after_s=600), START).kind is Kind.CLOSE


def test_c47_an_extension_is_carried_out_and_ends(facts: Any, view: Any) -> None:
    rule = HoldingLimit(HoldingParameters(limit_s=600, extension_s=300))
    assert rule.judge(view(facts(), "60200", after_s=700), START).why is Why.EXTENDED
    assert rule.judge(view(facts(), "60200", after_s=900), START).kind is Kind.CLOSE


@settings(max_examples=60, deadline=None)
@given(moves=st.lists(st.integers(-60, 60), min_size=2, max_size=60), side=st.sampled_from(list(Side)))
def test_c48_the_trailing_stop_only_tightens_and_can_lock_profit_on_both_sides(
    facts: Any, view: Any, moves: list[int], side: Side
) -> None:
    chain = Chain((TrailingStop(TrailingParameters()),))
    state, price, last = START, D(60000), None
    position = facts(side=side)
    for move in moves:
        price = max(D(59000), min(D(61000), price + move))
        state = chain.evaluate(view(position, price), state).state
        if last is not None:
            assert state.trail_stop == last or position.better(state.trail_stop, last)
        last = state.trail_stop
        if last is not None:
            assert position.net_at(last) >= 0


def test_c48_break_even_is_protected_before_the_trail_starts(facts: Any) -> None:
    rule = TrailingStop(TrailingParameters())
    position = facts()
    assert rule.level(position, D(60100)) is None
    even = rule.level(position, D(60150))
    assert even is not None
    assert D(0) <= position.net_at(even) < D("0.01")
    assert rule.level(position, D(60400)) > even


@settings(max_examples=200)
@given(
    st.integers(min_value=90_000_0, max_value=250_000_0), st.integers(min_value=1, max_value=40),
    st.sampled_from([3, 6, 7, 9, 11, 13]), st.sampled_from(list(Side)),
)  # fmt: skip
def test_no_price_is_too_long_for_the_trailing_stop_however_little_it_is_beyond_its_activation(
    facts: Any, tenths: int, ticks: int, parts: int, side: Side
) -> None:
    rule = TrailingStop(TrailingParameters())
    average = D(tenths) / 10 + (D(1) / parts).quantize(D("1E-18"))
    held = facts(average_price=average, side=side, costs_paid=D(0))
    begins = held.price_for(held.amount(rule.parameters.activation_move))
    for further in range(ticks):
        peak = held.instrument.stop_trigger(begins, side) + D(side.sign * further) / 10
        level = rule.level(held, peak)
        assert level is None or level % D("0.1") == 0


def test_c49_a_dead_zone_of_the_trailing_stop_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        TrailingParameters(breakeven_move=of_price("0.003"))
    with pytest.raises(ConfigurationError):
        TrailingParameters(trail_min_ratio=D("0.01"))
    with pytest.raises(ConfigurationError):
        TrailingParameters(activation_move=of_margin("0.02"))


def test_c50_a_missing_price_is_missing_and_a_zero_price_cannot_be_made(facts: Any, view: Any) -> None:
    armed = ChainState(peak_price=D(60400), trail_stop=D(60250))
    blind = view(facts(), None, mark=None)
    assert TrailingStop(TrailingParameters()).judge(blind, armed).why is Why.NO_PRICE
    with pytest.raises(InvariantBroken):
        Quoted(D(0), "last", Instant(0))


def test_one_absurd_tick_neither_moves_the_stop_nor_takes_a_profit(facts: Any, view: Any, whole_chain: Chain) -> None:
    spike = whole_chain.evaluate(view(facts(), "66000", mark="60000"), START)
    assert spike.winner is None
    assert spike.state.peak_price is None
    true = whole_chain.evaluate(view(facts(), "61000", mark="60900"), START)
    assert true.winner is not None


def test_c51_the_holding_limit_needs_no_fresh_price(facts: Any, view: Any, whole_chain: Chain) -> None:
    for seen in (view(facts(), None, mark=None, after_s=90000), view(facts(), after_s=90000, price_age_s=500)):
        winner = whole_chain.evaluate(seen, START).winner
        assert winner is not None
        assert winner.rule is Cause.HOLDING_LIMIT


def test_c52_the_loss_has_a_ceiling_in_money_and_in_margin(facts: Any, view: Any) -> None:
    big = facts(contracts=Contracts("100"), opened_contracts=Contracts("100"))
    assert LossCut(LossCutParameters()).judge(view(big, "59970"), START).kind is Kind.CLOSE
    emergency = Emergency(EmergencyParameters())
    assert emergency.judge(view(facts(leverage=D(50)), "59390"), START).kind is Kind.CLOSE


def test_c53_c54_a_target_is_taken_on_the_first_tick_that_reaches_it(facts: Any, view: Any, whole_chain: Chain) -> None:
    winner = whole_chain.evaluate(view(facts(), "60500", after_s=1), START).winner
    assert winner is not None
    assert winner.kind is Kind.CLOSE


def test_c55_a_reversal_never_closes_at_a_loss(facts: Any, view: Any, reading: Any) -> None:
    chain = Chain((SmartExit(SmartExitParameters()),))
    hot = reading(rsi=80.0)
    losing = chain.evaluate(view(facts(), "59950", reading=hot), START)
    assert losing.verdicts[0].why is Why.NOT_PROFITABLE
    assert chain.evaluate(view(facts(), "60200", reading=hot), START).winner is not None


def test_c57_the_smart_exit_sees_its_indicators(facts: Any, view: Any, reading: Any) -> None:
    chain = Chain((SmartExit(SmartExitParameters()),))
    blind = chain.evaluate(view(facts(), "60200"), START)
    assert blind.verdicts[0].why is Why.NO_READING
    crossed = reading(rsi=60.0, macd_line=0.0, macd_signal=0.1)  # a MACD of zero is a number
    assert chain.evaluate(view(facts(), "60200", reading=crossed), START).winner is not None
    short = facts(side=Side.SHORT)
    cold = reading(rsi=20.0)
    assert chain.evaluate(view(short, "59800", reading=cold), START).winner is not None
    old = reading(rsi=80.0, closed_at=1)
    assert chain.evaluate(view(facts(), "60200", reading=old), START).verdicts[0].why is Why.NO_READING


def test_a_reversal_must_be_confirmed_and_a_newborn_is_left_alone(facts: Any, view: Any, reading: Any) -> None:
    rule = SmartExit(SmartExitParameters(confirm_bars=2))
    chain = Chain((rule,))
    one = chain.evaluate(view(facts(), "60200", reading=reading(rsi=80.0)), START)
    assert one.verdicts[0].why is Why.CONFIRMING
    again = chain.evaluate(view(facts(), "60200", reading=reading(rsi=80.0)), one.state)
    assert again.verdicts[0].why is Why.CONFIRMING  # the same candle counts once
    two = chain.evaluate(view(facts(), "60200", reading=reading(rsi=80.0, revision=2)), one.state)
    assert two.winner is not None
    young = chain.evaluate(view(facts(), "60200", after_s=5, reading=reading(rsi=80.0, revision=2)), one.state)
    assert young.verdicts[0].why is Why.MIN_HOLD
    blind = chain.evaluate(view(facts(), None, reading=reading(rsi=80.0, revision=2)), one.state)
    assert blind.verdicts[0].why is Why.NO_PRICE


def test_a_veto_holds_back_softer_exits_for_its_time_and_no_longer(
    facts: Any, view: Any, reading: Any, whole_chain: Chain
) -> None:
    hold = reading(rsi=60.0)
    vetoed = whole_chain.evaluate(view(facts(), "60200", reading=hold, after_s=30), START)
    assert vetoed.winner is None
    assert Cause.PROFIT_HARVEST in [verdict.rule for verdict in vetoed.vetoed]
    assert vetoed.band is NOWHERE
    lapsed = whole_chain.evaluate(view(facts(), "60200", reading=hold, after_s=90), vetoed.state)
    assert lapsed.winner is not None
    assert lapsed.winner.rule is Cause.PROFIT_HARVEST


def test_another_holding_candle_does_not_start_the_veto_again(
    facts: Any, view: Any, reading: Any, whole_chain: Chain
) -> None:
    first = whole_chain.evaluate(view(facts(), reading=reading(), after_s=30), START)
    second = whole_chain.evaluate(view(facts(), reading=reading(revision=2), after_s=80), first.state)
    assert second.state.veto_since == first.state.veto_since


def test_stops_and_the_holding_limit_are_never_vetoed(facts: Any, view: Any, reading: Any, whole_chain: Chain) -> None:
    armed = ChainState(peak_price=D(60240), trail_stop=D(60150))
    trailed = whole_chain.evaluate(view(facts(), "60140", reading=reading()), armed)
    assert trailed.winner is not None
    assert trailed.winner.rule is Cause.TRAILING_STOP
    late = reading(closed_at=Instant(view(facts(), after_s=9000).at))
    limited = whole_chain.evaluate(view(facts(), after_s=9000, reading=late), START)
    assert limited.winner is not None
    assert limited.winner.rule is Cause.HOLDING_LIMIT
    assert Kind.VETO in [verdict.kind for verdict in limited.verdicts]


def test_c48_adding_at_a_worse_price_does_not_loosen_the_stop(facts: Any, view: Any) -> None:
    chain = Chain((TrailingStop(TrailingParameters()),))
    locked = chain.evaluate(view(facts(), "60400"), START).state
    added = facts(average_price=D(60150), contracts=Contracts("2"), opened_contracts=Contracts("2"))
    assert chain.evaluate(view(added, "60390"), locked).state.trail_stop == locked.trail_stop


def test_a_quick_profit_is_harvested_in_its_window_and_a_large_one_always(facts: Any, view: Any) -> None:
    rule = Harvest(HarvestParameters())
    assert rule.judge(view(facts(), "60220", after_s=5), START).why is Why.MIN_HOLD
    assert rule.judge(view(facts(), "60220", after_s=60), START).kind is Kind.CLOSE
    assert rule.judge(view(facts(), "60220", after_s=700), START).why is Why.WINDOW_PASSED
    assert rule.judge(view(facts(), "60400", after_s=700), START).kind is Kind.CLOSE
    assert rule.judge(view(facts(), None), START).why is Why.NO_PRICE
    with pytest.raises(ConfigurationError):
        HarvestParameters(min_hold_s=700, within_s=600)


def test_the_ladder_takes_each_step_once(facts: Any, view: Any) -> None:
    chain = Chain((PartialTake(PartialParameters()),))
    first = chain.evaluate(view(facts(), "60200"), START)
    assert first.winner is not None
    assert (first.winner.kind, first.winner.contracts) == (Kind.PARTIAL, Contracts("0.4"))
    again = chain.evaluate(view(facts(), "60200"), first.state)
    assert again.winner is None
    done = chain.evaluate(view(facts(), "60400"), ChainState(steps_taken=2))
    assert done.verdicts[0].why is Why.LADDER_DONE
    assert first.state.step_returned().steps_taken == 0
    assert chain.evaluate(view(facts(), None), START).verdicts[0].why is Why.NO_PRICE


def test_a_part_below_the_minimum_or_leaving_dust_is_refused(facts: Any, view: Any) -> None:
    small = facts(contracts=Contracts("0.02"), opened_contracts=Contracts("0.02"), costs_paid=D("0.002"))
    assert size_of(small, D("0.4"))[1] is Why.BELOW_MINIMUM
    assert PartialTake(PartialParameters()).judge(view(small, "60400"), START).why is Why.BELOW_MINIMUM
    rest = facts(contracts=Contracts("0.3"))
    assert size_of(rest, D("0.4")) == (Contracts("0.3"), Why.LEAVES_DUST)


def test_an_impossible_ladder_is_refused() -> None:
    for steps in (
        (),
        (Step(D("0.6")), Step(D("0.6"), of_price("0.01"))),
        (Step(), Step()),
        (Step(), Step(D("0.3"), of_margin("0.05"))),
    ):
        with pytest.raises(ConfigurationError):
            PartialParameters(steps)
