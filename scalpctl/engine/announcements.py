"""What the exchange announces: instruments that leave its list, and the hours in which it does not trade."""

from __future__ import annotations

from collections.abc import Iterable

from scalpctl.core.causes import Cause
from scalpctl.core.evidence import Evidence
from scalpctl.core.gates.state import still_counting
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.engine import events, exiting, markets
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Holding

READ_EVERY_S = 300


def listed(ctx: Context, instruments: Iterable[Instrument]) -> None:
    """Take the specifications of what may be traded here, or is held."""
    wanted = {*ctx.plan.settled.inst_ids, *ctx.desks}
    for instrument in instruments:
        if instrument.inst_id in wanted:
            markets.specified(ctx, instrument)


def heard(ctx: Context, announced: events.Announced) -> None:
    """Take what was read, as far as it is new; what could not be read is as it was."""
    known = {desk.instrument for desk in ctx.desks.values()}
    listed(ctx, [one for one in announced.instruments or () if one not in known])
    if announced.maintenance is not None:
        ctx.maintenance = still_counting(ctx.maintenance, announced.maintenance, ctx.at)


def leave_in_time(ctx: Context, desk: Desk, holding: Holding) -> None:
    """Close a position whose instrument leaves the list soon: after that the exchange settles it at its own price."""
    expires_at = desk.instrument.expires_at
    if expires_at is None or holding.close is not None or not ctx.plan.safety.manages(holding.origin):
        return
    leaves_at = Instant(expires_at - ctx.plan.safety.leave_before_delisting_us)
    if ctx.at >= leaves_at and desk.instrument.state == "live":
        exiting.vote(ctx, desk, holding, Cause.DELISTING, Evidence.of("exchange", expires_at=expires_at))
