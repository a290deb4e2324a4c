"""Clients that others wrote trade a whole day here, because the protocol is right."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Iterator
from typing import Any

import ccxt
import pytest
from ccxt.base.errors import AuthenticationError, InsufficientFunds, InvalidOrder, OrderNotFound

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SYMBOL, BTC = "BTC/USDT:USDT", "BTC-USDT-SWAP"


@pytest.fixture(autouse=True)
def their_leftovers() -> Iterator[None]:
    """Their libraries leave sockets to the collector; that is their business, and not the next test's."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


def connected(served: Any, kind: Any = ccxt.okx, **changes: str) -> Any:
    keys = {"apiKey": served.api_key, "secret": served.secret, "password": served.passphrase} | changes
    client = kind(keys)
    client.urls["api"]["rest"] = served.rest
    client.hostname = f"127.0.0.1:{served.port}"
    if "ws" in client.urls["api"]:
        client.urls["api"]["ws"] = served.ws
    return client


def test_ccxt_completes_a_trading_day_over_rest(served: Any) -> None:
    client = connected(served)
    assert SYMBOL in client.load_markets()
    ticker = client.fetch_ticker(SYMBOL)
    book = client.fetch_order_book(SYMBOL)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert len(client.fetch_ohlcv(SYMBOL, "1m", limit=50)) == 50
    assert len(client.fetch_ohlcv(SYMBOL, "15m", limit=20)) == 20
    assert client.fetch_funding_rate(SYMBOL)["symbol"] == SYMBOL
    assert client.fetch_balance()["USDT"]["total"] == 10_000
    client.set_leverage(10, SYMBOL, {"mgnMode": "isolated"})
    maker = client.create_order(
        SYMBOL, "limit", "buy", 1, ticker["bid"] - 400, {"postOnly": True, "tdMode": "isolated"}
    )
    assert client.fetch_order(maker["id"], SYMBOL)["status"] == "open"
    assert [order["id"] for order in client.fetch_open_orders(SYMBOL)] == [maker["id"]]
    client.edit_order(maker["id"], SYMBOL, "limit", "buy", 2, ticker["bid"] - 420)
    assert client.fetch_order(maker["id"], SYMBOL)["amount"] == 2
    client.cancel_order(maker["id"], SYMBOL)
    assert client.fetch_order(maker["id"], SYMBOL)["status"] == "canceled"
    taker = client.create_order(SYMBOL, "market", "buy", 2, None, {"tdMode": "isolated"})
    assert client.fetch_order(taker["id"], SYMBOL)["status"] == "closed"
    (position,) = client.fetch_positions([SYMBOL])
    assert (position["contracts"], position["side"], position["leverage"]) == (2, "long", 10)
    (trade,) = client.fetch_my_trades(SYMBOL)
    assert trade["takerOrMaker"] == "taker"
    assert trade["fee"]["cost"] == pytest.approx(trade["cost"] * 0.0005)
    stop = {"tdMode": "isolated", "slTriggerPx": f"{ticker['last'] * 0.98:.1f}", "slOrdPx": "-1", "reduceOnly": True}
    algo = client.create_order(SYMBOL, "conditional", "sell", 2, None, stop)
    trail = client.create_order(
        SYMBOL, "move_order_stop", "sell", 2, None, {"tdMode": "isolated", "callbackRatio": "0.01", "reduceOnly": True}
    )
    waiting = client.fetch_open_orders(SYMBOL, params={"stop": True, "ordType": "conditional"})
    assert [order["id"] for order in waiting] == [algo["id"]]
    client.cancel_order(algo["id"], SYMBOL, {"stop": True})
    client.cancel_order(trail["id"], SYMBOL, {"stop": True})
    assert {row["type"] for row in client.fetch_ledger("USDT")} >= {"transfer", "trade"}
    client.cancel_all_orders_after(20_000)
    client.cancel_all_orders_after(0)
    client.close_position(SYMBOL, params={"mgnMode": "isolated", "autoCxl": True})
    assert client.fetch_positions([SYMBOL]) == []
    (history,) = client.fetch_positions_history([SYMBOL])
    assert history["realizedPnl"] == pytest.approx(client.fetch_balance()["USDT"]["total"] - 10_000)
    assert len(client.fetch_closed_orders(SYMBOL)) == 2


