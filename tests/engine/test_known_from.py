"""Where an engine has its figures from, how old they may be, and how often it asks for them."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from engine.conftest import Play, protected, until
from msgspec.structs import replace as changed

from scalpctl.core.exchange.outcomes import Outcome
from scalpctl.core.instants import Instant
from scalpctl.simulator import actors
from scalpctl.simulator.serving.store import Store

D = Decimal
SOL = {"instrument": "SOL-USDT-SWAP", "side": "buy", "contracts": "2"}
MINUTE_US = 60_000_000


@pytest.mark.parametrize("moved", ["-1.5", "2.25"])
def test_the_balance_a_ledger_begins_with_is_the_exchanges_word_and_not_worked_back_from_trades(
    play: Play, moved: str
) -> None:
    exchange, account = play.opened()
    for action in ("manual-open", "manual-close", "adjust"):  # trades and money this ledger will never hear of
        actors.perform(exchange, account, action, SOL | {"amount": "3.75"})
        exchange.advance(exchange.now + 600_000_000)
    begun_with = account.cash
    assert begun_with not in {D("1000"), D("1003.75")}
    Store(play.folder.path).save(exchange.snapshot())
    play.session(1, flatten=True, schedule=f"- {{at: 20m, do: transfer, amount: '{moved}'}}\n")
    play.check()
    (opening,) = play.rows("SELECT amount FROM postings WHERE transaction_id = 'opening' AND account = 'cash'")
    assert D(opening["amount"]) == begun_with
    closed = play.rows("SELECT net FROM closures")
    assert len(closed) >= 3
    (theirs,) = play.exchange().state.accounts.values()
    assert theirs.cash == begun_with + sum(D(row["net"]) for row in closed) + D(moved)


def test_a_position_found_at_a_start_is_as_old_as_the_exchange_says_and_not_as_the_start(play: Play) -> None:
    play.world = "night"  # in which nothing else has a reason to close it
    limit = "holding_limit: {limit_s: 600, extension_s: 0}"
    play.config = (
        "safety: {appeared_positions: adopt}\nstrategy: {signals: [impulse], exits: [margin_safety, stop_loss, "
        f"emergency, holding_limit], parameters: {{{limit}}}}}\n"
    )
    exchange, account = play.opened()
    actors.perform(exchange, account, "manual-open", SOL)
    opened_at = exchange.now
    exchange.advance(exchange.now + 5 * MINUTE_US)
    Store(play.folder.path).save(exchange.snapshot())

    async def beside(session: Any) -> None:
        desk = session.machine.context.desks["SOL-USDT-SWAP"]
        await until(session, lambda: desk.holding is not None and desk.holding.guard.state == "protected", 3)
        session.stop.set()

    play.session(0.05, beside)
    play.session(0.15)  # once more found, and no younger
    play.check()
    (held,) = play.rows("SELECT * FROM positions WHERE inst_id = 'SOL-USDT-SWAP'")
    assert abs(held["opened_at"] - opened_at) < 1_000_000
    (closure,) = play.rows("SELECT * FROM closures")
    assert closure["cause"] == "holding_limit"
    assert 10 * MINUTE_US <= closure["closed_at"] - opened_at < 11 * MINUTE_US


def test_a_position_is_not_judged_by_the_figures_of_the_one_before_it(play: Play) -> None:
    play.config = "strategy: {signals: [impulse]}\nsafety: {appeared_positions: adopt}\n"
    seen: list[Any] = []

    async def beside(session: Any) -> None:
        host, clock = session.venue.host, session.venue.clock
        desk = session.machine.context.desks["SOL-USDT-SWAP"]
        await clock.sleep(20)
        host.command("manual-open", SOL)
        await until(session, lambda: desk.holding is not None and desk.reading is not None, 10)
        await clock.sleep(10)
        before = desk.reading
        host.command("mute", {"channel": "positions"})
        host.command("silence", {"path": "/api/v5/account/positions"})
        host.command("manual-close", SOL)
        await until(session, lambda: desk.holding is None, 10)
        host.command("manual-open", SOL | {"side": "sell", "contracts": "1"})
        await until(session, lambda: desk.holding is not None, 10)
        seen.append((before, desk.reading, desk.ratio_here, desk.holding.margin_state))
        assert desk.holding.chain.revision <= 0
        assert (desk.holding.gross, desk.holding.funding) == (0, 0)
        host.command("unmute", {})
        host.command("unsilence", {})
        await until(session, lambda: desk.reading is not None, 30)
        session.stop.set()

    play.session(0.2, beside)
    play.check()
    ((before, reading, ratio_here, _),) = seen
    assert before.liquidation_price is not None
    assert (reading, ratio_here) == (None, None)
    first, second = play.rows("SELECT position_id FROM positions ORDER BY seq")
    judged = "SELECT liquidation_price AS at FROM margin_checks WHERE position_id = ?"
    told = [{row["at"] for row in play.rows(judged, one["position_id"])} - {None} for one in (first, second)]
    assert told[0].isdisjoint(told[1])
    assert all(told)


def test_a_price_that_was_long_on_its_way_closes_nothing_and_the_same_price_does_while_it_is_fresh(play: Play) -> None:
    play.world, play.seed = "chop", 5
    play.config = "strategy: {exits: [margin_safety, stop_loss, emergency, take_profit, holding_limit]}\n"
    decided: list[set[str]] = []

    async def beside(session: Any) -> None:
        host, clock, runner = session.venue.host, session.venue.clock, session.runner
        desk = await protected(session)
        holding = desk.holding
        for channel in ("tickers", "mark-price"):
            host.command("mute", {"channel": channel, "instrument": desk.inst_id})
        begun = desk.ticker.exchange_at
        await clock.sleep(4)
        better = desk.instrument.passive_price(desk.bid * (1 + D("0.02") * holding.side.sign), holding.side.closing)
        text = format(better, "f")
        for age in (clock.now() - begun - 1_000, 0):  # no older than the last one; and then as fresh as can be
            at = Instant(clock.now() - age)
            price = float(better)
            runner.hear(changed(desk.mark, price=price, price_text=text, exchange_at=at))
            runner.hear(changed(desk.ticker, bid=price, ask=price, bid_text=text, ask_text=text, exchange_at=at))
            await clock.sleep(0.1)
            why = "SELECT winner FROM decisions WHERE position_id = ? AND outcome IN ('close', 'partial')"
            session.writer.wait()
            decided.append({row["winner"] for row in play.rows(why, holding.position_id)})
        session.stop.set()

    play.session(1, beside)
    assert decided[0] == set()
    assert decided[1] == {"take_profit"}


class CountedLeverage:
    """Notes which leverage is asked for."""

    def __init__(self, session: Any) -> None:
        self._trading = session.runner._means.trading
        self.asked: list[tuple[str, Decimal]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trading, name)

    async def set_leverage(self, inst_id: str, leverage: Decimal, *rest: Any) -> Outcome:
        self.asked.append((inst_id, leverage))
        outcome: Outcome = await self._trading.set_leverage(inst_id, leverage, *rest)
        return outcome


def test_a_leverage_that_is_set_is_not_set_again_for_every_entry(play: Play) -> None:
    counted: list[CountedLeverage] = []

    def begun(session: Any) -> None:
        counted.append(CountedLeverage(session))
        session.runner._means = replace(session.runner._means, trading=counted[-1])

    play.begun = begun
    play.session(1.2)
    play.session(0.3)
    orders = play.rows("SELECT 1 FROM orders WHERE role = 'entry'")
    asked = [one for count in counted for one in count.asked]
    assert 0 < len(asked) < len(orders) / 2
    last: dict[str, Decimal] = {}
    for inst_id, leverage in asked:
        assert last.get(inst_id) != leverage, f"{inst_id} was set to {leverage} already"
        last[inst_id] = leverage


REQUESTS_PER_MINUTE = 90
"""Of every kind: a request or so a second, and a few more for each order and stop."""


def test_what_an_engine_asks_in_a_minute_is_bounded_whatever_it_holds(play: Play) -> None:
    play.session(0.6)
    loads = play.rows("SELECT at, detail FROM connection_events WHERE connection = 'rest' AND event = 'load'")
    granted = [json.loads(row["detail"])["granted"] for row in loads]
    assert len(granted) > 30
    assert max(granted) <= REQUESTS_PER_MINUTE
