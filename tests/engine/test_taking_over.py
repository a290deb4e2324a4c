"""A new ledger on an account that is in use: what is held is taken over whole, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from audit.forging import audited
from engine.conftest import Killed, Play, command, is_covered, until

from scalpctl.cli.app import run
from scalpctl.core.money import ZERO, add
from scalpctl.simulator import actors
from scalpctl.simulator.serving.store import Store

FILLS, BALANCE = "/api/v5/trade/fills", "/api/v5/account/balance"
OPENED_AT = "SELECT posted_at FROM postings WHERE transaction_id = 'opening'"
QUIET = "strategy: {signals: []}\n"


async def until_held(session: Any) -> None:
    desks = session.machine.context.desks.values()
    await until(session, lambda: any(desk.holding is not None and desk.holding.entered for desk in desks))
    session.stop.set()


def used_account(play: Play, old_s: int = 0) -> dict[str, Any]:
    """Have something held under a stop, and no ledger that knows of it; gives the position as it was known."""
    play.session(1, until_held)
    (held,) = play.rows("SELECT inst_id, side, contracts FROM positions WHERE closed_at IS NULL")
    play.lose_ledger()
    if old_s:
        exchange = play.exchange()
        exchange.advance(exchange.now + old_s * 1_000_000)
        Store(play.folder.path).save(exchange.snapshot())
    return held


def without_fills(session: Any) -> None:
    session.venue.host.command("silence", {"path": FILLS})


def cash_differs_by(play: Play) -> Decimal:
    ours = (Decimal(row["amount"]) for row in play.rows("SELECT amount FROM postings WHERE account = 'cash'"))
    account = next(iter(play.exchange().state.accounts.values()))
    theirs = add(account.cash, *(one.margin for one in account.positions.values()))
    return add(*ours, ZERO) - theirs


def test_what_was_booked_by_a_session_that_died_before_its_opening_is_counted_once(play: Play) -> None:
    used_account(play)

    def die(session: Any) -> None:
        host, context = session.venue.host, session.machine.context

        def watcher(*_: Any) -> None:
            if context.opening is not None and context.opening.reading is None:
                host.command("silence", {"path": BALANCE})
                host.command("mute", {"channel": "account"})
            if any(desk.holding is not None for desk in context.desks.values()):
                raise Killed

        session.runner.watchers.append(watcher)

    play.begun = die
    with contextlib.suppress(Killed):
        play.session(0.05)
    assert play.rows("SELECT 1 FROM postings WHERE reason = 'fill'")
    assert play.rows("SELECT 1 FROM postings WHERE transaction_id = 'opening'") == []
    play.begun = without_fills

    async def closed_before_the_first_picture(session: Any) -> None:
        await session.venue.clock.sleep(10)
        session.venue.host.command("adl", {})
        await session.venue.clock.sleep(20)
        session.venue.host.command("unsilence", {})

    play.session(0.05, closed_before_the_first_picture)
    assert len(play.rows("SELECT 1 FROM postings WHERE transaction_id = 'opening' AND account = 'cash'")) == 1
    assert cash_differs_by(play) == 0


@pytest.mark.parametrize("old_s", [0, 1_800])
@pytest.mark.parametrize(("action", "cause"), [("adl", "auto_deleveraged"), ("manual-close", "manual")])
def test_what_closed_a_position_before_it_was_known_closes_it_in_the_ledger_too(
    play: Play, action: str, cause: str, old_s: int
) -> None:
    held = used_account(play, old_s)
    play.config = QUIET

    async def beside(session: Any) -> None:
        await session.venue.clock.sleep(10)
        session.venue.host.command(action, {})
        await session.venue.clock.sleep(5)
        session.venue.host.command("unsilence", {})
        await session.venue.clock.sleep(120)
        session.stop.set()

    play.begun = without_fills
    play.session(1, beside)
    (row,) = play.rows("SELECT inst_id, side FROM positions")
    assert (row["inst_id"], row["side"]) == (held["inst_id"], held["side"])
    (closure,) = play.rows("SELECT cause, side FROM closures")
    assert (closure["cause"], closure["side"]) == (cause, held["side"])
    assert play.rows("SELECT 1 FROM protections WHERE ended_at IS NULL") == []
    assert play.rows("SELECT 1 FROM drifts WHERE resolved_at IS NULL") == []
    assert cash_differs_by(play) == 0
    assert not {"AU-50", "AU-54", "AU-09"} & set(audited(play.folder.ledger))


def test_what_appears_while_answers_get_lost_is_guarded_before_it_is_explained(play: Play) -> None:
    play.config = f"{QUIET}safety: {{appeared_positions: protect}}\n"
    since: list[int] = []

    async def beside(session: Any) -> None:
        host, clock = session.venue.host, session.venue.clock
        await until(session, lambda: session.machine.context.recovered)
        host.command("mute", {"channel": "orders"})
        host.command("preset", {"preset": "fog"})
        await clock.sleep(5)
        account = next(iter(host.exchange.state.accounts.values()))
        host.command("manual-open", {"instrument": "SOL-USDT-SWAP", "side": "buy", "contracts": "2"})
        since.append(host.exchange.now)
        await until(session, lambda: is_covered(next(iter(account.positions.values())), account), 600)
        since.append(host.exchange.now)
        host.command("unmute", {})
        host.command("preset", {"preset": "none"})
        await clock.sleep(60)
        session.stop.set()

    play.session(1, beside)
    assert since[1] - since[0] < 30_000_000
    play.check()


def test_the_money_of_what_was_taken_over_is_the_same_whoever_adds_it_up(play: Play) -> None:
    used_account(play, 600)
    play.config = QUIET

    async def beside(session: Any) -> None:
        await session.venue.clock.sleep(20)
        await session.runner.order(command("close", all=True))
        await session.venue.clock.sleep(60)
        session.stop.set()

    play.session(1, beside)
    assert len(play.rows("SELECT 1 FROM closures")) == 1
    assert "AU-50" not in audited(play.folder.ledger)
    assert cash_differs_by(play) == 0


@pytest.mark.parametrize(("world", "seed"), [("range", 1), ("mixed", 2)])
def test_what_happened_before_the_ledger_is_in_its_opening_and_nowhere_else(
    play: Play, capsys: pytest.CaptureFixture[str], world: str, seed: int
) -> None:
    play.world, play.seed = world, seed
    play.session(0.8)
    before = {row["order_id"] for row in play.rows("SELECT order_id FROM fills")}
    play.lose_ledger()
    for hours in (0.05, 0.05, 0.2):  # each start reads back to what it knows
        play.session(hours)
        play.check()
    kept = {row["order_id"] for row in play.rows("SELECT order_id FROM fills")}
    assert len(kept & before) < len(before)
    assert play.rows(f"SELECT 1 FROM closures WHERE closed_at < ({OPENED_AT})") == []
    capsys.readouterr()
    for command_line in (["reconcile"], ["reconcile", "--statement"], ["audit", "--online"]):
        assert run(["--root", str(play.root), "--json", *command_line]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("after_ms", [36_000, 42_000, 48_000])
def test_money_that_moves_at_a_position_only_is_not_counted_twice(play: Play, after_ms: int) -> None:
    play.config = QUIET
    exchange, account = play.opened()
    held = {"instrument": "ETH-USDT-SWAP", "side": "buy", "contracts": "1"}
    actors.perform(exchange, account, "manual-open", held)
    exchange.advance(exchange.now + 60_000_000)
    Store(play.folder.path).save(exchange.snapshot())

    def begun(session: Any) -> None:
        async def delist() -> None:
            await session.venue.clock.sleep(1 + after_ms / 1_000)
            session.venue.host.others("delist", {"instrument": "ETH-USDT-SWAP", "in_seconds": "0"})

        session.also = delist

    play.begun = begun
    play.faults = "fog"
    play.session(0.1)
    assert cash_differs_by(play) == 0
