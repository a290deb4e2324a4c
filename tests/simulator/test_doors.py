"""The exchange's doors: what is wrong is refused with the documented code, never with a crash, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.instants import Instant
from scalpctl.errors import LedgerCorrupt
from scalpctl.host.hand_clock import HandClock
from scalpctl.okx.wire.signing import rest_timestamp, signature
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving.faults import PRESETS
from scalpctl.simulator.serving.host import Host, replay
from scalpctl.simulator.serving.rest import Reply
from scalpctl.simulator.serving.store import Store
from scalpctl.simulator.state import Account

pytestmark = pytest.mark.whole

BTC = "BTC-USDT-SWAP"
Ask = Callable[..., Reply]


@pytest.fixture
def host(exchange: Exchange, account: Account) -> Host:
    return Host(exchange, HandClock(Instant(exchange.now)))


def signed(host: Host, method: str, target: str, body: bytes = b"", **changes: str) -> Reply:
    at = changes.pop("timestamp", rest_timestamp(Instant(host.now)))
    headers = {
        "OK-ACCESS-KEY": "sim-key", "OK-ACCESS-PASSPHRASE": "sim-phrase", "OK-ACCESS-TIMESTAMP": at,
        "OK-ACCESS-SIGN": signature("sim-secret", at, method, target, body),
    } | {f"OK-ACCESS-{name.upper()}": value for name, value in changes.items()}  # fmt: skip
    return host.rest.answer(method, target, headers, body)


def code(reply: Reply) -> str:
    return str(json.loads(reply.body)["code"])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"key": ""}, "50103"), ({"key": "x"}, "50111"), ({"sign": "x"}, "50113"), ({"sign": ""}, "50106"),
        ({"passphrase": "x"}, "50105"), ({"timestamp": "yesterday"}, "50112"),
        ({"timestamp": "2020-01-01T00:00:00.000Z"}, "50102"),
    ],
)  # fmt: skip
def test_who_cannot_prove_himself_is_refused(host: Host, changes: dict[str, str], expected: str) -> None:
    reply = signed(host, "GET", "/api/v5/account/balance", **changes)
    assert (reply.status, code(reply)) == (401, expected)


@pytest.mark.parametrize(
    ("method", "target", "body", "expected"),
    [
        ("GET", "/api/v5/market/ticker?instId=NOPE", b"", "51001"),
        ("GET", "/api/v5/market/ticker", b"", "50014"),
        ("GET", "/api/v5/market/candles?instId=BTC-USDT-SWAP&bar=7m", b"", "51000"),
        ("GET", "/api/v5/market/books?instId=BTC-USDT-SWAP&sz=x", b"", "51000"),
        ("GET", "/api/v5/public/instruments?instType=NONSENSE", b"", "51000"),
        ("GET", "/api/v5/trade/orders-algo-pending", b"", "50014"),
        ("GET", "/api/v5/account/bills?limit=-4", b"", "51000"),
        ("GET", "/api/v5/nowhere", b"", "50005"),
        ("POST", "/api/v5/trade/order", b"", "50000"),
        ("POST", "/api/v5/trade/order", b"{", "50002"),
        ("POST", "/api/v5/trade/order", b"7", "50002"),
        ("POST", "/api/v5/trade/batch-orders", b"[" + b"{}," * 20 + b"{}]", "51111"),
        (
            "POST",
            "/api/v5/account/set-leverage",
            b'{"instId":"BTC-USDT-SWAP","lever":"500","mgnMode":"cross"}',
            "59102",
        ),
        ("POST", "/api/v5/trade/cancel-all-after", b'{"timeOut":"5"}', "51000"),
        ("POST", "/api/v5/trade/close-position", b'{"instId":"BTC-USDT-SWAP","mgnMode":"cross"}', "51023"),
    ],
)
def test_bad_requests_have_their_documented_code(
    host: Host, method: str, target: str, body: bytes, expected: str
) -> None:
    cash = host.exchange.state.accounts["7000"].cash
    assert code(signed(host, method, target, body)) == expected
    assert host.exchange.state.accounts["7000"].cash == cash


@settings(max_examples=25, deadline=None)
@given(body=st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["instId", "sz", "px", "side", "ordType", "tdMode", "clOrdId", "attachAlgoOrds"]), inner
    ),
    max_leaves=12,
))  # fmt: skip
def test_no_body_crashes_a_door_or_moves_money(body: Any) -> None:
    exchange = Exchange.open("range", 1, 1_767_225_600_000_000)
    exchange.add_account(Account("7000", "sim-key", "sim-secret", "sim-phrase"), Decimal(1_000))
    host = Host(exchange, HandClock(Instant(exchange.now)))
    for path in ("order", "amend-order", "cancel-order", "order-algo", "cancel-algos", "amend-algos", "close-position"):
        reply = signed(host, "POST", f"/api/v5/trade/{path}", json.dumps(body).encode())
        assert reply.status in {200, 400, 429}
    assert exchange.state.accounts["7000"].cash == 1_000


def test_too_many_requests_are_refused_before_they_are_looked_at(host: Host) -> None:
    codes = [code(signed(host, "GET", "/api/v5/account/config")) for _ in range(6)]
    assert codes == ["0"] * 5 + ["50011"]
    host.exchange.advance(host.now + 2_000_000)
    assert code(signed(host, "GET", "/api/v5/account/config")) == "0"


def test_an_order_that_comes_too_late_is_not_executed(host: Host) -> None:
    body = json.dumps({"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "1"}).encode()
    at = rest_timestamp(Instant(host.now))
    headers = {
        "OK-ACCESS-KEY": "sim-key", "OK-ACCESS-PASSPHRASE": "sim-phrase", "OK-ACCESS-TIMESTAMP": at,
        "OK-ACCESS-SIGN": signature("sim-secret", at, "POST", "/api/v5/trade/order", body),
        "expTime": str(host.now // 1_000 - 1),
    }  # fmt: skip
    assert code(host.rest.answer("POST", "/api/v5/trade/order", headers, body)) == "50036"
    assert host.exchange.state.accounts["7000"].fills == []


def test_cancelled_unfilled_orders_are_forgotten_after_two_hours(host: Host) -> None:
    price = format(Decimal(host.exchange.market(BTC).bid - 4_000) * Decimal("0.1"), "f")
    body = {
        "instId": BTC,
        "tdMode": "cross",
        "side": "buy",
        "ordType": "limit",
        "sz": "1",
        "px": price,
        "clOrdId": "mine",
    }
    signed(host, "POST", "/api/v5/trade/order", json.dumps(body).encode())
    signed(host, "POST", "/api/v5/trade/cancel-order", json.dumps({"instId": BTC, "clOrdId": "mine"}).encode())
    target = f"/api/v5/trade/order?instId={BTC}&clOrdId=mine"
    assert code(signed(host, "GET", target)) == "0"
    host.exchange.advance(host.now + 2 * 3_600_000_000 + 1_000_000)
    assert code(signed(host, "GET", target)) == "51603"


def test_pages_cover_everything_once(host: Host) -> None:
    for _ in range(30):
        body = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "0.01"}
        signed(host, "POST", "/api/v5/trade/order", json.dumps(body).encode())
        host.exchange.advance(host.now + 1_000_000)
    seen: list[str] = []
    after = ""
    while True:
        target = "/api/v5/account/bills?limit=7" + (f"&after={after}" if after else "")
        rows = json.loads(signed(host, "GET", target).body)["data"]
        seen += [row["billId"] for row in rows]
        host.exchange.advance(host.now + 1_000_000)
        if len(rows) < 7:
            break
        after = rows[-1]["billId"]
    bills = [bill.bill_id for bill in host.exchange.state.accounts["7000"].bills]
    assert seen == sorted(bills, reverse=True)


async def test_weather_is_seeded_and_a_lost_answer_is_an_executed_order(exchange: Exchange, account: Account) -> None:
    clock = HandClock(Instant(exchange.now))
    host = Host(exchange, clock, faults="storm")
    fates = [host.faults.fate(host.now, "/api/v5/trade/order").answer for _ in range(200)]
    again = Host(exchange, clock, faults="storm")
    assert fates == [again.faults.fate(host.now, "/api/v5/trade/order").answer for _ in range(200)]
    assert {"lost", "error", "undefined"} <= set(fates)
    assert PRESETS["none"] is Host(exchange, clock).faults.odds


def test_a_killed_host_loses_nothing_it_had_acknowledged(tmp_path: Path) -> None:
    exchange = Exchange.open("range", 4, 1_767_225_600_000_000)
    account = exchange.add_account(Account("7000", "sim-key", "sim-secret", "sim-phrase"), Decimal(5_000))
    store = Store(tmp_path / "books")
    store.save(exchange.snapshot())
    clock = HandClock(Instant(exchange.now))
    host = Host(exchange, clock, store)
    for number in range(20):
        clock.advance(30.0)
        host.catch_up()
        side = "buy" if number % 3 else "sell"
        host.act(
            account, "order", [{"instId": BTC, "tdMode": "isolated", "side": side, "ordType": "market", "sz": "0.3"}]
        )
    state, entries = Store(tmp_path / "books").load()  # the host was never closed
    back = Exchange(state)
    replay(back, entries)
    assert back.now == exchange.now
    assert back.state.accounts["7000"] == account


@pytest.mark.parametrize(("lost", "instead"), [(9, b""), (1, b""), (9, b"\0\0\0\0\n")])
def test_what_was_being_written_when_the_host_died_hides_nothing_that_comes_after(
    tmp_path: Path, lost: int, instead: bytes
) -> None:
    log = tmp_path / "exchange.log"
    store = kept(tmp_path, entries=3)
    store.close()
    log.write_bytes(log.read_bytes()[:-lost] + instead)  # it was never acknowledged
    store = Store(tmp_path)
    assert [entry.ask for entry in store.load()[1]] == [1, 2]
    store.append(4, "7000", "order", 4)
    assert [entry.ask for entry in Store(tmp_path).load()[1]] == [1, 2, 4]


@pytest.mark.parametrize("name", ["exchange.snapshot", "exchange.log"])
def test_damage_to_what_was_acknowledged_is_refused(tmp_path: Path, name: str) -> None:
    kept(tmp_path, entries=3)
    file = tmp_path / name
    file.write_bytes(b"x" + file.read_bytes()[1:])
    with pytest.raises(LedgerCorrupt, match=name):
        Store(tmp_path).load()


def kept(folder: Path, *, entries: int) -> Store:
    """Give the store of an exchange that has acknowledged something since its snapshot."""
    store = Store(folder)
    store.save(Exchange.open("range", 4, 1_767_225_600_000_000).snapshot())
    for number in range(1, entries + 1):
        store.append(number, "7000", "order", number)
    return store
