"""A ledger of many days: what was booked long ago is never new again, whoever asks for how much of the past."""

from __future__ import annotations

from typing import Any

import pytest
from engine.conftest import Play, command, until

from scalpctl.cli.app import run
from scalpctl.simulator import actors
from scalpctl.simulator.serving.store import Store

pytestmark = pytest.mark.whole

DAY_US = 86_400_000_000


def days_pass(play: Play, days: int) -> None:
    """Let nobody be there for days."""
    exchange = play.exchange()
    exchange.state.now += days * DAY_US
    for market in exchange.state.markets.values():
        market.funding_at += days * DAY_US
    Store(play.folder.path).save(exchange.snapshot())


async def somebody_trades(session: Any) -> None:
    """Let a hand open and close something, so that the newest of everything is of today."""
    sol = session.machine.context.desks["SOL-USDT-SWAP"]
    await session.venue.clock.sleep(20)
    session.venue.host.command("manual-open", {"instrument": sol.inst_id, "side": "buy", "contracts": "2"})
    await until(session, lambda: sol.holding is not None)
    session.venue.host.command("manual-close", {"instrument": sol.inst_id})
    await until(session, lambda: sol.holding is None and not sol.leaving)


async def money_comes_in(session: Any) -> None:
    await session.venue.clock.sleep(60)
    session.venue.host.command("transfer", {"amount": "50"})


async def everything_is_read_again(session: Any) -> None:
    await session.venue.clock.sleep(20)
    await session.runner.order(command("reread", since=0))
    await session.venue.clock.sleep(30)


def test_reading_everything_again_books_nothing_twice_in_a_ledger_older_than_what_is_kept_in_mind(play: Play) -> None:
    play.session(0.5, flatten=True)
    days_pass(play, 5)
    play.session(0.2, somebody_trades, flatten=True)
    before = len(play.rows("SELECT seq FROM fills"))
    assert play.session(0.05, everything_is_read_again, flatten=True).kind == "clean"
    assert len(play.rows("SELECT seq FROM fills")) >= before > 0
    play.check()
    assert [run(["--root", str(play.root), command, "-q"]) for command in ("reconcile", "audit")] == [0, 0]


def test_a_position_older_than_the_ledger_is_taken_over_with_its_executions_once(play: Play) -> None:
    exchange, account = play.opened()
    exchange.advance(exchange.now + 60_000_000)
    actors.perform(exchange, account, "manual-open", {"instrument": "SOL-USDT-SWAP", "side": "buy", "contracts": "2"})
    Store(play.folder.path).save(exchange.snapshot())
    days_pass(play, 5)
    play.session(0.05, money_comes_in)
    assert play.rows("SELECT count(*) AS n FROM fills WHERE inst_id = 'SOL-USDT-SWAP'") == [{"n": 1}]
    assert play.session(0.05, everything_is_read_again).kind == "clean"
    assert play.rows("SELECT contracts FROM positions WHERE inst_id = 'SOL-USDT-SWAP'") == [{"contracts": "2"}]
    play.check()
    assert [run(["--root", str(play.root), command, "-q"]) for command in ("reconcile", "audit")] == [0, 0]
