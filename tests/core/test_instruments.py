from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalpctl.core.instruments import Instrument, parse_inst_id
from scalpctl.core.money import Contracts, Quote, is_multiple
from scalpctl.core.sides import Action, Side
from scalpctl.errors import NotCanonical

INSTRUMENTS = (
    Instrument("BTC-USDT-SWAP", Decimal("0.01"), Decimal(1), Decimal("0.1"), Decimal("0.01"), Decimal("0.01")),
    Instrument("DOGE-USDT-SWAP", Decimal(1000), Decimal(1), Decimal("0.00001"), Decimal("0.01"), Decimal("0.01")),
    Instrument("ODD-USDT-SWAP", Decimal("0.1"), Decimal(10), Decimal("0.05"), Decimal("0.3"), Decimal("1.2")),
)
instruments = st.sampled_from(INSTRUMENTS)
prices = st.decimals(min_value="0.0001", max_value=200_000, places=7)
sums = st.decimals(min_value=0, max_value=1_000_000, places=2)


@given(instruments, prices, sums)
def test_sizing_never_exceeds_the_sum_and_is_always_placeable(spec: Instrument, price: Decimal, sum_: Decimal) -> None:
    contracts = spec.contracts_within(Quote(sum_), price)
    assert spec.notional(contracts, price).value <= sum_
    assert not contracts or spec.is_valid_size(contracts)


@given(instruments, prices, sums)
def test_sizing_wastes_less_than_one_lot(spec: Instrument, price: Decimal, sum_: Decimal) -> None:
    contracts = spec.contracts_within(Quote(sum_), price)
    more = Contracts(max(contracts.value + spec.lot_size, spec.min_contracts))
    assert spec.notional(more, price).value > sum_


@given(instruments, st.decimals(min_value=0, max_value=10_000, places=6))
def test_a_size_is_rounded_down_and_never_up_to_the_minimum(spec: Instrument, size: Decimal) -> None:
    floored = spec.floor_contracts(Contracts(size))
    assert floored.value <= size
    assert not floored or spec.is_valid_size(floored)
    assert size >= spec.min_contracts or not floored


@given(instruments, st.integers(1, 500), st.integers(2, 60))
def test_a_size_larger_than_one_order_is_sent_in_valid_parts_to_the_last_lot(
    spec: Instrument, lots: int, most: int
) -> None:
    limit, market = 2 * most * spec.min_contracts, 2 * spec.min_contracts
    spec = replace(spec, limit_contracts_max=limit, market_contracts_max=market)
    for largest in (limit, market):
        left = Contracts(spec.min_contracts + lots * spec.lot_size)
        while left:
            part = spec.in_one_order(left, market=largest == market)
            assert spec.is_valid_size(part)
            assert part.value <= largest
            left -= part


@given(instruments, prices)
def test_rounding_a_price_never_makes_it_worse_for_us(spec: Instrument, price: Decimal) -> None:
    assert spec.passive_price(price, Action.BUY) <= price <= spec.passive_price(price, Action.SELL)
    assert spec.stop_trigger(price, Side.SHORT) <= price <= spec.stop_trigger(price, Side.LONG)
    assert is_multiple(spec.stop_trigger(price, Side.LONG), spec.tick_size)


def test_contracts_coins_and_notional_are_exact() -> None:
    odd = INSTRUMENTS[2]
    assert odd.coins_per_contract == 1
    btc = INSTRUMENTS[0]
    assert str(btc.coins(Contracts("25"))) == "0.25"
    assert str(btc.notional(Contracts("0.01"), Decimal("63999.9"))) == "6.39999"


@pytest.mark.parametrize("text", ["BTC-USDT", "BTC-USDT-SWAP"])
def test_both_spellings_name_the_exact_instrument(text: str) -> None:
    assert parse_inst_id(text) == "BTC-USDT-SWAP"


@pytest.mark.parametrize(
    "text", ["BTC", "btc-usdt", "BTC-USDT-260327", "BTC-USDT-SWAP ", "BTC/USDT", "", "BTC-USD-T-SWAP"]
)
def test_nothing_else_is_an_instrument(text: str) -> None:
    with pytest.raises(NotCanonical):
        parse_inst_id(text)


@pytest.mark.parametrize("field", ["ct_val", "ct_mult", "tick_size", "lot_size", "min_contracts"])
@pytest.mark.parametrize("value", [Decimal(0), Decimal(-1), Decimal("NaN"), 1, 0.1, "1"], ids=repr)
def test_a_specification_that_would_price_wrongly_is_refused(field: str, value: object) -> None:
    good = {
        "inst_id": "BTC-USDT-SWAP", "ct_val": Decimal(1), "ct_mult": Decimal(1), "tick_size": Decimal(1),
        "lot_size": Decimal(1), "min_contracts": Decimal(1),
    }  # fmt: skip
    with pytest.raises(NotCanonical):
        Instrument(**(good | {field: value}))  # type: ignore[arg-type]


def test_sides_and_actions_mirror_each_other() -> None:
    for side in Side:
        assert side.opening.opposite is side.closing
        assert side.opposite.opening is side.closing
        assert side.sign == side.opening.sign == -side.closing.sign
