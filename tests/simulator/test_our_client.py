"""Our own client against the embedded exchange: what the network and the exchange do, and what must come of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from scalpctl.core.exchange.connections import ConnectionEvent, ConnectionFact
from scalpctl.core.exchange.outcomes import Accepted, Refused, Unknown
from scalpctl.core.exchange.reports import FillReport, OrderReport
from scalpctl.core.exchange.requests import AmendOrder, CancelOrder, Lane, MarginMode, OrderType, PlaceOrder
from scalpctl.core.exchange.resolutions import Found
from scalpctl.core.instants import Instant
from scalpctl.core.money import Contracts, multiply
from scalpctl.core.sides import Action
from scalpctl.errors import AccessRefused, ExchangeUnavailable
from scalpctl.host.clock import WallClock
from scalpctl.host.hand_clock import HandClock
from scalpctl.okx.client import OkxClient, Outside
from scalpctl.okx.credentials import Credentials
from scalpctl.okx.transport import HttpTransport
from scalpctl.okx.wire.hosts import Hosts
from scalpctl.ports.feeds import Resync
from scalpctl.simulator import liquidation
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving.app import app_of
from scalpctl.simulator.serving.host import Host
from scalpctl.simulator.serving.in_process import InProcessDialer
from scalpctl.simulator.specs import BY_ID
from scalpctl.simulator.state import Account
from scalpctl.wiring.session import Listening
from scalpctl.wiring.venues import Handed, SimOptions, embedded

BTC, D = "BTC-USDT-SWAP", Decimal
SIM = Hosts("sim", demo=False, rest="http://127.0.0.1", stream="ws://127.0.0.1")


class Bench:
    """One client on one exchange, and everything it hears."""

    def __init__(self, exchange: Exchange, account: Account, secret: str = "") -> None:
        self.clock = HandClock(Instant(exchange.now))
        self.host = Host(exchange, self.clock)
        self.exchange, self.theirs = exchange, account
        self.facts: list[ConnectionEvent] = []
        self.news: list[Any] = []
        self.prices = 0
        self.told_at: dict[str, list[int]] = {}
        """Instants of each kind of price."""
        self.ready: list[bool] = []
        outside = Outside(
            SIM, Handed(self.host), InProcessDialer(self.host), self.clock, self, random.Random(1)
        )  # fmt: skip
        self.client = OkxClient(outside, Credentials(account.api_key, secret or account.secret, account.passphrase))

    def heard(self, event: ConnectionEvent) -> None:
        self.facts.append(event)

    def market(self, value: Any) -> None:
        self.prices += 1
        self.told_at.setdefault(type(value).__name__, []).append(self.clock.now())

    def account(self, news: Any) -> None:
        self.news.append(news)

    def usable(self, *, ready: bool) -> None:
        self.ready.append(ready)

    def play(self, scenario: Callable[[], Awaitable[None]]) -> None:
        async def whole() -> None:
            hosting = asyncio.ensure_future(self.host.run())
            await self.client.rest.synchronise()
            await self.client.instruments()
            self.client.listen_to_market(self, ["tickers", "mark-price"], [BTC])
            self.client.listen_to_account(self)
            running = asyncio.ensure_future(self.client.run())
            try:
                await self.clock.sleep(5)
                await scenario()
                if running.done():
                    running.result()
            finally:
                for task in (running, hosting):
                    task.cancel()
                await asyncio.gather(running, hosting, return_exceptions=True)

        async def turned() -> None:
            await self.clock.run_until(asyncio.ensure_future(whole()))

        asyncio.run(turned())

    def order(self, name: str, away: int = 900, **changes: Any) -> PlaceOrder:
        spec = BY_ID[BTC]
        fields: dict[str, Any] = {
            "client_id": name, "inst_id": BTC, "action": Action.BUY, "type": OrderType.POST_ONLY,
            "contracts": Contracts("1"), "price": multiply(D(self.exchange.market(BTC).bid - away), spec.tick),
            "margin_mode": MarginMode.ISOLATED, "expires_at": Instant(self.clock.now() + 2_000_000),
        } | changes  # fmt: skip
        return PlaceOrder(**fields)

    def seen(self, kind: type[Any]) -> list[Any]:
        return [one for one in self.news if isinstance(one, kind)]


@pytest.fixture
def bench(exchange: Exchange, account: Account) -> Bench:
    return Bench(exchange, account)


def test_several_orders_in_one_message_have_their_own_outcomes(bench: Bench) -> None:
    async def scenario() -> None:
        trading = bench.client.trading
        orders = [bench.order("a1"), bench.order("a2", contracts=Contracts("0.005")), bench.order("a3")]
        first, second, third = await trading.place_many(orders)
        assert isinstance(first, Accepted)
        assert isinstance(second, Refused)
        assert second.code == "51121"
        assert isinstance(third, Accepted)
        expires = Instant(bench.clock.now() + 2_000_000)
        changes = [AmendOrder(name, BTC, expires, contracts=Contracts("2")) for name in ("a1", "a2", "a3")]
        amended = await trading.amend_many(changes)
        assert [isinstance(one, Accepted) for one in amended] == [True, False, True]
        cancelled = await trading.cancel_many([CancelOrder(name, BTC, Lane.CANCEL) for name in ("a1", "a3")])
        assert all(isinstance(one, Accepted) for one in cancelled)

    bench.play(scenario)
    assert {(one.client_id, one.contracts, one.state) for one in bench.theirs.done} == {
        ("a1", D(2), "canceled"), ("a3", D(2), "canceled"),
    }  # fmt: skip


def test_b5_a_fill_before_the_cancel_is_told_although_the_cancel_was_acknowledged(bench: Bench) -> None:
    async def scenario() -> None:
        assert isinstance(await bench.client.trading.place(bench.order("b1", away=0)), Accepted)
        bench.exchange.market(BTC).jump = -0.002
        await bench.clock.sleep(1)
        outcome = await bench.client.trading.cancel(CancelOrder("b1", BTC, Lane.CANCEL))
        assert not isinstance(outcome, Accepted)
        report = await bench.client.account.order(BTC, "b1")
        assert report is not None
        assert (report.state, report.filled_contracts) == ("filled", Contracts("1"))

    bench.play(scenario)
    (fill,) = bench.seen(FillReport)
    assert (fill.contracts, fill.liquidity) == (Contracts("1"), "maker")


def test_b5_an_order_may_be_executed_after_its_cancellation_was_acknowledged(bench: Bench) -> None:
    async def scenario() -> None:
        bench.exchange.state.switches["cancels"] = "later"
        assert isinstance(await bench.client.trading.place(bench.order("b1", away=0)), Accepted)
        bench.exchange.market(BTC).jump = -0.002
        assert isinstance(await bench.client.trading.cancel(CancelOrder("b1", BTC, Lane.CANCEL)), Accepted)
        again = await bench.client.trading.cancel(CancelOrder("b1", BTC, Lane.CANCEL))
        assert isinstance(again, Unknown)
        assert again.code == "51410"
        await bench.clock.sleep(1)
        report = await bench.client.account.order(BTC, "b1")
        assert report is not None
        assert (report.state, report.filled_contracts) == ("filled", Contracts("1"))

    bench.play(scenario)
    assert [fill.contracts for fill in bench.seen(FillReport)] == [Contracts("1")]


def test_b1_an_answer_that_never_came_is_unknown_and_is_found_by_its_id(bench: Bench) -> None:
    async def scenario() -> None:
        bench.client.trading.attach(lambda _frame: False)  # the stream is away: REST is the fallback
        bench.host.command("odds", {"lost_answer": "1"})
        outcome = await bench.client.trading.place(bench.order("c1"))
        bench.host.command("odds", {"lost_answer": "0"})
        assert isinstance(outcome, Unknown)
        sent = bench.clock.now()
        found = await bench.client.resolver.order(BTC, "c1", sent_at=sent, expires_at=Instant(sent + 2_000_000))
        assert isinstance(found, Found)

    bench.play(scenario)
    assert [one.client_id for one in bench.theirs.orders.values()] == ["c1"]


def test_a1_a_channel_that_falls_silent_while_pongs_arrive_is_left(bench: Bench) -> None:
    async def scenario() -> None:
        bench.host.command("mute", {"channel": "tickers"})
        await bench.clock.sleep(40)
        bench.host.command("unmute", {})
        before = bench.prices
        await bench.clock.sleep(20)
        assert bench.prices > before + 10

    bench.play(scenario)
    assert ConnectionFact.STALE in {fact.fact for fact in bench.facts}
    lost = [fact for fact in bench.facts if fact.fact is ConnectionFact.LOST]
    assert lost
    assert all("tickers" in fact.detail for fact in lost)


def test_a_market_nobody_quotes_at_night_is_not_taken_for_a_deaf_line(bench: Bench) -> None:
    exchange = Exchange.open("night", 7, bench.exchange.now)
    bench = Bench(exchange, exchange.add_account(bench.theirs, D(1000)))

    async def scenario() -> None:
        await bench.clock.sleep(3_600)

    bench.play(scenario)
    told = [fact.fact for fact in bench.facts]
    longest = {kind: max(b - a for a, b in pairwise(at)) / 1e6 for kind, at in bench.told_at.items()}
    assert longest["Ticker"] > 10
    assert longest["MarkPrice"] < 5
    assert ConnectionFact.LOST not in told
    assert 0 < told.count(ConnectionFact.STALE) < 20


@pytest.mark.parametrize("action", ["disconnect", "outage", "notice"])
def test_after_every_reconnect_everything_is_asked_anew(bench: Bench, action: str) -> None:
    async def scenario() -> None:
        await bench.client.trading.place(bench.order("d1", type=OrderType.MARKET, price=None))
        bench.host.command(action, {"seconds": "8"})
        if action == "notice":
            await bench.clock.sleep(30)
            bench.host.command("disconnect", {})
        await bench.clock.sleep(60)
        assert bench.ready[-1]
        assert isinstance(await bench.client.trading.place(bench.order("d2")), Accepted)

    bench.play(scenario)
    assert len(bench.seen(Resync)) >= 2
    assert len({(fill.trade_id, fill.order_id) for fill in bench.seen(FillReport)}) == len(bench.seen(FillReport)) == 1


def test_doubled_frames_are_told_once(bench: Bench) -> None:
    async def scenario() -> None:
        bench.host.command("odds", {"duplicate_frame": "1"})
        for number in range(5):
            await bench.client.trading.place(bench.order(f"e{number}", type=OrderType.MARKET, price=None))
        await bench.clock.sleep(10)

    bench.play(scenario)
    assert len(bench.seen(FillReport)) == 5
    states = [(one.client_id, one.state) for one in bench.seen(OrderReport)]
    assert len(states) == len(set(states))


def test_what_the_exchange_never_said_before_is_carried(bench: Bench) -> None:
    async def scenario() -> None:
        bench.host.command("oddity", {"unknown_enums": "yes", "blank_fields": "yes"})
        await bench.client.trading.place(bench.order("f1", type=OrderType.MARKET, price=None))
        await bench.clock.sleep(2)
        (held,) = await bench.client.account.positions()
        assert (held.contracts, held.margin_ratio, held.liquidation_price) == (Contracts("1"), None, None)

    bench.play(scenario)
    assert "something_new" in {one.category for one in bench.seen(OrderReport)}


def test_forced_executions_have_no_number_on_the_line_and_each_is_read_from_the_fills(bench: Bench) -> None:
    def force() -> None:
        (position,) = bench.theirs.positions.values()
        liquidation.deleverage(bench.exchange, bench.theirs, position, D("0.25"))

    async def scenario() -> None:
        await bench.client.trading.place(bench.order("h1", type=OrderType.MARKET, price=None, contracts=Contracts("4")))
        await bench.clock.sleep(2)
        force()
        await bench.clock.sleep(7)  # the fills are read for the last time half a second from now, and in vain
        bench.host.command("silence", {"path": "/api/v5/trade/fills"})
        force()
        await bench.clock.sleep(1)
        bench.host.command("unsilence", {})
        await bench.clock.sleep(8)

    bench.play(scenario)
    forced = [fill for fill in bench.seen(FillReport) if fill.trade_id.startswith("-")]
    assert [fill.source for fill in forced] == ["fills"] * 2


def test_b6_not_found_right_after_placing_means_nothing(bench: Bench) -> None:
    async def scenario() -> None:
        bench.host.command("oddity", {"read_lag_ms": "1200"})
        sent = bench.clock.now()
        await bench.client.trading.place(bench.order("g1"))
        assert await bench.client.account.order(BTC, "g1") is None
        found = await bench.client.resolver.order(BTC, "g1", sent_at=sent, expires_at=Instant(sent + 2_000_000))
        assert isinstance(found, Found)

    bench.play(scenario)


def test_a_wrong_secret_is_refused_without_a_login_loop(exchange: Exchange, account: Account) -> None:
    bench = Bench(exchange, account, secret="another")
    with pytest.raises(AccessRefused):

        async def scenario() -> None:
            await bench.clock.sleep(30)

        bench.play(scenario)
    assert sum(fact.fact is ConnectionFact.OPENED and fact.line == "private" for fact in bench.facts) <= 2


def test_the_same_doors_answer_over_asgi(exchange: Exchange, account: Account) -> None:
    clock = HandClock(Instant(exchange.now))
    host = Host(exchange, clock)

    async def asked() -> None:
        transport = HttpTransport.over_app(app_of(host))
        outside = Outside(SIM, transport, InProcessDialer(host), clock, Bench(exchange, account), random.Random(1))
        client = OkxClient(outside, Credentials(account.api_key, account.secret, account.passphrase))
        await client.rest.synchronise()
        await client.instruments()
        (usdt,) = await client.account.balances()
        assert usdt.cash == account.cash
        host.command("outage", {"seconds": "60"})
        with pytest.raises(ExchangeUnavailable):
            await clock.run_until(asyncio.ensure_future(client.account.balances()))
        await transport.close()

    asyncio.run(asked())


def test_a_request_that_was_given_up_arrives_all_the_same(bench: Bench) -> None:
    async def scenario() -> None:
        bench.host.command("odds", {"slow": "1", "slow_s": "20"})
        begun, outcomes = bench.clock.now(), []
        for _ in range(8):
            outcome = await bench.client.trading.set_leverage(BTC, D(7), MarginMode.ISOLATED, None)
            outcomes.append((type(outcome), round((bench.clock.now() - begun) / 1e6)))
            begun = bench.clock.now()
        assert {seconds for kind, seconds in outcomes if kind is Unknown} == {5}
        assert all(seconds <= 5 for _, seconds in outcomes)
        await bench.clock.sleep(20)
        for wanted in range(2, 50):
            outcome = await bench.client.trading.set_leverage(BTC, D(wanted), MarginMode.ISOLATED, None)
            if isinstance(outcome, Unknown):
                break
        await bench.clock.sleep(20)
        bench.host.command("preset", {"preset": "none"})
        assert (await bench.client.account.leverages([BTC], MarginMode.ISOLATED))[BTC] == wanted

    bench.play(scenario)


async def test_a_hurried_clock_gives_no_answer_up_because_this_machine_is_slow(tmp_path: Path) -> None:
    venue = embedded(tmp_path, SimOptions(speed="1000x"), WallClock(), Listening())
    assert venue.host is not None
    venue.host.command("odds", {"slow": "1", "slow_s": "4"})  # four thousandths of a second here
    asking = asyncio.ensure_future(venue.client.rest.server_time())
    for _ in range(10):
        await asyncio.sleep(0)
    until = WallClock().monotonic() + 30_000_000
    while WallClock().monotonic() < until:
        pass
    assert await asking
