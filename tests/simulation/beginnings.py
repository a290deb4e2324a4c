"""Where brief plans begin: an account that holds a position, played once per world and copied from then on."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from engine.conftest import Play, until
from simulation.plans import NIGHT, WORLDS, Plan

from scalpctl.simulator.exchange import switches_of
from scalpctl.simulator.serving.store import Store

SEEDS = 2
SETTLING_S = 10.0
MEMORY = "/dev/shm"


def fresh_folder() -> tempfile.TemporaryDirectory[str]:
    """Give a folder to play in, in memory where there is room for files: no plan cuts the power."""
    return tempfile.TemporaryDirectory(prefix="scalpctl-plan-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None)


@cache
def _shelf() -> tempfile.TemporaryDirectory[str]:
    return fresh_folder()


@cache
def _held(world: str, seed: int, mode: str) -> Path:
    """Play until something is held and its stop stands; gives where that is kept."""
    config = f"exchange: {{margin_mode: {mode}}}\n"
    play = Play(Path(_shelf().name, f"{world}-{seed}-{mode}"), world=world, seed=seed, config=config)
    play.session(1.0, _until_held)
    return play.root


async def _until_held(session: Any) -> None:
    desks = session.machine.context.desks.values()
    await until(session, lambda: any(desk.holding is not None and desk.holding.entered for desk in desks))
    await session.venue.clock.sleep(SETTLING_S)
    session.stop.set()


def _beginning(plan: Plan) -> Path:
    return _held(plan.world, plan.seed % SEEDS, plan.margin_mode)


def play_for(plans: Iterable[Plan]) -> None:
    """Play what brief plans begin with now, so that no other engine plays it later."""
    for plan in plans:
        if plan.brief:
            _beginning(plan)


def goes_on(plan: Plan, root: Path) -> Play:
    """Give such an account to a plan; what happens by chance from here on is the plan's own."""
    shutil.copytree(_beginning(plan), root)
    play = Play(root, world=plan.world, seed=plan.seed, faults=plan.weather)
    exchange = play.exchange()
    exchange.random = Random(f"goes on:{plan.seed}")
    exchange.state.switches = switches_of(plan.seed)
    Store(play.folder.path).save(exchange.snapshot())
    if plan.ledger == "new":
        play.lose_ledger()
    return play


def play_all() -> None:
    """Play every beginning, so that processes forked from this one find them."""
    for world in (*WORLDS, NIGHT):
        for seed in range(SEEDS):
            for mode in ("isolated", "cross"):
                _held(world, seed, mode)
