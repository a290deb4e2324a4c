"""First-hand evidence the exchange gives besides its reports: why money moved, and that a liquidation is near."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from scalpctl.core.instants import Instant


@dataclass(frozen=True, slots=True)
class MoneyMoved:
    """Why balance or position changed, in the exchange's word: filled, liquidation, adl, funding_fee, set_leverage."""

    kind: str
    inst_ids: tuple[str, ...]
    at: Instant


@dataclass(frozen=True, slots=True)
class LiquidationNear:
    """The exchange warns; the warning may come together with the liquidation itself."""

    inst_id: str
    position_id: str
    margin_ratio: Decimal | None
    at: Instant
