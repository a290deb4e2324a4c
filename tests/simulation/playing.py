"""Plays a plan through the whole system: engine, exchange, ledger on a real file, one thread, one clock, one seed."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.conftest import Killed, Play
from simulation.absences import in_its_mode, pass_over
from simulation.at_the_door import AtTheDoor
from simulation.beginnings import fresh_folder, goes_on
from simulation.coming_to_rest import RESTS_WITHIN_S, seconds_until_rest
from simulation.oracles import WEATHER_S, Oracles, final
from simulation.plans import LASTS_S, WIDE, Act, Plan, brief, plan_of

from scalpctl.engine.events import Ordered
from scalpctl.errors import LedgerWriteFailed

CALM_H, BRIEF_CALM_H = 0.15, 0.05
OPEN_DRIFTS = (
    "SELECT d.drift_id, b.bill_id, b.ccy, (SELECT dsum(p.amount) FROM postings p WHERE p.bill_id = b.bill_id AND "
    "p.account = 'suspense') AS amount FROM drifts d JOIN bills b ON b.bill_id = json_extract(d.theirs, '$.bill_id') "
    "WHERE d.kind = 'unmatched_bill' AND d.resolved_at IS NULL AND b.type = '999'"
)
SHRINKS_MAX = 24
ALARMING = "adjust"
"""What only a person can explain; in the calm one does, after a while."""


@dataclass
class Outcome:
    """What came of a plan."""

    plan: Plan
    broken: list[str] = field(default_factory=list)
    worst_naked_s: float = 0.0
    rested_after_s: list[int] = field(default_factory=list)
    """How long after the trouble nothing was unknown or open: in the same process, and in the next."""
    last_events: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.broken

    def __str__(self) -> str:
        told = [str(self.plan), *self.broken, "last events:", *self.last_events[-15:]]
        return "\n".join([*told, f"again: {self._again()}"])

    def _again(self) -> str:
        """Give the command that plays it again: a plan that its seed does not draw is written down first."""
        if self.plan == plan_of(self.plan.seed):
            return f"scripts/seeds 1 {self.plan.seed} --forget"
        if self.plan == brief(self.plan.seed):
            return f"scripts/seeds 1 {self.plan.seed} --brief --forget"
        return f"scripts/seeds --plan /dev/stdin <<'PLAN'\n{self.plan}\nPLAN"


def play_plan(plan: Plan) -> Outcome:
    """Play a plan and give what broke, if anything."""
    with fresh_folder() as folder:
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
        self.oracles = Oracles(plan.weather, plan.untraded)
        self.outcome = Outcome(plan)
        self.waiting = list(plan.acts)
        self.begun_at: int | None = None
        self.orders: list[asyncio.Future[None]] = []
        self.dying = False
        self.sick = False
        self.over = False
        self.away: Act | None = None
        """What is to happen while nobody is there, if somebody leaves."""

    def whole(self) -> Outcome:
        try:
            for _ in range(2 * len(self.plan.acts) + 1):
                self.dying = self.sick = self.over = False
                self.away = None
                if not self._one_session():
                    break
                self._nobody_there()
            self.play.faults, self.dying = "none", False
            calm = self.play.session(CALM_H if self.plan.lasts_s == LASTS_S else BRIEF_CALM_H, self._calm)
            if not calm.orderly:  # it ran out of time: what its last second brought is for the next start
                self.play.session(BRIEF_CALM_H)
            self.outcome.broken += self.oracles.broken
            self.outcome.broken += [f"D7: nobody heard of {error}" for error in self.play.unheard]
            self.outcome.broken += final(self.play)
        except (Exception, Killed, asyncio.CancelledError) as error:  # noqa: BLE001  but not a test's time limit
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.outcome.broken.append(f"{type(error).__name__}: {str(error)[:300]} at {where.name}:{where.lineno}")
        self.outcome.worst_naked_s = self.oracles.worst_naked_s
        return self.outcome

    def _one_session(self) -> bool:
        """Play until the process ends; gives whether another one begins."""
        try:
            ending = self.play.session(self.plan.lasts_s / 3_600, self._trouble, flatten=self._flattens())
            if ending.orderly and ending.left_open == 0:
                self.oracles.left(self.play.exchange())
            if self.oracles.failed_at is not None:
                self.oracles.ended(self.play.exchange())
        except Killed:
            return True
        except LedgerWriteFailed:  # a sick disk ends a session; somebody makes room, and the next one begins
            if not self.sick:
                raise
            self.oracles.ended(self.play.exchange())
            return True
        return self.over

    def _flattens(self) -> bool:
        """Tell whether the next orderly end closes everything first."""
        ends = (dict(act.arguments)["flatten"] for act in self.waiting if act.action == "end")
        return next(ends, "no") == "yes"

    def _nobody_there(self) -> None:
        """Let the exchange go on without us, and others act; then somebody starts the engine again."""
        if self.away is None:
            return
        lasts_s = int(dict(self.away.arguments)["seconds"])
        pass_over(self.play, lasts_s, self._due, self.plan.margin_mode)
        self.oracles.disturbed(self.away, self.play.exchange().now)

    def _due(self, until: int) -> Iterator[tuple[int, Act]]:
        """Give what happens up to an instant, with when it does."""
        while self.waiting and (at := (self.begun_at or 0) + self.waiting[0].at_s * 1_000_000) <= until:
            act = self.waiting.pop(0)
            self.outcome.last_events.append(f"{act} (nobody there)")
            self.oracles.disturbed(act, at)  # what is announced now may come when somebody is there again
            yield at, act

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
            if self.over:
                return
        await self._rests(session)

    async def _rests(self, session: Any) -> None:
        """Judge how soon all is at rest after the last trouble, while the same process goes on: in good weather."""
        now = session.venue.host.exchange.now
        quiet_in_s = max(0, self.oracles.quiet_from() - now) / 1e6
        if WEATHER_S[self.plan.weather] or not self.plan.ends or self._is_for_a_person():
            return
        await session.venue.clock.sleep(quiet_in_s)
        await self._rested(session)

    async def _rested(self, session: Any) -> None:
        took_s, what = await seconds_until_rest(self.play, session, 2 * RESTS_WITHIN_S)
        self.outcome.rested_after_s.append(took_s)
        if took_s > RESTS_WITHIN_S:
            self.oracles.broke(f"O16: {took_s} s after the trouble it is not at rest: {what}")

    def _is_for_a_person(self) -> bool:
        """Tell whether something is waiting for what only a person can say."""
        return any(act.action == ALARMING for act in self.plan.acts)

    async def _do(self, session: Any, act: Act) -> None:
        self.outcome.last_events.append(str(act))
        arguments = dict(act.arguments)
        if act.action in {"kill", "away"}:
            self.dying, self.away = True, act if act.action == "away" else None
            if "twice_after_s" in arguments:
                self.waiting.insert(0, Act(act.at_s + int(arguments["twice_after_s"]), act.family, "kill"))
            return
        if act.action == "end":
            self.over, self.away = True, act
            session.stop.set()
            return
        if act.action == "disk":
            self.sick = True
            session.writer.wait()  # its thread is not in the middle of anything: the connection is the thread's
            session.writer._connection.execute(f"PRAGMA {dict(act.arguments)['pragma']}")
            return
        if act.action in ORDERS:
            name, wanted = ORDERS[act.action](session, arguments)
            order = Ordered(f"plan-{act.at_s}-{act.action}", name, wanted, "plan")
            self.orders.append(asyncio.ensure_future(_ignored(session.runner.order(order))))
            return
        with suppress(Exception):  # an exchange may refuse what others try
            host = session.venue.host
            host.command(act.action, in_its_mode(host.exchange, act, self.plan.margin_mode))

    def _watch(self, session: Any) -> None:
        def watcher(event: Any, step: Any, at: Any) -> None:
            if self.dying:  # also the next event: a dead process hears nothing any more
                raise Killed
            self.oracles.look(session.venue.host)
            self.oracles.priced(session, step)
            if session.writer.failure is not None:
                self.oracles.failed(session.venue.host.exchange.now)
            if step.records:
                self.outcome.last_events.append(f"{at} {', '.join(record.record_kind for record in step.records)}")
                del self.outcome.last_events[:-40]

        self.oracles.began(session.venue.host.exchange.now)
        session.runner.watchers.append(watcher)
        AtTheDoor(session.venue.host.exchange, self.play.folder.ledger, self.oracles.broke)

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
        rests_at = host.exchange.now + 90_000_000
        if not self._is_for_a_person():
            await self._rested(session)
        order = Ordered("plan-resume", "resume", {"reason": "it is calm again"}, "plan")
        await session.venue.clock.sleep(max(0.0, (rests_at - host.exchange.now) / 1e6))
        await _ignored(session.runner.order(order))
        for number, drift in enumerate(self.play.rows(OPEN_DRIFTS)):  # money under a type nobody documents
            amount = format(-Decimal(drift["amount"]), "f")
            wanted = drift | {"amount": amount, "reason": "a person looked", "to": "transfer"}
            await _ignored(session.runner.order(Ordered(f"plan-resolve-{number}", "resolve", wanted, "plan")))


def _held(session: Any) -> str:
    """Give an instrument that is held, if any."""
    desks = session.machine.context.desks.values()
    return next((desk.inst_id for desk in desks if desk.holding is not None), "")


ORDERS: dict[str, Callable[[Any, dict[str, str]], tuple[str, dict[str, Any]]]] = {
    "close-all": lambda _session, _said: ("close", {"all": True}),
    "close-part": lambda session, said: ("close", {"instrument": _held(session), "fraction": said["fraction"]}),
    "halt": lambda _session, _said: ("halt", {"reason": "the plan says so"}),
    "pause": lambda _session, _said: ("pause", {"reason": "the plan says so"}),
    "reread": lambda _session, _said: ("reread", {}),
}
"""What a person at a terminal asks for."""


async def _ignored(answer: Any) -> None:
    with suppress(Exception):
        await answer
