"""A long life does not grow: what is kept to know a second copy is bounded, and what was let go of stays known."""

from __future__ import annotations

import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from engine.conftest import Play, command

from scalpctl.core.exchange.reports import BillReport, FillReport, OrderReport
from scalpctl.core.fills import from_report
from scalpctl.core.instants import Instant
from scalpctl.core.money import Contracts
from scalpctl.core.sides import Action
from scalpctl.engine import billing, markets
from scalpctl.engine.booked import IDS_KEPT_US, Booked
from scalpctl.engine.runner import REPLIES_KEPT
from scalpctl.okx.stream.identities import FILLS_KEPT, ORDERS_KEPT, SeenFills, SeenOrders

START = Instant(1_795_162_530_000_000)
HOUR_US = 3_600_000_000
FILL = FillReport(
    "BTC-USDT-SWAP", "1", "77", "", Action.SELL, None, Decimal(59_500), Contracts("1"), None, "USDT", "taker", None,
    "", "", "", START, "ws",
)  # fmt: skip
ORDER = OrderReport(
    "BTC-USDT-SWAP", "77", "c1", Action.BUY, None, "post_only", "live", Contracts("2"), Contracts("0"),
    Decimal(60_000), None, None, "USDT", None, False, None, "isolated", "normal", "", "", "", "", "", START, START,
)  # fmt: skip
BILL = BillReport(
    "1", "2", "1", "USDT", Decimal(-1), Decimal(1), "BTC-USDT-SWAP", "", "", None, None, None, None, None, START
)  # fmt: skip


def weight(one: object) -> int:
    """Give the bytes of an object's own containers."""
    return sum(sys.getsizeof(value) for value in vars(one).values())


def test_a_client_knows_the_newest_copies_and_grows_no_further() -> None:
    fills, orders, weights = SeenFills(), SeenOrders(), set()
    for number in range(6 * max(FILLS_KEPT, ORDERS_KEPT)):
        assert fills.first_copy(replace(FILL, trade_id=str(number))) is None
        assert orders.is_news(replace(ORDER, order_id=str(number)))
        if number > 3 * max(FILLS_KEPT, ORDERS_KEPT):
            weights.add(weight(fills) + weight(orders))
        if number > 3 * max(FILLS_KEPT, ORDERS_KEPT) and number % 10 == 0:
            assert fills.first_copy(replace(FILL, trade_id=str(number - 500))) is not None
            assert not orders.is_news(replace(ORDER, order_id=str(number - 500)))
    assert max(weights) <= 1.5 * min(weights)


def test_an_order_that_stays_in_the_book_is_not_news_again_however_many_come_and_go() -> None:
    orders = SeenOrders()
    assert orders.is_news(ORDER)
    for number in range(3 * ORDERS_KEPT):
        assert orders.is_news(replace(ORDER, order_id=f"later {number}"))
        if number % 100 == 0:
            assert not orders.is_news(ORDER)


def test_what_explains_a_bill_in_suspense_is_asked_for_less_often_the_longer_it_lies_there() -> None:
    def pause_s(minutes: int) -> float:
        bill = replace(BILL, at=Instant(START - minutes * 60_000_000))
        return billing._pause(cast("Any", SimpleNamespace(at=START, suspended={("", "", ""): bill}))) / 1e6

    assert [pause_s(minutes) for minutes in (1, 10, 15)] == [20, 20, 20]
    assert pause_s(120) > 600
    assert pause_s(24 * 60) > 10_000


def test_a_funding_is_not_waited_for_again_once_it_was_billed() -> None:
    holding = SimpleNamespace(position=SimpleNamespace(opened_at=START))
    desk: Any = SimpleNamespace(holding=holding, funding_due=None, funding_billed_at=Instant(0))
    first, second = Instant(START + HOUR_US), Instant(START + 9 * HOUR_US)
    markets.funding_passed(desk, first)
    assert desk.funding_due == first
    desk.funding_due, desk.funding_billed_at = None, Instant(first + 900_000)
    markets.funding_passed(desk, first)  # the forecast still names the one that has passed
    assert desk.funding_due is None
    markets.funding_passed(desk, second)
    assert desk.funding_due == second


def test_an_engine_lets_go_of_old_ids_and_takes_nothing_old_for_new() -> None:
    booked, weights = Booked(), []
    booked.opened_at = START
    for hour in range(1, 30 * 24):
        at = Instant(START + hour * HOUR_US)
        booked.fills["BTC-USDT-SWAP", str(hour), "77"] = at
        booked.add_bill(replace(BILL, bill_id=str(hour), at=at))
        booked.forget_old()
        weights.append(len(booked.fills) + len(booked.bills))
        oldest = from_report(replace(FILL, trade_id="1"))
        assert booked.has_fill(oldest, in_suspense=False)
        assert booked.has_bill(replace(BILL, bill_id="1"))
        assert not booked.has_fill(from_report(replace(FILL, trade_id="new", filled_at=at)), in_suspense=False)
        assert not booked.has_bill(replace(BILL, bill_id="new", at=at))
    assert max(weights) <= 2 * (IDS_KEPT_US // HOUR_US + 2)
    assert not booked.has_fill(from_report(replace(FILL, trade_id="1")), in_suspense=True)


def test_an_engine_forgets_what_it_was_asked_long_ago(tmp_path: Path) -> None:
    play, kept = Play(tmp_path / "root"), []

    async def asked(session: Any) -> None:
        for number in range(4 * REPLIES_KEPT):
            assert (await session.runner.order(command("status", number))).ok
        first = await session.runner.order(command("status", 4 * REPLIES_KEPT - 1))
        assert first is await session.runner.order(command("status", 4 * REPLIES_KEPT - 1))
        kept.append(len(session.runner._replies))
        session.stop.set()

    play.session(0.1, asked)
    assert kept[0] <= REPLIES_KEPT + 1