def test_errors_reach_ccxt_as_the_right_classes(served: Any) -> None:
    client = connected(served)
    client.load_markets()
    ticker = client.fetch_ticker(SYMBOL)
    with pytest.raises(InsufficientFunds):
        client.create_order(SYMBOL, "market", "buy", 100_000, None, {"tdMode": "isolated"})
    with pytest.raises(OrderNotFound):
        client.fetch_order("1", SYMBOL)
    with pytest.raises(OrderNotFound):
        client.cancel_order("1", SYMBOL)
    with pytest.raises(InvalidOrder):
        client.create_order(SYMBOL, "limit", "buy", 1, ticker["last"] * 1.2, {"tdMode": "isolated"})
    with pytest.raises(ccxt.BadSymbol):
        client.public_get_market_ticker({"instId": "NOPE-USDT-SWAP"})
    for wrong in ({"secret": "x"}, {"password": "x"}, {"apiKey": "x"}):
        with pytest.raises(AuthenticationError):
            connected(served, **wrong).fetch_balance()


def test_ccxts_websocket_client_hears_markets_orders_and_positions(served: Any) -> None:
    import ccxt.pro

    async def day() -> tuple[Any, ...]:
        client = connected(served, ccxt.pro.okx)
        try:
            await client.load_markets()
            ticker = await client.watch_ticker(SYMBOL)
            book = await client.watch_order_book(SYMBOL)
            candles = await client.watch_ohlcv(SYMBOL, "1m")
            watching = asyncio.ensure_future(client.watch_orders(SYMBOL))
            assert await client.watch_positions([SYMBOL]) == []
            holding = asyncio.ensure_future(client.watch_positions([SYMBOL]))
            await asyncio.sleep(0.5)
            order = await client.create_order_ws(SYMBOL, "market", "sell", 1, None, {"tdMode": "cross"})
            seen = await asyncio.wait_for(watching, 10)
            held = await asyncio.wait_for(holding, 10)
            resting = await client.create_order_ws(
                SYMBOL, "limit", "sell", 1, ticker["last"] * 1.01, {"tdMode": "cross", "postOnly": True}
            )
            await client.cancel_order_ws(resting["id"], SYMBOL)
            await client.create_order_ws(SYMBOL, "market", "buy", 1, None, {"tdMode": "cross", "reduceOnly": True})
            return ticker, book, candles, order, seen, held
        finally:
            await client.close()

    ticker, book, candles, order, seen, held = asyncio.run(day())
    assert ticker["last"] > 0
    assert book["bids"]
    assert candles
    assert order["id"] in {one["id"] for one in seen}
    assert held[0]["side"] == "short"


def test_the_exchanges_own_client_library_trades_here(served: Any) -> None:
    from okx import Account, MarketData, PublicData, Trade

    keys = (served.api_key, served.secret, served.passphrase)
    market = MarketData.MarketAPI(flag="0", domain=served.rest, debug=False)
    account = Account.AccountAPI(*keys, flag="0", domain=served.rest, debug=False)
    trade = Trade.TradeAPI(*keys, flag="0", domain=served.rest, debug=False)
    public = PublicData.PublicAPI(flag="0", domain=served.rest, debug=False)
    assert len(public.get_instruments("SWAP")["data"]) == 8
    assert public.get_instruments("SPOT")["data"] == []
    last = float(market.get_ticker(BTC)["data"][0]["last"])
    assert account.get_account_config()["data"][0]["posMode"] == "net_mode"
    assert account.set_leverage(lever="5", mgnMode="isolated", instId=BTC)["code"] == "0"
    made = trade.place_order(
        instId=BTC, tdMode="isolated", side="buy", ordType="post_only", sz="1", px=f"{last * 0.99:.1f}"
    )
    order_id = made["data"][0]["ordId"]
    assert trade.get_order(BTC, order_id)["data"][0]["state"] == "live"
    assert trade.amend_order(BTC, ordId=order_id, newSz="2")["data"][0]["sCode"] == "0"
    assert trade.cancel_order(BTC, order_id)["data"][0]["sCode"] == "0"
    assert trade.place_order(instId=BTC, tdMode="isolated", side="buy", ordType="market", sz="1")["code"] == "0"
    assert account.get_positions("SWAP")["data"][0]["pos"] == "1"
    stop = trade.place_algo_order(
        instId=BTC, tdMode="isolated", side="sell", ordType="conditional", closeFraction="1", reduceOnly="true",
        slTriggerPx=f"{last * 0.97:.1f}", slOrdPx="-1",
    )  # fmt: skip
    assert stop["data"][0]["sCode"] == "0"
    assert len(trade.order_algos_list(ordType="conditional")["data"]) == 1
    assert trade.close_positions(BTC, "isolated", autoCxl="true")["code"] == "0"
    assert trade.order_algos_list(ordType="conditional")["data"] == []
    assert len(trade.get_fills("SWAP")["data"]) >= 2
    assert account.get_account_bills()["data"]
