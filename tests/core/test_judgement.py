"""Margin trust, attribution, drift, parameters and evidence: nothing unknown counts as safe, nothing is guessed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from scalpctl.core.attribution import Confidence, Traces, closure_cause, rank
from scalpctl.core.causes import Cause
from scalpctl.core.drift import Drift, DriftKind, DriftParameters, DriftState, Held, compare, observe
from scalpctl.core.evidence import Evidence, Item, from_plain
from scalpctl.core.exchange.reports import (
    AlgoReport,
    BillReport,
    ClosedPositionReport,
    FillReport,
    OrderReport,
)
from scalpctl.core.exchange.requests import MarginMode
from scalpctl.core.exits.targets import TakeProfitParameters
from scalpctl.core.instants import Instant
from scalpctl.core.margin import (
    MarginAnswer,
    MarginParameters,
    MarginReading,
    MarginState,
    Trust,
    assess,
)
from scalpctl.core.money import Contracts
from scalpctl.core.parameters import Move, Overrides, Scope, of_margin, of_price, resolve
from scalpctl.core.sides import Action
from scalpctl.errors import ConfigurationError, InvariantBroken

D = Decimal
SECOND = 1_000_000


def said(ratio: str | None, start: Instant, source: str = "ws") -> MarginReading:
    return MarginReading(source, start, None if ratio is None else D(ratio))


def test_a_trusted_reading_decides(start: Instant) -> None:
    limits = MarginParameters()
    for ratio, answer in (("24.7", MarginAnswer.SAFE), ("2.9", MarginAnswer.WARN), ("1.4", MarginAnswer.CLOSE)):
        verdict = assess(said(ratio, start), D(ratio), MarginState(), start, limits)
        assert (verdict.trust, verdict.answer) == (Trust.TRUSTED, answer)
        assert verdict.ask_again_at == start + 10 * SECOND + 1


@pytest.mark.parametrize(
    ("reading", "ours", "trust"),
    [(None, None, Trust.MISSING), ("blank", None, Trust.MISSING), ("-1", None, Trust.IMPOSSIBLE),
     ("1.2", "30", Trust.CONTRADICTED), ("30", "1.2", Trust.CONTRADICTED)],
    ids=["none", "blank", "negative", "theirs worse", "ours worse"],
)  # fmt: skip
def test_an_untrusted_reading_is_neither_safe_nor_a_close(start: Instant, reading: Any, ours: Any, trust: Any) -> None:
    seen = None if reading is None else said(None if reading == "blank" else reading, start)
    verdict = assess(seen, None if ours is None else D(ours), MarginState(), start, MarginParameters())
    assert (verdict.trust, verdict.answer) == (trust, MarginAnswer.UNDECIDED)
    assert verdict.state.untrusted_since == start


def test_a_stated_time_lets_the_worse_figure_decide(start: Instant) -> None:
    limits = MarginParameters()
    first = assess(said("1.2", start), D(30), MarginState(), start, limits)
    late = Instant(start + 20 * SECOND)
    assert assess(said("1.2", late), D(30), first.state, late, limits).answer is MarginAnswer.CLOSE
    blind = assess(None, None, MarginState(start), late, limits)
    assert blind.answer is MarginAnswer.CLOSE
    calm = assess(None, D(30), MarginState(start), late, limits)
    assert calm.answer is MarginAnswer.SAFE
    stale = assess(said("30", start), D(2), MarginState(start), late, limits)
    assert (stale.trust, stale.answer) == (Trust.STALE, MarginAnswer.WARN)


def test_a_second_independent_reading_decides_at_once(start: Instant) -> None:
    limits = MarginParameters()
    first = assess(said("1.2", start, "ws"), D(30), MarginState(), start, limits)
    same = assess(said("1.2", start, "ws"), D(30), first.state, start, limits)
    assert same.answer is MarginAnswer.UNDECIDED
    other = assess(said("1.3", start, "rest"), D(30), same.state, start, limits)
    assert other.answer is MarginAnswer.CLOSE
    with pytest.raises(ConfigurationError):
        MarginParameters(close_ratio=D(3), warn_ratio=D(2))


def an_order(start: Instant, **changes: Any) -> OrderReport:
    order = OrderReport(
        "BTC-USDT-SWAP", "77", "", Action.SELL, None, "market", "filled", Contracts("1"), Contracts("1"), None,
        D(59500), None, "USDT", None, True, None, "isolated", "normal", "", "", "", "", "", start, start,
    )  # fmt: skip
    return replace(order, **changes)


def a_fill(start: Instant, **changes: Any) -> FillReport:
    fill = FillReport(
        "BTC-USDT-SWAP", "5", "77", "", Action.SELL, None, D(59500), Contracts("1"), None, "USDT", "taker", None, "",
        "", "", start, "ws",
    )  # fmt: skip
    return replace(fill, **changes)


def an_algo(start: Instant, **changes: Any) -> AlgoReport:
    algo = AlgoReport(
        "BTC-USDT-SWAP", "9", "s1", "conditional", "effective", Action.SELL, None, None, D(1), D(59500), None, None,
        "mark", None, None, None, None, "77", "", True, start, None,
    )  # fmt: skip
    return replace(algo, **changes)


def a_bill(type_: str, start: Instant) -> BillReport:
    return BillReport("1", type_, "", "USDT", D(-1), D(1), "BTC-USDT-SWAP", "", "", None, None, None, None, None, start)


def a_history(type_: str, start: Instant) -> ClosedPositionReport:
    return ClosedPositionReport(
        "BTC-USDT-SWAP", "1", None, type_, None, None, None, None, None, None, None, None, None, None, "isolated",
        start, start,
    )  # fmt: skip


def test_each_row_of_the_decision_table_is_told_apart(start: Instant) -> None:
    order, fill, algo = an_order(start), a_fill(start), an_algo(start)
    owner = "account owner"
    taken = an_order(start, source="7", algo_id="9", average_price=D(60490))
    trailing = an_algo(start, kind="move_order_stop")
    stop = an_order(start, source="7", algo_id="9")
    oco = an_algo(start, kind="oco", take_trigger=D(60500))
    rows: list[tuple[Traces, Cause, str]] = [
        (Traces(fill, an_order(start, category="full_liquidation")), Cause.LIQUIDATION, "exchange"),
        (Traces(a_fill(start, sub_type="104")), Cause.LIQUIDATION, "exchange"),
        (Traces(fill, None, bills=(a_bill("5", start),)), Cause.LIQUIDATION, "exchange"),
        (Traces(a_fill(start, sub_type="100")), Cause.PARTIAL_LIQUIDATION, "exchange"),
        (Traces(fill, an_order(start, category="adl")), Cause.AUTO_DELEVERAGED, "exchange"),
        (Traces(fill, None, bills=(a_bill("9", start),)), Cause.AUTO_DELEVERAGED, "exchange"),
        (Traces(fill, an_order(start, category="delivery")), Cause.DELIVERY, "exchange"),
        (Traces(fill, an_order(start, category="twap")), Cause.FORCED_CONVERSION, "exchange"),
        (Traces(fill, stop, algo, own_algo=True), Cause.EXCHANGE_STOP, "engine"),
        (Traces(fill, stop, algo), Cause.EXCHANGE_STOP, owner),
        (Traces(fill, stop, oco, own_algo=True), Cause.EXCHANGE_STOP, "engine"),
        (Traces(fill, taken, oco), Cause.EXCHANGE_TAKE_PROFIT, owner),
        (Traces(fill, stop, an_algo(start, stop_trigger=None, take_trigger=D(1))), Cause.EXCHANGE_TAKE_PROFIT, owner),
        (Traces(fill, stop), Cause.EXCHANGE_ALGO, owner),
        (Traces(fill, replace(stop, average_price=None), oco), Cause.EXCHANGE_ALGO, owner),
        (Traces(fill, an_order(start, source="25", algo_id="9")), Cause.EXCHANGE_TRAILING, owner),
        (Traces(fill, an_order(start, algo_id="9"), trailing), Cause.EXCHANGE_TRAILING, owner),
        (Traces(fill, an_order(start, source="6", algo_id="9")), Cause.EXCHANGE_ALGO, owner),
        (Traces(fill, order, own_order=True, own_cause=Cause.STOP_LOSS), Cause.STOP_LOSS, "engine"),
        (Traces(fill, None, own_order=True, own_cause=Cause.TAKE_PROFIT), Cause.TAKE_PROFIT, "engine"),
        (Traces(fill, order), Cause.MANUAL, owner),
        (Traces(fill, an_order(start, client_id="other1")), Cause.OTHER_CLIENT, "another client"),
        (Traces(a_fill(start, sub_type="324")), Cause.MOVED, owner),
        (Traces(fill), Cause.UNKNOWN, "unknown"),
        (Traces(), Cause.UNKNOWN, "unknown"),
    ]  # fmt: skip
    for traces, cause, actor in rows:
        best = rank(traces)[0]
        assert (best.cause, best.actor) == (cause, actor)


def test_position_history_alone_only_supports_and_order_evidence_outranks_it(start: Instant) -> None:
    alone = rank(Traces(history=a_history("3", start)))
    assert (alone[0].cause, alone[0].confidence) == (Cause.LIQUIDATION, Confidence.SUPPORTED)
    both = rank(Traces(a_fill(start), an_order(start), history=a_history("3", start)))
    assert [one.cause for one in both] == [Cause.MANUAL, Cause.LIQUIDATION]
    assert both[0].evidence.get("history_type") == "3"


def test_the_fill_that_made_it_flat_names_the_closure(start: Instant) -> None:
    first = (
        a_fill(start),
        rank(Traces(a_fill(start), an_order(start), own_order=True, own_cause=Cause.PARTIAL_TAKE))[0],
    )
    last_fill = a_fill(Instant(start + 1), trade_id="6", sub_type="104")
    last = (last_fill, rank(Traces(last_fill))[0])
    assert closure_cause((last, first)).cause is Cause.LIQUIDATION


BTC = Held("BTC-USDT-SWAP", D("0.5"), D(60000), D(10), MarginMode.ISOLATED)


@pytest.mark.parametrize(
    ("theirs", "kinds"),
    [
        ([], [DriftKind.VANISHED]),
        ([BTC], []),
        ([replace(BTC, contracts=D("0.4"))], [DriftKind.RESIZED]),
        ([replace(BTC, contracts=D("-0.5"))], [DriftKind.FLIPPED]),
        ([replace(BTC, average_price=D(60001))], [DriftKind.REPRICED]),
        ([replace(BTC, average_price=None)], []),
        ([replace(BTC, leverage=D(20), margin_mode=MarginMode.CROSS)], [DriftKind.LEVERAGE, DriftKind.MARGIN_MODE]),
        ([BTC, Held("ETH-USDT-SWAP", D(1))], [DriftKind.APPEARED]),
    ],
    ids=["vanished", "same", "resized", "flipped", "repriced", "unpriced", "setup", "appeared"],
)
def test_each_kind_of_drift_is_told_apart(theirs: Any, kinds: Any) -> None:
    assert [drift.kind for drift in compare([BTC], theirs, DriftParameters())] == kinds


def test_a_position_with_an_order_under_way_is_not_compared() -> None:
    assert compare([replace(BTC, busy=True)], [], DriftParameters()) == ()


def test_b29_b30_one_read_or_a_failed_read_proves_nothing(start: Instant) -> None:
    limits = DriftParameters()
    gone = compare([BTC], [], limits)
    state, believed = observe(DriftState(), gone, start, limits)
    assert believed == ()
    state, believed = observe(state, None, Instant(start + 5 * SECOND), limits)
    assert believed == ()
    back, believed = observe(state, (), Instant(start + 5 * SECOND), limits)
    assert back == DriftState()
    state, believed = observe(state, gone, Instant(start + 2 * SECOND), limits)
    assert believed == ()
    state, believed = observe(state, gone, Instant(start + 3 * SECOND), limits)
    assert [drift.kind for drift in believed] == [DriftKind.VANISHED]
    state, again = observe(state, gone, Instant(start + 9 * SECOND), limits)
    assert again == ()


def test_a_difference_that_changed_is_counted_afresh(start: Instant) -> None:
    limits = DriftParameters(reads=3)
    state, _ = observe(DriftState(), compare([BTC], [], limits), start, limits)
    resized = compare([BTC], [replace(BTC, contracts=D(1))], limits)
    again = compare([BTC], [replace(BTC, contracts=D(2))], limits)
    for second, seen in ((1, resized), (2, again), (6, again)):
        state, believed = observe(state, seen, Instant(start + second * SECOND), limits)
        assert believed == ()


def test_a_drift_that_keeps_changing_is_not_believed(start: Instant) -> None:
    limits, state = DriftParameters(), DriftState()
    for second in range(10):
        moving: tuple[Drift, ...] = compare([BTC], [replace(BTC, contracts=D(second + 1))], limits)
        state, believed = observe(state, moving, Instant(start + second * SECOND), limits)
        assert believed == ()


def test_a_move_says_of_what() -> None:
    assert Move.parse("0.006 of_price") == of_price("0.006")
    assert str(of_margin("0.02")) == "0.02 of_margin"
    for bare in ("0.006", "0.006 of_profit", "0.6% of_price"):
        with pytest.raises((ConfigurationError, ValueError)):
            Move.parse(bare)


def test_a5_resolution_records_the_source_of_each_value() -> None:
    overrides = Overrides(by_instrument={"BTC-USDT-SWAP": {"profit_move": of_price("0.005")}})
    found = resolve(TakeProfitParameters, overrides, "BTC-USDT-SWAP", "ranging")
    assert found.source("profit_move") is Scope.INSTRUMENT
    assert resolve(TakeProfitParameters, Overrides(), "X", "y").source("profit_move") is Scope.DEFAULT
    with pytest.raises(InvariantBroken):
        found.source("nothing")
    with pytest.raises(ConfigurationError, match="tp"):
        resolve(TakeProfitParameters, Overrides(everywhere={"tp": 1}), "X", "y")


def test_a_value_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        TakeProfitParameters(profit_move=0.004)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="outside"):
        DriftParameters(reads=1)


def test_evidence_is_ordered_named_once_and_serialisable(start: Instant) -> None:
    shown = Evidence.of("fills", price=D("60000.10"), count=3) + Evidence((Item("mark", D(1), "ws", 7),))
    plain = shown.to_plain()
    assert plain[0] == {"name": "price", "value": "60000.10", "source": "fills"}
    assert plain[2]["age_us"] == 7
    assert [item.name for item in from_plain(plain)] == ["price", "count", "mark"]
    with pytest.raises(InvariantBroken):
        shown.get("nothing")
    with pytest.raises(InvariantBroken):
        Evidence((Item("a", 1), Item("a", 2)))
