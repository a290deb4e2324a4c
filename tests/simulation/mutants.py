"""Engines that are wrong on purpose, each in one way a real one might be; every one must be caught from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from scalpctl.core.exchange.resolutions import Void
from scalpctl.engine import billing, booking, closures, gates, guarding, hands, ordering, recovering
from scalpctl.okx.resolution import Resolver

Change = tuple[Any, str, Any]


def _nothing(*_arguments: Any, **_named: Any) -> None:
    return None


def _void_at_once() -> list[Change]:
    async def order(self: Any, inst_id: str, client_id: str, **named: Any) -> Any:
        return Void(1, self._clock.now(), False)

    return [(Resolver, "order", order)]


def _blind_retry() -> list[Change]:
    real = ordering.placed

    def placed(ctx: Any, desk: Any, working: Any, answer: Any) -> None:
        from scalpctl.core.exchange.outcomes import Unknown
        from scalpctl.core.exchange.requests import PlaceOrder

        if isinstance(answer.outcome, Unknown) and desk.execution is not None:
            ctx.do(
                PlaceOrder(
                    client_id=f"{working.order.client_id}r", inst_id=desk.inst_id, action=working.action,
                    type=working.type, contracts=working.order.contracts, price=working.price,
                    margin_mode=ctx.plan.settled.margin_mode, expires_at=ctx.at + 2_000_000,
                    reduce_only=working.reduce_only,
                )
            )  # fmt: skip
        real(ctx, desk, working, answer)

    return [(ordering, "placed", placed)]


def _bills_forgotten() -> list[Change]:
    return [(billing, "_book", _nothing)]


def _fees_guessed() -> list[Change]:
    real = booking._post

    def post(ctx: Any, holding: Any, fill: Any, report: Any, pnl: Any) -> None:
        from decimal import Decimal

        real(ctx, holding, fill, replace(report, fee=-(fill.price * fill.contracts.value * Decimal("0.00001"))), pnl)

    return [(booking, "_post", post)]


def _stop_assumed() -> list[Change]:
    """A stop that was cancelled by somebody is believed to be there still."""
    return [(guarding, "missed", _nothing), (guarding, "reported", _nothing)]


def _no_stop() -> list[Change]:
    return [(guarding, "_place", _nothing)]


def _fills_not_read_again() -> list[Change]:
    real = recovering.resync

    def resync(ctx: Any, heard: Any) -> None:
        real(ctx, replace(heard, fills=()))

    return [(recovering, "resync", resync), (billing, "match_waiting", _nothing)]


def _vanished_ignored() -> list[Change]:
    return [(recovering, "compare", _nothing), (booking, "_flat", _nothing)]


def _closed_on_a_guess() -> list[Change]:
    """Whoever closed it: call it a stop, do not wait for proof."""
    from scalpctl.core.attribution import Attribution
    from scalpctl.core.causes import Cause

    real = closures._attributed

    def attributed(ctx: Any, holding: Any, found: Any) -> Attribution:
        return replace(real(ctx, holding, found), cause=Cause.UNKNOWN)

    return [(closures, "_attributed", attributed)]


def _strangers_unexplained() -> list[Change]:
    return [(hands, "evidence", _nothing)]


def _gates_open() -> list[Change]:
    from scalpctl.core.gates.verdicts import Entrance

    real = gates.first

    def first(ctx: Any, desk: Any, signal: Any) -> Any:
        entrance, worth = real(ctx, desk, signal)
        return Entrance(tuple(one for one in entrance.verdicts if one.passed)), worth

    return [(gates, "first", first)]


def _counted_twice() -> list[Change]:
    real = booking._post

    def post(ctx: Any, holding: Any, fill: Any, report: Any, pnl: Any) -> None:
        real(ctx, holding, fill, report, pnl)
        holding.fees += fill.fee_paid

    return [(booking, "_post", post)]


def _status_decides() -> list[Change]:
    """An answer that says "unknown" is taken for a refusal."""
    from scalpctl.core.exchange.outcomes import Refused, Unknown
    from scalpctl.okx import verdicts

    real = verdicts.by_code

    def by_code(code: str, message: str) -> Any:
        outcome = real(code, message)
        return Refused(code, message) if isinstance(outcome, Unknown) else outcome

    return [(verdicts, "by_code", by_code)]


def _first_not_found() -> list[Change]:
    from scalpctl.okx.resolution import Inquiry

    def answered_not_found(self: Any, asked_at: Any) -> None:
        self.asked += 1
        self.not_found += 2

    return [(Inquiry, "answered_not_found", answered_not_found)]


def _no_expiry() -> list[Change]:
    from scalpctl.okx.rest import RestClient
    from scalpctl.okx.stream_trading import StreamTrading

    real = RestClient.write

    async def write(self: Any, endpoint: Any, body: Any, *, lane: Any, inst_id: str, expires_at: Any = None) -> bytes:
        return await real(self, endpoint, body, lane=lane, inst_id=inst_id)

    return [(RestClient, "write", write), (StreamTrading, "_expiry", lambda *_: "")]


def _exits_may_open() -> list[Change]:
    return [(ordering.Wanted, "reduce_only", property(lambda self: False))]


def _others_left_bare() -> list[Change]:
    from scalpctl.engine.plan import Safety

    return [(Safety, "guards", lambda self, origin: origin == "engine")]


def _entries_take() -> list[Change]:
    from scalpctl.core.exchange.requests import OrderType

    real = ordering.send

    def send(ctx: Any, desk: Any, wanted: Any) -> Any:
        return real(ctx, desk, wanted if wanted.reduce_only else replace(wanted, type=OrderType.MARKET, price=None))

    return [(ordering, "send", send)]


def _strangers_cost_nothing() -> list[Change]:
    """What others close is booked at the average price: no result."""
    from decimal import Decimal

    real = booking.filled

    def filled(ctx: Any, desk: Any, report: Any, **how: bool) -> bool:
        ours = report.client_id in ctx.orders
        return real(ctx, desk, report if ours or report.pnl is None else replace(report, pnl=Decimal(0)), **how)

    return [(booking, "filled", filled)]


def _floats() -> list[Change]:
    from decimal import Decimal

    real = booking._post

    def post(ctx: Any, holding: Any, fill: Any, report: Any, pnl: Any) -> None:
        real(ctx, holding, fill, replace(report, fee=Decimal(f"{float(report.fee):.6f}")), pnl)

    return [(booking, "_post", post)]


def _believed_at_once() -> list[Change]:
    from scalpctl.core import drift

    real = recovering.compare

    def compare(ctx: Any) -> None:
        for desk in ctx.desks.values() if ctx.recovered else ():
            if desk.theirs is None and not desk.is_busy:
                desk.holding = None
        real(ctx)

    return [
        (drift, "observe", lambda state, found, at, limits: (state, tuple(found))),
        (recovering, "_look_for", recovering.adopt),
        (recovering, "compare", compare),
    ]


def _turn_forgotten() -> list[Change]:
    from scalpctl.core import positions
    from scalpctl.core.money import ZERO, Contracts
    from scalpctl.engine import memory

    def begun(desk: Any, kept: Any) -> Any:
        return positions.Position(desk.instrument, kept.side, kept.opened_at), Contracts(ZERO)

    return [(memory, "_begun", begun)]


def _older_stops_forgotten() -> list[Change]:
    from scalpctl.engine import memory

    real = memory._guard

    def guard(kept: Any) -> Any:
        return real(replace(kept, stops=kept.stops[-1:]))

    return [(memory, "_guard", guard)]


def _sold_unseen() -> list[Change]:
    from scalpctl.engine import executing

    real = executing.advance

    def advance(ctx: Any, desk: Any) -> Any:
        recovered, ctx.recovered = ctx.recovered, True
        try:
            return real(ctx, desk)
        finally:
            ctx.recovered = recovered

    return [(executing, "advance", advance)]


def _closes_whatever_is_there() -> list[Change]:
    from scalpctl.engine import executing

    real = executing._what_is_left

    def left(desk: Any, execution: Any) -> Any:
        if desk.holding is None or execution.role == "entry":
            return real(desk, execution)
        return desk.instrument.floor_contracts(min(execution.quoter.left, desk.holding.contracts))

    return [(executing, "_what_is_left", left)]


def _orders_forgotten() -> list[Change]:
    from scalpctl.engine import memory

    return [(memory, "_order", _nothing)]


def _held_and_left_alone() -> list[Change]:
    from scalpctl.engine import memory

    real = memory._position

    def position(ctx: Any, desk: Any, kept: Any) -> None:
        real(ctx, desk, kept)
        if desk.holding is not None:
            desk.holding.managed = False

    return [(memory, "_position", position)]


def _no_second_stop() -> list[Change]:
    from scalpctl.engine import exiting

    return [(guarding, "AGAIN_US", 10**15), (exiting, "POSTED_PATIENCE_US", 10**15)]


def _act_then_record() -> list[Change]:
    from scalpctl.engine.events import Ended
    from scalpctl.engine.runner import Runner

    async def write(self: Any, records: Any) -> None:
        await self.clock.sleep(0.2)
        self.ledger.append(records)

    def hear(self: Any, event: Any) -> None:
        step = self.machine.handle(event, self.clock.now())
        for effect in step.effects:
            self._waiting.append((self._ticket, effect))
            self._something.set()
        if step.records:
            if isinstance(event, Ended):
                self.ledger.append(step.records)
            else:
                asyncio.ensure_future(write(self, step.records))  # noqa: RUF006  nobody waits, that is the point

    return [(Runner, name, hear) for name in ("hear", "market", "account")]


def _on_without_a_ledger() -> list[Change]:
    from scalpctl.engine.runner import Runner
    from scalpctl.errors import LedgerWriteFailed
    from scalpctl.ledger.writer import LedgerWriter

    real = LedgerWriter.append

    def append(self: Any, records: Any, cause: int | None = None) -> int:
        try:
            return real(self, records, cause)
        except LedgerWriteFailed:
            return self._tickets

    return [
        (LedgerWriter, "append", append),
        (LedgerWriter, "_raise_for", _nothing),
        (Runner, "require_ledger", _nothing),
    ]


def _let_go_and_forgotten() -> list[Change]:
    from scalpctl.engine import releasing

    return [
        (releasing, "drive", _nothing),
        (releasing, "stands", _nothing),
        (releasing, "reported", lambda *_arguments: True),
        (releasing, "all_gone", lambda _ctx: True),
    ]


SWARM, DEAF, DEATHS, DISKS = "swarm", "deaf", "deaths", "disks"
MUTANTS: dict[str, tuple[Callable[[], list[Change]], str]] = {
    "a stop is never placed": (_no_stop, SWARM),
    "a cancelled stop is believed to stand": (_stop_assumed, SWARM),
    "what others opened is left bare": (_others_left_bare, SWARM),
    "no answer means no order": (_void_at_once, DEAF),
    "the first not-found is believed": (_first_not_found, DEAF),
    "an unknown outcome is a refusal": (_status_decides, DEAF),
    "what got no answer is sent again": (_blind_retry, DEAF),
    "orders carry no expiry": (_no_expiry, DEAF),
    "exits may open": (_exits_may_open, SWARM),
    "entries take": (_entries_take, SWARM),
    "bills are not booked": (_bills_forgotten, SWARM),
    "fees are reckoned and not read": (_fees_guessed, SWARM),
    "fees count twice": (_counted_twice, SWARM),
    "money passes through a float": (_floats, SWARM),
    "what others close costs nothing": (_strangers_cost_nothing, SWARM),
    "missed executions are not read again": (_fills_not_read_again, SWARM),
    "positions that vanish are not noticed": (_vanished_ignored, SWARM),
    "one picture is believed": (_believed_at_once, "added-unseen"),
    "every cause is unknown": (_closed_on_a_guess, SWARM),
    "strangers stay strangers": (_strangers_unexplained, SWARM),
    "gates only advise": (_gates_open, SWARM),
    "a restart forgets what a turn left": (_turn_forgotten, "turned-while-away"),
    "a restart forgets all stops but the newest": (_older_stops_forgotten, "older-stop-stands"),
    "a restart sells before it has looked": (_sold_unseen, "closed-while-away"),
    "a close goes on against another position": (_closes_whatever_is_there, "turned-under-a-close"),
    "a restart leaves alone what is held": (_held_and_left_alone, SWARM),
    "a close that waits has no stop beside it": (_no_second_stop, "thin"),
    "a stop let go of is not followed": (_let_go_and_forgotten, "arrived-after-the-close"),
    "a restart forgets its orders": (_orders_forgotten, DEATHS),
    "acts before it records": (_act_then_record, DEATHS),
    "it goes on without a ledger": (_on_without_a_ledger, DISKS),
}
"""What is wrong, and where it is looked for: in the swarm, where answers get lost, around deaths, where disks
are sick, in a kept plan."""


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """Make the engine wrong in one way, for a while."""
    changes = MUTANTS[name][0]()
    kept = [(where, attribute, getattr(where, attribute)) for where, attribute, _ in changes]
    try:
        for where, attribute, wrong in changes:
            setattr(where, attribute, wrong)
        yield
    finally:
        for where, attribute, right in kept:
            setattr(where, attribute, right)
