"""One long day in which everything happens to the account several times: engine up, engine down, engine killed."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from engine.conftest import Killed, Play, until

from scalpctl.host.clock import WallClock
from scalpctl.wiring.session import Listening
from scalpctl.wiring.venues import SimOptions, embedded

ACTS = (
    ("manual-close", {}),
    ("manual-close", {"fraction": "0.5"}),
    ("liquidate", {}),
    ("liquidate", {"fraction": "0.5"}),
    ("adl", {}),
    ("adl", {"fraction": "0.5"}),
    ("manual-add", {}),
    ("foreign-order", {"instrument": "SOL-USDT-SWAP", "side": "buy", "contracts": "2"}),
    ("foreign-order", {"instrument": "DOGE-USDT-SWAP", "side": "sell", "contracts": "3"}),
    ("flip", {}),
    ("trailing-stop", {}),
    ("attached-stop", {}),
    ("cancel-stop", {}),
    ("set-leverage", {"leverage": "4"}),
    ("jump", {"ratio": "-0.02"}),
    ("transfer", {"amount": "25"}),
    ("delist", {}),
)
UNLIMITED = "limits:\n  daily_loss_ratio_max: 0.5\n  drawdown_ratio_max: 0.5\n  losses_in_a_row_max: 50\n"
"""What others do to this account costs it money, and a day that is over after the first hour tries nothing."""
ENGINES = ("up", "down", "killed")
EXCHANGE = {
    "full_liquidation": "liquidation",
    "partial_liquidation": "partial_liquidation",
    "adl": "auto_deleveraged",
    "delivery": "delivery",
}
CAUSES = (*EXCHANGE.values(), "exchange_stop", "exchange_trailing", "manual", "other_client")


def act(host: Any, action: str, arguments: dict[str, str]) -> bool:
    """Do one thing to the account; False when there was nothing to do it to."""
    account = next(iter(host.exchange.state.accounts.values()))
    held = [one for one in account.positions.values() if one.contracts]
    if action not in {"flip", "delist"}:
        return bool(host.others(action, arguments))
    if not held:
        return False
    if action == "delist":
        return bool(host.others("delist", {"instrument": held[0].inst_id}))
    size = abs(held[0].contracts)
    side = "sell" if held[0].contracts > 0 else "buy"
    order = {"instrument": held[0].inst_id, "side": side, "contracts": str(size * 2)}
    return bool(host.others("foreign-order", order))


def holds(session: Any) -> bool:
    return any(desk.holding is not None and desk.holding.entered for desk in session.machine.context.desks.values())


EVIDENCE = (
    "/api/v5/trade/orders-history", "/api/v5/trade/fills", "/api/v5/account/bills", "/api/v5/account/positions-history",
    "/api/v5/trade/order",
)  # fmt: skip


class Day:
    """Plays the acts one after the other, each under one state of the engine."""

    def __init__(self, folder: Path, *, silent: bool = False) -> None:
        self.play = Play(folder, world="chop", seed=21, config=UNLIMITED)
        self.done: list[tuple[str, str]] = []
        self.silent = silent
        self.chance = Random(3)

    def step(self, engine: str, action: str, arguments: dict[str, str]) -> None:
        if engine == "down":
            self.play.session(2, self._until_held)
            self._alone(action, arguments)
        else:
            with suppress(Killed):
                self.play.session(2, lambda session: self._act(session, engine, action, arguments))
        self.play.session(0.03)

    async def _until_held(self, session: Any) -> None:
        await until(session, lambda: holds(session))
        session.stop.set()

    async def _act(self, session: Any, engine: str, action: str, arguments: dict[str, str]) -> None:
        await until(session, lambda: holds(session))
        host = session.venue.host
        if self.silent:
            host.command("silence", {"path": self.chance.choice(EVIDENCE)})
        if act(host, action, arguments):
            self.done.append((engine, action))
        if engine == "killed":
            raise Killed
        await session.venue.clock.sleep(45 if self.silent else 60)
        host.command("unsilence", {})
        await session.venue.clock.sleep(30)
        session.stop.set()

    def _alone(self, action: str, arguments: dict[str, str]) -> None:
        """Let the exchange go on for three minutes with nobody watching."""

        async def whole() -> None:
            venue = embedded(self.play.folder.path, SimOptions(speed="max"), WallClock(), Listening())
            running = [asyncio.ensure_future(one()) for one in venue.background]

            async def meanwhile() -> None:
                await venue.clock.sleep(60)
                if act(venue.host, action, arguments):
                    self.done.append(("down", action))
                await venue.clock.sleep(120)

            assert venue.hand is not None
            await venue.hand.run_until(asyncio.ensure_future(meanwhile()))
            for one in running:
                one.cancel()
            await venue.close()

        asyncio.run(whole())


def truth(order: Any) -> str:
    """Say from the exchange's own books whose order it was."""
    if order.category in EXCHANGE:
        return EXCHANGE[order.category]
    if order.algo_id:
        return "exchange_trailing" if order.source == "25" else "exchange_stop"
    return "other_client" if order.client_id else "manual"


def verdicts(play: Play) -> dict[str, set[str]]:
    """Give what the ledger says about every order that was not its own."""
    said: dict[str, set[str]] = {}
    for row in play.rows("SELECT json_extract(theirs, '$.order_id') AS order_id, cause FROM drifts"):
        said.setdefault(str(row["order_id"]), set()).add(str(row["cause"]))
    for row in play.rows("SELECT evidence, cause FROM closures"):
        for _, order_id in json.loads(row["evidence"])["fills"]:
            said.setdefault(order_id, set()).add(str(row["cause"]))
    return said


def attributed(day: Day) -> Counter[str]:
    """Hold every order of others against the exchange's own books; how many there were of each cause."""
    account = next(iter(day.play.exchange().state.accounts.values()))
    ours = {row["order_id"] for row in day.play.rows("SELECT order_id FROM orders WHERE order_id IS NOT NULL")}
    said = verdicts(day.play)
    theirs = [order for order in account.done if order.filled and order.order_id not in ours]
    wrong = {
        order.order_id: (truth(order), said.get(order.order_id))
        for order in theirs
        if truth(order) not in said.get(order.order_id, ())
    }
    assert not wrong
    assert day.play.rows("SELECT 1 FROM closures WHERE cause = 'unknown'") == []
    return Counter(truth(order) for order in theirs)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whatever_happens_up_down_or_killed_is_attributed_and_none_wrongly(tmp_path: Path) -> None:
    day = Day(tmp_path / "root")
    for action, arguments in ACTS:
        for engine in ENGINES:
            day.step(engine, action, arguments)
    day.play.session(0.1)
    day.play.check()
    assert len(day.done) >= 0.9 * len(ACTS) * len(ENGINES)
    causes = attributed(day)
    assert all(causes[name] >= 2 for name in CAUSES), causes
    slow = day.play.rows("SELECT * FROM drifts WHERE explained_at IS NULL OR explained_at - detected_at > 10000000")
    assert slow == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_the_exchange_will_not_say_yet_is_not_guessed_and_settled_when_it_does(tmp_path: Path) -> None:
    day = Day(tmp_path / "root", silent=True)
    for action, arguments in ACTS[:8]:
        day.step("up", action, arguments)
    day.play.session(0.1)
    assert len(day.done) >= 7
    day.play.check()
    attributed(day)
    assert day.play.rows("SELECT 1 FROM drifts WHERE resolved_at IS NULL") == []
