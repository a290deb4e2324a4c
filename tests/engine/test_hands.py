"""What others do to the account: noticed, named with proof, and answered by the configured policy."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from engine.conftest import Beside, Play, command, until

from scalpctl.core.exchange.notices import LiquidationNear
from scalpctl.core.exchange.reports import AlgoReport
from scalpctl.core.exchange.requests import MarginMode
from scalpctl.core.instants import Instant
from scalpctl.core.money import Contracts
from scalpctl.core.records.sessions import SessionEnded, SessionStarted
from scalpctl.engine.events import PositionsRead
from scalpctl.engine.rounds import POSITIONS_EVERY_S
from scalpctl.host.hand_clock import HandClock
from scalpctl.host.ids import CountedIds
from scalpctl.ledger.opening import Holder, open_ledger, prepare_folder
from scalpctl.simulator import actors, ordering
from scalpctl.simulator.serving.host import Host
from scalpctl.simulator.serving.store import Store
from scalpctl.wiring.venues import SIM_BEGINS

OPENED = '- {at: 2m, do: foreign-order, instrument: BTC-USDT, side: buy, contracts: "0.5"}\n'
QUIET = "strategy: {signals: [impulse]}\n"
BTC = "SELECT * FROM positions WHERE inst_id = 'BTC-USDT-SWAP'"


def with_policy(play: Play, policy: str, beside: Beside | None = None) -> dict[str, Any]:
    play.config = f"{QUIET}safety: {{appeared_positions: {policy}}}\n"
    play.session(0.3, beside, schedule=OPENED)
    (row,) = play.rows(BTC)
    return row


@pytest.mark.parametrize("policy", ["protect", "adopt"])
def test_a_position_of_others_gets_a_stop_within_three_seconds(play: Play, policy: str) -> None:
    row = with_policy(play, policy)
    play.check()
    stops = play.rows("SELECT * FROM protections WHERE position_id = ? ORDER BY seq", row["position_id"])
    assert stops[0]["confirmed_at"] - row["opened_at"] <= 3_000_000
    exits = play.rows("SELECT * FROM decisions WHERE position_id = ?", row["position_id"])
    assert bool(exits) is (policy == "adopt")


def test_a_position_that_is_only_to_be_reported_is_not_touched(play: Play) -> None:
    async def warned(session: Any) -> None:
        btc = session.machine.context.desks["BTC-USDT-SWAP"]
        await until(session, lambda: btc.holding is not None)
        session.runner.hear(LiquidationNear(btc.inst_id, "", None, session.machine.context.at))

    row = with_policy(play, "alert", warned)
    assert (row["state"], row["origin"]) == ("open", "appeared")
    (margin,) = play.rows("SELECT why FROM margin_checks WHERE why LIKE 'the exchange warns%'")
    assert margin["why"] == "the exchange warns of liquidation"
    assert play.rows("SELECT * FROM protections WHERE position_id = ?", row["position_id"]) == []
    assert play.rows("SELECT * FROM orders WHERE inst_id = 'BTC-USDT-SWAP'") == []
    (drift,) = play.rows("SELECT * FROM drifts WHERE kind = 'appeared'")
    assert drift["cause"] == "other_client"


def test_an_order_of_others_that_is_cancelled_is_nobodys_stop(play: Play) -> None:
    async def cancelled(session: Any) -> None:
        exchange, clock = session.venue.host.exchange, session.venue.clock
        await clock.sleep(150)
        account = next(iter(exchange.state.accounts.values()))
        ask = {"instId": "DOGE-USDT-SWAP", "tdMode": "isolated", "side": "buy", "ordType": "limit", "sz": "2"}
        order = ordering.place(exchange, account, ask | {"px": "0.01"})
        await clock.sleep(5)
        ordering.cancel(exchange, account, {"instId": "DOGE-USDT-SWAP", "ordId": order.order_id})

    row = with_policy(play, "alert", cancelled)  # it has no stop, and no id of one
    assert row["state"] == "open"
    assert play.rows("SELECT 1 FROM protections WHERE position_id = ?", row["position_id"]) == []


def test_a_position_nobody_wants_is_closed_by_policy(play: Play) -> None:
    with_policy(play, "flatten")
    play.check()
    (closure,) = play.rows("SELECT * FROM closures WHERE inst_id = 'BTC-USDT-SWAP'")
    assert (closure["cause"], closure["closed_by"]) == ("drift_policy", "engine")


@pytest.mark.parametrize(
    ("action", "cause"),
    [
        ("manual-close, fraction: '0.5'", "manual"),
        ("liquidate, fraction: '0.5'", "partial_liquidation"),
        ("adl, fraction: '0.5'", "auto_deleveraged"),
        ("manual-add", "manual"),
    ],
)
def test_a_part_taken_or_added_by_others_is_a_drift_with_its_cause(play: Play, action: str, cause: str) -> None:
    play.session(0.8, schedule=f"- {{at: 20m, do: {action}}}\n")
    play.check()
    (drift,) = play.rows("SELECT * FROM drifts WHERE kind = 'foreign_fill'")
    assert (drift["cause"], drift["resolved_at"] is not None) == (cause, True)
    assert drift["explained_at"] - drift["detected_at"] <= 10_000_000


def test_what_the_own_stop_does_is_no_drift(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="crash", seed=3)
    play.session(1.5)
    play.check()
    for drift in play.rows("SELECT * FROM drifts WHERE kind IN ('appeared', 'foreign_fill')"):
        assert drift["cause"] is None, drift


class LateHistory:
    """Shows no conditional order before an instant."""

    def __init__(self, session: Any, for_s: int) -> None:
        self._reader, self._clock = session.runner._means.account, session.venue.clock
        self._until = self._clock.now() + for_s * 1_000_000

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    async def algos_since(self, since: Instant) -> tuple[AlgoReport, ...]:
        return () if self._clock.now() < self._until else await self._reader.algos_since(since)


@pytest.mark.parametrize("history", ["silent", "late", "very late"])
def test_the_own_stop_is_nobody_elses_whatever_the_history_of_conditional_orders_shows(
    tmp_path: Path, history: str
) -> None:
    play = Play(tmp_path / "root", world="crash", seed=3)
    before: list[int] = []

    async def beside(session: Any) -> None:
        host: Host = session.venue.host
        account = next(iter(host.exchange.state.accounts.values()))
        if history == "silent":
            assert host.command("silence", {"path": "/api/v5/trade/orders-algo-history"})
        await until(session, lambda: any(algo.state == "effective" for algo in account.algos_done))
        if history != "silent":
            late = LateHistory(session, 20 if history == "late" else 90)
            session.runner._means = replace(session.runner._means, account=late)
        await session.venue.clock.sleep(15)
        before.append(len(play.rows("SELECT 1 FROM closures WHERE cause LIKE 'exchange%'")))
        await session.venue.clock.sleep(45)
        assert host.command("unsilence", {})
        await session.venue.clock.sleep(30)
        session.stop.set()

    play.session(1.5, beside)
    play.check()
    assert before == [0]
    closures = play.rows("SELECT cause, closed_by FROM closures WHERE cause LIKE 'exchange%'")
    assert closures == [{"cause": "exchange_stop", "closed_by": "engine"}]
    assert play.rows("SELECT 1 FROM drifts WHERE kind IN ('vanished', 'foreign_fill')") == []


def test_nothing_is_guessed_while_the_histories_are_silent(play: Play) -> None:
    seen: list[int] = []

    async def beside(session: Any) -> None:
        host: Host = session.venue.host
        context = session.machine.context
        await until(session, lambda: any(desk.holding and desk.holding.entered for desk in context.desks.values()))
        assert host.command("silence", {"path": "/api/v5/trade/orders-history"})
        assert host.others("manual-close", {})
        await session.venue.clock.sleep(120)
        seen.append(len(play.rows("SELECT * FROM closures WHERE closed_by = 'unknown'")))
        assert host.command("unsilence", {})

    play.session(0.6, beside)
    play.check()
    assert seen == [0]
    assert play.rows("SELECT * FROM closures WHERE cause = 'manual'")


def test_who_closed_is_known_while_the_rest_of_his_order_still_waits(play: Play) -> None:
    resting: list[bool] = []

    async def beside(session: Any) -> None:
        host: Host = session.venue.host
        context = session.machine.context
        await until(session, lambda: any(desk.holding and desk.holding.entered for desk in context.desks.values()))
        desk = next(desk for desk in context.desks.values() if desk.holding)
        side = "sell" if desk.holding.position.side.value == "long" else "buy"
        wanted = {"instrument": desk.inst_id, "side": side, "contracts": "50", "ratio": "0", "reduce": "yes"}
        host.command("oddity", {"oversized": "trimmed"})
        host.command("manual-order", wanted)
        await until(session, lambda: desk.holding is None)
        host.command("suspend", {"instrument": desk.inst_id})  # nothing trades, so that nothing ends the rest of it
        await session.venue.clock.sleep(60)
        orders = next(iter(host.exchange.state.accounts.values())).orders.values()
        resting.append(any(order.client_id == "" and order.filled for order in orders))

    play.session(0.6, beside)
    assert resting == [True]
    assert [row["closed_by"] for row in play.rows("SELECT * FROM closures WHERE cause = 'manual'")] == ["account owner"]


def test_who_closed_is_known_though_his_order_had_rested_for_longer_than_lists_go_back(play: Play) -> None:
    exchange, account = play.opened()
    sol = {"instrument": "SOL-USDT-SWAP", "contracts": "2"}
    actors.perform(exchange, account, "manual-order", sol | {"side": "sell", "ratio": "0.01"})
    (order,) = account.orders.values()
    order.created -= 25 * 3_600_000_000
    actors.perform(exchange, account, "manual-open", sol | {"side": "buy"})
    Store(play.folder.path).save(exchange.snapshot())
    play.config = f"{QUIET}safety: {{appeared_positions: protect}}\n"
    play.session(0.05, schedule="- {at: 60s, do: jump, instrument: SOL-USDT-SWAP, ratio: '0.015'}\n")
    assert play.rows("SELECT cause, closed_by FROM closures") == [{"cause": "manual", "closed_by": "account owner"}]
    play.check()


def test_what_others_took_before_our_own_close_is_a_drift_also_when_it_is_heard_of_afterwards(play: Play) -> None:
    async def held(session: Any) -> None:
        desks = session.machine.context.desks.values()
        await until(session, lambda: any(desk.holding is not None and desk.holding.entered for desk in desks))
        session.stop.set()

    async def close(session: Any) -> None:
        await session.venue.clock.sleep(20)
        asked = asyncio.ensure_future(session.runner.order(command("close", all=True)))
        await session.venue.clock.sleep(20)
        session.venue.host.command("unsilence", {})
        await asked
        await session.venue.clock.sleep(60)
        session.stop.set()

    play.session(1, held)
    exchange = play.exchange()
    actors.perform(exchange, next(iter(exchange.state.accounts.values())), "manual-close", {"fraction": "0.5"})
    Store(play.folder.path).save(exchange.snapshot())
    play.begun = lambda session: session.venue.host.command("silence", {"path": "/api/v5/trade/fills"})
    play.session(1, close)
    play.check()
    (closure,) = play.rows("SELECT closed_by FROM closures")
    (drift,) = play.rows("SELECT kind, cause FROM drifts WHERE kind IN ('foreign_fill', 'vanished')")
    assert (closure["closed_by"], drift["kind"], drift["cause"]) == ("tester", "foreign_fill", "manual")


def test_an_engine_that_keeps_crashing_only_protects(play: Play) -> None:
    prepare_folder(play.folder)
    writer = open_ledger(play.folder, HandClock(SIM_BEGINS), CountedIds(), purpose="test", holder=Holder(0, "virtual"))
    for number in range(5):
        name = f"0crashed{number}"
        writer.write(
            SessionStarted(
                session_id=name, env="sim", account="main", started_at=SIM_BEGINS, config_digest="", config="{}",
                code_version="", code_digest="", seed=7, world="range", tape=None,
            ),
            SessionEnded(session_id=name, ended_at=SIM_BEGINS, end_kind="crashed", end_reason="killed"),
        )  # fmt: skip
    writer.close()
    play.session(0.3)
    assert play.rows("SELECT count(*) AS n FROM orders WHERE role = 'entry'")[0]["n"] == 0
    (latch,) = play.rows("SELECT * FROM limit_latches")
    assert (latch["name"], latch["cleared_at"]) == ("restarts", None)


def test_a_position_that_has_lost_before_it_is_found_is_guarded_and_not_closed(play: Play) -> None:
    exchange, account = play.opened()
    hand = {"instrument": "SOL-USDT-SWAP", "side": "buy", "contracts": "2"}
    for action in ("manual-open", "jump"):
        actors.perform(exchange, account, action, hand | {"ratio": "-0.02"})
        exchange.advance(exchange.now + 5_000_000)
    Store(play.folder.path).save(exchange.snapshot())
    play.session(0.03)
    (held,) = play.rows("SELECT * FROM positions WHERE inst_id = 'SOL-USDT-SWAP'")
    (stop,) = play.rows("SELECT * FROM protections")
    entry = Decimal(held["entry_price"])
    assert (held["closed_at"], stop["state"]) == (None, "live")
    assert stop["confirmed_at"] - stop["placed_at"] < 3_000_000
    assert Decimal("0.965") < Decimal(stop["trigger_price"]) / entry < Decimal("0.98")
    play.session(0.05, schedule="- {at: 30s, do: jump, instrument: SOL-USDT-SWAP, ratio: '0.03'}\n")
    (stop,) = play.rows("SELECT trigger_price FROM protections WHERE state = 'live'")
    assert abs(Decimal(stop["trigger_price"]) / entry - Decimal("0.992")) < Decimal("0.0002")
    play.check()


@pytest.mark.parametrize("leg", ["stop", "target"])
def test_a_position_whose_owner_keeps_a_stop_for_all_of_it_gets_one_of_ours_beside_it(play: Play, leg: str) -> None:
    """Of those for an entire position the exchange takes one only: ours has a size, and grows with the position."""
    play.config = f"{QUIET}safety: {{appeared_positions: protect}}\n"
    exchange, account = play.opened()
    sol = {"instrument": "SOL-USDT-SWAP"}
    actors.perform(exchange, account, "manual-open", sol | {"side": "buy", "contracts": "2"})
    exchange.advance(exchange.now + 5_000_000)
    actors.perform(exchange, account, "entire-stop", sol | {"leg": leg})
    Store(play.folder.path).save(exchange.snapshot())
    play.session(0.02)
    play.check()
    play.session(0.02, schedule='- {at: 10s, do: manual-add, instrument: SOL-USDT, contracts: "3"}\n')
    play.check()
    play.session(0.02)  # and once more after a start that finds it so
    play.check()
    assert play.rows("SELECT 1 FROM closures") == []
    assert play.rows("SELECT 1 FROM limit_latches WHERE name = 'unprotected'") == []
    (stop,) = play.rows("SELECT kind, state, placed_at, confirmed_at FROM protections ORDER BY seq")
    assert (stop["kind"], stop["state"]) == ("stop_sized", "live")
    assert stop["confirmed_at"] - stop["placed_at"] < 1_000_000
    (ours,) = (one for one in next(iter(play.exchange().state.accounts.values())).algos.values() if one.client_id)
    assert (ours.contracts, ours.dies_with_position) == (Decimal(5), True)


@pytest.mark.parametrize("found", ["while it runs", "at its start", "where lists show nothing"])
def test_a_position_in_the_other_margin_mode_is_guarded_and_closed_in_its_own(play: Play, found: str) -> None:
    play.config = f"{QUIET}exchange: {{margin_mode: cross}}\n"
    hand = {"instrument": "SOL-USDT-SWAP", "side": "buy", "contracts": "2"}

    async def beside(session: Any) -> None:
        if found == "while it runs":
            await session.venue.clock.sleep(10)
            session.venue.host.command("manual-open", hand)
        desk = session.machine.context.desks["SOL-USDT-SWAP"]
        await until(session, lambda: desk.holding is not None and desk.holding.guard.state == "protected")
        await session.venue.clock.sleep(3)
        account = next(iter(session.venue.host.exchange.state.accounts.values()))
        assert [(algo.mode, algo.state) for algo in account.algos.values()] == [("isolated", "live")]
        session.venue.host.command("positions", {"to": ""})
        reply = await session.runner.order(command("close", instrument=desk.inst_id))
        assert reply.result["state"] == "closed"

    if found == "where lists show nothing":  # the stream tells it when it is subscribed to, and then a list does not
        play.begun = lambda session: session.venue.host.command("positions", {"to": "empty"})
    if found != "while it runs":
        exchange, account = play.opened()
        actors.perform(exchange, account, "manual-open", hand)
        Store(play.folder.path).save(exchange.snapshot())
    play.session(0.03, beside)
    (row,) = play.rows("SELECT margin_mode, state FROM positions WHERE inst_id = 'SOL-USDT-SWAP'")
    assert (row["margin_mode"], row["state"]) == ("isolated", "closed")
    play.check()


def test_a_position_beside_ours_in_the_other_margin_mode_is_told_and_left_alone(play: Play) -> None:
    async def beside(session: Any) -> None:
        context = session.machine.context
        await until(session, lambda: any(desk.holding and desk.holding.entered for desk in context.desks.values()))
        desk = next(desk for desk in context.desks.values() if desk.holding)
        other = replace(desk.theirs, position_id="other", margin_mode=MarginMode.CROSS, contracts=Contracts("7"))
        await until(session, lambda: context.seconds % POSITIONS_EVERY_S == 0)
        await session.venue.clock.sleep(0.3)  # between two readings of its own
        session.runner.hear(PositionsRead((other, desk.theirs)))
        await session.venue.clock.sleep(3.2)
        session.runner.hear(PositionsRead((other, desk.theirs)))
        assert desk.theirs.margin_mode is MarginMode.ISOLATED
        assert context.account.elsewhere == {"other": other}
        session.stop.set()

    play.session(0.7, beside)
    (drift,) = play.rows("SELECT body FROM journal WHERE kind = 'drift_detected'")
    assert '"kind":"margin_mode"' in drift["body"]
    assert "left alone: it is held in the other margin mode" in drift["body"]


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_an_entry_is_taken_out_of_the_book_when_somebody_opens_there(play: Play, side: str) -> None:
    """It would add to what is theirs, or close it."""
    waiting: list[str] = []

    async def beside(session: Any) -> None:
        desks = session.machine.context.desks.values()

        def resting() -> bool:
            quoted = [desk for desk in desks if desk.execution is not None and desk.execution.working is not None]
            waiting[:] = [desk.inst_id for desk in quoted if desk.execution.working.order.state == "live"]
            return bool(waiting)

        await until(session, resting)
        hand = {"instrument": waiting[0], "side": side, "contracts": "3"}
        session.venue.host.command("manual-open", hand)
        await session.venue.clock.sleep(120)
        session.stop.set()

    play.session(2, beside)
    (theirs, *_) = play.rows("SELECT position_id, opened_at FROM positions WHERE origin = 'appeared'")
    mine = play.rows("SELECT f.filled_at FROM fills f JOIN orders o USING (client_id) WHERE o.role = 'entry'")
    assert [row for row in mine if row["filled_at"] > theirs["opened_at"]] == []
    entries = (
        "SELECT state, finished_at FROM orders WHERE role = 'entry' AND inst_id = ? AND intended_at < ? ORDER BY seq"
    )
    *_, order = play.rows(entries, waiting[0], theirs["opened_at"])
    assert order["state"] == "cancelled"
    assert order["finished_at"] - theirs["opened_at"] < 1_000_000
    play.check()
