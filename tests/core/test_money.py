from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalpctl.core.money import (
    Coins,
    Contracts,
    Quote,
    add,
    canonical,
    ceil_to,
    exact,
    floor_to,
    is_multiple,
    multiply,
    parse_decimal,
    ratio,
    subtract,
)
from scalpctl.errors import InvariantBroken, NotCanonical

MALFORMED = (
    "NaN", "nan", "Infinity", "-Infinity", "1e-7", "1E5", ".5", "-.5", "5.", "-0", "-0.00", "007", "-01", "00", " 1",
    "1 ", "1_0", "1,0", "+1", "--1", "1.2.3", "0x10", "", "-", ".", "\u0663", "\u0661.\u0662", "1\u00b2", "\uff11",
    "1\n", "9" * 51,
)  # fmt: skip
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**12), max_value=10**12)
steps = st.sampled_from([Decimal(text) for text in ("0.1", "0.01", "0.5", "1", "5", "0.00001", "25")])


@pytest.mark.parametrize("text", MALFORMED)
def test_every_other_spelling_of_a_number_is_refused(text: str) -> None:
    with pytest.raises(NotCanonical):
        parse_decimal(text)


@pytest.mark.parametrize("value", [0.1, 1, None, b"1", Decimal(1)], ids=repr)
def test_a_decimal_comes_from_text_only(value: object) -> None:
    with pytest.raises(NotCanonical):
        parse_decimal(value)  # type: ignore[arg-type]


@given(decimals)
def test_a_number_survives_its_spelling_with_all_digits(value: Decimal) -> None:
    text = canonical(value)
    again = parse_decimal(text)
    assert again == value
    assert canonical(again) == text


@pytest.mark.parametrize("text", ["0", "0.00", "1.10", "-12.500", "0.0000000001", "12345678901234567.123456789"])
def test_the_exchanges_digits_are_kept(text: str) -> None:
    assert canonical(parse_decimal(text)) == text
    assert exact(text) == text
    assert exact(parse_decimal(text)) == text


def test_fifty_characters_are_a_number_and_one_more_is_none() -> None:
    assert parse_decimal("9" * 50) == 10**50 - 1
    with pytest.raises(NotCanonical):
        parse_decimal("9" * 51)


def test_a_text_that_is_no_number_is_not_passed_on() -> None:
    with pytest.raises(NotCanonical):
        exact("1.")


def test_small_numbers_never_turn_into_exponents() -> None:
    assert exact(Decimal("1E-7")) == "0.0000001"
    assert exact(Decimal("-1.5E-12")) == "-0.0000000000015"


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity")])
def test_what_is_not_a_number_has_no_spelling(value: Decimal) -> None:
    with pytest.raises(NotCanonical):
        canonical(value)


def test_minus_zero_is_zero() -> None:
    assert canonical(Decimal("-0.00")) == "0.00"


@given(st.lists(decimals, max_size=30))
def test_a_sum_loses_nothing_in_any_order(values: list[Decimal]) -> None:
    assert add(*values) == add(*reversed(values))
    assert subtract(add(*values), add(*values[1:])) == (values[0] if values else 0)


def test_an_inexact_product_is_refused_instead_of_rounded() -> None:
    with pytest.raises(ArithmeticError):
        multiply(Decimal("0." + "3" * 40), Decimal("0." + "7" * 40))


def test_sixty_digits_are_exact_and_one_more_is_refused() -> None:
    nines = Decimal(10**30 - 1)
    assert multiply(nines, nines) == (10**30 - 1) ** 2
    with pytest.raises(ArithmeticError):
        multiply(nines, Decimal(10**31 - 1))


@given(st.integers(-(10**6), 10**6), steps)
def test_whole_steps_are_rounded_to_themselves(count: int, step: Decimal) -> None:
    value = multiply(Decimal(count), step)
    assert floor_to(value, step) == ceil_to(value, step) == value


@given(decimals, steps)
def test_rounding_brackets_the_value_on_whole_steps(value: Decimal, step: Decimal) -> None:
    low, high = floor_to(value, step), ceil_to(value, step)
    assert low <= value <= high
    assert is_multiple(low, step)
    assert is_multiple(high, step)
    assert high - low in {0, step}


def test_a_step_that_is_not_positive_is_a_defect() -> None:
    with pytest.raises(InvariantBroken):
        floor_to(Decimal(1), Decimal(0))


def test_a_quotient_is_an_estimate_with_28_digits() -> None:
    assert len(str(ratio(Decimal(1), Decimal(3)))) == 30


@pytest.mark.parametrize("left", [Contracts, Coins, Quote])
@pytest.mark.parametrize("right", [Contracts, Coins, Quote])
def test_units_never_mix(left: type[Contracts], right: type[Contracts]) -> None:
    if left is right:
        assert left("1") + right("2") == left("3")
        assert left("1") < right("2")
        assert not left("1") < right("1")
        return
    assert left("1") != right("1")
    for operation in (lambda: left("1") + right("1"), lambda: left("1") - right("1"), lambda: left("1") < right("1")):
        with pytest.raises(TypeError):
            operation()


@pytest.mark.parametrize("value", [0.1, Decimal("NaN"), True, None])
def test_an_amount_is_exact_or_nothing(value: object) -> None:
    with pytest.raises(NotCanonical):
        Quote(value)  # type: ignore[arg-type]


def test_amounts_do_what_amounts_do() -> None:
    amount = Quote("-1.50")
    assert -amount == Quote("1.50")
    assert abs(amount) == Quote("1.5")
    assert amount * 2 == Quote(-3)
    assert str(amount * Decimal("0.1")) == "-0.150"
    assert repr(amount) == "Quote('-1.50')"
    assert not Quote(0)
    assert -Quote("0") == Quote(0)
    assert len({Quote("1.0"), Quote("1"), Coins("1")}) == 2
    with pytest.raises(TypeError):
        amount * 0.5  # type: ignore[operator]
