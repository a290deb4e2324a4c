"""The arithmetic of the post-mortem, against values worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalpctl.analysis.session.after_exit import Path, after_exit
from scalpctl.analysis.session.breakdowns import by_everything
from scalpctl.analysis.session.comparing import compare
from scalpctl.analysis.session.execution import spread
from scalpctl.analysis.session.identity import ranges
from scalpctl.analysis.session.incidents import churn
from scalpctl.analysis.session.statistics import drawdown, interval, performance, streaks
from scalpctl.analysis.session.trades import Trade
from scalpctl.analysis.session.verifying import contradictions, differences
from scalpctl.core.instants import Instant

T0 = 1_767_592_800_000_000
MINUTE = 60_000_000


def a_trade(number: int = 1, net: str = "1", **changes: Any) -> Trade:
    fields: dict[str, Any] = dict.fromkeys(Trade.__slots__)
    fields |= {
        "position_id": f"p{number}", "session_id": "S", "instrument": "BTC-USDT-SWAP", "side": "long",
        "opened_at": Instant(T0 + number * 10 * MINUTE), "closed_at": Instant(T0 + number * 10 * MINUTE + 3 * MINUTE),
        "contracts": Decimal("0.1"), "coins": Decimal("0.001"), "entry_price": Decimal(60_000),
        "exit_price": Decimal(60_100), "gross": Decimal(net) + Decimal("0.1"), "fees": Decimal("0.1"),
        "funding": Decimal(0), "net": Decimal(net), "cause": "take_profit", "closed_by": "engine", "origin": "engine",
        "parameter_set": "ranging", "partials": 0, "held_us": 3 * MINUTE, "seq": number, "mfe": Decimal(2),
    }  # fmt: skip
    return Trade(**(fields | changes))


def test_performance_is_what_a_hand_works_out() -> None:
    shown = performance([a_trade(1, "3"), a_trade(2, "-1"), a_trade(3, "2"), a_trade(4, "-2")])
    assert (shown["trades"], shown["wins"], shown["win_rate"]) == (4, 2, "0.5000")
    assert (shown["average_win"], shown["average_loss"]) == ("2.5", "-1.5")
    assert (shown["expectancy"], shown["profit_factor"], shown["payoff"]) == ("0.5", "1.667", "1.667")
    assert shown["break_even_win_rate"] == "0.3750"
    assert shown["viable"] == "cannot be told: too few trades"


def test_a_trade_that_fees_turned_into_a_loss_is_counted() -> None:
    assert performance([a_trade(1, "-0.05"), a_trade(2, "1")])["gross_won_net_lost"] == 1


def test_drawdown_finds_the_deepest_fall_and_the_time_under_water() -> None:
    fall = drawdown([a_trade(n, net) for n, net in enumerate(["5", "-2", "1", "-3", "6"], start=1)])
    assert (fall["deepest"], fall["from"], fall["to"]) == ("4", "p1", "p4")
    assert fall["lasted_s"] == 30 * 60
    assert fall["under_water_s"] == 30 * 60


def test_streaks_are_runs() -> None:
    nets = ["1", "1", "-1", "-1", "-1", "2"]
    assert streaks([a_trade(n, net) for n, net in enumerate(nets)]) == {
        "longest_winning": 2, "longest_losing": 3, "last": 1,
    }  # fmt: skip


@given(st.lists(st.decimals(-100, 100, places=4), min_size=1, max_size=40))
def test_every_cut_adds_up_to_the_whole_exactly(nets: list[Decimal]) -> None:
    trades = [a_trade(n, str(net), cause=f"c{n % 3}", instrument=f"i{n % 2}") for n, net in enumerate(nets)]
    for rows in by_everything(trades).values():
        assert sum((Decimal(row["net"]) for row in rows), Decimal(0)) == sum(nets, Decimal(0))
        assert sorted(name for row in rows for name in row["position_ids"]) == sorted(t.position_id for t in trades)


@given(st.lists(st.decimals(-10, 10, places=3), min_size=2, max_size=60))
def test_an_interval_holds_the_mean_is_repeatable_and_never_leaves_the_values(nets: list[Decimal]) -> None:
    low, high = interval(nets)
    assert low is not None
    assert high is not None
    assert (low, high) == interval(nets)
    assert float(min(nets)) - 1e-9 <= low <= high <= float(max(nets)) + 1e-9


def test_an_interval_is_as_wide_as_theory_says() -> None:
    values = [Decimal(n % 2) for n in range(400)]  # mean 0.5, standard error 0.025
    low, high = interval(values)
    assert low is not None
    assert high is not None
    assert float(low) == pytest.approx(0.5 - 1.96 * 0.025, abs=0.01)
    assert float(high) == pytest.approx(0.5 + 1.96 * 0.025, abs=0.01)


def _path(*prices: float) -> Path:
    start = T0 + 10 * MINUTE
    return Path([start + n * MINUTE for n in range(len(prices))], list(prices))


@pytest.mark.parametrize(
    ("later", "kept", "verdict"), [(61_000, "1.5", "early"), (60_000, "1.5", "right"), (60_000, "0.2", "late")]
)
def test_an_exit_is_early_right_or_late(later: float, kept: str, verdict: str) -> None:
    trade = a_trade(1, "0.5", gross=Decimal(kept), mfe=Decimal(1) if kept != "1.5" else Decimal("1.6"))
    found = after_exit([trade], {"BTC-USDT-SWAP": _path(*[60_100] * 4, *[later] * 20)})
    row = found["trades"][0]
    assert row["verdict"] == verdict
    assert row["after_15m"] == pytest.approx((later - 60_100) * 0.001)


def test_what_was_not_heard_is_not_judged() -> None:
    short = after_exit([a_trade()], {"BTC-USDT-SWAP": _path(60_100, 60_100)})
    assert (short["judged"], short["not_judged"]) == (0, 1)
    assert after_exit([a_trade()], {})["why_not"] == "there is no tape of these prices"


def test_churn_is_an_entry_soon_after_a_loss_on_the_same_side() -> None:
    first = a_trade(1, "-1")
    soon = a_trade(2, "1", opened_at=Instant(first.closed_at + MINUTE))
    other = a_trade(3, "1", opened_at=Instant(first.closed_at + MINUTE), side="short")
    assert [row["position_id"] for row in churn([first, soon, other])] == ["p2"]


def test_rows_are_named_shortly() -> None:
    assert ranges([7, 3, 4, 5, 9]) == "3-5,7,9"
    assert ranges([]) == ""


def test_a_spread_of_nothing_says_so() -> None:
    assert spread([]) == {"n": 0, "mean": None, "p50": None, "p95": None, "worst": None}
    assert spread([3, 1, 2])["p50"] == 2


def test_a_comparison_pairs_the_same_market_and_says_when_it_cannot_tell() -> None:
    first = [a_trade(n, "1" if n % 2 else "-1") for n in range(40)]
    better = [a_trade(n, "2" if n % 2 else "0") for n in range(40)]
    told = compare(first, better, ({"a": 1}, {"a": 2}))
    assert (told["paired"], told["difference"]) == (40, 1.0)
    assert told["verdict"].startswith("B is better")
    assert told["settings"] == [{"setting": "a", "a": 1, "b": 2}]
    assert compare(first[:5], better[:5], ({}, {}))["verdict"] == "cannot be told: 5 trades on one side are too few"
    assert compare([], better, ({}, {}))["verdict"].startswith("cannot be told")
    assert compare(first, first, ({}, {}))["verdict"].startswith("cannot be told")


def test_differences_name_the_place() -> None:
    assert list(differences({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]})) == [("a[1].b", 2, 3)]
    assert list(differences({"a": [1]}, {"a": [1, 2]})) == [("a", "1 items", "2 items")]
    explained = {"incidents": {"drifts": [{"cause": None, "kind": "vanished"}]}, "unknown": ["it is still running"]}
    later = {"incidents": {"drifts": [{"cause": "manual", "kind": "flipped"}]}, "unknown": []}
    assert list(contradictions(explained, later)) == [("incidents.drifts[0].kind", "vanished", "flipped")]
    ended, edited = {"session": {"end_kind": "crashed"}}, {"session": {"end_kind": "clean"}}
    assert list(contradictions(ended, edited)) == [("session.end_kind", "crashed", "clean")]
    assert list(contradictions({"session": {"end_kind": None}}, edited)) == []
