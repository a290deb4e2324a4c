"""Things as tests want them: sensible defaults, overridden by name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument

T0 = Instant(1_795_162_530_123_000)


def an_instrument(**changes: Any) -> Instrument:
    fields: dict[str, Any] = {
        "inst_id": "BTC-USDT-SWAP",
        "ct_val": Decimal("0.01"),
        "ct_mult": Decimal(1),
        "tick_size": Decimal("0.1"),
        "lot_size": Decimal("0.01"),
        "min_contracts": Decimal("0.01"),
        "leverage_max": Decimal(100),
        "inst_id_code": 10459,
    }
    return Instrument(**(fields | changes))
