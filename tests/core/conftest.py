"""What the tests of the decision core build again and again."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from scalpctl.core.exits.catalogue import DEFAULT_ORDER, build
from scalpctl.core.exits.chain import Chain
from scalpctl.core.exits.view import NO_ALARMS, Alarms, GuardPrice, PositionFacts, PriceParameters, Quoted, View
from scalpctl.core.indicators.study import Reading
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.money import Contracts
from scalpctl.core.sides import Side

T0 = Instant(1_795_162_530_123_000)
SECOND = 1_000_000


def an_instrument(**changes: Any) -> Instrument:
    fields: dict[str, Any] = {
        "inst_id": "BTC-USDT-SWAP",
        "ct_val": Decimal("0.01"),
        "ct_mult": Decimal(1),
        "tick_size": Decimal("0.1"),
        "lot_size": Decimal("0.01"),
        "min_contracts": Decimal("0.01"),
        "leverage_max": Decimal(100),
    }
    return Instrument(**(fields | changes))


def some_facts(**changes: Any) -> PositionFacts:
    fields: dict[str, Any] = {
        "instrument": an_instrument(),
        "side": Side.LONG,
        "contracts": Contracts("1"),
        "opened_contracts": Contracts("1"),
        "average_price": Decimal(60000),
        "leverage": Decimal(10),
        "opened_at": T0,
        "costs_paid": Decimal("0.12"),
        "exit_fee_rate": Decimal("0.0005"),
    }
    return PositionFacts(**(fields | changes))


def a_reading(**changes: Any) -> Reading:
    fields: dict[str, Any] = {
        "revision": 1,
        "closed_at": T0,
        "open": 60000.0,
        "high": 60010.0,
        "low": 59990.0,
        "close": 60000.0,
        "rsi": 60.0,
        "macd_line": 1.0,
        "macd_signal": 0.5,
        "atr": 30.0,
        "adx": 20.0,
        "plus_di": 20.0,
        "minus_di": 10.0,
        "ema_fast": 60001.0,
        "ema_slow": 60000.0,
        "bollinger_upper": 60060.0,
        "bollinger_middle": 60000.0,
        "bollinger_lower": 59940.0,
        "range_ratio": 0.01,
        "volume_ratio": 1.5,
        "deviation_ratio": 0.002,
        "reversals": 5,
    }
    return Reading(**(fields | changes))


def a_view(  # everything by name, with defaults of a quiet moment
    facts: PositionFacts | None = None,
    price: str | Decimal | None = "60000",
    *,
    mark: str | Decimal | None = "same",
    after_s: float = 60,
    price_age_s: float = 0,
    mark_age_s: float = 0,
    reading: Reading | None = None,
    limits: PriceParameters | None = None,
    alarms: Alarms = NO_ALARMS,
) -> View:
    at = Instant(T0 + round(after_s * SECOND))
    marked = price if mark == "same" else mark
    return View(
        facts or some_facts(),
        at,
        limits or PriceParameters(),
        exit_price=None if price is None else Quoted(Decimal(price), "bid", Instant(at - round(price_age_s * SECOND))),
        mark=None if marked is None else Quoted(Decimal(marked), "mark", Instant(at - round(mark_age_s * SECOND))),
        reading=reading,
        alarms=alarms,
    )


@pytest.fixture(scope="session")
def instrument() -> Callable[..., Instrument]:
    return an_instrument


@pytest.fixture(scope="session")
def facts() -> Callable[..., PositionFacts]:
    return some_facts


@pytest.fixture(scope="session")
def reading() -> Callable[..., Reading]:
    return a_reading


@pytest.fixture(scope="session")
def view() -> Callable[..., View]:
    return a_view


@pytest.fixture(scope="session")
def whole_chain() -> Chain:
    return build(DEFAULT_ORDER, {}, "BTC-USDT-SWAP", "ranging").chain


@pytest.fixture(scope="session")
def exit_guard() -> PriceParameters:
    return PriceParameters(guard=GuardPrice.EXIT)


@pytest.fixture(scope="session")
def start() -> Instant:
    return T0
