"""Settings into the engine's own terms."""

from __future__ import annotations

from scalpctl.core.condition import Bounds
from scalpctl.core.exchange.requests import MarginMode
from scalpctl.engine.plan import Safety, Settled
from scalpctl.settings.model import Settings
from scalpctl.settings.strategy import GROUPS

MILLI_US, SECOND_US = 1_000, 1_000_000


def settled(settings: Settings) -> Settled:
    """Give what the configuration says, as the engine wants it."""
    strategy, limits, safety = settings.strategy, settings.limits, settings.safety
    return Settled(
        env=settings.env,
        account=settings.account,
        inst_ids=tuple(settings.instruments),
        signals=strategy.signals,
        exits=strategy.exits,
        overrides={group: strategy.overrides(group, limits) for group in GROUPS},
        positions_max=limits.positions_open_max,
        exposure_max=limits.exposure_usd_max,
        margin_mode=MarginMode(settings.exchange.margin_mode),
        safety=Safety(
            order_expires_us=settings.exchange.order_expires_after_ms * MILLI_US,
            account_age_us=safety.account_age_max_ms * MILLI_US,
            cancel_all_after_s=safety.cancel_all_after_s,
            appeared=safety.appeared_positions,
            mirror_trailing=safety.mirror_trailing,
            quiet_before_maintenance_us=safety.quiet_before_maintenance_s * SECOND_US,
            leave_before_delisting_us=safety.leave_before_delisting_s * SECOND_US,
            ramp_positions=safety.ramp_positions if settings.env == "live" else 0,
            condition=Bounds(
                clock_offset_us=settings.exchange.clock_skew_max_ms * MILLI_US,
                free_bytes=settings.audit.free_disk_mb_min * 1_000_000,
            ),
        ),
    )
