"""Time in which no engine runs: the exchange goes on, stops fire, and others do what they like."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from engine.conftest import Play
from simulation.plans import Act

from scalpctl.simulator.actors import ACTIONS, perform
from scalpctl.simulator.denied import Denied
from scalpctl.simulator.serving.store import Store

OPENING = ("manual-open", "foreign-order", "manual-order")


def pass_over(play: Play, seconds: int, due: Callable[[int], Iterable[tuple[int, Act]]]) -> None:
    """Let time pass at the exchange and do what is due; what only a running engine could notice is left out."""
    exchange = play.exchange()
    until = exchange.now + seconds * 1_000_000
    account = next(iter(exchange.state.accounts.values()))
    for at, act in due(until):
        exchange.advance(max(at, exchange.now))
        if act.action in ACTIONS:
            said = dict(act.arguments)
            with suppress(Denied):
                perform(exchange, account, act.action, in_its_mode(exchange, said) if act.action in OPENING else said)
    exchange.advance(until)
    Store(play.folder.path).save(exchange.snapshot())


def in_its_mode(exchange: Any, arguments: dict[str, str]) -> dict[str, str]:
    """Let others trade an instrument that is held in the mode it is held in: both at once is what nobody here tells."""
    positions = next(iter(exchange.state.accounts.values())).positions.values()
    held = {one.inst_id: one.mode for one in positions if one.contracts}
    inst_id = arguments.get("instrument", "")
    return arguments | ({"mode": held[inst_id]} if inst_id in held else {})
