"""Engines that are wrong on purpose, each in one way a real one might be; every one must be caught from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from scalpctl.core.exchange.resolutions import Void
from scalpctl.engine import account, booking, closures, entering, guarding, hands, ordering, recovering
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

    def placed(ctx: Any, desk: Any, working: Any, outcome: Any) -> None:
        from scalpctl.core.exchange.outcomes import Unknown
        from scalpctl.core.exchange.requests import PlaceOrder

        if isinstance(outcome, Unknown) and desk.execution is not None:
            ctx.do(
                PlaceOrder(
                    client_id=f"{working.order.client_id}r", inst_id=desk.inst_id, action=working.action,
                    type=working.type, contracts=working.order.contracts, price=working.price,
                    margin_mode=ctx.plan.settled.margin_mode, expires_at=ctx.at + 2_000_000,
                    reduce_only=working.reduce_only,
                )
            )  # fmt: skip
        real(ctx, desk, working, outcome)

    return [(ordering, "placed", placed)]


def _bills_forgotten() -> list[Change]:
    return [(account, "_book", _nothing)]


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

    return [(recovering, "resync", resync), (account, "match_waiting", _nothing)]


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

    real = entering._gates

    def gates(ctx: Any, desk: Any, signal: Any) -> Any:
        entrance, worth = real(ctx, desk, signal)
        return Entrance(tuple(one for one in entrance.verdicts if one.passed)), worth

    return [(entering, "_gates", gates)]


def _counted_twice() -> list[Change]:
    real = booking._post

    def post(ctx: Any, holding: Any, fill: Any, report: Any, pnl: Any) -> None:
        real(ctx, holding, fill, report, pnl)
        holding.fees += fill.fee_paid

    return [(booking, "_post", post)]


MUTANTS: dict[str, Callable[[], list[Change]]] = {
    "a stop is never placed": _no_stop,
    "a cancelled stop is believed to stand": _stop_assumed,
    "no answer means no order": _void_at_once,
    "what got no answer is sent again": _blind_retry,
    "bills are not booked": _bills_forgotten,
    "fees are reckoned and not read": _fees_guessed,
    "fees count twice": _counted_twice,
    "missed executions are not read again": _fills_not_read_again,
    "positions that vanish are not noticed": _vanished_ignored,
    "every cause is unknown": _closed_on_a_guess,
    "strangers stay strangers": _strangers_unexplained,
    "gates only advise": _gates_open,
}


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """Make the engine wrong in one way, for a while."""
    changes = MUTANTS[name]()
    kept = [(where, attribute, getattr(where, attribute)) for where, attribute, _ in changes]
    try:
        for where, attribute, wrong in changes:
            setattr(where, attribute, wrong)
        yield
    finally:
        for where, attribute, right in kept:
            setattr(where, attribute, right)
