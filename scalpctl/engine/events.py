"""Everything the machine can hear. Market values and account news come as the ports define them; the rest is here."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from scalpctl.core.costs import Fees
from scalpctl.core.exchange.connections import ConnectionEvent
from scalpctl.core.exchange.outcomes import Outcome
from scalpctl.core.exchange.reports import (
    AlgoReport,
    BillReport,
    ClosedPositionReport,
    FillReport,
    OrderReport,
    PositionReport,
)
from scalpctl.core.exchange.resolutions import Resolution
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.market import Candle, Maintenance
from scalpctl.ports.feeds import AccountNews, AlgosPending, FillConflict, MarketValue, PositionsSnapshot, Resync


@dataclass(frozen=True, slots=True)
class Placed:
    """The answer to an order."""

    client_id: str
    outcome: Outcome
    sent_at: Instant = Instant(0)  # noqa: RUF009  immutable


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The answer to a cancellation; an acknowledgement is not yet a cancelled order."""

    client_id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class AlgoAnswered:
    """The answer to placing, moving or cancelling a conditional order; ``act`` says which."""

    client_id: str
    act: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class LeverageAnswered:
    """The answer to setting the leverage of an instrument."""

    inst_id: str
    leverage: Decimal
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Resolved:
    """What asking for a client id found."""

    client_id: str
    resolution: Resolution
    is_algo: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the exchange's histories say about one position; None where it could not be asked."""

    position_id: str
    fills: tuple[FillReport, ...] | None
    orders: tuple[OrderReport, ...] | None
    algos: tuple[AlgoReport, ...] | None
    bills: tuple[BillReport, ...] | None
    history: tuple[ClosedPositionReport, ...] | None


@dataclass(frozen=True, slots=True)
class BillsRead:
    """New lines of the exchange's own ledger; None when it could not be asked."""

    bills: tuple[BillReport, ...] | None


@dataclass(frozen=True, slots=True)
class FillsRead:
    """Executions since some instant; None when the exchange could not be asked."""

    fills: tuple[FillReport, ...] | None


@dataclass(frozen=True, slots=True)
class AlgosRead:
    """Every conditional order there is, or None when they could not be read."""

    algos: tuple[AlgoReport, ...] | None


@dataclass(frozen=True, slots=True)
class PositionsRead:
    """Every open position; None when the exchange could not be asked, which proves nothing."""

    positions: tuple[PositionReport, ...] | None


@dataclass(frozen=True, slots=True)
class CandlesRead:
    """Past candles of one instrument, oldest first, to warm its indicators; None when they could not be had."""

    inst_id: str
    candles: tuple[Candle, ...] | None


@dataclass(frozen=True, slots=True)
class Specified:
    """What the exchange says about the instruments that may be traded, and what trading them costs."""

    instruments: tuple[Instrument, ...]
    fees: dict[str, Fees]


@dataclass(frozen=True, slots=True)
class Announced:
    """Every instrument the exchange lists and every maintenance it announces; None where it could not be read."""

    instruments: tuple[Instrument, ...] | None
    maintenance: tuple[Maintenance, ...] | None


@dataclass(frozen=True, slots=True)
class SetupRead:
    """How the account is set up, by names people know; None where it could not be read."""

    setup: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class LeveragesRead:
    """The leverage set at the exchange, by instrument."""

    leverages: tuple[tuple[str, Decimal | None], ...]


@dataclass(frozen=True, slots=True)
class Usable:
    """The private line became usable, or stopped being so."""

    ready: bool


@dataclass(frozen=True, slots=True)
class LineHeard:
    """Something happened to a line to the exchange."""

    event: ConnectionEvent


@dataclass(frozen=True, slots=True)
class Timer:
    """A second went by."""


@dataclass(frozen=True, slots=True)
class Felt:
    """How the process feels; becomes a heartbeat."""

    loop_lag_us: int = 0
    commit_p99_us: int = 0
    wal_bytes: int = 0
    rss_bytes: int = 0
    open_files: int = 0
    inbox_length: int = 0
    clock_offset_us: int | None = None
    channel_ages: dict[str, float] = field(default_factory=dict)
    free_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Ordered:
    """A person's command from a terminal; ``command_id`` names it, so that sending it twice is one command."""

    command_id: str
    command: str
    arguments: dict[str, Any]
    operator: str


@dataclass(frozen=True, slots=True)
class Begun:
    """The session begins, with everything that could change its decisions."""

    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ending:
    """The session should end: entries stop; ``flatten`` closes what is open first."""

    reason: str
    flatten: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over."""

    kind: str
    reason: str


AccountValue = AccountNews | Resync | PositionsSnapshot | AlgosPending | FillConflict
Event = (
    MarketValue
    | AccountValue
    | Placed
    | Cancelled
    | AlgoAnswered
    | LeverageAnswered
    | Resolved
    | Evidence
    | BillsRead
    | FillsRead
    | AlgosRead
    | PositionsRead
    | CandlesRead
    | Specified
    | Announced
    | SetupRead
    | LeveragesRead
    | Usable
    | LineHeard
    | Timer
    | Felt
    | Ordered
    | Begun
    | Ending
    | Ended
)
