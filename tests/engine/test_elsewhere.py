"""What others do in instruments nothing is traded in: left alone, and its money known to the last digit."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from engine.conftest import Killed, Play, until
from engine.test_reconcile import asked, behind_its_back

from scalpctl.core.exchange.reports import BillReport
from scalpctl.core.money import ZERO, add
from scalpctl.engine.events import BillsRead
from scalpctl.ledger.verification.verify import verify

DOGE = "DOGE-USDT-SWAP"
TWO = "instruments: [BTC-USDT-SWAP, ETH-USDT-SWAP]\nstrategy: {signals: [impulse]}\n"
THREE = TWO.replace("]\n", ", DOGE-USDT-SWAP]\n", 1)


def config(play: Play) -> tuple[str, str]:
    return "--config", str(play.root / "scalpctl.yaml")


def order(at: str, side: str, contracts: str = "2") -> str:
    return f'- {{at: {at}, do: foreign-order, instrument: {DOGE}, side: {side}, contracts: "{contracts}"}}\n'


def booked(play: Play, account: str) -> Decimal:
    rows = play.rows("SELECT amount FROM postings WHERE account = ?", account)
    return add(*(Decimal(row["amount"]) for row in rows), ZERO)


def books_agree(play: Play) -> None:
    """Hold money and bills against the exchange's own, to the last digit."""
    account = next(iter(play.exchange().state.accounts.values()))
    assert booked(play, "cash") == add(account.cash, *(one.margin for one in account.positions.values()))
    assert booked(play, "suspense") == 0
    assert play.rows("SELECT * FROM bills WHERE matched_to IS NULL") == []
    assert play.rows("SELECT * FROM drifts WHERE resolved_at IS NULL") == []
    assert verify(play.folder.ledger).ok


def moved_there(play: Play) -> Decimal:
    """Give what the exchange says was won and lost in the instrument nobody trades in."""
    account = next(iter(play.exchange().state.accounts.values()))
    return add(*(add(fill.pnl, fill.fee) for fill in account.fills if fill.inst_id == DOGE), ZERO)


