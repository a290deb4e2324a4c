"""Limits that count everything together: entries of one instant, positions of other hands, wherever they are."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from engine.conftest import Play

from scalpctl.core.exchange.requests import PlaceOrder
from scalpctl.engine.effects import SetLeverage
from scalpctl.simulator import actors
from scalpctl.simulator.serving.store import Store

MINUTES = 1 / 60


def outcomes(play: Play) -> list[str]:
    return [row["outcome"] for row in play.rows("SELECT outcome FROM decisions WHERE subject = 'entry' ORDER BY seq")]


def gates(play: Play, outcome: str) -> list[dict[str, Any]]:
    rows = play.rows("SELECT gates FROM decisions WHERE subject = 'entry' AND outcome = ?", outcome)
    return [gate for row in rows for gate in msgspec.json.decode(row["gates"])]


@pytest.fixture
def together(play: Play) -> Play:
    """Two instruments that decide to enter when the first minute is over; both have to set their leverage before."""
    play.seed, play.world = 5, "trend"
    exchange, account = play.opened()
    for inst_id in ("BTC-USDT-SWAP", "DOGE-USDT-SWAP"):
        actors.perform(exchange, account, "set-leverage", {"instrument": inst_id, "leverage": "2"})
    Store(play.folder.path).save(exchange.snapshot())
    return play


def test_two_instruments_do_enter_in_the_same_second_where_no_limit_forbids_it(together: Play) -> None:
    together.session(2 * MINUTES)
    decided = together.rows("SELECT count(*) AS n FROM decisions WHERE outcome = 'enter' GROUP BY decided_at")
    assert [row["n"] for row in decided] == [2]
    assert len(together.rows("SELECT 1 FROM positions")) == 2


@pytest.mark.parametrize(
    ("limit", "skip"),
    [
        ("positions_open_max: 1", "skip:positions_max"),
        ("exposure_usd_max: 120", "skip:size"),
        ("entry_orders_per_minute_max: 1", "skip:latched"),
    ],
)
def test_entries_of_one_second_never_pass_a_limit_together(together: Play, limit: str, skip: str) -> None:
    together.config = f"limits: {{{limit}}}\n"
    together.session(2 * MINUTES)
    assert outcomes(together).count("enter") == 1
    assert skip in outcomes(together)
    together.check()


@pytest.mark.parametrize(
    ("limit", "skip"), [("positions_open_max: 1", "skip:positions_max"), ("exposure_usd_max: 120", "skip:size")]
)
def test_what_others_hold_elsewhere_counts_as_a_position_and_with_its_worth(play: Play, limit: str, skip: str) -> None:
    play.seed, play.world = 5, "trend"
    play.config = f"instruments: [BTC-USDT-SWAP, ETH-USDT-SWAP, DOGE-USDT-SWAP]\nlimits: {{{limit}}}\n"
    exchange, account = play.opened()
    hand = {"instrument": "SOL-USDT-SWAP", "side": "buy", "contracts": "2"}
    actors.perform(exchange, account, "manual-open", hand)
    Store(play.folder.path).save(exchange.snapshot())
    play.session(2 * MINUTES)
    assert [one for one in outcomes(play) if one in {"enter", skip}] == [skip]


def test_every_entry_was_held_against_the_positions_its_balance_profile_allows(together: Play) -> None:
    together.session(2 * MINUTES)
    asked = [gate for gate in gates(together, "enter") if gate["gate"] == "positions_max"]
    assert [(gate["limit"], gate["source"]) for gate in asked] == [(4, "computed"), (6, "profile")] * 2


def test_an_entry_is_given_up_when_a_position_appears_while_its_leverage_is_set(together: Play) -> None:
    seen: list[str] = []

    async def disturbed(session: Any) -> None:
        def watcher(_event: Any, step: Any, _at: Any) -> None:
            for effect in step.effects:
                if isinstance(effect, SetLeverage) and not seen:
                    seen.append(effect.inst_id)
                    hand = {"instrument": effect.inst_id, "side": "buy", "contracts": "0.5"}
                    session.venue.host.command("manual-open", hand)

        session.runner.watchers.append(watcher)

    together.session(1.5 * MINUTES, disturbed)
    (given_up,) = together.rows("SELECT * FROM decisions WHERE outcome = 'given_up' AND inst_id = ?", seen[0])
    assert '"position_open"' in given_up["evidence"]
    assert not together.rows("SELECT 1 FROM orders WHERE inst_id = ?", seen[0])


def test_an_entry_is_not_quoted_anew_on_a_price_of_which_nothing_is_heard_any_more(together: Play) -> None:
    together.config = "strategy: {parameters: {maker: {wait_s: 3}}}\n"
    sent: list[tuple[float, float]] = []

    async def deafened(session: Any) -> None:
        host = session.venue.host

        def heard(_event: Any, step: Any, at: Any) -> None:
            for effect in step.effects:
                if isinstance(effect, PlaceOrder) and not effect.reduce_only:
                    price = session.machine.context.desks[effect.inst_id].ticker
                    sent.append((at / 1e6, (at - price.exchange_at) / 1e6))
                    host.command("mute", {"channel": "tickers"})
                    host.command("thin-book", {"instrument": effect.inst_id})

        session.runner.watchers.append(heard)

    together.session(3 * MINUTES, deafened)
    assert sent
    assert max(age_s for _, age_s in sent) <= 1.0
    assert "given_up" in outcomes(together)
