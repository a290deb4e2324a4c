"""What is changed about the account while an engine runs: entries wait, and what is held is closed all the same."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from engine.conftest import Play, command, protected, until

from scalpctl.simulator import ordering
from scalpctl.simulator.denied import Denied
from scalpctl.simulator.specs import BY_ID
from scalpctl.simulator.state import Account

QUIET = "strategy: {signals: [impulse]}\n"
SOL = "SOL-USDT-SWAP"
NOTICED_S = 65
"""The setup is read once a minute."""


def account_of(session: Any) -> Account:
    account: Account = next(iter(session.venue.host.exchange.state.accounts.values()))
    return account


def latches(play: Play) -> list[tuple[str, str, bool]]:
    rows = play.rows("SELECT name, reason, cleared_at FROM limit_latches ORDER BY seq")
    return [(row["name"], row["reason"], row["cleared_at"] is not None) for row in rows]


def entries_after(play: Play, at: int) -> int:
    (row,) = play.rows("SELECT count(*) AS n FROM orders WHERE role = 'entry' AND intended_at > ?", at)
    return int(row["n"])


def open_apart(session: Any, side: str) -> None:
    """Let another client open a position where long and short are held apart."""
    ask = {
        "instId": SOL, "tdMode": "isolated", "side": "buy" if side == "long" else "sell", "posSide": side,
        "ordType": "market", "sz": "2",
    }  # fmt: skip
    ordering.place(session.venue.host.exchange, account_of(session), ask)


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("closed_by", ["operator", "its stop"])
def test_where_long_and_short_are_held_apart_a_position_gets_its_stop_and_is_closed(
    play: Play, side: str, closed_by: str
) -> None:
    play.config = f"{QUIET}safety: {{appeared_positions: protect}}\n"

    async def beside(session: Any) -> None:
        host, clock = session.venue.host, session.venue.clock
        await clock.sleep(20)
        host.command("set-mode", {"to": "long_short_mode"})
        open_apart(session, side)
        desk = await found(session)
        assert [(one.pos_side, one.fraction) for one in account_of(session).algos.values()] == [(side, "1")]
        if closed_by == "operator":
            reply = await session.runner.order(command("close", instrument=SOL))
            assert reply.result["state"] == "closed"
        else:
            host.command("jump", {"instrument": SOL, "ratio": "-0.05" if side == "long" else "0.05"})
            await until(session, lambda: desk.holding is None, 30)
        await clock.sleep(5)
        session.stop.set()

    async def found(session: Any) -> Any:
        desk = session.machine.context.desks[SOL]
        await until(session, lambda: desk.holding is not None and desk.holding.guard.state == "protected", 10)
        return desk

    ending = play.session(0.1, beside)
    assert (ending.orderly, ending.left_open) == (True, 0)
    (closure,) = play.rows("SELECT cause FROM closures")
    assert closure["cause"] == ("operator" if closed_by == "operator" else "exchange_stop")
    assert {row["position_side"] for row in play.rows("SELECT position_side FROM orders")} <= {side}
    account = next(iter(play.exchange().state.accounts.values()))
    assert not [*open_or_ordered(account)]
    play.check()


def open_or_ordered(account: Account) -> Iterator[Any]:
    yield from account.positions.values()
    yield from account.orders.values()
    yield from account.algos.values()


def test_the_position_mode_stays_while_something_is_held_and_once_it_is_changed_nothing_is_entered(play: Play) -> None:
    changed: list[int] = []

    async def beside(session: Any) -> None:
        host, clock = session.venue.host, session.venue.clock
        desk = await protected(session)
        with pytest.raises(Denied, match="as you have positions"):
            host.command("set-mode", {"to": "long_short_mode"})
        await session.runner.order(command("pause", 1, reason="the mode is to be changed"))
        reply = await session.runner.order(command("close", 2, instrument=desk.inst_id))
        assert reply.result["state"] == "closed"
        await session.runner.order(command("close", 3, all=True))
        host.command("set-mode", {"to": "long_short_mode"})
        await clock.sleep(NOTICED_S)
        await session.runner.order(command("resume", 4, limit="operator_pause", reason="it is changed"))
        changed.append(clock.now())
        await clock.sleep(1_800)
        session.stop.set()

    play.session(2, beside)
    told = [(why, gone) for name, why, gone in latches(play) if name == "account_setup"]
    assert told == [("the account is set up anew: position mode was net_mode, is long_short_mode", False)]
    assert entries_after(play, changed[0]) == 0
    play.check()


@pytest.mark.parametrize(
    ("changed", "back", "said"),
    [
        ({"level": "3"}, {"level": "2"}, "account level was 2, is 3"),
        ({"pos_mode": "long_short_mode"}, {"pos_mode": "net_mode"}, "position mode was net_mode, is long_short_mode"),
    ],
)
def test_an_account_set_up_anew_holds_entries_back_until_it_is_as_it_was(
    play: Play, changed: dict[str, str], back: dict[str, str], said: str
) -> None:
    times: list[int] = []

    async def beside(session: Any) -> None:
        clock = session.venue.clock
        await clock.sleep(30)
        for setup in (changed, back):
            for name, value in setup.items():
                setattr(account_of(session), name, value)
            times.append(clock.now())
            await clock.sleep(1_500)
        session.stop.set()

    play.session(1, beside)
    assert latches(play) == [("account_setup", f"the account is set up anew: {said}", True)]
    (latch,) = play.rows("SELECT latched_at, cleared_at FROM limit_latches")
    for at, known_at in zip(times, (latch["latched_at"], latch["cleared_at"]), strict=True):
        assert 0 < known_at - at < NOTICED_S * 1_000_000
    assert entries_after(play, latch["latched_at"]) == entries_after(play, latch["cleared_at"]) > 0
    play.check()


def test_what_is_held_when_the_account_is_set_up_anew_keeps_its_stop_and_is_closed(play: Play) -> None:
    async def beside(session: Any) -> None:
        desk = await protected(session)
        account_of(session).level = "4"
        await session.venue.clock.sleep(NOTICED_S)
        assert [latch.limit for latch in session.machine.context.limits.latches] == ["account_setup"]
        if desk.holding is not None:  # its exits may have come first
            assert desk.holding.guard.state == "protected"
        await session.runner.order(command("close", all=True))
        assert session.machine.context.held == 0
        session.stop.set()

    ending = play.session(1, beside)
    assert (ending.orderly, ending.left_open) == (True, 0)
    play.check()


def test_a_setup_that_cannot_be_read_changes_nothing(play: Play) -> None:
    async def beside(session: Any) -> None:
        session.venue.host.command("silence", {"path": "/api/v5/account/config"})
        await session.venue.clock.sleep(300)
        assert session.machine.context.account.setup is None
        session.venue.host.command("unsilence", {})
        await session.venue.clock.sleep(NOTICED_S)
        assert session.machine.context.account.setup is not None
        session.stop.set()

    play.session(0.5, beside)
    assert latches(play) == []


@pytest.mark.parametrize("rate", ["-0.00005", "0.0004"], ids=["a rebate", "a worse tier"])
def test_fees_of_another_tier_are_booked_as_they_are_paid_with_their_sign(play: Play, rate: str) -> None:
    changed: list[int] = []

    async def beside(session: Any) -> None:
        await until(session, lambda: len(account_of(session).fills) >= 4)
        account = account_of(session)
        account.maker, account.taker, account.fee_level = Decimal(rate), Decimal("0.0006"), "Lv2"
        changed.append(session.venue.host.exchange.now)

    play.session(1.5, beside, flatten=True)
    play.check()
    fills = play.rows("SELECT * FROM fills ORDER BY seq")
    for row in fills:
        spec = BY_ID[row["inst_id"]]
        worth = Decimal(row["contracts"]) * spec.ct_val * Decimal(row["price"])
        before, after = (Decimal("0.0002"), Decimal(rate)) if row["liquidity"] == "maker" else _TAKER
        assert Decimal(row["fee"]) == -worth * (before if row["filled_at"] < changed[0] else after)
    made_later = [row for row in fills if row["liquidity"] == "maker" and row["filled_at"] > changed[0]]
    assert len(made_later) >= 4
    earned = sum(Decimal(row["fee"]) for row in made_later)
    assert (earned > 0) is rate.startswith("-")
    posted = play.rows("SELECT amount, transaction_id FROM postings WHERE account = 'fee' AND amount <> '0'")
    assert sum(Decimal(row["amount"]) for row in posted) == -sum(Decimal(row["fee"]) for row in fills)
    closed = play.rows("SELECT fees, gross, funding, net FROM closures")
    assert sum(Decimal(row["fees"]) for row in closed) == -sum(Decimal(row["fee"]) for row in fills)


_TAKER = (Decimal("0.0005"), Decimal("0.0006"))
