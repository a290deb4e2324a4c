"""Whole sessions on the embedded exchange: what the engine promises, held against the exchange's own books."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from engine.conftest import Beside, Play, command, until

from scalpctl.core.exchange.notices import LiquidationNear
from scalpctl.core.money import Contracts
from scalpctl.engine.events import Ending
from scalpctl.simulator.serving.store import Store

D = Decimal


def test_hours_in_a_range_end_with_books_equal_to_the_last_digit(play: Play) -> None:
    ending = play.session(1.5)
    assert (ending.kind, ending.orderly) == ("clean", True)
    play.check()
    causes = {row["cause"] for row in play.rows("SELECT cause FROM closures")}
    assert len(causes) >= 3
    assert play.rows("SELECT count(*) AS n FROM partial_takes")[0]["n"] >= 3
    fills = play.rows(
        "SELECT f.liquidity FROM fills f JOIN orders o ON o.client_id = f.client_id WHERE o.role = 'entry'"
    )
    assert sum(row["liquidity"] == "maker" for row in fills) >= 0.8 * len(fills) > 0
    confirmed = play.rows("SELECT position_id, min(confirmed_at) AS at FROM protections GROUP BY position_id")
    opened = {row["position_id"]: row["opened_at"] for row in play.rows("SELECT position_id, opened_at FROM positions")}
    assert {row["position_id"] for row in confirmed} == set(opened)
    assert all(row["at"] - opened[row["position_id"]] <= 3_000_000 for row in confirmed)


def test_what_the_last_executions_were_billed_is_in_the_ledger_when_the_session_has_ended(play: Play) -> None:
    async def slow_at_the_end(session: Any) -> None:
        await until(session, lambda: session.machine.context.held > 0)
        session.venue.host.command("odds", {"slow": "1", "slow_s": "4"})
        session.stop.set()

    ending = play.session(1, slow_at_the_end)
    assert (ending.orderly, ending.left_open) == (True, 1)
    play.check()


def test_nothing_is_begun_once_the_end_is_reached(play: Play) -> None:
    """What is left has its stop, and nobody would follow what is begun then to its end."""
    limit = "holding_limit: {limit_s: 30, extension_s: 0}"
    play.config = (
        f"strategy: {{exits: [margin_safety, stop_loss, emergency, holding_limit], parameters: {{{limit}}}}}\n"
    )

    async def reached(session: Any) -> None:
        context = session.machine.context
        desks = context.desks.values()
        await until(session, lambda: any(one.holding and one.holding.guard.state == "protected" for one in desks))
        session.runner.hear(Ending("asked"))
        await until(session, lambda: context.finished, 25)
        await session.venue.clock.sleep(40)
        assert context.held == 1
        session.stop.set()

    ending = play.session(1, reached)
    assert (ending.orderly, ending.left_open) == (True, 1)
    assert {row["role"] for row in play.rows("SELECT role FROM orders")} == {"entry"}
    play.check()


def test_margin_ratios_are_recomputed_from_our_own_books_and_agree(play: Play) -> None:
    play.session(0.7)
    checks = play.rows("SELECT margin_ratio AS theirs, margin_ratio_recomputed AS ours FROM margin_checks")
    assert checks
    for row in checks:
        assert row["ours"] is not None
        assert abs(D(row["theirs"]) / D(row["ours"]) - 1) < D("1E-9")


def test_orders_say_when_they_were_handed_over_and_what_they_cost_positions_how_far_the_price_went(play: Play) -> None:
    play.session(0.7, flatten=True)
    orders = play.rows("SELECT * FROM orders")
    for row in orders:
        assert row["intended_at"] <= row["sent_at"] <= row["acked_at"]
    for row in play.rows(
        "SELECT o.average_price AS told, dsum(f.contracts) AS contracts, o.client_id FROM orders o JOIN fills f USING "
        "(client_id) WHERE o.state = 'filled' GROUP BY o.client_id"
    ):
        fills = play.rows("SELECT price, contracts FROM fills WHERE client_id = ?", row["client_id"])
        worth = sum(D(one["price"]) * D(one["contracts"]) for one in fills)
        assert abs(D(row["told"]) - worth / D(row["contracts"])) < D("1E-6")
    positions = play.rows("SELECT * FROM positions WHERE state = 'closed'")
    assert positions
    for row in positions:
        assert D(row["trough_price"]) <= D(row["peak_price"])


MAY_STAY_EMPTY = {
    "journal": {"cause"},
    "fills": {"position_side", "sub_type", "category", "bill_id"},
    "orders": {"position_side", "refusal_code", "refusal"},
    "leverage_choices": {"position_id"},
    "protections": {"callback_ratio", "active_price", "failure"},
    "heartbeats": {"clock_offset_us"},
}
"""What a calm session on a simulated clock in net mode has no occasion for."""


def test_no_column_of_the_ledger_stays_empty_for_ever(play: Play) -> None:
    play.session(2)
    play.session(0.1)
    for (name,) in (tuple(row.values()) for row in play.rows("SELECT name FROM sqlite_master WHERE type = 'table'")):
        rows = play.rows(f"SELECT * FROM {name} LIMIT 3000")
        empty = {column for column in (rows[0] if rows else {}) if all(row[column] in (None, "") for row in rows)}
        assert empty <= MAY_STAY_EMPTY.get(name, set()), name


def test_the_same_seed_gives_byte_identical_journals(tmp_path: Path) -> None:
    first, second = Play(tmp_path / "a"), Play(tmp_path / "b")
    for play in (first, second):
        play.session(0.5)
    assert first.head() == second.head()
    other = Play(tmp_path / "c", seed=8)
    other.session(0.2)
    assert other.head() != first.head()


@pytest.mark.parametrize("world", ["trend", "crash", "mixed", "night"])
def test_every_world_ends_with_equal_books(tmp_path: Path, world: str) -> None:
    play = Play(tmp_path / "root", world=world, seed=3)
    play.session(0.7, flatten=True)
    play.check()
    assert play.exchange().state.accounts
    assert play.rows("SELECT position_id FROM positions WHERE closed_at IS NULL") == []


def test_a1_candles_that_stay_away_are_noticed_and_read_on_when_they_come_back(play: Play) -> None:
    ages: list[float] = []

    async def muted(session: Any) -> None:
        await session.venue.clock.sleep(60)
        session.venue.host.command("mute", {"channel": "candle1m"})
        await session.venue.clock.sleep(300)
        session.venue.host.command("unmute", {})
        await session.venue.clock.sleep(130)
        desks = session.machine.context.desks.values()
        ages.extend((session.venue.clock.now() - desk.last_candle_at) / 60e6 for desk in desks if not desk.warming)

    play.session(0.15, muted)
    begun = play.rows("SELECT started_at FROM sessions")[0]["started_at"]
    lost = play.rows("SELECT at, detail FROM connection_events WHERE connection = 'candles' AND event = 'lost'")
    assert "candle1m" in lost[0]["detail"]
    assert lost[0]["at"] - begun < 160_000_000
    assert len(ages) == 4
    assert max(ages) < 2.1


def test_a_session_continues_what_the_last_one_left(play: Play) -> None:
    for _ in range(5):
        play.session(0.25)
        play.check()
    ends = play.rows("SELECT end_kind FROM sessions")
    assert [row["end_kind"] for row in ends] == ["clean"] * 5


def test_after_a_restart_the_exit_rules_look_after_what_is_held(play: Play) -> None:
    play.world = "chop"

    async def until_held(session: Any) -> None:
        await until(session, lambda: any(desk.holding is not None for desk in session.machine.context.desks.values()))
        session.stop.set()

    play.session(2, until_held)
    held = {row["position_id"] for row in play.rows("SELECT position_id FROM positions WHERE closed_at IS NULL")}
    decided = "SELECT position_id, seq FROM decisions WHERE subject = 'exit' AND seq > ?"
    (before,) = play.rows("SELECT max(seq) AS seq FROM journal")
    play.session(0.5)
    assert held <= {row["position_id"] for row in play.rows(decided, before["seq"])}
    assert play.rows("SELECT 1 FROM closures WHERE cause NOT IN ('exchange_stop', 'stop_loss')")


@pytest.mark.parametrize("amount", ["-100", "200"])
def test_money_put_in_or_taken_out_is_neither_gain_nor_loss(play: Play, amount: str) -> None:
    play.session(0.4, schedule=f'- {{at: 10m, do: transfer, amount: "{amount}"}}\n')
    play.check()
    assert play.rows("SELECT * FROM limit_latches") == []
    play.session(0.1)
    assert play.rows("SELECT * FROM limit_latches") == []


SCHEDULES = {
    "manual-close": ("manual", "manual"),
    "liquidate": ("liquidation", "liquidation"),
    "adl": ("auto_deleveraged", "auto_deleveraged"),
}


@pytest.mark.parametrize("action", SCHEDULES)
def test_who_closed_it_is_said_with_proof(play: Play, action: str) -> None:
    play.session(0.8, schedule=f"- {{at: 20m, do: {action}}}\n")
    play.check()
    expected, _ = SCHEDULES[action]
    (row,) = play.rows("SELECT * FROM closures WHERE cause = ?", expected)
    assert row["exit_price"] is not None
    assert '"confidence":"none"' not in row["evidence"]
    (drift,) = play.rows("SELECT * FROM drifts WHERE kind = 'vanished'")
    assert (drift["cause"], drift["resolved_at"] is not None) == (expected, True)


def test_a_position_partly_deleveraged_goes_on_with_what_is_left(play: Play) -> None:
    play.session(0.8, schedule='- {at: 20m, do: adl, fraction: "0.5"}\n')
    play.check()


def test_an_appeared_position_gets_a_stop_within_three_seconds(play: Play) -> None:
    play.config = "strategy: {signals: [impulse]}\n"
    play.session(0.2, schedule='- {at: 2m, do: foreign-order, instrument: BTC-USDT, side: buy, contracts: "0.5"}\n')
    play.check()
    (row,) = play.rows("SELECT * FROM positions WHERE inst_id = 'BTC-USDT-SWAP'")
    assert row["origin"] == "appeared"
    (stop,) = play.rows("SELECT * FROM protections WHERE position_id = ?", row["position_id"])
    assert stop["confirmed_at"] - row["opened_at"] <= 3_000_000


def test_a_stop_that_somebody_cancels_is_missed_and_placed_again(play: Play) -> None:
    play.session(0.8, schedule="- {at: 30m, do: cancel-stop}\n")
    play.check()
    lost = play.rows("SELECT * FROM protections WHERE state IN ('lost', 'released') AND failure IS NOT NULL")
    assert len(lost) >= 1


def test_leverage_changed_by_somebody_else_is_taken_from_the_exchange(play: Play) -> None:
    play.session(0.8, schedule='- {at: 30m, do: set-leverage, leverage: "3"}\n')
    play.check()


def test_funding_belongs_to_the_position_that_paid_it(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="trend", seed=7)
    play.session(2.1)
    play.check()
    paid = play.rows("SELECT position_id, amount FROM postings WHERE account = 'funding'")
    assert paid
    for row in paid:
        assert row["position_id"] is not None


def test_closing_twice_is_one_close_and_no_error(play: Play) -> None:
    answers: list[dict[str, Any]] = []

    async def beside(session: Any) -> None:
        await until(session, lambda: session.machine.context.held > 0)
        for number in range(3):
            reply = await session.runner.order(command("close", number, all=True))
            answers.append(reply.result)

    play.session(1, beside)
    play.check()
    assert [answer["state"] for answer in answers] == ["closed", "already_flat", "already_flat"]
    assert answers[0]["closed"][0]["cause"] == "operator"
    assert play.rows("SELECT name FROM limit_latches")[0]["name"] == "operator_pause"


@pytest.mark.parametrize("how", ["patiently", "at once"])
def test_what_is_too_large_for_one_order_is_closed_in_parts(play: Play, how: str) -> None:
    closed: list[str] = []

    async def beside(session: Any) -> None:
        context = session.machine.context
        await until(session, lambda: any(desk.holding and desk.holding.entered for desk in context.desks.values()))
        desk = next(desk for desk in context.desks.values() if desk.holding)
        closed.append(desk.holding.position_id)
        most = desk.instrument.floor_contracts(Contracts(desk.holding.contracts.value * D("0.4"))).value
        session.runner.hear(replace(desk.instrument, limit_contracts_max=most, market_contracts_max=most))
        if how == "at once":
            session.runner.hear(LiquidationNear(desk.inst_id, "", None, context.at))
        reply = await session.runner.order(command("close", instrument=desk.inst_id))
        assert reply.result["state"] == "closed"
        session.stop.set()

    play.session(0.7, beside)
    play.check()
    orders = play.rows("SELECT * FROM orders WHERE role = 'close' AND position_id = ?", closed[0])
    (whole,) = play.rows("SELECT contracts FROM closures WHERE position_id = ?", closed[0])
    filled = [D(one["filled_contracts"] or 0) for one in orders]
    assert sum(filled) == D(whole["contracts"])
    assert all(D(one["contracts"]) <= D(whole["contracts"]) * D("0.4") for one in orders)
    assert sum(map(bool, filled)) >= 3


def test_a_part_can_be_closed_and_the_rest_stays(play: Play) -> None:
    async def beside(session: Any) -> None:
        context = session.machine.context
        await until(session, lambda: any(desk.holding and desk.holding.entered for desk in context.desks.values()))
        desk = next(desk for desk in context.desks.values() if desk.holding)
        before = desk.holding.contracts
        wanted: list[dict[str, Any]] = [{"instrument": desk.inst_id}, {"all": True}]
        for number, asked in enumerate(wanted, start=7):
            reply = await session.runner.order(command("close", number, fraction="0.000001", **asked))
            assert not reply.ok
            assert "less than the smallest order" in reply.message
            assert (desk.holding.contracts, desk.holding.close) == (before, None)
        reply = await session.runner.order(command("close", instrument=desk.inst_id, fraction="0.5"))
        assert reply.result["state"] == "reduced"
        assert desk.holding is None or desk.holding.contracts.value < before.value

    play.session(0.7, beside)
    play.check()


def test_a_halt_survives_the_restart_and_wants_a_reason(play: Play) -> None:
    async def halt(session: Any) -> None:
        await until(session, lambda: session.machine.context.recovered)
        assert (await session.runner.order(command("halt", 7, reason="looks odd"))).ok

    async def resume(session: Any) -> None:
        await until(session, lambda: session.machine.context.recovered)
        context = session.machine.context
        assert [latch.limit.value for latch in context.limits.latches] == ["operator_halt"]
        await session.venue.clock.sleep(120)
        assert not (await session.runner.order(command("resume", 1))).ok
        assert (await session.runner.order(command("resume", 2, reason="reviewed"))).ok
        assert context.limits.latches == ()

    play.session(0.5, halt)
    assert play.rows("SELECT count(*) AS n FROM orders")[0]["n"] == 0
    play.session(0.5, resume)
    play.check()


@pytest.mark.parametrize("faults", ["light", "storm"])
@pytest.mark.parametrize("seed", [1, 2])
def test_bad_weather_loses_no_fill_and_doubles_no_order(tmp_path: Path, faults: str, seed: int) -> None:
    play = Play(tmp_path / "root", seed=seed, faults=faults)
    play.session(0.5)
    play.faults = "none"
    play.session(0.1)
    play.check()
    account = next(iter(play.exchange().state.accounts.values()))
    ids = [order.client_id for order in account.done if order.client_id]
    assert len(ids) == len(set(ids))
    intended = {row["client_id"] for row in play.rows("SELECT client_id FROM orders")}
    assert set(ids) <= intended


def test_what_was_there_before_the_ledger_is_counted_once(play: Play) -> None:
    exchange, account = play.opened()
    exchange.advance(exchange.now + 600_000_000)
    exchange.transfer(account, D("-1.5"))
    exchange.advance(exchange.now + 600_000_000)
    Store(play.folder.path).save(exchange.snapshot())
    for _ in range(2):
        play.session(0.1)
        play.check()
    (opening,) = play.rows("SELECT amount FROM postings WHERE transaction_id = 'opening' AND account = 'cash'")
    assert D(opening["amount"]) == D("998.5")


def test_a_configuration_that_is_edited_in_mid_session_counts_from_the_next_session_on(tmp_path: Path) -> None:
    edited = "strategy: {signals: [impulse]}\nsafety: {appeared_positions: flatten}\n"
    plays = [Play(tmp_path / name, config="strategy: {signals: [rsi, macd, bollinger]}\n") for name in "ab"]

    def beside(file: Path | None) -> Beside:
        async def edits(session: Any) -> None:
            await until(session, lambda: session.machine.context.held > 0)
            if file is not None:
                file.write_text(edited)

        return edits

    for play, file in zip(plays, (plays[0].root / "scalpctl.yaml", None), strict=True):
        play.session(0.7, beside(file))
        assert play.rows("SELECT 1 FROM orders")
    assert (plays[0].root / "scalpctl.yaml").read_text() == edited
    assert plays[0].head() == plays[1].head()  # to the last byte as if nobody had touched it
    plays[0].config = edited
    plays[0].session(0.1)
    first, second = plays[0].rows("SELECT config_digest, config FROM sessions ORDER BY seq")
    assert first["config_digest"] != second["config_digest"]
    assert ("impulse" in first["config"], "impulse" in second["config"]) == (False, True)
