from __future__ import annotations

import json

import pytest
from simulator.conftest import BTC

from scalpctl.simulator import actors, announcements, ordering
from scalpctl.simulator.denied import Denied
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving import market_rows
from scalpctl.simulator.state import Account

SECOND = 1_000_000


def attempt(exchange: Exchange, account: Account, kind: str) -> str:
    ask = {"instId": BTC, "tdMode": "isolated", "side": "buy", "ordType": kind, "sz": "1"}
    if kind == "post_only":
        ask["px"] = market_rows.text(next(iter(market_rows.BY_ID.values())), exchange.market(BTC).bid - 10)
    try:
        ordering.place(exchange, account, ask)
    except Denied as no:
        return no.code
    return "taken"


def test_a_maintenance_goes_through_its_phases_and_what_can_be_traded_follows(
    exchange: Exchange, account: Account
) -> None:  # fmt: skip
    wanted = {"in_seconds": "60", "seconds": "120", "pre_open": "30"}
    actors.perform(exchange, account, "maintenance", wanted)
    seen = []
    for wait_s in (0, 60, 120, 30):
        exchange.advance(exchange.now + wait_s * SECOND)
        kinds = [attempt(exchange, account, kind) for kind in ("market", "post_only")]
        seen.append((exchange.state.status[0]["state"], announcements.is_down(exchange), *kinds))
    assert seen == [
        ("scheduled", False, "taken", "taken"),
        ("ongoing", True, "51022", "51022"),
        ("pre_open", False, "54012", "taken"),
        ("completed", False, "taken", "taken"),
    ]


def test_what_somebody_suspended_stays_suspended_over_a_maintenance_of_the_rest(
    exchange: Exchange, account: Account
) -> None:  # fmt: skip
    actors.perform(exchange, account, "delist", {"instrument": "SOL-USDT"})
    actors.perform(exchange, account, "maintenance", {"seconds": "10"})
    exchange.advance(exchange.now + 20 * SECOND)
    assert exchange.market("SOL-USDT-SWAP").state == "expired"
    assert exchange.market(BTC).state == "live"


def test_a_delisting_is_announced_in_the_instruments_row_and_settles_what_is_held_then(
    exchange: Exchange, account: Account
) -> None:  # fmt: skip
    attempt(exchange, account, "market")
    at = exchange.now + 600 * SECOND
    actors.perform(exchange, account, "delist", {"instrument": "BTC-USDT", "in_seconds": "600"})
    row = market_rows.instrument(exchange.market(BTC))
    assert (row["state"], row["expTime"]) == ("live", str(at // 1_000))
    assert attempt(exchange, account, "market") == "taken"
    exchange.advance(at)
    assert market_rows.instrument(exchange.market(BTC))["state"] == "expired"
    assert not account.positions
    assert account.done[-1].category == "delivery"


@pytest.mark.parametrize("wrong", ["soon", "-5", ""])
def test_a_span_that_is_no_number_of_seconds_is_refused(exchange: Exchange, account: Account, wrong: str) -> None:
    with pytest.raises(Denied):
        actors.perform(exchange, account, "maintenance", {"seconds": wrong})
    assert json.dumps(exchange.state.status) == "[]"
