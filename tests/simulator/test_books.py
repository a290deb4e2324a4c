"""The exchange's own books: money is conserved to the last digit; nothing trades outside its limit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from scalpctl.core.money import ZERO, add, multiply
from scalpctl.simulator import actors, algos, liquidation, margins, ordering
from scalpctl.simulator.denied import Denied
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.specs import BY_ID
from scalpctl.simulator.state import Account, Position, State

pytestmark = pytest.mark.whole

D = Decimal
START, BTC, ETH = 1_767_225_600_000_000, "BTC-USDT-SWAP", "ETH-USDT-SWAP"


def order(**changes: Any) -> dict[str, Any]:
    return {"instId": BTC, "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": "1"} | changes


def everything(ex: Exchange) -> Decimal:
    """Sum what everybody has: accounts, the crowd, fees, insurance, funding, rounding, and what came from outside."""
    books = ex.state.books
    crowd = books.crowd_cash
    for inst_id, contracts in books.crowd_contracts.items():
        crowd = add(crowd, multiply(multiply(contracts, BY_ID[inst_id].ct_val), ex.mark(inst_id)))
    accounts = add(*(margins.equity(ex, account) for account in ex.state.accounts.values()), ZERO)
    return add(accounts, crowd, books.fees, books.insurance, books.funding, books.rounding, books.outside)


class OneDay(RuleBasedStateMachine):
    """Orders, stops, funding, liquidations and other people, in any order."""

    @initialize(seed=st.integers(1, 50), world=st.sampled_from(["range", "crash", "mixed"]))
    def begin(self, seed: int, world: str) -> None:
        self.ex = Exchange.open(world, seed, START, funding_every_s=600)
        self.account = self.ex.add_account(Account("1", "k", "s", "p"), D(2_000))
        for inst_id in (BTC, ETH):
            self.account.levers[f"{inst_id}|isolated"] = self.account.levers[f"{inst_id}|cross"] = "20"

    def attempt(self, act: Any, *arguments: Any) -> None:
        try:
            act(self.ex, self.account, *arguments)
        except Denied:
            return

    @rule(
        inst_id=st.sampled_from([BTC, ETH]), side=st.sampled_from(["buy", "sell"]), size=st.integers(1, 400),
        kind=st.sampled_from(["market", "limit", "post_only", "ioc", "fok"]), away=st.integers(-20, 20),
        reduce=st.booleans(), mode=st.sampled_from(["isolated", "cross"]),
    )  # fmt: skip
    def place(self, inst_id: str, side: str, size: int, kind: str, away: int, reduce: Any, mode: str) -> None:
        spec = BY_ID[inst_id]
        price = multiply(D(self.ex.market(inst_id).bid + away), spec.tick)
        ask = order(
            instId=inst_id, side=side, ordType=kind, sz=format(multiply(D(size), spec.lot), "f"), tdMode=mode,
            px=format(price, "f"), reduceOnly=reduce,
        )  # fmt: skip
        before = {one.pos_id: one.contracts for one in self.account.positions.values()}
        fills = len(self.account.fills)
        self.attempt(ordering.place, ask)
        for fill in self.account.fills[fills:]:
            if kind != "market":
                assert fill.price <= price if side == "buy" else fill.price >= price
        if reduce:
            for one in self.account.positions.values():
                assert abs(one.contracts) <= abs(before[one.pos_id])
                assert (one.contracts > 0) is (before[one.pos_id] > 0)

    @rule(fraction=st.booleans(), away=st.integers(1, 60))
    def stop(self, fraction: Any, away: int) -> None:
        for position in list(self.account.positions.values())[:1]:
            spec, mark = BY_ID[position.inst_id], self.ex.mark(position.inst_id)
            sign = 1 if position.contracts > 0 else -1
            trigger = D(int(mark / spec.tick) - sign * away) * spec.tick
            ask: dict[str, Any] = order(
                instId=position.inst_id, side="sell" if sign > 0 else "buy", tdMode=position.mode,
                ordType="conditional",
                reduceOnly=True, slTriggerPx=format(trigger, "f"), slOrdPx="-1", slTriggerPxType="mark",
            )  # fmt: skip
            ask |= {"closeFraction": "1", "sz": ""} if fraction else {"sz": format(abs(position.contracts), "f")}
            self.attempt(algos.place, ask)

    @rule(seconds=st.integers(1, 900))
    def wait(self, seconds: int) -> None:
        self.ex.advance(self.ex.now + seconds * 1_000_000)

    @rule(
        action=st.sampled_from(
            ["liquidate", "adl", "manual-close", "manual-open", "foreign-order", "jump", "transfer"]
        ),
        fraction=st.sampled_from(["0.3", "1"]),
    )
    def others(self, action: str, fraction: str) -> None:
        arguments = {"fraction": fraction, "ratio": "-0.04", "amount": "-10"}
        self.attempt(actors.perform, action, arguments)

    @rule()
    def save_and_load(self) -> None:
        body = msgspec.msgpack.encode(self.ex.snapshot())
        self.ex = Exchange(msgspec.msgpack.decode(body, type=State))
        self.account = self.ex.state.accounts["1"]

    @invariant()
    def money_is_conserved(self) -> None:
        assert everything(self.ex) == 0

    @invariant()
    def bills_sum_to_the_balance(self) -> None:
        assert add(*(bill.change for bill in self.account.bills)) == self.account.cash
        at_positions = add(*(bill.position_change for bill in self.account.bills), ZERO)
        assert at_positions == add(*(one.margin for one in self.account.positions.values()), ZERO)

    @invariant()
    def fills_sum_to_the_position(self) -> None:
        for inst_id in (BTC, ETH):
            fills = [fill for fill in self.account.fills if fill.inst_id == inst_id]
            signed = add(*(fill.contracts if fill.side == "buy" else -fill.contracts for fill in fills), ZERO)
            held = add(*(one.contracts for one in self.account.positions.values() if one.inst_id == inst_id), ZERO)
            assert signed == held


OneDay.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
test_money_is_conserved_whatever_happens = OneDay.TestCase


def test_the_same_seed_gives_the_same_bytes() -> None:
    def played() -> bytes:
        ex = Exchange.open("mixed", 5, START)
        account = ex.add_account(Account("1", "k", "s", "p"), D(1_000))
        account.levers[f"{BTC}|isolated"] = "10"
        for minute in range(30):
            ex.advance(START + minute * 60_000_000)
            if minute % 5 == 0:
                ordering.place(ex, account, order(side="buy" if minute % 2 else "sell", sz="0.5"))
        return msgspec.msgpack.encode(ex.snapshot())

    assert played() == played()


@pytest.mark.parametrize(
    ("inst_id", "side", "size", "average", "mark", "lever", "margin", "ratio", "price"),
    [
        (BTC, 1, "25", "64000", "64800", "10", "1600", "24.6913580247", "57860.3716725"),
        (ETH, -1, "40", "3200", "3150", "5", "2560", "48.6772486772", "3822.7974116"),
    ],
)
def test_margin_and_liquidation_are_what_the_exchange_publishes(
    exchange: Exchange, account: Account, inst_id: str, side: int, size: str, average: str, mark: str, lever: str,
    margin: str, ratio: str, price: str,
) -> None:  # fmt: skip
    spec = BY_ID[inst_id]
    exchange.market(inst_id).mark = float(D(mark) / spec.tick)
    position = Position("1", inst_id, "isolated", "net", D(size) * side, D(average), D(margin), lever, 0, 0)
    account.positions["x"] = position
    assert abs(margins.ratio(exchange, account, position) - D(ratio)) < D("1E-8")
    found = margins.liquidation_price(account, position)
    assert found is not None
    assert abs(found - D(price)) < D("1E-6")


def test_a_liquidation_takes_the_margin_and_not_more(exchange: Exchange, account: Account) -> None:
    ordering.place(exchange, account, order(sz="20"))
    before = account.cash
    (position,) = account.positions.values()
    margin = position.margin
    exchange.market(BTC).jump = -0.12
    exchange.advance(exchange.now + 60_000_000)
    assert account.positions == {}
    assert account.cash == before
    (row,) = account.closed
    assert row.type == "3"
    assert row.pnl + row.penalty == -margin or row.pnl < -margin
    assert {bill.type for bill in account.bills} >= {"5", "6"}
    fill = account.fills[-1]
    assert fill.trade_id.startswith("-")
    assert (fill.fee, fill.liquidity, fill.sub_type) == (0, "", "107")
    assert account.done[-1].category == "full_liquidation"


def test_deleveraging_is_partial_and_free(exchange: Exchange, account: Account) -> None:
    ordering.place(exchange, account, order(sz="10", side="sell"))
    (position,) = account.positions.values()
    liquidation.deleverage(exchange, account, position, D("0.5"))
    assert position.contracts == D(-5)
    assert (account.done[-1].category, account.fills[-1].fee, account.bills[-2].type) == ("adl", 0, "9")
    assert account.closed[-1].type == "5"


def test_a_stop_for_the_whole_position_goes_with_it(exchange: Exchange, account: Account) -> None:
    ordering.place(exchange, account, order(sz="10"))
    ask = order(
        ordType="conditional", side="sell", sz="", closeFraction="1", reduceOnly=True, slTriggerPx="60000", slOrdPx="-1"
    )
    algo = algos.place(exchange, account, ask)
    with pytest.raises(Denied, match="1 TP/SL"):
        algos.place(exchange, account, ask)
    ordering.place(exchange, account, order(sz="10", side="sell", reduceOnly=True))
    assert (algo.state, account.algos) == ("canceled", {})


def test_attached_stops_come_to_life_only_with_a_whole_fill(exchange: Exchange, account: Account) -> None:
    market = exchange.market(BTC)
    price = format(D(market.bid - 3) * BY_ID[BTC].tick, "f")
    attached = [{"slTriggerPx": "60000", "slOrdPx": "-1", "attachAlgoClOrdId": "child1"}]
    made = ordering.place(exchange, account, order(ordType="post_only", px=price, attachAlgoOrds=attached))
    assert account.algos == {}
    exchange.advance(exchange.now + 3_600_000_000)
    assert made.state == "filled"
    assert "child1" in {algo.client_id for algo in (*account.algos.values(), *account.algos_done)}


def test_a_queue_is_waited_for_and_post_only_never_takes(exchange: Exchange, account: Account) -> None:
    market = exchange.market(BTC)
    crossing = ordering.place(
        exchange, account, order(ordType="post_only", px=format(D(market.ask) * BY_ID[BTC].tick, "f"))
    )
    assert (crossing.state, crossing.cancel_source, crossing.filled) == ("canceled", "31", 0)
    resting = ordering.place(
        exchange, account, order(ordType="post_only", px=format(D(market.bid) * BY_ID[BTC].tick, "f"))
    )
    assert resting.queue > 0
    exchange.advance(exchange.now + 1_800_000_000)
    assert all(fill.liquidity == "M" for fill in account.fills)


def test_an_order_that_would_meet_our_own_cancels_the_resting_one(exchange: Exchange, account: Account) -> None:
    """Self-trade prevention, as the exchange does it unless told otherwise: the maker goes, the taker trades on."""
    market = exchange.market(BTC)
    price = format(D(market.bid) * BY_ID[BTC].tick, "f")
    resting = ordering.place(exchange, account, order(ordType="post_only", px=price))
    crossing = ordering.place(exchange, account, order(side="sell", ordType="ioc", px=price))
    assert (resting.state, resting.filled) == ("canceled", 0)
    assert crossing.filled > 0
    assert all(fill.order_id != resting.order_id for fill in account.fills)


BAD = {
    "51001": {"instId": "NOPE-USDT-SWAP"},
    "50014": {"sz": ""},
    "51000": {"side": "hold"},
    "51121": {"sz": "0.005"},
    "51020": {"instId": "TRB-USDT-SWAP", "sz": "0"},
    "51150": {"ordType": "limit", "px": "64000.05"},
    "51006": {"ordType": "limit", "px": "90000"},
    "51169": {"reduceOnly": True, "side": "sell"},
    "51008": {"sz": "5000"},
    "51004": {"sz": "5000", "leverage": "100"},
    "51010": {"tdMode": "cash"},
}


@pytest.mark.parametrize("code", BAD)
def test_bad_orders_are_refused_with_the_documented_code(exchange: Exchange, account: Account, code: str) -> None:
    cash = account.cash
    account.levers[f"{BTC}|isolated"] = BAD[code].pop("leverage", "10")
    with pytest.raises(Denied) as refused:
        ordering.place(exchange, account, order(**BAD[code]))
    assert refused.value.code == code
    assert (account.cash, account.orders, account.fills) == (cash, {}, [])
