"""Plays a plan through the whole system: engine, exchange, ledger on a real file, one thread, one clock, one seed."""

from __future__ import annotations

import asyncio
import tempfile
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.conftest import Killed, Play
from simulation.beginnings import goes_on
from simulation.oracles import Oracles, final
from simulation.plans import LASTS_S, WIDE, Act, Plan

from scalpctl.engine.events import Ordered
from scalpctl.errors import LedgerWriteFailed

CALM_H, BRIEF_CALM_H = 0.15, 0.05
SHRINKS_MAX = 24
OPENING = ("manual-open", "foreign-order")


@dataclass
class Outcome:
    """What came of a plan."""

    plan: Plan
    broken: list[str] = field(default_factory=list)
    worst_naked_s: float = 0.0
    last_events: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.broken

    def __str__(self) -> str:
        brief = " --brief" if self.plan.brief else ""
        again = f"again: scripts/seeds 1 {self.plan.seed}{brief} --forget"
        return "\n".join([str(self.plan), *self.broken, "last events:", *self.last_events[-15:], again])


def play_plan(plan: Plan) -> Outcome:
    """Play a plan and give what broke, if anything."""
    with tempfile.TemporaryDirectory() as folder:
        return _Run(plan, Path(folder)).whole()


def shrunk(outcome: Outcome) -> Outcome:
    """Leave out what is not needed for it to break."""
    best = outcome
    for _ in range(SHRINKS_MAX):
        for act in best.plan.acts:
            smaller = play_plan(best.plan.without(act))
            if not smaller.ok:
                best = smaller
                break
        else:
            return best
    return best


class _Run:
    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        root = folder / "root"
        new = not plan.brief
        self.play = Play(root, world=plan.world, seed=plan.seed, faults=plan.weather) if new else goes_on(plan, root)
        self.play.config = plan.config
        self.oracles = Oracles(plan.weather)
        self.outcome = Outcome(plan)
        self.waiting = list(plan.acts)
        self.begun_at: int | None = None
        self.orders: list[asyncio.Future[None]] = []
        self.dying = False
        self.sick = False

    def whole(self) -> Outcome:
        try:
            for _ in range(len(self.plan.acts) + 1):
                self.dying = self.sick = False
                try:
                    self.play.session(self.plan.lasts_s / 3_600, self._trouble)
                    if self.oracles.failed_at is not None:
                        self.oracles.ended(self.play.exchange())
                    break
                except Killed:
                    continue
                except LedgerWriteFailed:  # a sick disk ends a session; somebody makes room, and the next one begins
                    if not self.sick:
                        raise
                    self.oracles.ended(self.play.exchange())
            self.play.faults, self.dying = "none", False
            self.play.session(CALM_H if self.plan.lasts_s == LASTS_S else BRIEF_CALM_H, self._calm)
            self.outcome.broken += self.oracles.broken
            self.outcome.broken += [f"D7: nobody heard of {error}" for error in self.play.unheard]
            self.outcome.broken += final(self.play)
        except (Exception, Killed, asyncio.CancelledError) as error:  # noqa: BLE001  but not a test's time limit
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.outcome.broken.append(f"{type(error).__name__}: {str(error)[:300]} at {where.name}:{where.lineno}")
        self.outcome.worst_naked_s = self.oracles.worst_naked_s
        return self.outcome

    async def _trouble(self, session: Any) -> None:
        host = session.venue.host
        self.begun_at = self.begun_at or host.exchange.now
        self._watch(session)
        for act in list(self.waiting):
            wait_s = self.begun_at / 1e6 + act.at_s - host.exchange.now / 1e6
            await session.venue.clock.sleep(max(0.0, wait_s))
            self.waiting.remove(act)
            self.oracles.disturbed(act, host.exchange.now)
            await self._do(session, act)

    async def _do(self, session: Any, act: Act) -> None:
        self.outcome.last_events.append(str(act))
        if act.action == "kill":
            self.dying = True
            return
        if act.action == "disk":
            self.sick = True
            session.writer.wait()  # its thread is not in the middle of anything: the connection is the thread's
            session.writer._connection.execute(f"PRAGMA {dict(act.arguments)['pragma']}")
            return
        arguments = dict(act.arguments)
        if act.family == "operator":
            name = "close" if act.action == "close-all" else act.action
            wanted = {"all": True} if act.action == "close-all" else {"reason": "the plan says so"}
            order = Ordered(f"plan-{act.at_s}-{act.action}", name, wanted, "plan")
            self.orders.append(asyncio.ensure_future(_ignored(session.runner.order(order))))
            return
        with suppress(Exception):  # an exchange may refuse what others try
            host = session.venue.host
            host.command(act.action, _in_its_mode(host, arguments) if act.action in OPENING else arguments)

    def _watch(self, session: Any) -> None:
        def watcher(event: Any, step: Any, at: Any) -> None:
            if self.dying:  # also the next event: a dead process hears nothing any more
                raise Killed
            self.oracles.look(session.venue.host)
            if session.writer.failure is not None:
                self.oracles.failed(session.venue.host.exchange.now)
            if step.records:
                self.outcome.last_events.append(f"{at} {', '.join(record.record_kind for record in step.records)}")
                del self.outcome.last_events[:-40]

        session.runner.watchers.append(watcher)

    async def _calm(self, session: Any) -> None:
        """Everything that was taken away comes back; then there is time to come to rest."""
        host = session.venue.host
        for action in ("unmute", "unsilence"):
            host.command(action, {})
        host.command("preset", {"preset": "none"})
        host.command("skew", {"seconds": "0"})
        host.command("positions", {"to": ""})
        host.command("oddity", {"read_lag_ms": "0", "band": WIDE})
        host.command("algos-fail", {"on": "no"})
        for inst_id in ("SOL-USDT-SWAP", "DOGE-USDT-SWAP"):
            host.command("resume", {"instrument": inst_id})
        self._watch(session)
        order = Ordered("plan-resume", "resume", {"reason": "it is calm again"}, "plan")
        await session.venue.clock.sleep(90)
        await _ignored(session.runner.order(order))


def _in_its_mode(host: Any, arguments: dict[str, str]) -> dict[str, str]:
    """Let others trade an instrument that is held in the mode it is held in: both at once is what nobody here tells."""
    positions = next(iter(host.exchange.state.accounts.values())).positions.values()
    held = {one.inst_id: one.mode for one in positions if one.contracts}
    inst_id = arguments.get("instrument", "")
    return arguments | ({"mode": held[inst_id]} if inst_id in held else {})


async def _ignored(answer: Any) -> None:
    with suppress(Exception):
        await answer
