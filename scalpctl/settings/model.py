"""The configuration: what may be set, in which unit, within which bounds, and what each setting is for.

No value stands here: every default is in ``config/default.yaml``, and only there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from scalpctl.core.regime import Regime
from scalpctl.settings.strategy import SET_IN_LIMITS, Strategy
from scalpctl.settings.units import Count, InstrumentId, Millis, Number, Ratio, Seconds, Usd


class Section(BaseModel):
    """Base of every section: unknown names are refused, nothing is coerced, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)


class Exchange(Section):
    """How OKX is reached in demo and live; the embedded exchange needs none of it."""

    region: Literal["global", "eea", "us"]
    """Where the account was opened; a key works only there."""
    rest_url: str | None = Field(pattern=r"^(https://|http://(127\.0\.0\.1|localhost)(:|/|$))")
    """Another REST host, where the region's is not the right one; unencrypted only on this machine."""
    websocket_url: str | None = Field(pattern=r"^(wss://|ws://(127\.0\.0\.1|localhost)(:|/|$))")
    """Another WebSocket host; unencrypted only on this machine."""
    margin_mode: Literal["isolated", "cross"]
    """Whose money backs a position."""
    position_mode: Literal["net"]
    """One position per instrument; an account that holds long and short at once is refused."""
    order_expires_after_ms: Millis = Field(ge=200, le=30_000)
    """An order that reaches the exchange later than this is refused there (expTime)."""
    request_timeout_ms: Millis = Field(ge=200, le=60_000)
    """How long an answer is waited for, by HTTP or on the stream, before its outcome is unknown."""
    clock_skew_max_ms: Millis = Field(ge=50)
    """Entries stop while our clock differs from the exchange's by more."""


class Credentials(Section):
    """Where the API key is found; never the key itself."""

    file: Path | None
    """A file with mode 0600 holding api_key, secret and passphrase."""
    keyring_service: str | None
    """The service name under which the operating system's keyring holds them."""


class Limits(Section):
    """What the engine never exceeds, recomputed from fills; latches survive restarts."""

    max_usd_size: Usd
    """Largest notional of one position."""
    exposure_usd_max: Usd
    """Largest notional of all positions together."""
    positions_open_max: Count = Field(ge=1, le=100)
    """Most positions at one time, counted on the exchange."""
    leverage_max: Count = Field(ge=1, le=20)
    """Highest leverage ever requested."""
    risk_per_trade_ratio: Ratio
    """Share of equity one trade may lose at its stop."""
    daily_loss_ratio_max: Ratio
    """Entries stop for the rest of the UTC day after losing this share of the day's opening equity."""
    drawdown_ratio_max: Ratio
    """Entries stop until cleared after equity fell this far from its peak."""
    losses_in_a_row_max: Count = Field(ge=1)
    """Entries pause after this many losing trades in a row."""
    entry_orders_per_minute_max: Count = Field(ge=1, le=600)
    """Most entry orders in any minute; exits and protection are never counted."""

    @model_validator(mode="after")
    def _possible(self) -> Limits:
        if self.max_usd_size > self.exposure_usd_max:
            raise PydanticCustomError(
                "impossible", "max_usd_size is above exposure_usd_max: no position of that size could ever be opened"
            )
        return self


class Safety(Section):
    """What protects when something goes wrong; how fast stops must stand is in strategy.parameters.protection."""

    account_age_max_ms: Millis = Field(ge=1_000)
    """No entry on account data older than this."""
    cancel_all_after_s: Seconds = Field(ge=10, le=120)
    """The exchange cancels resting orders when we have been silent this long."""
    appeared_positions: Literal["protect", "adopt", "alert", "flatten"]
    """What is done with a position nobody here opened."""
    ramp_positions: Count = Field(ge=0, le=100)
    """With real money so many first positions are as small as the exchange takes; then entries wait for a person."""
    mirror_trailing: bool
    """Whether the stop at the exchange follows the trailing stop."""
    quiet_before_maintenance_s: Seconds = Field(ge=0, le=86_400)
    """How long before an announced maintenance nothing is entered any more."""
    leave_before_delisting_s: Seconds = Field(ge=60, le=604_800)
    """How long before an instrument leaves the list its position is closed; entries end with the notice."""


