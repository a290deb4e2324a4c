"""Frames and envelopes from both ends of the line: what one side writes, the other reads."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalpctl.errors import AnswerMalformed
from scalpctl.okx.credentials import Credentials
from scalpctl.okx.wire import endpoints
from scalpctl.okx.wire.channels import CHANNELS, Path, Push
from scalpctl.okx.wire.codec import decode, encode
from scalpctl.okx.wire.codes import MEANINGS, Meaning, meaning
from scalpctl.okx.wire.envelope import AlgoAck, Answer, OrderAck
from scalpctl.okx.wire.market import BookRow, MarkPriceRow, TickerRow
from scalpctl.okx.wire.operations import (
    ChannelArg,
    ClientFrame,
    EventFrame,
    LoginArg,
    OperationFrame,
    OperationReply,
    SubscriptionFrame,
)
from scalpctl.okx.wire.orders import CancelAsk, OrderAsk
from scalpctl.okx.wire.quotes import book, candle, mark_price
from scalpctl.okx.wire.router import Pushed, Router, Said


def test_a_push_without_rows_still_says_that_it_has_none() -> None:
    arg = ChannelArg(channel="positions", inst_type="SWAP", uid="7")
    push = Push(arg=arg, event_type="snapshot", cur_page=1, last_page=True, data=[])
    assert json.loads(encode(push)) == {
        "arg": {"channel": "positions", "instType": "SWAP", "uid": "7"}, "eventType": "snapshot", "curPage": 1,
        "lastPage": True, "data": [],
    }  # fmt: skip


@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_is_read_as_it_is_written(name: str) -> None:
    arg = ChannelArg(channel=name, inst_id="BTC-USDT-SWAP")
    frame = encode(Push(arg=arg, data=[]))
    router = Router()
    for _ in range(2):
        assert router.read(frame) == Pushed(arg, [])


def test_the_server_reads_what_the_client_says() -> None:
    box = Credentials("k", "s", "p")
    login = decode(ClientFrame, encode(box.login(1_795_162_530_000_000)))
    (greeting,) = decode(list[LoginArg], login.args)
    assert (login.op, greeting.api_key, greeting.timestamp) == ("login", "k", "1795162530")
    arg = ChannelArg(channel="tickers", inst_id="X")
    asked = decode(ClientFrame, encode(SubscriptionFrame(op="subscribe", id="s0", args=[arg])))
    assert (asked.op, asked.id, decode(list[ChannelArg], asked.args)) == ("subscribe", "s0", [arg])
    order = OrderAsk(inst_id_code=1, td_mode="cross", side="buy", ord_type="market", sz="1", cl_ord_id="a")
    op = decode(ClientFrame, encode(OperationFrame(id="r1", op="order", args=[order], exp_time="1")))
    assert (op.exp_time, decode(list[OrderAsk], op.args)) == ("1", [order])
    assert decode(list[CancelAsk], b'[{"instId":"X","ordId":"1"}]')[0].ord_id == "1"


def test_the_client_reads_what_the_server_says() -> None:
    router = Router()
    arg = ChannelArg(channel="tickers", inst_id="X")
    said = router.read(encode(EventFrame(event="subscribe", id="s0", arg=arg, conn_id="a")))
    assert said == Said("subscribe", "", "", "s0", arg, "", "")
    notice = router.read(encode(EventFrame(event="notice", code="64008", msg="soon")))
    assert isinstance(notice, Said)
    assert (notice.event, notice.code) == ("notice", "64008")
    reply = OperationReply(id="r1", op="order", code="0", data=[OrderAck(ord_id="9", s_code="0")])
    assert router.read(encode(reply)) == reply
    turned_away = router.read(b'{"id":"r1","event":"error","code":"60012","msg":"bad"}')
    assert isinstance(turned_away, Said)


def test_an_error_of_the_whole_request_may_come_without_data() -> None:
    answer = decode(Answer[OrderAck], b'{"msg":"Invalid OK-ACCESS-KEY","code":"50111"}')
    assert (answer.code, answer.data) == ("50111", [])
    assert json.loads(encode(Answer(code="0", data=[AlgoAck(algo_id="1", s_code="0")])))["data"][0]["clOrdId"] == ""


def test_two_instruments_never_share_a_route() -> None:
    router = Router()
    for inst_id in ("BTC-USDT-SWAP", "ETH-USDT-SWAP", "BTC-USDT-SWAP"):
        row = TickerRow(inst_id=inst_id, last="1", ask_px="2", ask_sz="1", bid_px="1", bid_sz="1", ts="1795162530000")
        read = router.read(encode(Push(arg=ChannelArg(channel="tickers", inst_id=inst_id), data=[row])))
        assert isinstance(read, Pushed)
        assert (read.arg.inst_id, read.rows[0].inst_id) == (inst_id, inst_id)


def test_pages_and_events_are_never_read_by_a_learned_route() -> None:
    router = Router()
    plain = b'{"arg":{"channel":"books","instId":"X"},"data":[]}'
    for _ in range(2):
        router.read(plain)
    update = router.read(b'{"arg":{"channel":"books","instId":"X"},"action":"update","data":[]}')
    assert isinstance(update, Pushed)
    assert update.action == "update"


@given(st.binary(max_size=200))
def test_a13_the_router_gives_a_frame_or_says_malformed(noise: bytes) -> None:
    router = Router()
    good = b'{"arg":{"channel":"tickers","instId":"X"},"data":[]}'
    router.read(good)
    for frame in (noise, good[:41] + noise, b'{"id":"r' + noise):
        try:
            router.read(frame)
        except AnswerMalformed:
            continue


def test_a_book_and_a_candle_keep_their_text_and_their_meaning() -> None:
    row = BookRow(asks=[["64000.10", "5", "0", "2"]], bids=[], ts="1795162530000", seq_id=7)
    levels = book(row, "BTC-USDT-SWAP")
    assert (levels.asks[0].price_text, levels.bids, levels.sequence) == ("64000.10", (), 7)
    bar = candle(["1795162530000", "1", "2", "0.5", "1.5", "9", "0", "0", "1"], "X", "1m")
    assert bar is not None
    assert (bar.confirmed, bar.contracts) == (True, 9)
    with pytest.raises(AnswerMalformed):
        candle(["1795162530000", "1"], "X", "1m")
    price = mark_price(MarkPriceRow(inst_id="X", mark_px="1.230", ts="1795162530000"))
    assert price is not None
    assert price.price_text == "1.230"


def test_every_endpoint_has_a_limit_and_a_path_of_its_own() -> None:
    assert len({(endpoint.method, endpoint.path) for endpoint in endpoints.ENDPOINTS}) == len(endpoints.ENDPOINTS)
    assert all(endpoint.permits > 0 and endpoint.path.startswith("/api/v5/") for endpoint in endpoints.ENDPOINTS)
    assert all(channel.path in Path for channel in CHANNELS.values())


def test_b1_no_ambiguous_code_is_ever_a_refusal() -> None:
    ambiguous = ("50001", "50004", "50013", "50026", "51054", "51149", "51412", "63999", "64007")
    assert {meaning(code) for code in ambiguous} == {Meaning.UNKNOWN}
    assert {meaning(code) for code in ("1", "2", "", "abc", "99999", "58000")} == {Meaning.UNKNOWN}
    assert set(MEANINGS.values()) == set(Meaning)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=-(10**9), max_value=10**9))
def test_numbers_as_text_go_through_unchanged(value: Decimal) -> None:
    text = format(value, "f")
    row = decode(TickerRow, msgspec.json.encode({"instId": "X", "last": text, "ts": "1"}))
    assert row.last == text
    assert json.loads(encode(row))["last"] == text
