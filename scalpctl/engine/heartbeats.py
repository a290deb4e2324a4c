"""Heartbeats: how the process feels goes into the ledger, and holds entries back while it is not well."""

from __future__ import annotations

from scalpctl.core.condition import Condition, reasons
from scalpctl.core.limits import to_plain
from scalpctl.core.records.sessions import HeartbeatNoted
from scalpctl.engine.context import Context
from scalpctl.engine.events import Felt


def felt(ctx: Context, felt: Felt) -> None:
    """Judge what was measured, and record it."""
    seen = Condition(felt.clock_offset_us, felt.commit_p99_us, felt.free_bytes)
    for limit, why in reasons(seen, ctx.plan.safety.condition).items():
        if why is not None:
            ctx.trip(limit, why)
        else:
            ctx.clear(limit)
    ctx.record(
        HeartbeatNoted(
            session_id=ctx.session_id,
            at=ctx.at,
            loop_lag_us=felt.loop_lag_us,
            commit_p99_us=felt.commit_p99_us,
            wal_bytes=felt.wal_bytes,
            rss_bytes=felt.rss_bytes,
            open_files=felt.open_files,
            inbox_length=felt.inbox_length,
            clock_offset_us=felt.clock_offset_us,
            channel_ages={name: repr(age) for name, age in felt.channel_ages.items()},
            limits=to_plain(ctx.limits),
        )
    )