def test_what_others_win_and_lose_where_nothing_is_traded_is_booked_as_theirs(
    play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    play.config = TWO
    play.session(0.2, schedule=order("2m", "buy") + order("6m", "sell"))
    books_agree(play)
    assert -booked(play, "elsewhere") == moved_there(play) != 0
    for table in ("fills", "positions", "orders", "instruments"):
        assert play.rows(f"SELECT 1 FROM {table} WHERE inst_id = ?", DOGE) == []
    code, found = asked(play, capsys, *config(play), "reconcile", "--statement")
    assert (code, found["findings"], found["held_elsewhere"]) == (0, [], [])
    assert asked(play, capsys, *config(play), "audit")[0] == 0


def test_a_position_of_others_where_nothing_is_traded_is_named_and_left_alone(
    play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    play.config = TWO
    play.session(0.1)
    behind_its_back(play, "foreign-order", instrument=DOGE, side="buy", contracts="3")
    play.session(0.1)
    books_agree(play)
    (held,) = next(iter(play.exchange().state.accounts.values())).positions.values()
    assert (held.inst_id, held.contracts) == (DOGE, 3)
    code, found = asked(play, capsys, *config(play), "reconcile")
    assert (code, found["findings"], found["held_elsewhere"]) == (0, [], [DOGE])
    assert asked(play, capsys, *config(play), "audit", "--online")[0] == 0


def test_a_position_of_others_whose_instrument_is_configured_later_is_taken_over_with_its_fills(
    play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    play.config = TWO
    play.session(0.2, schedule=order("1m", "sell") + order("3m", "buy") + order("6m", "buy") + order("8m", "buy", "3"))
    trip = moved_there(play)
    play.config = THREE
    play.session(0.1, schedule=order("2m", "buy", "1"))
    books_agree(play)
    (position,) = play.rows("SELECT * FROM positions WHERE inst_id = ?", DOGE)
    assert (position["side"], position["contracts"], position["state"]) == ("long", "6", "open")
    fills = play.rows("SELECT contracts, position_id FROM fills WHERE inst_id = ? ORDER BY filled_at", DOGE)
    assert [(row["contracts"], row["position_id"]) for row in fills] == [
        (size, position["position_id"]) for size in ("2", "3", "1")
    ]
    account = next(iter(play.exchange().state.accounts.values()))
    first = [fill for fill in account.fills if fill.inst_id == DOGE][:2]
    assert -booked(play, "elsewhere") == add(*(add(fill.pnl, fill.fee) for fill in first)) != trip
    assert asked(play, capsys, *config(play), "reconcile", "--statement")[0] == 0
    assert asked(play, capsys, *config(play), "audit", "--online")[0] == 0


def test_what_was_added_to_it_before_the_engine_came_back_does_not_hide_the_rest(
    play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    play.config = TWO
    play.session(2.0, schedule=order("2m", "buy", "5"))
    behind_its_back(play, "foreign-order", instrument=DOGE, side="buy", contracts="1")
    play.config = THREE
    play.session(0.1)
    books_agree(play)
    play.check()
    (position,) = play.rows("SELECT * FROM positions WHERE inst_id = ?", DOGE)
    assert (position["contracts"], position["state"]) == ("6", "open")
    paid = play.rows("SELECT dsum(balance_change) AS paid FROM bills WHERE inst_id = ? AND type = '8'", DOGE)
    assert -booked(play, "elsewhere") == Decimal(paid[0]["paid"])  # what was held elsewhere paid its funding there
    assert asked(play, capsys, *config(play), "reconcile", "--statement")[0] == 0


def spot(ccy: str, change: str, number: int, at: int) -> BillReport:
    """Somebody bought a coin for what trades here are settled in."""
    return BillReport(
        bill_id=f"{at}{number}", type="2", sub_type="1", ccy=ccy, balance_change=Decimal(change), balance=Decimal(1),
        inst_id="BTC-USDT", order_id="1", trade_id="7", contracts=None, price=None, pnl=None, fee=None, interest=None,
        at=at,
    )  # fmt: skip


def test_a_coin_bought_by_others_is_no_loss_and_its_currency_is_kept_apart(play: Play) -> None:
    async def bought(session: Any) -> None:
        context = session.machine.context
        await until(session, lambda: context.limits.day != "" and context.recovered)
        before, cash = context.limits, context.account.cash
        pair = (spot("USDT", "-400", 1, context.at), spot("BTC", "0.004", 2, context.at))
        session.runner.hear(BillsRead(pair))
        await until(session, lambda: context.account.cash != cash, 5)
        assert cash - context.account.cash == before.day_opening - context.limits.day_opening == 400
        await session.venue.clock.sleep(90)
        session.stop.set()

    play.session(0.1, bought)
    assert play.rows("SELECT * FROM drifts") == []
    rows = play.rows("SELECT account, ccy, amount FROM postings WHERE inst_id = 'BTC-USDT' ORDER BY ccy, account")
    assert [tuple(row.values()) for row in rows] == [
        ("cash", "BTC", "0.004"), ("transfer", "BTC", "-0.004"),
        ("cash", "USDT", "-400"), ("transfer", "USDT", "400"),
    ]  # fmt: skip
    assert play.rows("SELECT * FROM limit_latches") == []


def test_a_bill_read_before_its_execution_is_matched_although_the_engine_died_between(play: Play) -> None:
    async def dies(session: Any) -> None:
        await until(session, lambda: session.machine.context.recovered)
        session.venue.host.command("mute", {"channel": "orders"})
        session.venue.host.command("silence", {"path": "/api/v5/trade/fills"})
        await until(session, lambda: bool(session.machine.context.bills_waiting))
        await session.runner.settled()
        raise Killed

    play.config = THREE
    with contextlib.suppress(Killed):
        play.session(0.2, dies, schedule=order("100s", "buy"))
    assert play.rows("SELECT * FROM bills WHERE matched_to IS NULL")
    play.session(0.1)
    play.check()
    assert play.rows("SELECT * FROM drifts WHERE resolved_at IS NULL") == []
