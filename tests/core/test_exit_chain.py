"""The whole chain: protection first and never late, long and short alike, units refused, states that survive."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.causes import MEANINGS, PROTECTIVE, Cause
from scalpctl.core.evidence import Evidence
from scalpctl.core.exits.catalogue import DEFAULT_ORDER, RULES, build
from scalpctl.core.exits.chain import Chain
from scalpctl.core.exits.drawdown import DrawdownParameters
from scalpctl.core.exits.harvest import HarvestParameters
from scalpctl.core.exits.holding import HoldingParameters
from scalpctl.core.exits.partial import Step
from scalpctl.core.exits.protective import LossCutParameters
from scalpctl.core.exits.state import ChainState, state_from_plain
from scalpctl.core.exits.targets import (
    StopLoss,
    StopLossParameters,
    TakeProfit,
    TakeProfitParameters,
)
from scalpctl.core.exits.trailing import TrailingParameters
from scalpctl.core.exits.verdicts import Kind, Why
from scalpctl.core.exits.view import Alarms, GuardPrice, PriceParameters, Quoted, View
from scalpctl.core.instants import Instant
from scalpctl.core.limits import LimitParameters
from scalpctl.core.margin import MarginAnswer, MarginParameters, MarginState, MarginVerdict, Trust
from scalpctl.core.money import Contracts, Quote
from scalpctl.core.parameters import Overrides, of_margin, of_price
from scalpctl.core.protection import ProtectionParameters
from scalpctl.core.sides import Side
from scalpctl.core.sizing import SizingParameters
from scalpctl.errors import ConfigurationError, InvariantBroken

D = Decimal
START = ChainState()


def test_margin_safety_closes_whatever_else_is_said(facts: Any, view: Any, whole_chain: Chain) -> None:
    def says(answer: MarginAnswer) -> Alarms:
        return Alarms(MarginVerdict(answer, Trust.TRUSTED, D("1.2"), D("1.5"), Evidence(), MarginState(), None))

    closed = whole_chain.evaluate(view(facts(), alarms=says(MarginAnswer.CLOSE)), START)
    assert closed.winner is not None
    assert closed.winner.rule is Cause.MARGIN_SAFETY
    undecided = whole_chain.evaluate(view(facts(), alarms=says(MarginAnswer.UNDECIDED)), START)
    assert undecided.verdicts[0].why is Why.UNTRUSTED
    assert undecided.winner is None


def test_an_emergency_closes_even_without_any_price(facts: Any, view: Any, whole_chain: Chain) -> None:
    decision = whole_chain.evaluate(view(facts(), None, mark=None, alarms=Alarms(emergency="account drawdown")), START)
    assert decision.winner is not None
    assert decision.winner.rule is Cause.EMERGENCY


def test_without_a_fresh_mark_protection_judges_the_exit_price(facts: Any, view: Any) -> None:
    rule = StopLoss(StopLossParameters())
    assert rule.judge(view(facts(), "59000", mark="60000", mark_age_s=60), START).kind is Kind.CLOSE
    assert rule.judge(view(facts(), "59000", mark=None), START).kind is Kind.CLOSE
    assert rule.judge(view(facts(), None, mark=None), START).why is Why.NO_PRICE


@settings(max_examples=40, deadline=None)
@given(prices=st.lists(st.integers(-500, 500), min_size=1, max_size=60), side=st.sampled_from(list(Side)))
def test_no_protective_exit_is_later_than_the_first_tick_that_demands_it(
    facts: Any, view: Any, whole_chain: Chain, reading: Any, prices: list[int], side: Side
) -> None:
    position, state = facts(side=side), START
    limit = -D("0.006") * position.notional
    for index, offset in enumerate(prices):
        price = D(60000) + offset
        seen = view(position, price, after_s=index, reading=reading(rsi=50.0))
        decision = whole_chain.evaluate(seen, state)
        state = decision.state
        demanded = position.net_at(price) <= limit
        protective = decision.winner is not None and decision.winner.rule in PROTECTIVE
        assert demanded == protective


events = st.lists(
    st.tuples(st.integers(-200, 200), st.integers(0, 90), st.integers(0, 100), st.booleans()), min_size=1, max_size=50
)


@settings(max_examples=60, deadline=None)
@given(steps=events)
def test_long_and_short_mirror_each_other_through_the_whole_chain(
    facts: Any, reading: Any, whole_chain: Chain, start: Instant, steps: Any
) -> None:
    limits = PriceParameters(guard=GuardPrice.EXIT)
    long = facts(exit_fee_rate=D(0))
    short = facts(side=Side.SHORT, exit_fee_rate=D(0))
    states = {Side.LONG: START, Side.SHORT: START}
    at, price, revision = start, D(60000), 0
    for move, wait, rsi, candle in steps:
        at = Instant(at + wait * 1_000_000)
        price += move
        revision += candle
        said = []
        for position in (long, short):
            sign = position.side.sign
            seen_price = D(60000) + (price - D(60000)) * sign
            mirrored = reading(
                revision=revision, closed_at=at, rsi=50.0 + (rsi - 50.0) * sign, macd_line=float(sign), macd_signal=0.0
            )
            quoted = Quoted(seen_price, "book", at)
            seen = View(position, at, limits, exit_price=quoted, mark=None, reading=mirrored if revision else None)
            decision = whole_chain.evaluate(seen, states[position.side])
            states[position.side] = decision.state
            said.append([(v.rule, v.kind, v.why, v.contracts, v.distance) for v in decision.verdicts])
        assert said[0] == said[1]


SCALED = [
    (TakeProfitParameters, "profit_move"),
    (StopLossParameters, "loss_move"),
    (LossCutParameters, "loss_move"),
    (HarvestParameters, "profit_move"),
    (DrawdownParameters, "arm_move"),
    (DrawdownParameters, "give_back_ratio"),
    (TrailingParameters, "trail_ratio"),
    (HoldingParameters, "extend_move"),
    (MarginParameters, "close_ratio"),
    (MarginParameters, "agree_ratio"),
    (LimitParameters, "daily_loss_ratio"),
    (LimitParameters, "drawdown_ratio"),
    (SizingParameters, "risk_ratio"),
    (SizingParameters, "margin_use_ratio"),
    (ProtectionParameters, "stop_ratio"),
    (Step, "take_ratio"),
]


@pytest.mark.parametrize(("kind", "name"), SCALED, ids=[f"{kind.__name__}.{name}" for kind, name in SCALED])
@pytest.mark.parametrize("factor", [100, D("0.01")], ids=["x100", "div100"])
def test_a_value_in_the_wrong_unit_is_refused(kind: Any, name: str, factor: Any) -> None:
    usual = getattr(kind(), name)
    wrong = type(usual)(usual.ratio * factor, usual.basis) if hasattr(usual, "basis") else usual * factor
    with pytest.raises(ConfigurationError):
        kind(**{name: wrong})


def test_a_value_in_the_right_unit_changes_the_threshold_as_its_unit_says(facts: Any, view: Any) -> None:
    for ratio in ("0.002", "0.004", "0.02"):
        rule = TakeProfit(TakeProfitParameters(profit_move=of_price(ratio)))
        assert rule.judge(view(facts()), START).threshold == D(ratio) * 600
        stop = StopLoss(StopLossParameters(loss_move=of_margin(ratio)))
        assert stop.judge(view(facts()), START).threshold == -D(ratio) * 60


def test_a14_a_position_is_never_held_for_a_negative_time(facts: Any, view: Any, whole_chain: Chain) -> None:
    decision = whole_chain.evaluate(view(facts(), after_s=0), START)
    held = [verdict.value for verdict in decision.verdicts if verdict.rule is Cause.HOLDING_LIMIT]
    assert held == [D(0)]


@settings(max_examples=60, deadline=None)
@given(ticks=st.integers(500_000, 700_000), part=st.integers(1, 99), lots=st.integers(1, 10**5))
def test_rounding_never_increases_risk(instrument: Any, ticks: int, part: int, lots: int) -> None:
    spec = instrument(tick_size=D("0.5"), lot_size=D("0.1"), min_contracts=D("0.1"))
    price = D(ticks) / 10
    assert spec.stop_trigger(price, Side.LONG) >= price >= spec.stop_trigger(price, Side.SHORT)
    assert spec.passive_price(price, Side.LONG.opening) <= price <= spec.passive_price(price, Side.SHORT.opening)
    wanted = Contracts(D(lots) * part / 100 / 100)
    assert spec.floor_contracts(wanted) <= wanted
    assert str(spec.stop_trigger(price, Side.LONG)).endswith((".0", ".5"))
    assert spec.notional(spec.contracts_within(Quote(D(lots)), price), price) <= Quote(D(lots))


def test_every_rule_takes_its_parameters_from_the_most_special_scope() -> None:
    overrides = {
        Cause.TAKE_PROFIT: Overrides(
            everywhere={"profit_move": of_price("0.005")},
            by_regime={"choppy": {"profit_move": of_price("0.002")}},
            by_both={("BTC-USDT-SWAP", "choppy"): {"profit_move": of_price("0.003")}},
        )
    }
    for inst_id, regime, expected in (
        ("BTC-USDT-SWAP", "choppy", "0.003"),
        ("ETH-USDT-SWAP", "choppy", "0.002"),
        ("ETH-USDT-SWAP", "ranging", "0.005"),
    ):
        built = build(DEFAULT_ORDER, overrides, inst_id, regime)
        resolved = dict(built.parameters)[Cause.TAKE_PROFIT]
        assert resolved.values.profit_move == of_price(expected)


def test_the_state_survives_a_restart() -> None:
    state = ChainState(D("60300.5"), D("60250.1"), 1, Instant(5), 2, 77)
    assert state_from_plain(state.to_plain()) == state
    assert state_from_plain(START.to_plain()) == START


def test_a_decision_shows_every_input_and_every_rule(facts: Any, view: Any, whole_chain: Chain, reading: Any) -> None:
    decision = whole_chain.evaluate(view(facts(), "60010", reading=reading()), START)
    again = whole_chain.evaluate(view(facts(), "60011", reading=reading()), decision.state)
    assert again.standing == decision.standing
    names = [item.name for item in decision.evidence()]
    for cause in RULES:
        assert f"{cause.value}.verdict" in names
    assert {"exit_price", "mark_price", "net", "rsi", "held_us"} <= {*names}


def test_facts_that_are_no_position_are_refused(facts: Any) -> None:
    with pytest.raises(InvariantBroken):
        facts(contracts=Contracts("0"))


def test_every_cause_has_a_meaning() -> None:
    assert list(MEANINGS) == list(Cause)
    assert all(cause.meaning.endswith(".") for cause in Cause)
    assert Cause.STOP_LOSS.is_protective
    assert not Cause.LIQUIDATION.is_ours


TICKS = ("0.1", "0.001", "0.00001", "0.000000001")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_position_however_odd_its_numbers_ends_an_evaluation(
    data: st.DataObject, facts: Any, view: Any, reading: Any, instrument: Any
) -> None:
    tick = D(data.draw(st.sampled_from(TICKS)))
    whole = D(data.draw(st.integers(10**4, 3 * 10**6)))
    average = whole * tick + (tick / data.draw(st.sampled_from([3, 6, 7, 11, 13]))).quantize(D("1E-18"))
    held = facts(
        instrument=instrument(tick_size=tick, ct_val=D(data.draw(st.sampled_from(["0.01", "1", "1000"])))),
        side=data.draw(st.sampled_from(list(Side))),
        contracts=Contracts(D(data.draw(st.integers(1, 10**5))) / 100),
        opened_contracts=Contracts("1000"),
        average_price=average,
        leverage=D(data.draw(st.sampled_from([1, 3, 7, 9, 13]))),
        costs_paid=(D(data.draw(st.integers(-(10**6), 10**6))) / 3_000_007).quantize(D("1E-18")),
        exit_fee_rate=D(data.draw(st.sampled_from(["0.0005", "-0.00005", "0.00045"]))),
    )
    rules = build(DEFAULT_ORDER, {}, "BTC-USDT-SWAP", "ranging").chain
    state = START
    for ticks in data.draw(st.lists(st.integers(-int(whole) // 50, int(whole) // 50), min_size=1, max_size=6)):
        state = rules.evaluate(view(held, (whole + ticks) * tick, reading=reading()), state).state
