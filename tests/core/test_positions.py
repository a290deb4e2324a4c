"""Positions are folds over fills: golden vectors, parts that sum to the whole, no dependence on order of arrival."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from decimal import Decimal as D  # noqa: N817  a column of vectors reads better
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.exchange.reports import FillReport
from scalpctl.core.exits.partial import shares
from scalpctl.core.fills import Fill, from_report, in_order, key_of
from scalpctl.core.instants import Instant
from scalpctl.core.margin import cross_ratio, isolated_ratio, liquidation_price
from scalpctl.core.money import Contracts, Quote
from scalpctl.core.pnl import Result, break_even, fee, funding_paid, gross, return_ratio, settle
from scalpctl.core.positions import apply, fold, fund, opened, signed
from scalpctl.core.sides import Action, Side
from scalpctl.errors import InvariantBroken

TAKER, MAKER = Decimal("0.0005"), Decimal("0.0002")
CT_VAL = {"BTC": "0.01", "ETH": "0.1", "SOL": "1", "XRP": "100", "DOGE": "1000"}

GOLDEN = [
    ("SOL", "short", "135.8726667", "134.99", "0.75", "0.662", "-0.1015735", "0.5604265", "0.0274976", TAKER),
    ("BTC", "long", "88812.7", "88877.5285714", "0.07", "0.04538", "-0.06219158", "-0.01681158", "-0.0013521", TAKER),
    ("ETH", "short", "3035.5", "3026.6145455", "0.22", "0.19548", "-0.06668326", "0.12879674", "0.0096432", TAKER),
    ("XRP", "long", "2.025", "2.0286548", "0.31", "0.1133", "-0.06283165", "0.05046835", "0.0040198", TAKER),
    ("XRP", "long", "2.0272", "2.0289129", "0.31", "0.0531", "-0.04401679", "0.00908321", "0.0007227", MAKER),
]


def a_fill(number: int, action: Action, price: str | Decimal, contracts: str | Decimal, **changes: Any) -> Fill:
    fields: dict[str, Any] = {
        "inst_id": "BTC-USDT-SWAP",
        "key": str(number),
        "order_id": "1",
        "client_id": "c",
        "action": action,
        "position_side": None,
        "price": Decimal(price),
        "contracts": Contracts(Decimal(contracts)),
        "fee_paid": Decimal("0.01"),
        "liquidity": "maker",
        "filled_at": Instant(1_795_162_530_000_000 + number),
    }
    return Fill(**(fields | changes))


@pytest.mark.parametrize("row", GOLDEN, ids=[f"{row[0]} {row[2]}" for row in GOLDEN])
def test_golden_vectors_of_the_exchanges_position_history(instrument: Any, row: Any) -> None:
    coin, side, open_px, close_px, size, pnl, paid, realised, pnl_ratio, entry_rate = row
    spec = instrument(inst_id=f"{coin}-USDT-SWAP", ct_val=D(CT_VAL[coin]))
    contracts = Contracts(size)
    earned = gross(spec, Side(side), contracts, (D(open_px), D(close_px)))
    assert abs(earned - D(pnl)) < D("0.000002")  # the averages are printed with seven decimals
    fees = fee(spec, contracts, D(open_px), entry_rate) + fee(spec, contracts, D(close_px), TAKER)
    assert abs(fees + D(paid)) < D("0.0000001")
    result = Result(gross=D(pnl), fees=-D(paid))
    assert result.net == D(realised)
    got = return_ratio(result.net, spec.notional(contracts, D(open_px)), Decimal(5))
    assert abs(got - D(pnl_ratio)) < D("0.0000005")


def test_golden_single_fill_fee(instrument: Any) -> None:
    assert fee(instrument(), Contracts("0.02"), D(88848), TAKER) == D("0.0088848")


def test_worked_example_isolated_long(instrument: Any) -> None:
    spec, size = instrument(), Contracts("25")
    coins = spec.coins(size).value
    assert coins == D("0.25")
    assert fee(spec, size, D(64000), TAKER) == D(8)
    unrealised = gross(spec, Side.LONG, size, (D(64000), D(64800)))
    assert unrealised == D(200)
    rates = (D("0.004"), TAKER)
    ratio = isolated_ratio(spec, size, D(64800), margin=D(1600), unrealised=unrealised, rates=rates)
    assert abs(ratio - D("24.6913580247")) < D("1E-9")
    price = liquidation_price(Side.LONG, coins, D(64000), backing=D(1600), rates=rates)
    assert abs(price - D("57860.3716725")) < D("1E-6")
    assert abs(break_even(Side.LONG, coins, D(64000), D(8), TAKER) - D("64064.0320160")) < D("1E-7")
    assert funding_paid(spec, Side.LONG, size, D(64800), D("0.0001")) == D("1.62")


def test_worked_example_isolated_short(instrument: Any) -> None:
    spec, size = instrument(inst_id="ETH-USDT-SWAP", ct_val=D("0.1")), Contracts("40")
    coins, rates = spec.coins(size).value, (D("0.004"), TAKER)
    unrealised = gross(spec, Side.SHORT, size, (D(3200), D(3150)))
    assert unrealised == D(200)
    ratio = isolated_ratio(spec, size, D(3150), margin=D(2560), unrealised=unrealised, rates=rates)
    assert abs(ratio - D("48.6772486772")) < D("1E-9")
    price = liquidation_price(Side.SHORT, coins, D(3200), backing=D(2560), rates=rates)
    assert abs(price - D("3822.7974116")) < D("1E-6")
    assert abs(break_even(Side.SHORT, coins, D(3200), D("2.56"), TAKER) - D("3197.7611194")) < D("1E-7")


def test_worked_example_cross_long() -> None:
    requirement = D("0.1") * D(63500) * D("0.0045")
    assert abs(cross_ratio(D(500), D(-50), requirement) - D("15.7480314961")) < D("1E-9")
    price = liquidation_price(Side.LONG, D("0.1"), D(64000), backing=D(500), rates=(D("0.004"), TAKER))
    assert abs(price - D("59266.7001507")) < D("1E-6")
    assert liquidation_price(Side.LONG, D("0.1"), D(64000), backing=D(7000), rates=(D("0.004"), TAKER)) is None


def test_worked_example_close_in_two_parts(instrument: Any) -> None:
    fills = [
        a_fill(1, Action.BUY, "64000", "25", fee_paid=D(8)),
        a_fill(2, Action.SELL, "65000", "10", fee_paid=D("1.3")),
        a_fill(3, Action.SELL, "65000", "15", fee_paid=D("1.95")),
    ]
    position = opened(instrument(), fills[0])
    first = apply(position, fills[1])
    assert (first.gross, first.position.average_price, first.position.result.net) == (D(100), D(64000), D("90.7"))
    whole = fold(instrument(), fills)[0]
    assert (whole.result.gross, whole.result.fees, whole.result.net) == (D(250), D("11.25"), D("238.75"))
    assert whole.is_flat
    assert whole.contracts_max == whole.contracts_closed == Contracts("25")
    assert return_ratio(whole.result.net, Quote("16000"), Decimal(10)) == D("0.14921875")


sizes = st.integers(1, 500).map(lambda lots: Decimal(lots) / 100)
prices = st.integers(1_000, 9_999_999).map(lambda ticks: Decimal(ticks) / 10)


@settings(max_examples=80, deadline=None)
@given(
    entries=st.lists(st.tuples(sizes, prices), min_size=1, max_size=6),
    cuts=st.lists(st.integers(1, 99), min_size=0, max_size=5),
    exits=st.lists(prices, min_size=6, max_size=6),
    side=st.sampled_from(list(Side)),
)
def test_parts_of_any_sequence_of_closes_sum_to_the_whole(
    instrument: Any, entries: Any, cuts: Any, exits: Any, side: Side
) -> None:
    fills, number, total = [], 0, Decimal(0)
    for size, price in entries:
        number += 1
        total += size
        fills.append(a_fill(number, side.opening, price, size))
    parts, left = [], total
    for cut in cuts:
        part = (left * cut / 100).quantize(Decimal("0.01"), rounding="ROUND_DOWN")
        if part:
            parts.append(part)
            left -= part
    if left:
        parts.append(left)
    money = Decimal(0)
    for part, price in zip(parts, exits, strict=False):
        number += 1
        fills.append(a_fill(number, side.closing, price, part))
        money += part * price
    bought = sum(size * price for size, price in entries)
    expected = (money - bought) * side.sign * Decimal("0.01")
    positions = fold(instrument(), fills)
    assert len(positions) == 1
    assert positions[0].is_flat
    assert positions[0].result.gross == expected
    assert positions[0].result.fees == Decimal("0.01") * number


@settings(max_examples=50, deadline=None)
@given(order=st.permutations(list(range(8))), twice=st.lists(st.integers(0, 7), max_size=4))
def test_b_fills_in_any_order_and_twice_give_the_same_positions(instrument: Any, order: Any, twice: Any) -> None:
    fills = [
        a_fill(1, Action.BUY, "60000.1", "0.5"),
        a_fill(2, Action.BUY, "60010.3", "0.7"),
        a_fill(3, Action.SELL, "60020", "0.4"),
        a_fill(4, Action.BUY, "60005", "0.1"),
        a_fill(5, Action.SELL, "60030", "0.9"),
        a_fill(6, Action.SELL, "60030", "1"),
        a_fill(7, Action.BUY, "60000", "0.3"),
        a_fill(8, Action.BUY, "59990", "0.7"),
    ]
    expected = fold(instrument(), fills)
    shuffled = [fills[index] for index in order] + [fills[index] for index in twice]
    assert fold(instrument(), shuffled) == expected
    assert [position.side for position in expected] == [Side.LONG, Side.SHORT]


def test_a17_a_duplicate_row_is_counted_once_and_a_contradiction_is_refused() -> None:
    one = a_fill(1, Action.BUY, "60000", "1")
    assert in_order([one, one]) == (one,)
    with pytest.raises(InvariantBroken):
        in_order([one, a_fill(1, Action.BUY, "60001", "1")])


def test_a18_fills_of_one_life_are_one_position_however_many_there_are(instrument: Any) -> None:
    fills = [a_fill(n, Action.BUY, "60000", "0.1") for n in range(1, 6)]
    fills += [a_fill(n, Action.SELL, "60010", "0.1") for n in range(6, 11)]
    assert len(fold(instrument(), fills)) == 1


def test_a_position_ends_when_its_latest_fill_happened_whichever_is_heard_of_last(instrument: Any) -> None:
    one, late, last = a_fill(1, Action.BUY, "60000", "1"), a_fill(2, Action.SELL, "60010", "0.4"), a_fill(
        3, Action.SELL, "60020", "0.6"
    )  # fmt: skip
    position = opened(instrument(), one)
    for fill in (last, late):
        position = apply(position, fill).position
    assert position.is_flat
    assert position.closed_at == last.filled_at > late.filled_at


def test_a_fill_larger_than_the_position_opens_the_other_side_with_the_rest(instrument: Any) -> None:
    fills = [a_fill(1, Action.BUY, "60000", "1"), a_fill(2, Action.SELL, "60100", "3", fee_paid=D("0.9"))]
    first, second = fold(instrument(), fills)
    assert first.is_flat
    assert (second.side, second.contracts) == (Side.SHORT, Contracts("2"))
    assert first.result.fees + second.result.fees == D("0.91")
    assert signed(second) == D(-2)


def test_a08_value_needs_the_instruments_own_contract_value(instrument: Any) -> None:
    xrp = instrument(inst_id="XRP-USDT-SWAP", ct_val=D(100))
    assert xrp.notional(Contracts("1.03"), D("2.0225")).value == D("208.3175")


def test_a09_margin_is_value_over_leverage_in_coins_not_contracts(facts: Any) -> None:
    position = facts(contracts=Contracts("0.393"), average_price=D(60000), leverage=Decimal(5))
    assert position.margin == D("47.16")


def test_a12_a_partial_take_pays_its_own_fee_and_the_entry_fee_is_counted_once(instrument: Any) -> None:
    fills = [
        a_fill(1, Action.BUY, "60000", "1", fee_paid=D("0.3")),
        a_fill(2, Action.SELL, "60100", "0.4", fee_paid=D("0.12")),
        a_fill(3, Action.SELL, "60100", "0.6", fee_paid=D("0.18")),
    ]
    assert fold(instrument(), fills)[0].result.fees == D("0.6")
    parts = shares(D("0.3"), (Contracts("0.4"), Contracts("0.6")))
    assert parts == (D("0.12"), D("0.18"))


@settings(max_examples=60, deadline=None)
@given(total=st.integers(-(10**9), 10**9), parts=st.lists(st.integers(1, 10**5), min_size=1, max_size=9))
def test_shares_of_a_sum_add_up_to_it(total: int, parts: list[int]) -> None:
    whole = Decimal(total) / 1000
    assert sum(shares(whole, tuple(Contracts(part) for part in parts))) == whole


def test_a15_funding_is_part_of_the_result(instrument: Any) -> None:
    position = fund(opened(instrument(), a_fill(1, Action.BUY, "60000", "1")), D("1.5"))
    assert position.result.net == D("-1.51")


def test_a16_net_is_always_gross_minus_fees_minus_funding() -> None:
    total = Result(D("-1.81"), D("7.69")) + Result(D(1), D("0.1"), D("0.2"), D("0.3"))
    assert total.net == D("-1.81") - D("7.69") + D(1) - D("0.6")


def test_a20_prices_keep_every_digit(instrument: Any) -> None:
    doge = instrument(inst_id="DOGE-USDT-SWAP", ct_val=D(1000), tick_size=D("0.00001"))
    position = opened(doge, a_fill(1, Action.BUY, "0.13507", "0.5", inst_id="DOGE-USDT-SWAP"))
    assert position.average_price == D("0.13507")


def test_a_fill_that_does_not_belong_is_refused(instrument: Any) -> None:
    position = opened(instrument(), a_fill(1, Action.BUY, "60000", "1", position_side=Side.LONG))
    with pytest.raises(InvariantBroken):
        apply(position, a_fill(2, Action.SELL, "60000", "1", inst_id="ETH-USDT-SWAP"))
    with pytest.raises(InvariantBroken):
        apply(position, a_fill(2, Action.SELL, "60000", "1", position_side=Side.SHORT))
    with pytest.raises(InvariantBroken):
        fold(instrument(), [a_fill(1, Action.SELL, "60000", "1", position_side=Side.LONG)])
    with pytest.raises(InvariantBroken):
        a_fill(1, Action.BUY, "0", "1")
    flat = apply(position, a_fill(2, Action.SELL, "60000", "1")).position
    assert apply(flat, a_fill(3, Action.SELL, "60000", "1")).beyond == Contracts("1")
    with pytest.raises(InvariantBroken):
        _ = flat.average_price


def a_report(**changes: Any) -> FillReport:
    report = FillReport(
        "BTC-USDT-SWAP", "", "77", "", Action.SELL, None, D(60000), Contracts("1"), D("-0.3"), "USDT", "", None,
        "104", "9", "", Instant(1_795_162_530_000_000), "rest",
    )  # fmt: skip
    return replace(report, **changes)


def test_an_execution_without_a_trade_id_gets_a_stable_key() -> None:
    report = a_report()
    assert key_of(report) == key_of(a_report())
    assert key_of(report) != key_of(a_report(price=D(60001)))
    assert len(key_of(report)) == 25
    assert from_report(report).fee_paid == D("0.3")


def test_a_fee_that_is_missing_or_nothing_is_nothing_and_has_no_sign() -> None:
    for fee_sent in (None, D(0), D("-0")):
        assert str(from_report(a_report(fee=fee_sent)).fee_paid) == "0"
    assert from_report(a_report(fee=D("0.1"))).fee_paid == D("-0.1"), "a rebate is a cost below nothing"


def test_an_execution_of_nothing_is_refused() -> None:
    for size in ("0", "-1"):
        with pytest.raises(InvariantBroken):
            a_fill(1, Action.BUY, "60000", size)


def test_executions_of_one_instant_are_ordered_by_number_and_those_without_one_come_first() -> None:
    keys = ["x00ab", "7", "12", "100"]
    fills = [a_fill(1, Action.BUY, "60000", "1", key=key) for key in keys]
    assert [fill.key for fill in in_order(reversed(fills))] == keys


def test_a_quotient_is_recorded_with_eighteen_decimals_and_no_more() -> None:
    assert settle(Fraction(1, 3)) == D("0." + "3" * 18)
    assert settle(Fraction(2, 3)) == D("0." + "6" * 17 + "7")
    assert str(settle(Fraction(5, 4))) == "1.25"


def test_an_execution_that_closes_more_than_there_is_bears_its_fee_share_by_share(instrument: Any) -> None:
    position = opened(instrument(), a_fill(1, Action.BUY, "60000", "1", fee_paid=D(0)))
    turned = apply(position, a_fill(2, Action.SELL, "60000", "4", fee_paid=D("0.8")))
    assert turned.beyond == Contracts("3")
    assert turned.position.result.fees == D("0.2")
