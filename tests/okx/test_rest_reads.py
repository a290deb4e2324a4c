"""Reads: asked again while that may help, whole or an error, and in words when the access is wrong."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.exchange.requests import MarginMode
from scalpctl.core.instants import Instant, after, to_millis
from scalpctl.errors import (
    AccessRefused,
    AnswerMalformed,
    ConfigurationError,
    ExchangeUnavailable,
    ExchangeUnreachable,
    ScalpctlError,
)
from scalpctl.okx.market_reader import OkxMarketReader
from scalpctl.okx.pages import every_page
from scalpctl.okx.rest import READ_ATTEMPTS
from scalpctl.okx.transport import Headers, HttpTransport, Request

UNREADABLE = {
    "html": b"<html><body>Bad gateway</body></html>",
    "empty": b"",
    "half": b'{"code":"0","msg":"","data":[{"uid":"7000',
    "binary": bytes(range(256)),
    "deep": b'{"code":"0","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "no-code": b'{"msg":"hello"}',
    "array": b"[]",
    "null": b"null",
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_a12_an_unreadable_answer_to_a_read_is_asked_again_and_then_unavailable(make: Any, name: str) -> None:
    desk = make.desk(make.response(200, UNREADABLE[name]))
    with pytest.raises(AnswerMalformed):
        await desk.reader.account()
    assert len(desk.transport.sent) == READ_ATTEMPTS


@pytest.mark.parametrize("code", ["50001", "50011", "50013", "50026", "50004"])
async def test_b14_a_busy_exchange_is_asked_again_after_a_pause(make: Any, documented: Any, code: str) -> None:
    desk = make.desk(make.answer([], code=code, status=429), make.answer([documented.config]))
    assert (await desk.reader.account()).uid == "700000000000001"
    assert sum(desk.clock.slept) > 0


async def test_b14_throttling_shuts_the_budget_for_two_seconds_and_is_told(make: Any, documented: Any) -> None:
    desk = make.desk(make.answer([], code="50011", status=200), make.answer([documented.config]))
    await desk.reader.account()
    assert desk.clock.monotonic() >= 2_000_000_000
    assert desk.ear.facts() == ["throttled"]


async def test_a_clear_no_is_not_asked_again(make: Any) -> None:
    desk = make.desk(make.answer([], code="51001", msg="Instrument ID doesn't exist"))
    with pytest.raises(ExchangeUnavailable, match="51001"):
        await desk.reader.positions()
    assert len(desk.transport.sent) == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("50111", "API key is wrong"),
        ("50105", "passphrase is wrong"),
        ("50113", "secret does not belong"),
        ("50101", "other world"),
        ("50119", "region"),
        ("50110", "address"),
    ],
)
async def test_wrong_access_is_said_in_words_once(make: Any, code: str, words: str) -> None:
    desk = make.desk(make.response(401, json.dumps({"msg": "Invalid", "code": code}).encode()))
    with pytest.raises(AccessRefused, match=words) as caught:
        await desk.reader.account()
    assert caught.value.exit_code == 77
    assert caught.value.hint
    assert len(desk.transport.sent) == 1


async def test_f1_a_clock_that_is_off_is_measured_and_the_read_signed_again(make: Any, documented: Any) -> None:
    def exchange(request: Request) -> Any:
        if request.target == "/api/v5/public/time":
            return make.answer([{"ts": str(after(desk.clock.now(), 40) // 1_000)}])
        late = request.headers["OK-ACCESS-TIMESTAMP"] < "2026-11-20T08:16:05"
        return make.answer([], code="50102", status=401) if late else make.answer([documented.config])

    desk = make.desk(exchange)
    assert (await desk.reader.account()).uid
    assert [event.fact.value for event in desk.ear.events] == ["clock"]
    assert dict(desk.ear.events[0].figures)["behind_ms"] == 40_000


async def test_f1_a_clock_the_exchange_still_refuses_is_said_with_the_cure(make: Any) -> None:
    def exchange(request: Request) -> Any:
        if request.target == "/api/v5/public/time":
            return make.answer([{"ts": str(after(desk.clock.now(), 40) // 1_000)}])
        return make.answer([], code="50102", msg="Timestamp request expired", status=401)

    desk = make.desk(exchange)
    with pytest.raises(AccessRefused, match=r"40\.\d s behind") as caught:
        await desk.reader.account()
    assert caught.value.hint is not None
    assert "chronyc" in caught.value.hint


async def test_f1_what_was_signed_before_the_clock_was_measured_is_signed_again(make: Any, documented: Any) -> None:
    def exchange(request: Request) -> Any:
        if request.target == "/api/v5/public/time":
            return make.answer([{"ts": str(after(desk.clock.now(), 40) // 1_000)}])
        late = request.headers["OK-ACCESS-TIMESTAMP"] < "2026-11-20T08:16:05"
        if late and not waited:  # while this one is on its way, another one has had the clock measured
            waited.append(1)
            desk.clock.advance(1)
            with pytest.raises(StopIteration):
                desk.rest.server_clock.measure(theirs, samples=1).send(None)
        return make.answer([], code="50102", status=401) if late else make.answer([documented.config])

    async def theirs() -> Instant:
        return after(desk.clock.now(), 40)

    waited: list[int] = []
    desk = make.desk(exchange)
    assert (await desk.reader.account()).uid
    assert waited


async def test_demo_requests_say_so(make: Any, documented: Any) -> None:
    for demo in (True, False):
        desk = make.desk(make.answer([documented.config]), demo=demo)
        await desk.reader.account()
        assert desk.transport.sent[0].headers.get("x-simulated-trading") == ("1" if demo else None)


@pytest.mark.parametrize("rows", [[], [1, 2]])
async def test_b8_an_answer_without_the_account_is_no_information(make: Any, documented: Any, rows: list[int]) -> None:
    desk = make.desk(make.answer([documented.balance for _ in rows]))
    with pytest.raises(AnswerMalformed):
        await desk.reader.balances()


async def test_b7_not_found_is_none_and_nothing_else_is(make: Any) -> None:
    assert await make.desk(make.answer([], code="51603")).reader.order("BTC-USDT-SWAP", "sc1") is None
    with pytest.raises(ExchangeUnavailable):
        await make.desk(make.answer([])).reader.order("BTC-USDT-SWAP", "sc1")


async def test_finished_stops_are_read_back_to_when_they_may_have_been_placed_and_no_further(
    make: Any, documented: Any
) -> None:
    def exchange(request: Any) -> Any:
        query = parse_qs(urlsplit(request.target).query)
        if query["ordType"] != ["conditional,oco"]:
            return make.answer([])
        pages[query["state"][0]] += 1
        number = pages[query["state"][0]]
        placed = to_millis(after(desk.clock.now(), -86_400 * number))
        rows = [documented.but("algo", algoId=str(10**9 - 100 * number - n), cTime=str(placed)) for n in range(100)]
        return make.answer(rows)

    desk, pages = make.desk(exchange), Counter[str]()
    await desk.reader.algos_since(after(desk.clock.now(), -3_600))
    assert pages["canceled"] <= 4  # a day to a page, and each was placed at most so many days before
    assert 30 <= pages["effective"] <= 32


async def test_another_order_than_the_one_asked_for_is_refused(make: Any, documented: Any) -> None:
    desk = make.desk(make.answer([documented.order_push]))
    with pytest.raises(AnswerMalformed):
        await desk.reader.order("BTC-USDT-SWAP", "sc0000000008")
    with pytest.raises(AnswerMalformed):
        await desk.reader.order_numbered("BTC-USDT-SWAP", "900000000000000008")
    found = await desk.reader.order_numbered("BTC-USDT-SWAP", "900000000000000007")
    assert found is not None
    assert found.client_id == "sc0000000007"


def paged(make: Any, fills: list[dict[str, Any]]) -> Any:
    def exchange(request: Request) -> Any:
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.target).query).items()}
        newest_first = sorted(fills, key=lambda row: -int(row["billId"]))
        older = [row for row in newest_first if "after" not in query or int(row["billId"]) < int(query["after"])]
        return make.answer(older[: int(query["limit"])])

    return exchange


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 1_050])
async def test_b13_every_fill_of_a_long_gap_is_given_once_oldest_first(make: Any, documented: Any, count: int) -> None:
    start = make.start // 1_000
    fills = [
        documented.but(
            "fill", tradeId=str(1_000 + n), billId=str(10_000 + n), fillTime=str(start + n), ts=str(start + n)
        )
        for n in range(count)
    ]
    got = await make.desk(paged(make, fills)).reader.fills_since(make.start)
    assert [fill.trade_id for fill in got] == [str(1_000 + n) for n in range(count)]


async def test_fills_of_one_millisecond_come_in_the_order_of_their_bills(make: Any, documented: Any) -> None:
    """A forced execution may carry a trade id that does not count up; what came first must not come second."""
    at = str(make.start // 1_000 + 5)
    ids = [("1083", "10001"), ("-1084", "10002"), ("999", "10003")]
    fills = [documented.but("fill", tradeId=trade, billId=bill, fillTime=at, ts=at) for trade, bill in ids]
    got = await make.desk(paged(make, fills)).reader.fills_since(make.start)
    assert [fill.trade_id for fill in got] == ["1083", "-1084", "999"]


async def test_b13_a_cursor_that_stands_still_is_an_error_not_a_list(make: Any, documented: Any) -> None:
    desk = make.desk(make.answer([documented.fill] * 100))
    with pytest.raises(ExchangeUnavailable, match="does not move"):
        await desk.reader.fills_since(make.start)


@given(st.lists(st.integers(min_value=0, max_value=10_000), unique=True, max_size=60), st.integers(1, 7))
@settings(deadline=None)
async def test_pages_give_every_row_once_for_every_page_size(numbers: list[int], limit: int) -> None:
    newest_first = sorted(numbers, reverse=True)

    async def ask(cursor: str) -> list[int]:
        return [n for n in newest_first if not cursor or n < int(cursor)][:limit]

    rows = await every_page(ask, str, page_limit=limit)
    assert Counter(rows) == Counter(numbers)


@pytest.mark.parametrize(("days", "archives"), [(1, 0), (2, 0), (4, 1), (60, 1)])
async def test_b6_what_the_recent_list_has_forgotten_is_asked_of_the_archive(
    make: Any, days: int, archives: int
) -> None:
    desk = make.desk(make.answer([]))
    await desk.reader.fills_since(after(make.start, -days * 86_400))
    assert sum("fills-history" in request.target for request in desk.transport.sent) == archives
    assert sum("trade/fills?" in request.target for request in desk.transport.sent) == 1


async def test_b8_flat_rows_are_not_positions(make: Any, documented: Any) -> None:
    rows = [
        documented.position,
        documented.but("position", pos="0", posId="2"),
        documented.but("position", instType="FUTURES"),
    ]
    (only,) = await make.desk(make.answer(rows)).reader.positions()
    assert only.position_id == documented.position["posId"]


async def test_leverage_is_compared_as_a_number_and_never_guessed(make: Any) -> None:
    rows = [{"instId": "A", "mgnMode": "isolated", "posSide": side, "lever": lever}
            for side, lever in (("long", "10.0"), ("short", "5"))]  # fmt: skip
    got = await make.desk(make.answer(rows)).reader.leverages(["A", "B"], MarginMode.ISOLATED)
    assert got == {"A": 10, "B": None}


async def test_an_empty_instrument_list_is_no_information(make: Any) -> None:
    with pytest.raises(AnswerMalformed):
        await OkxMarketReader(make.desk(make.answer([])).rest).instruments()


async def test_candles_are_given_oldest_first(make: Any) -> None:
    rows = [
        [str(1_795_162_500_000 + n * 60_000), "1", "2", "1", "2", "5", "5", "5", "0" if n == 2 else "1"]
        for n in (2, 1, 0)
    ]
    bars = await OkxMarketReader(make.desk(make.answer(rows)).rest).candles("BTC-USDT-SWAP", "1m", 5)
    assert [bar.confirmed for bar in bars] == [True, True, False]


def test_a15_a_host_in_the_clear_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        HttpTransport("http://www.example.com")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"), ExchangeUnreachable),
        (httpx.ConnectError("name or service not known"), ExchangeUnreachable),
        (httpx.ConnectTimeout("slow"), ExchangeUnreachable),
        (httpx.ReadTimeout("slow"), ExchangeUnavailable),
        (httpx.RemoteProtocolError("gone"), ExchangeUnavailable),
        (httpx.WriteError("gone"), ExchangeUnavailable),
    ],
)
async def test_a15_failures_of_the_line_are_told_apart(error: httpx.HTTPError, kind: type[ScalpctlError]) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise error

    transport = HttpTransport("https://x.test", httpx.MockTransport(fail))
    with pytest.raises(kind) as caught:
        await transport.send(Request("GET", "/", headers=Headers({"OK-ACCESS-KEY": "CANARY"})))
    assert type(caught.value) is kind
    assert caught.value.__cause__ is None
    await transport.close()


async def test_an_answer_is_waited_for_as_long_as_configured_and_then_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connections are taken by the kernel, nobody reads them
        transport = HttpTransport(f"http://127.0.0.1:{silent.getsockname()[1]}", answer_within_s=0.05)
        async with asyncio.timeout(2):
            with pytest.raises(ExchangeUnavailable, match="ReadTimeout"):
                await transport.send(Request("GET", "/"))
        await transport.close()


async def test_b19_redirects_are_not_followed_and_what_is_signed_is_what_is_sent() -> None:
    seen: list[httpx.Request] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(302, headers={"location": "https://evil.test/"})

    transport = HttpTransport("https://x.test", httpx.MockTransport(redirect))
    response = await transport.send(Request("GET", "/api/v5/a?b=C,D&e=%20", headers=Headers({"OK-ACCESS-KEY": "k"})))
    assert response.status == 302
    assert [str(request.url.raw_path, "ascii") for request in seen] == ["/api/v5/a?b=C,D&e=%20"]
    await transport.close()
