"""Time in which no engine runs: the exchange goes on, stops fire, and others do what they like."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from engine.conftest import Play
from simulation.plans import Act

from scalpctl.simulator.actors import ACTIONS, perform
from scalpctl.simulator.denied import Denied
from scalpctl.simulator.serving.faults import WEATHER
from scalpctl.simulator.serving.store import Store

SWITCHED = ("positions", "oddity")
"""How the exchange behaves, whoever is there to notice: it does so until it is asked for something else."""
OPENING = ("manual-open", "foreign-order", "manual-order")


def pass_over(play: Play, seconds: int, due: Callable[[int], Iterable[tuple[int, Act]]], ours: str) -> None:
    """Let time pass at the exchange and do what is due; what only a running engine could notice is left out."""
    exchange = play.exchange()
    until = exchange.now + seconds * 1_000_000
    account = next(iter(exchange.state.accounts.values()))
    for at, act in due(until):
        exchange.advance(max(at, exchange.now))
        if act.action in ACTIONS:
            with suppress(Denied):
                perform(exchange, account, act.action, in_its_mode(exchange, act, ours))
        elif act.action in SWITCHED:
            WEATHER[act.action](None, SimpleNamespace(exchange=exchange), dict(act.arguments))
    exchange.advance(until)
    Store(play.folder.path).save(exchange.snapshot())


def in_its_mode(exchange: Any, act: Act, ours: str) -> dict[str, str]:
    """Let others trade an instrument in the mode it is traded in: both at once is what nobody here tells.

    What they leave in the book may be executed when we hold something: it is in our mode, or it opens nothing.
    """
    said = dict(act.arguments)
    if act.action not in OPENING:
        return said
    account = next(iter(exchange.state.accounts.values()))
    held = [*account.orders.values(), *(one for one in account.positions.values() if one.contracts)]
    mode = {one.inst_id: one.mode for one in held}.get(said.get("instrument", ""))
    if act.action == "manual-order":
        return said | ({"mode": ours} if mode in {None, ours} else {"mode": mode, "reduce": "yes"})
    return said | ({"mode": mode} if mode else {})
