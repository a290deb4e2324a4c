"""Orders over the private stream, REST as the fallback, one budget for both."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from scalpctl.core.exchange.outcomes import Accepted, Refused, Unknown
from scalpctl.core.exchange.requests import AmendOrder, CancelOrder
from scalpctl.core.instants import after
from scalpctl.okx.wire.endpoints import CANCEL, ORDER

INST = "BTC-USDT-SWAP"


async def test_orders_go_over_the_ready_private_line_by_instrument_code(make: Any, documented: Any, lines: Any) -> None:
    async with lines.running(make, documented) as exchange:
        exchange.asked.clear()
        outcome = await exchange.client.trading.place(make.order(expires_at=after(exchange.clock.now(), 3)))
        assert outcome == Accepted("9001", 1_795_162_530_456_000)
        said = exchange.private().said[-1]
        assert (said["op"], said["args"][0]["instIdCode"]) == ("order", 10459)
        assert "instId" not in said["args"][0]
        assert int(said["expTime"]) == after(exchange.clock.now(), 3) // 1_000
        assert len(said["id"]) <= 32
        assert said["id"].isalnum()
        assert exchange.asked == []


async def test_a5_and_a14_without_a_ready_line_orders_go_over_rest(make: Any, documented: Any, lines: Any) -> None:
    async with lines.running(make, documented) as exchange:
        exchange.refuse_dials = 1_000
        exchange.private().drop(1006)
        await exchange.settle()
        outcome = await exchange.client.trading.place(make.order(expires_at=after(exchange.clock.now(), 3)))
        assert isinstance(outcome, Accepted)
        assert exchange.asked[-1].target == ORDER.path
        cancel = await exchange.client.trading.cancel(CancelOrder("sc0000000001", INST))
        assert isinstance(cancel, Accepted)
        assert exchange.asked[-1].target == CANCEL.path


async def test_an_instrument_without_a_code_goes_over_rest(make: Any, documented: Any, lines: Any) -> None:
    async with lines.running(make, documented) as exchange:
        order = make.order(inst_id="ETH-USDT-SWAP", expires_at=after(exchange.clock.now(), 3))
        assert isinstance(await exchange.client.trading.place(order), Accepted)
        assert exchange.asked[-1].target == ORDER.path


async def test_b1_a_line_that_dies_before_the_answer_leaves_it_unknown_and_repeats_nothing(
    make: Any, documented: Any, lines: Any
) -> None:
    async with lines.running(make, documented) as exchange:
        exchange.operate = lambda _said: exchange.private().drop(1006)
        posts = sum(request.method == "POST" for request in exchange.asked)
        placing = asyncio.create_task(
            exchange.client.trading.place(make.order(expires_at=after(exchange.clock.now(), 3)))
        )
        await exchange.turn(0.1)
        assert isinstance(placing.result(), Unknown)
        assert sum(request.method == "POST" for request in exchange.asked) == posts


@pytest.mark.parametrize("seconds", [5.0, 1.0])
async def test_b1_an_answer_that_never_comes_is_unknown_after_the_time_configured(
    make: Any, documented: Any, lines: Any, seconds: float
) -> None:
    async with lines.running(make, documented) as exchange:
        exchange.client.trading.answer_within_s = seconds
        exchange.operate = lambda _said: None
        change = AmendOrder("sc0000000001", INST, after(exchange.clock.now(), 3), price=Decimal(1))
        amending = asyncio.create_task(exchange.client.trading.amend(change))
        await exchange.turn(seconds - 0.1)
        assert not amending.done()
        await exchange.turn(0.4)
        assert isinstance(amending.result(), Unknown)


async def test_b4_a_stream_answer_is_judged_item_by_item(make: Any, documented: Any, lines: Any) -> None:
    async with lines.running(make, documented) as exchange:
        rows = [{"clOrdId": "b", "ordId": "9", "sCode": "0"}, {"clOrdId": "a", "ordId": "", "sCode": "51603"}]
        exchange.operate = lambda _said: {"code": "2", "data": rows}
        outcomes = await exchange.client.trading.cancel_many([CancelOrder(name, INST) for name in "abc"])
        assert [type(outcome) for outcome in outcomes] == [Refused, Accepted, Unknown]


async def test_b14_stream_and_rest_share_one_budget(make: Any, documented: Any, lines: Any) -> None:
    async with lines.running(make, documented) as exchange:
        for number in range(42):
            order = make.order(f"sc{number:010d}", expires_at=after(exchange.clock.now(), 30))
            await exchange.client.trading.place(order)
        exchange.refuse_dials = 1_000
        exchange.private().drop(1006)
        await exchange.settle()
        late = asyncio.create_task(
            exchange.client.trading.place(make.order("sclate", expires_at=after(exchange.clock.now(), 30)))
        )
        await exchange.settle()
        assert not late.done()
        await exchange.turn(2.1)
        assert isinstance(late.result(), Accepted)


async def test_an_order_refused_for_its_time_has_the_clock_measured_at_once(
    make: Any, documented: Any, lines: Any
) -> None:
    async with lines.running(make, documented) as exchange:
        await exchange.turn(60)
        exchange.asked.clear()
        exchange.operate = lambda said: {
            "code": "0",
            "data": [{"sCode": "50036", "sMsg": "late", "clOrdId": "sc0000000001"}],
        }
        placing = asyncio.create_task(
            exchange.client.trading.place(make.order(expires_at=after(exchange.clock.now(), 3)))
        )
        await exchange.turn(1)
        assert isinstance(await placing, Refused)
        assert any("public/time" in request.target for request in exchange.asked)


async def test_an_instrument_whose_number_is_not_known_there_goes_over_rest(
    make: Any, documented: Any, lines: Any
) -> None:
    async with lines.running(make, documented) as exchange:
        exchange.asked.clear()
        exchange.operate = lambda said: {
            "code": "1",
            "data": [{"sCode": "51001", "sMsg": "?", "clOrdId": "sc0000000001"}],
        }
        assert isinstance(
            await exchange.client.trading.place(make.order(expires_at=after(exchange.clock.now(), 3))), Refused
        )
        await exchange.client.instruments()  # read again every few minutes: the number is the same
        assert isinstance(
            await exchange.client.trading.place(make.order(expires_at=after(exchange.clock.now(), 3))), Accepted
        )
        assert "trade/order" in exchange.asked[-1].target
