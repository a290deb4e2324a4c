"""Writes: sent once, judged by the body's codes, item by item; silence is unknown."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.exchange.outcomes import Accepted, Refused, Unknown
from scalpctl.core.exchange.requests import (
    AlgoKind,
    AmendAlgo,
    AmendOrder,
    CancelAlgo,
    CancelOrder,
    Lane,
    MarginMode,
    OrderType,
    PlaceAlgo,
)
from scalpctl.core.instants import after
from scalpctl.core.money import Contracts
from scalpctl.core.sides import Action, Side
from scalpctl.errors import ExchangeUnavailable, ExchangeUnreachable, InvariantBroken
from scalpctl.okx.rest_trading import ENTRY_TAG
from scalpctl.okx.verdicts import by_code, by_order_items, orders_judged
from scalpctl.okx.wire.envelope import OrderAck

ACK = {"ordId": "9001", "clOrdId": "sc0000000001", "tag": "", "ts": "1795162530456", "sCode": "0", "sMsg": ""}


def ack(**changes: str) -> dict[str, str]:
    return ACK | changes


async def test_an_accepted_order_gives_the_exchanges_id(make: Any) -> None:
    desk = make.desk(make.answer([ACK]))
    assert await desk.trading.place(make.order()) == Accepted("9001", 1_795_162_530_456_000)
    (request,) = desk.transport.sent
    assert json.loads(request.body) == {
        "instId": "BTC-USDT-SWAP", "tdMode": "isolated", "side": "buy", "ordType": "post_only", "sz": "25",
        "clOrdId": "sc0000000001", "px": "63999.9", "tag": ENTRY_TAG,
    }  # fmt: skip


async def test_b3_every_place_and_amend_carries_its_expiry_in_the_exchanges_time(make: Any) -> None:
    desk = make.desk(make.answer([ACK]))
    await desk.trading.place(make.order())
    await desk.trading.amend(AmendOrder("sc0000000001", "BTC-USDT-SWAP", after(make.start, 3), price=Decimal(1)))
    await desk.trading.cancel(CancelOrder("sc0000000001", "BTC-USDT-SWAP"))
    expiries = [request.headers.get("expTime") for request in desk.transport.sent]
    assert expiries == ["1795162533123", "1795162533123", None]


async def test_b3_an_order_whose_time_is_over_is_not_sent(make: Any) -> None:
    desk = make.desk(make.answer([ACK]))
    outcome = await desk.trading.place(make.order(expires_at=make.start))
    assert isinstance(outcome, Refused)
    assert desk.transport.sent == []


SILENCE = {
    "timeout": ExchangeUnavailable("no answer: ReadTimeout"),
    "html": b"<html>502</html>",
    "half": b'{"code":"0","data":[{"ordId":"9',
    "nothing": b"",
    "no items": b'{"code":"0","msg":"","data":[]}',
    "no id": b'{"code":"0","msg":"","data":[{"ordId":"","clOrdId":"sc0000000001","sCode":"0"}]}',
    "no item code": b'{"code":"0","msg":"","data":[{"ordId":"9001","clOrdId":"sc0000000001"}]}',
    "somebody else's": b'{"code":"0","msg":"","data":[{"ordId":"9","clOrdId":"other","sCode":"0"}]}',
    "null": b"null",
}


@pytest.mark.parametrize("name", SILENCE)
@pytest.mark.parametrize("status", [200, 400, 401, 500, 502])
async def test_b1_silence_is_unknown_whatever_the_status_and_nothing_is_sent_twice(
    make: Any, name: str, status: int
) -> None:
    line = SILENCE[name]
    desk = make.desk(line if isinstance(line, Exception) else make.response(status, line))
    assert isinstance(await desk.trading.place(make.order()), Unknown)
    assert len(desk.transport.sent) == 1


async def test_what_never_left_is_refused_not_unknown(make: Any) -> None:
    desk = make.desk(ExchangeUnreachable("no route"))
    assert isinstance(await desk.trading.place(make.order()), Refused)


@pytest.mark.parametrize("code", ["50001", "50004", "50013", "50026", "51149", "51054", "51412", "99999", "", "1", "x"])
@pytest.mark.parametrize("status", [200, 400, 500])
async def test_b1_ambiguous_and_strange_codes_are_unknown_whatever_the_status(
    make: Any, code: str, status: int
) -> None:
    for body in (make.answer([], code=code, status=status), make.answer([ack(sCode=code)], code="1", status=status)):
        assert isinstance(await make.desk(body).trading.place(make.order()), Unknown)


@pytest.mark.parametrize("code", ["51016", "51011", "51400", "51503", "51410"])
async def test_what_is_there_already_must_be_asked_for(make: Any, code: str) -> None:
    outcome = await make.desk(make.answer([ack(sCode=code)], code="1")).trading.place(make.order())
    assert isinstance(outcome, Unknown)
    assert outcome.code == code


@pytest.mark.parametrize(
    "code",
    [
        "50011",
        "50051",
        "50061",
        "50113",
        "51000",
        "51008",
        "51020",
        "51032",
        "51121",
        "51169",
        "51174",
        "51261",
        "54031",
    ],
)
async def test_definite_refusals_are_refusals_even_when_the_status_says_server_error(make: Any, code: str) -> None:
    body = make.answer([ack(sCode=code, sMsg="no", ordId="")], code="1", status=500)
    assert await make.desk(body).trading.place(make.order()) == Refused(code, "no")


async def test_b4_the_items_code_decides_not_the_outer_one(make: Any) -> None:
    body = make.answer([ack(sCode="51008", sMsg="Insufficient")], code="0")
    assert await make.desk(body).trading.place(make.order()) == Refused("51008", "Insufficient")


async def test_b4_each_item_of_a_batch_has_its_own_outcome_in_the_order_asked(make: Any) -> None:
    rows = [ack(clOrdId="b", sCode="51603", sMsg="gone"), ack(clOrdId="a"), ack(clOrdId="c", sCode="51400")]
    desk = make.desk(make.answer(rows, code="2"))
    outcomes = await desk.trading.cancel_many([CancelOrder(name, "BTC-USDT-SWAP") for name in "abcd"])
    assert [type(outcome) for outcome in outcomes] == [Accepted, Refused, Unknown, Unknown]


async def test_b4_batches_are_cut_to_what_one_request_may_carry(make: Any) -> None:
    def exchange(request: Any) -> Any:
        return make.answer([ack(clOrdId=item["clOrdId"]) for item in json.loads(request.body)])

    desk = make.desk(exchange)
    orders = [CancelOrder(f"c{n}", "BTC-USDT-SWAP" if n % 2 else "ETH-USDT-SWAP") for n in range(50)]
    outcomes = await desk.trading.cancel_many(orders)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert [len(json.loads(request.body)) for request in desk.transport.sent] == [20, 5, 20, 5]


@given(st.binary(max_size=200), st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=5))
@settings(deadline=None)
def test_no_bytes_make_an_acceptance_by_accident(body: bytes, ids: list[str]) -> None:
    outcomes = orders_judged(body, ids)
    assert len(outcomes) == len(ids)
    assert not any(isinstance(outcome, Accepted) for outcome in outcomes)


@given(st.text(max_size=6))
def test_only_listed_codes_are_refusals(code: str) -> None:
    assert isinstance(by_code(code, ""), Refused | Unknown)
    if not code.isdecimal() or len(code) != 5:
        assert isinstance(by_code(code, ""), Unknown)


async def test_reduce_only_is_said_in_net_mode_only_and_exits_carry_no_entry_tag(make: Any) -> None:
    desk = make.desk(make.answer([ACK]))
    for side in (None, Side.LONG):
        order = make.order(
            action=Action.SELL, type=OrderType.MARKET, price=None, reduce_only=True, position_side=side, lane=Lane.EXIT
        )
        await desk.trading.place(order)
    net, hedged = (json.loads(request.body) for request in desk.transport.sent)
    assert net["reduceOnly"] is True
    assert "posSide" not in net
    assert "reduceOnly" not in hedged
    assert hedged["posSide"] == "long"
    assert "tag" not in net


def a_stop(**changes: Any) -> PlaceAlgo:
    fields: dict[str, Any] = {
        "client_id": "scsl1",
        "inst_id": "BTC-USDT-SWAP",
        "kind": AlgoKind.STOP,
        "action": Action.SELL,
        "margin_mode": MarginMode.ISOLATED,
        "close_fraction": Decimal(1),
        "stop_trigger": Decimal(63500),
    }
    return PlaceAlgo(**(fields | changes))


async def test_a_stop_closes_the_whole_position_at_market(make: Any) -> None:
    desk = make.desk(make.answer([{"algoId": "83", "algoClOrdId": "scsl1", "sCode": "0", "sMsg": ""}]))
    assert await desk.trading.place_algo(a_stop()) == Accepted("83")
    assert json.loads(desk.transport.sent[0].body) == {
        "instId": "BTC-USDT-SWAP", "tdMode": "isolated", "side": "sell", "ordType": "conditional",
        "algoClOrdId": "scsl1", "closeFraction": "1", "reduceOnly": True, "slTriggerPx": "63500",
        "slTriggerPxType": "mark", "slOrdPx": "-1",
    }  # fmt: skip


async def test_a_stop_that_moves_says_by_which_price_and_how_it_executes(make: Any) -> None:
    desk = make.desk(make.answer([{"algoId": "83", "algoClOrdId": "scsl1", "sCode": "0", "sMsg": ""}]))
    change = AmendAlgo(client_id="scsl1", inst_id="BTC-USDT-SWAP", stop_trigger=Decimal(63600))
    assert await desk.trading.amend_algo(change) == Accepted("83")
    assert json.loads(desk.transport.sent[0].body) == {
        "instId": "BTC-USDT-SWAP", "algoClOrdId": "scsl1", "newSlTriggerPx": "63600", "newSlTriggerPxType": "mark",
        "newSlOrdPx": "-1",
    }  # fmt: skip
    grown = AmendAlgo(client_id="scsl1", inst_id="BTC-USDT-SWAP", contracts=Contracts("7"))
    await desk.trading.amend_algo(grown)
    assert json.loads(desk.transport.sent[1].body) == {
        "instId": "BTC-USDT-SWAP", "algoClOrdId": "scsl1", "newSz": "7",
    }  # fmt: skip


async def test_a_sized_stop_dies_with_its_position(make: Any) -> None:
    desk = make.desk(make.answer([{"algoId": "83", "sCode": "0"}]))
    await desk.trading.place_algo(a_stop(close_fraction=None, contracts=Contracts("5")))
    assert json.loads(desk.transport.sent[0].body)["cxlOnClosePos"] is True


@pytest.mark.parametrize(
    "change", [{"take_trigger": Decimal(7)}, {"close_fraction": None}, {"contracts": Contracts("1")}]
)
async def test_a_stop_that_would_lose_a_leg_or_a_size_is_not_sent(make: Any, change: dict[str, Any]) -> None:
    desk = make.desk(make.answer([]))
    with pytest.raises(InvariantBroken):
        await desk.trading.place_algo(a_stop(**change))


async def test_b4_an_algos_item_code_decides(make: Any) -> None:
    desk = make.desk(make.answer([{"algoId": "", "sCode": "51279", "sMsg": "wrong side"}], code="0"))
    assert await desk.trading.place_algo(a_stop()) == Refused("51279", "wrong side")
    gone = make.desk(make.answer([{"algoId": "83", "sCode": "51400", "sMsg": ""}], code="1"))
    assert isinstance(await gone.trading.cancel_algo(CancelAlgo("scsl1", "BTC-USDT-SWAP", "83")), Unknown)


async def test_leverage_and_the_switch_are_judged_by_the_outer_code(make: Any) -> None:
    yes = make.desk(make.answer([{"lever": "5"}]))
    assert await yes.trading.set_leverage("X", Decimal(5), MarginMode.ISOLATED, None) == Accepted("")
    assert await yes.trading.cancel_all_after(30) == Accepted("")
    assert json.loads(yes.transport.sent[1].body) == {"timeOut": "30", "tag": ENTRY_TAG}
    no = make.desk(make.answer([], code="59101", msg="orders"))
    assert await no.trading.set_leverage("X", Decimal(5), MarginMode.ISOLATED, None) == Refused("59101", "orders")
    with pytest.raises(InvariantBroken):
        await yes.trading.cancel_all_after(5)


async def test_f1_a_write_refused_for_the_clock_is_not_repeated_but_the_clock_is_measured(make: Any) -> None:
    def exchange(request: Any) -> Any:
        if request.method == "GET":
            return make.answer([{"ts": str(after(desk.clock.now(), 40) // 1_000)}])
        return make.answer([], code="50102", status=401)

    desk = make.desk(exchange)
    outcome = await desk.trading.place(make.order(expires_at=after(make.start, 30)))
    assert isinstance(outcome, Refused)
    assert sum(request.method == "POST" for request in desk.transport.sent) == 1
    assert desk.rest.server_clock.skew().behind_us == 40_000_000


async def test_b21_closing_a_position_takes_our_resting_exits_with_it(make: Any) -> None:
    desk = make.desk(make.answer([{"instId": "BTC-USDT-SWAP"}]))
    await desk.trading.close_position("BTC-USDT-SWAP", MarginMode.ISOLATED, None, "sc9")
    body = json.loads(desk.transport.sent[0].body)
    assert (body["autoCxl"], body["clOrdId"]) == (True, "sc9")


async def test_text_in_a_refusal_is_made_harmless(make: Any) -> None:
    desk = make.desk(make.answer([ack(sCode="51000", sMsg="\x1b]0;evil\x07" * 100)], code="1"))
    outcome = await desk.trading.place(make.order())
    assert isinstance(outcome, Refused)
    assert "\x1b" not in outcome.message
    assert len(outcome.message) <= 300


@given(
    contracts=st.decimals(min_value="0.00000001", max_value="1000000", allow_nan=False, places=8),
    price=st.decimals(min_value="0.00000001", max_value="1000000", allow_nan=False, places=8),
)
@settings(deadline=None)
async def test_b12_no_order_ever_carries_an_exponent(make: Any, contracts: Decimal, price: Decimal) -> None:
    desk = make.desk(make.answer([ACK]))
    await desk.trading.place(make.order(contracts=Contracts(contracts), price=price))
    body = json.loads(desk.transport.sent[0].body)
    assert "E" not in (body["sz"] + body["px"]).upper()
    assert (Decimal(body["sz"]), Decimal(body["px"])) == (contracts, price)


def test_an_answer_in_order_without_ids_is_taken_by_its_place() -> None:
    acks = [OrderAck(ord_id="11", s_code="0"), OrderAck(s_code="51008", s_msg="no margin")]
    first, second = by_order_items("2", "", acks, ["a1", "b2"])
    assert isinstance(first, Accepted)
    assert isinstance(second, Refused)
    named = [OrderAck(cl_ord_id="b2", ord_id="12", s_code="0"), OrderAck(cl_ord_id="a1", s_code="51008")]
    first, second = by_order_items("2", "", named, ["a1", "b2"])
    assert isinstance(first, Refused)
    assert isinstance(second, Accepted)
    (alone,) = by_order_items("0", "", [OrderAck(cl_ord_id="somebody", ord_id="13", s_code="0")], ["a1"])
    assert isinstance(alone, Unknown)


def test_an_open_outcome_says_whether_it_is_there_already() -> None:
    there, open_ = by_code("51016", "duplicate"), by_code("50004", "timeout")
    assert isinstance(there, Unknown)
    assert "there already" in there.why
    assert isinstance(open_, Unknown)
    assert "leaves it open" in open_.why
