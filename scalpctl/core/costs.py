"""What trading costs, per side and per round trip, and whether a signal is worth it after that."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from scalpctl.core.evidence import Evidence
from scalpctl.core.money import ZERO, add, multiply, subtract
from scalpctl.core.parameters import Parameters, setting
from scalpctl.errors import ConfigurationError

BPS = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Fees:
    """The account's fee rates of ONE side as shares of the value: positive costs us, negative is a rebate."""

    maker_rate: Decimal
    taker_rate: Decimal

    def __post_init__(self) -> None:
        """Refuse percent written as a share, and a maker rate above the taker rate."""
        if not (Decimal("-0.001") <= self.maker_rate <= self.taker_rate <= Decimal("0.005")):
            message = f"maker {self.maker_rate} and taker {self.taker_rate} are not fee rates of one side"
            raise ConfigurationError(message, hint="0.02 % is 0.0002; the maker rate is not above the taker rate")

    def round_trip(self, *, maker_in: bool, maker_out: bool) -> Decimal:
        """Give the rate of both sides together."""
        way_in = self.maker_rate if maker_in else self.taker_rate
        return add(way_in, self.maker_rate if maker_out else self.taker_rate)


@dataclass(frozen=True, slots=True)
class CostParameters(Parameters):
    """What is expected of an entry beyond its fees."""

    slippage_bps: Decimal = setting(
        Decimal(2), "slippage expected on the way out, in basis points of the price", low=ZERO, high=Decimal(50)
    )
    edge_bps_min: Decimal = setting(
        Decimal(3), "expected value after costs an entry must have, in basis points", low=ZERO, high=Decimal(200)
    )
    atr_multiple: Decimal = setting(
        Decimal(6),
        "expected move while a position is held, as a multiple of the ATR of one candle over price",
        low=Decimal("0.1"),
        high=Decimal(20),
    )


@dataclass(frozen=True, slots=True)
class Edge:
    """The expected value of an entry after costs, as shares of the price, and its working."""

    expected_ratio: Decimal
    cost_ratio: Decimal
    net_ratio: Decimal
    needed_ratio: Decimal

    def evidence(self) -> Evidence:
        """Show the working."""
        return Evidence.of(
            expected_ratio=self.expected_ratio,
            cost_ratio=self.cost_ratio,
            net_ratio=self.net_ratio,
            needed_ratio=self.needed_ratio,
        )


def edge(atr_ratio: Decimal, strength: Decimal, fees: Fees, funding_rate: Decimal, limits: CostParameters) -> Edge:
    """Give the expected value after costs: maker in, taker out, slippage, and funding if it is ours to pay.

    The expected move is the usual one times the signal's strength; ``funding_rate`` is what this side would pay.
    """
    expected = multiply(multiply(atr_ratio, limits.atr_multiple), strength)
    fee = fees.round_trip(maker_in=True, maker_out=False)
    cost = add(fee, multiply(limits.slippage_bps, BPS), max(funding_rate, ZERO))
    return Edge(expected, cost, subtract(expected, cost), multiply(limits.edge_bps_min, BPS))
