"""One thing goes wrong, at the worst moment: nobody is without a stop for longer than ten seconds after it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet
from engine.conftest import Killed, Play
from simulation.oracles import Oracles

from scalpctl.simulator.asking import slip

SOL, DOGE = {"instrument": "SOL-USDT-SWAP"}, {"instrument": "DOGE-USDT-SWAP"}
FAULTS: dict[str, tuple[str, dict[str, str], float]] = {
    "closed by hand": ("manual-close", {}, 0),
    "half closed by hand": ("manual-close", {"fraction": "0.5"}, 0),
    "added to by hand": ("manual-add", {}, 0),
    "opened by hand": ("manual-open", SOL | {"side": "buy", "contracts": "2"}, 0),
    "opened by another client": ("foreign-order", DOGE | {"side": "sell", "contracts": "2"}, 0),
    "liquidated": ("liquidate", {}, 0),
    "partly liquidated": ("liquidate", {"fraction": "0.5"}, 0),
    "deleveraged": ("adl", {}, 0),
    "partly deleveraged": ("adl", {"fraction": "0.5"}, 0),
    "stop cancelled": ("cancel-stop", {}, 0),
    "leverage changed": ("set-leverage", {"leverage": "7"}, 0),
    "money taken out": ("transfer", {"amount": "-20"}, 0),
    "price jumps": ("jump", {"ratio": "-0.02"}, 0),
    "thin book": ("thin-book", {}, 0),
    "no tickers": ("mute", {"channel": "tickers"}, 0),
    "no orders": ("mute", {"channel": "orders"}, 0),
    "no positions": ("mute", {"channel": "positions"}, 0),
    "no mark price": ("mute", {"channel": "mark-price"}, 0),
    "no order history": ("silence", {"path": "/api/v5/trade/orders-history"}, 0),
    "no fills": ("silence", {"path": "/api/v5/trade/fills"}, 0),
    "no account": ("silence", {"path": "/api/v5/account"}, 0),
    "short outage": ("outage", {"seconds": "10"}, 10),
    "outage": ("outage", {"seconds": "45"}, 45),
    "maintenance": ("maintenance", {"seconds": "60"}, 60),
    "line lost": ("disconnect", {}, 0),
    "line gone without a word": ("disconnect", {"code": "1006"}, 0),
    "notice of an upgrade": ("notice", {}, 0),
    "clock back": ("skew", {"seconds": "-3"}, 0),
    "clock far ahead": ("skew", {"seconds": "20"}, 0),
    "suspended": ("suspend", SOL, 0),
    "conditional orders fail": ("algos-fail", {}, 0),
    "positions read as none": ("positions", {"to": "empty"}, 0),
    "reads lag": ("oddity", {"read_lag_ms": "2500"}, 0),
    "answers come late": ("odds", {"slow": "1", "slow_s": "5"}, 5),
    "narrow price limits": ("oddity", {"band": "0.0003"}, 0),
    "killed": ("kill", {}, 0),
    "requests lost": ("odds", {"lost_request": "1"}, 1),
    "answers lost": ("odds", {"lost_answer": "1"}, 1),
    "frames lost": ("odds", {"dropped_frame": "1"}, 1),
    "frames doubled": ("odds", {"duplicate_frame": "1"}, 1),
}
"""What happens, and for how long nobody can be reached because of it."""
MOMENTARY = ("requests lost", "answers lost", "frames lost", "frames doubled")
"""What happens to everything that is under way in one second, and to nothing after it."""
MOMENTS = {
    "as the entry is sent": "order_intended",
    "as it fills": "position_opened",
    "as the stop stands": "confirmed",
}
BARE_S = 10.0
AFTER_S = 90


class Blow:
    """Strikes once, at the first record of a kind, and watches from then on."""

    def __init__(self, fault: str, moment: str) -> None:
        self.action, self.arguments, self.away_s = FAULTS[fault]
        self.passes = fault in MOMENTARY
        self.moment = moment
        self.struck_at: int | None = None
        self.oracles = Oracles("none")
        self.session: Any = None
        self.passing: asyncio.Future[None] | None = None

    def begun(self, session: Any) -> None:
        self.session = session
        session.runner.watchers.append(self.heard)

    def heard(self, _event: Any, step: Any, _at: Any) -> None:
        host = self.session.venue.host
        if self.struck_at is None and any(self.is_it(record) for record in step.records):
            self.struck_at = host.exchange.now
            self.oracles.excuse(host.exchange.now, self.away_s)
            if self.action == "kill":
                raise Killed
            asyncio.get_running_loop().call_soon(self.strike, host)

    def is_it(self, record: Any) -> bool:
        if self.moment == "confirmed":
            return record.record_kind == "protection_changed" and isinstance(getattr(record, "confirmed_at", None), int)
        return bool(record.record_kind == self.moment)

    def strike(self, host: Any) -> None:
        with suppress(Exception):  # an exchange may refuse what others try
            host.command(self.action, self.arguments)
        if self.passes:
            self.passing = asyncio.ensure_future(self.pass_over(host))

    async def pass_over(self, host: Any) -> None:
        await self.session.venue.clock.sleep(self.away_s)
        host.command(self.action, dict.fromkeys(self.arguments, "0"))

    async def until_after(self, session: Any) -> None:
        host = session.venue.host
        while self.struck_at is None or host.exchange.now < self.struck_at + (AFTER_S + self.away_s) * 1e6:
            await session.venue.clock.sleep(0.25)
            if self.struck_at is not None:
                self.oracles.look(host)
        session.stop.set()


def _each_at_each() -> list[ParameterSet]:
    """Every fault at every moment; a third of them, in turn, is for every day, the others for campaigns."""
    return [
        pytest.param(fault, moment, marks=[pytest.mark.campaign] if (one + other) % len(MOMENTS) else [])
        for (one, fault), (other, moment) in product(enumerate(FAULTS), enumerate(MOMENTS))
    ]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_something_an_exchange_can_be_asked_for(fault: str) -> None:
    action, arguments, _ = FAULTS[fault]
    assert action == "kill" or slip(action, arguments) == ""


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "moment"), _each_at_each())
def test_one_fault_leaves_nobody_bare_for_ten_seconds(fault: str, moment: str, tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=5)
    blow = Blow(fault, MOMENTS[moment])
    play.begun = blow.begun
    for _ in range(2):  # the second one after a death
        with suppress(Killed):
            play.session(1, blow.until_after)
            break
    assert blow.struck_at is not None, "it never came to that"
    assert blow.oracles.worst_naked_s <= BARE_S
