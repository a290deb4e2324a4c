"""Engines that know the wrong thing on purpose: they read, book, believe or remember otherwise than they must."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from simulation.wrong_acts import Change, nothing

from scalpctl.core.instants import from_datetime
from scalpctl.core.money import ZERO
from scalpctl.engine import billing, booking, closures, hands, memory, recovering
from scalpctl.engine.booked import Booked
from scalpctl.okx.wire import quotes, reports, texts

MINUTE_US = 60_000_000


def bills_forgotten() -> list[Change]:
    return [(billing, "_book", nothing)]


def fees_guessed() -> list[Change]:
    real = booking._post

    def post(ctx: Any, holding: Any, fill: Any, report: Any, pnl: Any) -> None:
        from decimal import Decimal

        real(ctx, holding, fill, replace(report, fee=-(fill.price * fill.contracts.value * Decimal("0.00001"))), pnl)

    return [(booking, "_post", post)]


def fills_not_read_again() -> list[Change]:
    real = recovering.resync

    def resync(ctx: Any, heard: Any) -> None:
        real(ctx, replace(heard, fills=()))

    return [(recovering, "resync", resync), (billing, "match_waiting", nothing)]


def vanished_ignored() -> list[Change]:
    """What is gone is gone: nothing is written down about it, and no list is compared."""

    def flat(_ctx: Any, desk: Any, _holding: Any) -> None:
        desk.holding = None

    return [(recovering, "compare", nothing), (booking, "_flat", flat)]


def closed_on_a_guess() -> list[Change]:
    """Whoever closed it: call it a stop, do not wait for proof."""
    from scalpctl.core.attribution import Attribution
    from scalpctl.core.causes import Cause

    real = closures._attributed

    def attributed(ctx: Any, holding: Any, found: Any) -> Attribution:
        return replace(real(ctx, holding, found), cause=Cause.UNKNOWN)

    return [(closures, "_attributed", attributed)]


def strangers_unexplained() -> list[Change]:
    return [(hands, "evidence", nothing)]


def counted_twice() -> list[Change]:
    real = booking._post

    def post(ctx: Any, holding: Any, fill: Any, report: Any, pnl: Any) -> None:
        real(ctx, holding, fill, report, pnl)
        holding.fees += fill.fee_paid

    return [(booking, "_post", post)]


def strangers_cost_nothing() -> list[Change]:
    """What others close is booked at the average price: no result."""
    from decimal import Decimal

    real = booking.filled

    def filled(ctx: Any, desk: Any, report: Any, **how: bool) -> bool:
        ours = report.client_id in ctx.orders
        return real(ctx, desk, report if ours or report.pnl is None else replace(report, pnl=Decimal(0)), **how)

    return [(booking, "filled", filled)]


def floats() -> list[Change]:
    from decimal import Decimal

    real = booking._post

    def post(ctx: Any, holding: Any, fill: Any, report: Any, pnl: Any) -> None:
        real(ctx, holding, fill, replace(report, fee=Decimal(f"{float(report.fee):.6f}")), pnl)

    return [(booking, "_post", post)]


def believed_at_once() -> list[Change]:
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


def turn_forgotten() -> list[Change]:
    from scalpctl.core import positions
    from scalpctl.core.money import ZERO, Contracts
    from scalpctl.engine import memory

    def begun(desk: Any, kept: Any) -> Any:
        return positions.Position(desk.instrument, kept.side, kept.opened_at), Contracts(ZERO)

    return [(memory, "_begun", begun)]


def older_stops_forgotten() -> list[Change]:
    from scalpctl.engine import memory

    real = memory._guard

    def guard(kept: Any) -> Any:
        return real(replace(kept, stops=kept.stops[-1:]))

    return [(memory, "_guard", guard)]


def orders_forgotten() -> list[Change]:
    from scalpctl.engine import memory

    return [(memory, "_order", nothing)]


def held_and_left_alone() -> list[Change]:
    from scalpctl.engine import memory

    real = memory._position

    def position(ctx: Any, desk: Any, kept: Any) -> None:
        real(ctx, desk, kept)
        if desk.holding is not None:
            desk.holding.managed = False

    return [(memory, "_position", position)]


def act_then_record() -> list[Change]:
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


def on_without_a_ledger() -> list[Change]:
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
        (LedgerWriter, "_raise_for", nothing),
        (Runner, "require_ledger", nothing),
    ]


def one_fill_a_minute() -> list[Change]:
    """What was executed is told from what was booked before by its position, for a minute, and not by its own id."""
    real = Booked.has_fill

    def has_fill(self: Any, fill: Any, **how: bool) -> bool:
        near = (at for (inst_id, *_), at in self.fills.items() if inst_id == fill.inst_id)
        return real(self, fill, **how) or any(abs(fill.filled_at - at) < MINUTE_US for at in near)

    return [(Booked, "has_fill", has_fill)]


def funding_is_a_fill() -> list[Change]:
    """What a funding paid is taken for the result of an execution."""
    from scalpctl.core.records.money import LedgerAccount

    def funding(ctx: Any, bill: Any, amount: Any) -> None:
        desk = ctx.desks.get(bill.inst_id)
        holding = billing._held_at(desk, bill) if desk is not None else None
        billing._post(ctx, bill, LedgerAccount.PNL, amount, holding)
        if holding is not None:
            holding.gross += amount

    return [(billing, "_funding", funding)]


def blank_is_zero() -> list[Change]:
    """A number that must be there and is not is read as nothing at all: ``.get(name, 0)``."""

    def needed(text: str | None, _name: str) -> Any:
        return texts.decimal(text) or ZERO

    return [(reports, "needed", needed), (quotes, "needed", needed)]


def naive_times() -> list[Change]:
    """The exchange's times are read as this machine's, in Kyiv, and written down as if they were UTC."""
    real = reports.instant

    def instant(text: str | None, name: str) -> Any:
        naive = datetime.fromtimestamp(real(text, name) / 1e6, ZoneInfo("Europe/Kyiv")).replace(tzinfo=UTC)
        return from_datetime(naive)

    return [
        (reports, "instant", instant),
        (reports, "instant_or_none", lambda text: instant(text, "") if text else None),
    ]


class _ByTheirFirstLetters(dict[str, Any]):
    """Desks that answer for every instrument whose name begins like theirs."""

    def __missing__(self, inst_id: str) -> Any:
        for known, desk in self.items():
            if inst_id.startswith(known.removesuffix("-USDT-SWAP")):
                return desk
        raise KeyError(inst_id)

    def get(self, inst_id: str, otherwise: Any = None) -> Any:
        try:
            return self[inst_id]
        except KeyError:
            return otherwise


def instruments_by_prefix() -> list[Change]:
    """ETH answers for ETHW, which is listed too, and which nobody here trades."""
    from scalpctl.engine.context import Context

    real = Context.__init__

    def begin(self: Any, *arguments: Any, **named: Any) -> None:
        real(self, *arguments, **named)
        self.desks = _ByTheirFirstLetters(self.desks)

    return [(Context, "__init__", begin)]


def trail_forgotten() -> list[Change]:
    """How far a trailing stop has come is nowhere but in memory."""
    real = memory._position

    def position(ctx: Any, desk: Any, kept: Any) -> None:
        real(ctx, desk, replace(kept, trail_state=None))

    return [(memory, "_position", position)]