class LedgerSettings(Section):
    """How the ledger is kept."""

    backup_every_s: Seconds = Field(ge=60)
    """A verified backup is made this often while the engine runs."""
    backups_kept: Count = Field(ge=1)
    """How many backups are kept."""
    tapes_mb_max: Count = Field(ge=100, le=1_000_000)
    """All tapes together take no more, in megabytes; the oldest parts go first."""


class AuditSettings(Section):
    """Where `scalpctl audit` begins to complain."""

    settle_s: Seconds = Field(ge=5, le=600)
    """What is younger is in flight and not judged."""
    naked_s_max: Seconds = Field(ge=1, le=60)
    """A position without a confirmed stop for longer is yellow; above 60 s always red."""
    heartbeat_gap_s_max: Seconds = Field(ge=61, le=300)
    """A longer gap between heartbeats is yellow; above 300 s always red."""
    fee_maker_ratio: Ratio
    """The account's maker fee of one side."""
    fee_taker_ratio: Ratio
    """The account's taker fee of one side."""
    maker_share_min: Ratio
    """Least share of entry executions that were maker."""
    entry_slippage_ratio_max: Ratio
    """Largest slippage of an entry against its decision."""
    exit_slippage_ratio_max: Ratio
    """Largest slippage of an exit against its decision."""
    trail_ratio_min: Ratio
    """Smallest trailing distance that is not noise."""
    contradiction_ratio_max: Ratio
    """How far, as a share of its value, a result may contradict its cause."""
    latency_ms_max: Millis = Field(ge=1)
    """A slower acknowledgement of an order counts as slow; one in twenty may be."""
    margin_ratio_min: Number = Field(gt=1, le=100)
    """The exchange's margin ratio below which it is yellow; half of it is red."""
    liquidation_distance_ratio_min: Ratio
    """Distance to liquidation below which it is yellow; half of it is red."""
    drifts_per_day_max: Count = Field(ge=0)
    """More drifts of unknown cause in a day are yellow."""
    reconnects_per_hour_max: Count = Field(ge=1)
    """More losses of one line in an hour are yellow, twice as many red."""
    loop_lag_ms_max: Millis = Field(ge=1)
    """The event loop waits no longer."""
    commit_ms_max: Millis = Field(ge=1)
    """A commit takes no longer."""
    memory_growth_ratio_max: Ratio
    """Memory grows no more in two hours."""
    open_files_max: Count = Field(ge=16)
    """No more files are open."""
    free_disk_mb_min: Count = Field(ge=10)
    """No less disk space is free, in megabytes."""


class Settings(Section):
    """Everything that can be set."""

    env: Literal["sim", "paper", "demo", "live"]
    """Where orders go: the embedded exchange (sim, paper), OKX demo, or OKX live."""
    account: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._]{0,63}$")
    """A name for the account; each has a ledger of its own."""
    instruments: tuple[InstrumentId, ...] = Field(min_length=1, max_length=50)
    """What may be traded; nothing else ever is."""
    exchange: Exchange
    credentials: Credentials
    limits: Limits
    safety: Safety
    ledger: LedgerSettings
    audit: AuditSettings
    strategy: Strategy

    @model_validator(mode="after")
    def _possible(self) -> Settings:
        if len(set(self.instruments)) != len(self.instruments):
            raise PydanticCustomError("impossible", "instruments names one instrument twice")
        for group in sorted({group for group, _ in SET_IN_LIMITS}):
            self.strategy.resolved(group, "", Regime.RANGING, self.limits)
        return self
