"""Whatever an exit waits for ends by itself: an end nobody told, a refused cancellation, a book that gives nothing."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from engine.conftest import Killed, Play, command, until
from simulation.oracles import final

from scalpctl.core.exchange.outcomes import Accepted
from scalpctl.core.exchange.requests import AlgoKind, OrderType, PlaceAlgo, PlaceOrder
from scalpctl.core.protection import COVERED


async def held(session: Any) -> Any:
    """Wait until something is held and its stop stands; gives its desk."""
    desks = session.machine.context.desks.values()

    def one() -> Any:
        return next((desk for desk in desks if desk.holding is not None and desk.holding.guard.state in COVERED), None)

    await until(session, lambda: one() is not None)
    return one()


def counted(session: Any) -> list[tuple[int, PlaceOrder]]:
    """Give a list into which every exit order comes as it is sent."""
    sent: list[tuple[int, PlaceOrder]] = []
    session.runner.watchers.append(
        lambda _event, step, at: sent.extend(
            (at, effect) for effect in step.effects if isinstance(effect, PlaceOrder) and effect.reduce_only
        )
    )
    return sent


async def away(session: Any, desk: Any) -> None:
    """Let the market go where a close that takes within its limit finds nothing, while no price is heard."""
    host = session.venue.host
    host.command("mute", {"channel": "tickers"})
    ratio = Decimal("-0.002") * desk.holding.side.sign
    host.command("jump", {"instrument": desk.inst_id, "ratio": str(ratio)})
    await session.venue.clock.sleep(1)


def test_a_close_that_took_nothing_and_was_not_told_so_goes_on(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="range", seed=5)
    lasted_s: list[float] = []

    async def beside(session: Any) -> None:
        desk, host = await held(session), session.venue.host
        await away(session, desk)
        host.command("mute", {"channel": "orders"})
        began = host.exchange.now
        closed = session.runner.order(command("close", instrument=desk.inst_id))
        sent = counted(session)
        closing = asyncio.ensure_future(closed)
        await until(session, lambda: any(one.type is OrderType.IOC for _, one in sent), 120)
        host.command("unmute", {})
        await until(session, lambda: desk.holding is None, 120)
        lasted_s.append((host.exchange.now - began) / 1e6)
        await closing
        await session.venue.clock.sleep(5)
        session.stop.set()

    play.session(1, beside)
    assert lasted_s[0] < 90
    assert not [*final(play)]


def test_a_close_that_takes_nothing_is_not_sent_again_and_again_without_a_pause(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="range", seed=5)
    sent: list[tuple[int, PlaceOrder]] = []

    async def beside(session: Any) -> None:
        desk, host = await held(session), session.venue.host
        sent_now = counted(session)
        await away(session, desk)
        closing = asyncio.ensure_future(session.runner.order(command("close", instrument=desk.inst_id)))
        await until(session, lambda: any(one.type is OrderType.IOC for _, one in sent_now), 120)
        await session.venue.clock.sleep(60)
        sent.extend(sent_now)
        host.command("unmute", {})
        await closing
        session.stop.set()

    play.session(1, beside)
    first = next(at for at, one in sent if one.type is OrderType.IOC)
    assert len([1 for at, _ in sent if at <= first + 60_000_000]) < 20
    assert not [*final(play)]


def test_an_urgent_close_does_not_wait_for_ever_for_an_own_order_that_cannot_be_cancelled(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="range", seed=5)
    waited_s: list[float] = []

    async def beside(session: Any) -> None:
        desk, host = await held(session), session.venue.host
        closing = asyncio.ensure_future(session.runner.order(command("close", instrument=desk.inst_id)))
        sent = counted(session)
        await until(session, lambda: desk.execution is not None and desk.execution.working is not None, 30)
        await until(session, lambda: desk.execution is None or desk.execution.working.order.rests, 30)
        host.command("refuse", {"what": "cancel", "code": "51402", "seconds": "90"})
        host.command("jump", {"instrument": desk.inst_id, "ratio": str(Decimal("-0.02") * desk.holding.side.sign)})
        host.command("algos-fail", {})
        began = host.exchange.now
        await until(session, lambda: any(one.type is OrderType.MARKET for _, one in sent) or desk.holding is None, 80)
        waited_s.append((host.exchange.now - began) / 1e6)
        await closing
        host.command("algos-fail", {"on": "no"})
        await session.venue.clock.sleep(100)
        session.stop.set()

    play.session(1, beside)
    assert waited_s[0] < 15
    assert not [*final(play)]


def test_an_urgent_close_goes_on_beside_its_own_posted_order_that_cannot_be_taken_back(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="range", seed=5)
    waited_s: list[float] = []

    async def beside(session: Any) -> None:
        desk, host = await held(session), session.venue.host
        sent, side = counted(session), desk.holding.side.sign
        host.command("algos-fail", {})
        host.command("refuse", {"what": "order", "code": "54012", "seconds": "2"})
        host.command("refuse", {"what": "cancel", "code": "51402", "seconds": "60"})
        host.command("jump", {"instrument": desk.inst_id, "ratio": str(Decimal("-0.02") * side)})
        await until(session, lambda: desk.holding.taking is not None and desk.holding.taking.order.rests, 60)
        host.command("jump", {"instrument": desk.inst_id, "ratio": str(Decimal("-0.01") * side)})
        began, posted = host.exchange.now, len(sent)
        await until(session, lambda: len(sent) > posted, 50)
        waited_s.append((host.exchange.now - began) / 1e6)
        await session.venue.clock.sleep(100)
        host.command("algos-fail", {"on": "no"})
        session.stop.set()

    play.session(1, beside)
    assert waited_s[0] < 12
    assert not [*final(play)]


def test_an_orderly_end_takes_an_entry_out_of_the_book_that_a_dead_session_left(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="range", seed=5)

    async def dies(session: Any) -> None:
        context = session.machine.context

        def resting() -> list[Any]:
            return [one for _, one in context.orders.values() if one.order.rests and not one.reduce_only]

        await until(session, lambda: bool(resting()))
        for one in resting():  # the market leaves it
            ratio = Decimal("0.01") * one.action.sign
            session.venue.host.command("jump", {"instrument": one.order.inst_id, "ratio": str(ratio)})

        def dead(*_: Any) -> None:
            raise Killed

        session.runner.watchers.append(dead)
        await session.venue.clock.sleep(60)

    async def ends(session: Any) -> None:
        session.venue.host.command("refuse", {"what": "cancel", "code": "50013", "seconds": "12"})
        await until(session, lambda: session.machine.context.recovered)
        session.stop.set()

    with pytest.raises(Killed):
        play.session(1, dies)
    (account,) = play.exchange().state.accounts.values()
    assert [order.client_id for order in account.orders.values() if not order.reduce_only]
    play.session(1, ends)
    (account,) = play.exchange().state.accounts.values()
    assert not [order.client_id for order in account.orders.values() if not order.reduce_only]


def test_a_stop_with_a_size_that_cannot_grow_gets_another_one_in_its_place(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="range", seed=5)
    bare_s: list[float] = []
    moves: list[int] = []
    stops: list[int] = []

    async def beside(session: Any) -> None:
        desk, host = await held(session), session.venue.host
        host.command("entire-stop", {"instrument": desk.inst_id, "leg": "target", "instead": "yes"})
        await until(session, lambda: desk.holding.guard.sized is not None and desk.holding.guard.state in COVERED, 60)
        host.command("refuse", {"what": "move-stop", "code": "50013", "seconds": "90"})
        asked = len(host.refused)
        host.command("manual-add", {"instrument": desk.inst_id})
        began = host.exchange.now
        await session.venue.clock.sleep(1)
        await until(session, lambda: desk.holding.guard.covers(desk.holding.contracts), 60)
        bare_s.append((host.exchange.now - began) / 1e6)
        await session.venue.clock.sleep(5)
        (account,) = host.exchange.state.accounts.values()
        ours = (one for one in account.algos.values() if one.client_id.startswith("sc"))
        stops.append(len([one for one in ours if one.inst_id == desk.inst_id]))
        await session.venue.clock.sleep(25)
        moves.append(len([one for one in list(host.refused)[asked:] if "amend" in one.kind]))
        session.stop.set()

    play.session(1, beside)
    assert bare_s[0] < 10
    assert moves[0] <= 3
    assert stops == [1]
    assert not [*final(play)]


LATE = "sc000000000000s00001"


def stops_of_ours(session: Any, inst_id: str) -> set[str]:
    (account,) = session.venue.host.exchange.state.accounts.values()
    ours = (one for one in account.algos.values() if one.client_id.startswith("sc") and one.inst_id == inst_id)
    return {one.client_id for one in ours}


def test_a_stop_of_ours_that_no_frame_tells_of_and_that_guards_nothing_is_removed(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="range", seed=5)
    left: list[set[str]] = []

    async def beside(session: Any) -> None:
        desk = await held(session)
        await until(session, lambda: desk.holding.guard.state in COVERED, 60)
        own = desk.holding.guard.protection_id
        session.venue.host.command("mute", {"channel": "orders-algo"})
        stop = PlaceAlgo(
            client_id=LATE, inst_id=desk.inst_id, kind=AlgoKind.STOP, action=desk.holding.side.closing,
            margin_mode=desk.holding.margin_mode, position_side=None, contracts=desk.holding.contracts,
            close_fraction=None, stop_trigger=desk.holding.guard.trigger,
        )  # fmt: skip
        assert isinstance(await session.venue.client.trading.place_algo(stop), Accepted)
        assert stops_of_ours(session, desk.inst_id) == {own, LATE}
        await session.venue.clock.sleep(45)
        left.append(stops_of_ours(session, desk.inst_id) - {own})
        session.stop.set()

    play.session(1, beside)
    assert left == [set()]
    (drift,) = play.rows("SELECT kind, cause FROM drifts WHERE kind = 'orphan_algo'")
    assert drift["cause"] == "left_behind"


@pytest.mark.parametrize("path", ["/api/v5/trade/fills", "/api/v5/trade/orders-history"])
def test_whose_it_was_is_known_soon_after_histories_can_be_read_again(tmp_path: Path, path: str) -> None:
    play, waiting = Play(tmp_path / "root"), list[int]()

    async def beside(session: Any) -> None:
        context, host = session.machine.context, session.venue.host
        await until(session, lambda: context.recovered)
        host.command("silence", {"path": path})
        host.command("manual-open", {"instrument": "SOL-USDT-SWAP", "side": "sell", "contracts": "2"})
        await session.venue.clock.sleep(200)
        waiting.append(len(context.hands))
        host.command("unsilence", {})
        await session.venue.clock.sleep(25)
        waiting.append(len(context.hands))
        session.stop.set()

    play.session(0.2, beside)
    assert waiting == [1, 0]


@pytest.mark.parametrize("urgent", [False, True])
def test_a_close_refused_whole_because_less_is_left_closes_what_is_left(tmp_path: Path, *, urgent: bool) -> None:
    play = Play(tmp_path / "root", world="range", seed=5)
    lasted_s: list[float] = []

    async def beside(session: Any) -> None:
        desk, host = await held(session), session.venue.host
        await until(session, lambda: desk.execution is None, 120)
        for channel in ("orders", "positions", "balance_and_position"):
            host.command("mute", {"channel": channel})
        host.command("manual-close", {"instrument": desk.inst_id, "fraction": "0.5"})
        await session.venue.clock.sleep(0.5)
        host.command("unmute", {})
        began = host.exchange.now
        if urgent:
            host.command("warn", {"instrument": desk.inst_id})
        closing = asyncio.ensure_future(session.runner.order(command("close", instrument=desk.inst_id)))
        account = next(iter(host.exchange.state.accounts.values()))
        await until(session, lambda: desk.inst_id not in {one.inst_id for one in account.positions.values()}, 120)
        lasted_s.append((host.exchange.now - began) / 1e6)
        await closing
        session.stop.set()

    play.session(1, beside)
    codes = {row["code"] for row in play.rows("SELECT DISTINCT refusal_code AS code FROM orders WHERE role != 'entry'")}
    assert "51148" in codes
    assert lasted_s[0] < (3 if urgent else 15)
    assert not [*final(play)]
