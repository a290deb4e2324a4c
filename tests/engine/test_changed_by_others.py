"""What its owner changes at the exchange beside a running engine: a leverage, an order, what an entry has opened."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from audit.forging import audited
from engine.conftest import Play, command, protected, until
from simulation.oracles import final

from scalpctl.core.money import multiply
from scalpctl.core.protection import COVERED
from scalpctl.engine.desk import Role
from scalpctl.simulator import ordering
from scalpctl.simulator.matching import execute
from scalpctl.simulator.specs import BY_ID
from scalpctl.simulator.state import Account, Order

ONE_LEVERAGE = "instruments: [SOL-USDT-SWAP]\nstrategy: {parameters: {leverage: {%s}}}\n" % ", ".join(
    f"{name}: 5" for name in ("very_weak", "weak", "medium", "strong", "very_strong")
)


def account_of(session: Any) -> Account:
    account: Account = next(iter(session.venue.host.exchange.state.accounts.values()))
    return account


def entry_in_the_book(session: Any) -> Any:
    """Give the order of an entry that rests, as we know it."""
    desks = session.machine.context.desks.values()
    entries = [desk.execution for desk in desks if desk.execution is not None and desk.execution.role is Role.ENTRY]
    return next((one.working.order for one in entries if one.working is not None and one.working.order.rests), None)


def execute_half(session: Any, client_id: str) -> None:
    """Let half of a resting order be executed."""
    order = next(one for one in account_of(session).orders.values() if one.client_id == client_id)
    lot = BY_ID[order.inst_id].lot
    execute_of(session, order, multiply(Decimal(int(order.contracts / 2 / lot)), lot))


def execute_rest(session: Any, order: Order) -> None:
    """Let what is left of a resting order be executed."""
    execute_of(session, order, order.contracts - order.filled)


def execute_of(session: Any, order: Order, contracts: Decimal) -> None:
    price = multiply(Decimal(order.price or 0), BY_ID[order.inst_id].tick)
    execute(session.venue.host.exchange, account_of(session), order, price, contracts, "M")


@pytest.mark.parametrize("unheard", [False, True])
def test_a_leverage_others_set_while_nothing_is_held_is_not_that_of_the_next_entry(
    tmp_path: Path, *, unheard: bool
) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5, config=ONE_LEVERAGE)
    opened_at: list[str] = []

    async def beside(session: Any) -> None:
        desk = await protected(session)
        opened_at.extend(one.lever for one in account_of(session).positions.values())
        await session.runner.order(command("close", instrument=desk.inst_id))
        await until(session, lambda: desk.holding is None and not desk.leaving, 120)
        await session.venue.clock.sleep(11)
        if unheard:
            session.venue.host.command("disconnect", {})
        session.venue.host.command("set-leverage", {"instrument": desk.inst_id, "leverage": "50"})
        await protected(session)
        opened_at.extend(one.lever for one in account_of(session).positions.values())
        session.stop.set()

    play.session(12, beside)
    assert opened_at == ["5", "5"]
    assert not [*final(play)]


def test_an_entry_whose_position_others_closed_opens_no_second_one(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)
    entry: list[str] = []

    async def beside(session: Any) -> None:
        await until(session, lambda: entry_in_the_book(session) is not None)
        order = entry_in_the_book(session)
        desk = session.machine.context.desks[order.inst_id]
        entry.append(order.client_id)
        execute_half(session, order.client_id)
        await until(session, lambda: desk.holding is not None, 5)
        session.venue.host.command("manual-close", {"instrument": desk.inst_id})
        await until(session, lambda: desk.holding is None and desk.execution is None, 5)
        session.stop.set()

    play.session(24, beside)
    (row,) = play.rows("SELECT contracts, filled_contracts AS filled FROM orders WHERE client_id = ?", entry[0])
    assert 0 < Decimal(row["filled"]) < Decimal(row["contracts"])
    assert not [*final(play)]


def test_an_order_of_ours_that_others_enlarged_ends_neither_this_session_nor_the_next(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)
    ordered: list[Decimal] = []

    async def beside(session: Any) -> None:
        await until(session, lambda: entry_in_the_book(session) is not None)
        order = entry_in_the_book(session)
        ordered.append(order.contracts.value)
        ask = {"instId": order.inst_id, "clOrdId": order.client_id, "newSz": format(order.contracts.value * 4, "f")}
        ordering.amend(session.venue.host.exchange, account_of(session), ask)
        execute_half(session, order.client_id)
        desk = session.machine.context.desks[order.inst_id]
        await until(session, lambda: desk.holding is not None and desk.holding.guard.state in COVERED, 5)
        assert desk.holding.contracts.value == order.contracts.value * 2
        (theirs,) = (one for one in account_of(session).orders.values() if one.client_id == order.client_id)
        execute_rest(session, theirs)
        await session.venue.clock.sleep(20)
        session.stop.set()

    play.session(24, beside)
    play.session(0.2, flatten=True)
    assert "AU-17" not in audited(play.folder.ledger)
    first = play.rows("SELECT contracts FROM fills ORDER BY seq LIMIT 1")
    assert Decimal(first[0]["contracts"]) == ordered[0] * 2
    (account,) = play.exchange().state.accounts.values()
    assert not account.positions
