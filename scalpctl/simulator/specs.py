"""What the embedded exchange lists: linear USDT swaps specified like the real ones, their tiers and temper."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of size: the whole position pays the maintenance rate of its tier."""

    contracts_max: Decimal
    mmr: Decimal
    leverage_max: int


@dataclass(frozen=True, slots=True)
class Spec:
    """One listed swap; ``minute_ratio`` is its usual move in a minute, ``depth_usd`` what a level of its book holds."""

    base: str
    code: int
    ct_val: Decimal
    tick: Decimal
    lot: Decimal
    min_contracts: Decimal
    leverage_max: int
    price: Decimal
    minute_ratio: float
    spread_ticks: int
    depth_usd: float
    trades_per_minute: float
    sparse: bool = False

    @property
    def inst_id(self) -> str:
        """Give the instrument's id."""
        return f"{self.base}-USDT-SWAP"

    @property
    def family(self) -> str:
        """Give the id of its index."""
        return f"{self.base}-USDT"

    @property
    def limit_max(self) -> Decimal:
        """Give the most contracts of one order."""
        return self.lot * 100_000_000

    def tiers(self) -> tuple[Tier, ...]:
        """Give the margin tiers, rising."""
        unit = Decimal(int(Decimal(2_000_000) / (self.price * self.ct_val)) + 1)
        top = self.leverage_max
        return (
            Tier(unit, Decimal("0.004"), top),
            Tier(unit * 3, Decimal("0.006"), max(top * 3 // 4, 1)),
            Tier(unit * 10, Decimal("0.01"), max(top // 2, 1)),
            Tier(unit * 40, Decimal("0.02"), max(top // 5, 1)),
            Tier(unit * 200, Decimal("0.05"), max(top // 10, 1)),
        )


def _spec(base: str, code: int, sizes: str, leverage: int, price: str, temper: tuple[float, int, float, float]) -> Spec:
    ct_val, tick, lot, least = (Decimal(text) for text in sizes.split())
    minute, spread, depth, trades = temper
    return Spec(
        base, code, ct_val, tick, lot, least, leverage, Decimal(price), minute, spread, depth, trades,
        sparse=trades < 20,
    )  # fmt: skip


SPECS: tuple[Spec, ...] = (
    _spec("BTC", 10459, "0.01 0.1 0.01 0.01", 100, "64000", (0.0007, 1, 150_000, 240)),
    _spec("ETH", 10461, "0.1 0.01 0.01 0.01", 100, "3200", (0.0009, 1, 90_000, 200)),
    _spec("SOL", 10477, "1 0.01 0.01 0.01", 50, "150", (0.0012, 1, 40_000, 120)),
    _spec("XRP", 10475, "100 0.0001 0.01 0.01", 50, "0.6", (0.0012, 1, 25_000, 80)),
    _spec("DOGE", 10468, "1000 0.00001 0.01 0.01", 50, "0.12", (0.0014, 1, 20_000, 80)),
    _spec("ADA", 10470, "100 0.0001 0.1 0.1", 50, "0.45", (0.0014, 1, 12_000, 50)),
    _spec("LTC", 10473, "1 0.01 0.1 0.1", 50, "85", (0.0013, 2, 10_000, 40)),
    _spec("TRB", 10512, "0.1 0.01 1 1", 20, "62", (0.0022, 4, 2_500, 12)),
)
BY_ID: dict[str, Spec] = {spec.inst_id: spec for spec in SPECS}
BY_CODE: dict[int, Spec] = {spec.code: spec for spec in SPECS}
MAKER_RATE, TAKER_RATE = Decimal("0.0002"), Decimal("0.0005")
SETTLE = "USDT"
