"""Engines that do the wrong thing on purpose: they send, close, guard or give up otherwise than they must."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scalpctl.core import maker
from scalpctl.core.exchange.resolutions import Void
from scalpctl.core.maker import GiveUp
from scalpctl.core.money import ZERO
from scalpctl.engine import exiting, gates, guarding, memory, ordering
from scalpctl.okx import verdicts
from scalpctl.okx.resolution import Resolver

Change = tuple[Any, str, Any]
"""Where something is exchanged, under which name, and for what."""
LEFT_ALONE_US = 600_000_000


def nothing(*_arguments: Any, **_named: Any) -> None:
    """Do nothing at all."""


def void_at_once() -> list[Change]:
    async def order(self: Any, inst_id: str, client_id: str, **named: Any) -> Any:
        return Void(1, self._clock.now(), False)

    return [(Resolver, "order", order)]


def blind_retry() -> list[Change]:
    """What got no answer is sent once more under another id, recorded and followed like any other."""
    real = ordering.placed

    def placed(ctx: Any, desk: Any, working: Any, answer: Any) -> None:
        from scalpctl.core.exchange.outcomes import Unknown

        if isinstance(answer.outcome, Unknown) and working.order.is_open:
            same = ordering.Wanted(
                working.role, working.action, working.type, working.order.contracts, working.price,
                working.position_id, desk.execution and desk.execution.decision_id, working.decision_price,
            )  # fmt: skip
            ordering.send(ctx, desk, same)
        real(ctx, desk, working, answer)

    return [(ordering, "placed", placed)]


def first_not_found() -> list[Change]:
    from scalpctl.okx.resolution import Inquiry

    def answered_not_found(self: Any, asked_at: Any) -> None:
        self.asked += 1
        self.not_found += 2

    return [(Inquiry, "answered_not_found", answered_not_found)]


def status_decides() -> list[Change]:
    """An answer that says "unknown" is taken for a refusal."""
    from scalpctl.core.exchange.outcomes import Refused, Unknown

    real = verdicts.by_code

    def by_code(code: str, message: str) -> Any:
        outcome = real(code, message)
        return Refused(code, message) if isinstance(outcome, Unknown) else outcome

    return [(verdicts, "by_code", by_code)]


def no_expiry() -> list[Change]:
    from scalpctl.okx.rest import RestClient
    from scalpctl.okx.stream_trading import StreamTrading

    real = RestClient.write

    async def write(self: Any, endpoint: Any, body: Any, *, lane: Any, inst_id: str, expires_at: Any = None) -> bytes:
        return await real(self, endpoint, body, lane=lane, inst_id=inst_id)

    return [(RestClient, "write", write), (StreamTrading, "_expiry", lambda *_: "")]


def exits_may_open() -> list[Change]:
    return [(ordering.Wanted, "reduce_only", property(lambda self: False))]


def entries_take() -> list[Change]:
    from scalpctl.core.exchange.requests import OrderType

    real = ordering.send

    def send(ctx: Any, desk: Any, wanted: Any) -> Any:
        return real(ctx, desk, wanted if wanted.reduce_only else replace(wanted, type=OrderType.MARKET, price=None))

    return [(ordering, "send", send)]


def gates_open() -> list[Change]:
    from scalpctl.core.gates.verdicts import Entrance

    real = gates.first

    def first(ctx: Any, desk: Any, signal: Any) -> Any:
        entrance, worth = real(ctx, desk, signal)
        return Entrance(tuple(one for one in entrance.verdicts if one.passed)), worth

    return [(gates, "first", first)]


def stop_assumed() -> list[Change]:
    """A stop that was cancelled by somebody is believed to be there still."""
    return [(guarding, "missed", nothing), (guarding, "reported", nothing)]


def no_stop() -> list[Change]:
    return [(guarding, "_place", nothing)]


def others_left_bare() -> list[Change]:
    from scalpctl.engine.plan import Safety

    return [(Safety, "guards", lambda self, origin: origin == "engine")]


def sold_unseen() -> list[Change]:
    from scalpctl.engine import executing

    real = executing.advance

    def advance(ctx: Any, desk: Any) -> Any:
        recovered, ctx.recovered = ctx.recovered, True
        try:
            return real(ctx, desk)
        finally:
            ctx.recovered = recovered

    return [(executing, "advance", advance)]


def no_second_stop() -> list[Change]:
    from scalpctl.engine import exiting

    return [(guarding, "AGAIN_US", 10**15), (exiting, "POSTED_PATIENCE_US", 10**15)]


def let_go_and_forgotten() -> list[Change]:
    from scalpctl.engine import releasing

    return [
        (releasing, "drive", nothing),
        (releasing, "stands", nothing),
        (releasing, "reported", lambda *_arguments: True),
        (releasing, "all_gone", lambda _ctx: True),
    ]


def answers_for_yes() -> list[Change]:
    """A refusal inside an answer that came is taken for success: nobody looks at the item's own code."""
    from scalpctl.core.exchange.outcomes import Accepted

    return [(verdicts, "_item", lambda _code, _message, exchange_id, _ts: Accepted(exchange_id))]


def patient_in_an_emergency() -> list[Change]:
    """What was opened lately is left alone, whatever happens to it."""
    real = exiting.drive

    def drive(ctx: Any, desk: Any) -> None:
        if desk.holding is None or ctx.at - desk.holding.position.opened_at > LEFT_ALONE_US:
            real(ctx, desk)

    return [(exiting, "drive", drive)]


def market_when_stale() -> list[Change]:
    """An entry that has become too old to quote for is taken at the market instead of given up."""
    from scalpctl.core.evidence import Evidence
    from scalpctl.core.exchange.requests import OrderType

    decided, sent = maker.decide, ordering.send

    def decide(quoter: Any, instrument: Any, book: Any, at: Any, limits: Any, **named: Any) -> Any:
        decision = decided(quoter, instrument, book, at, limits, **named)
        stale = isinstance(decision, maker.Stop) and decision.reason in {GiveUp.SIGNAL_TOO_OLD, GiveUp.NO_BOOK}
        if not stale or quoter.purpose is not maker.Purpose.ENTRY:
            return decision
        return maker.Take(quoter.decided_price, ZERO, Evidence.of())

    def send(ctx: Any, desk: Any, wanted: Any) -> Any:
        takes = wanted.role == "entry" and wanted.type is OrderType.IOC
        return sent(ctx, desk, replace(wanted, type=OrderType.MARKET, price=None) if takes else wanted)

    return [(maker, "decide", decide), (ordering, "send", send)]


def recovers_without_a_stop() -> list[Change]:
    """What a start remembers as held gets no stop: only what this process has seen opened is guarded."""
    recalled, driven = memory._position, guarding.drive
    found: set[str] = set()

    def position(ctx: Any, desk: Any, kept: Any) -> None:
        recalled(ctx, desk, kept)
        found.add(kept.position_id)

    def drive(ctx: Any, desk: Any) -> Any:
        return None if desk.holding is not None and desk.holding.position_id in found else driven(ctx, desk)

    return [(memory, "_position", position), (guarding, "drive", drive)]
