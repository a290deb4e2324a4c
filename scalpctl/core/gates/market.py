"""Gates on the market: freshness, agreement of prices, spread, slippage, gap, correlation, funding, costs, the stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt

from scalpctl.core.costs import BPS, Edge
from scalpctl.core.estimates import estimate
from scalpctl.core.gates.verdicts import GateVerdict, Skip, at_least, at_most, unless
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.margin import MarginAnswer, MarginVerdict
from scalpctl.core.money import add, multiply, ratio, subtract
from scalpctl.core.parameters import Parameters, setting
from scalpctl.core.sides import Side


@dataclass(frozen=True, slots=True)
class MarketParameters(Parameters):
    """What the market must look like for an entry."""

    signal_age_s: int = setting(5, "seconds after which a signal is too old", low=1, high=120)
    price_age_s: int = setting(1, "seconds after which the book is too old to enter on", low=1, high=60)
    disagree_bps: Decimal = setting(
        Decimal(30), "difference of mark and book that is suspicious", low=Decimal(1), high=Decimal(500)
    )
    spread_bps: Decimal = setting(Decimal(4), "widest spread", low=Decimal("0.1"), high=Decimal(200))
    slippage_bps: Decimal = setting(
        Decimal(8), "move against us since the signal", low=Decimal("0.5"), high=Decimal(200)
    )
    gap_atr: float = setting(2.5, "jump from the last close, in ATRs", low=0.2, high=20.0)
    correlation_max: float = setting(
        0.85, "correlation with what is held or being entered on the same side", low=0.1, high=1.0
    )
    funding_s: int = setting(60, "seconds before a funding time in which no entry is made", low=0, high=3600)
    noise_atr: Decimal = setting(
        Decimal("1.5"), "ATRs a stop must be away, costs not counted", low=Decimal("0.1"), high=Decimal(20)
    )


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen at the moment of an entry; None means unknown, and unknown never passes."""

    at: Instant
    signal_at: Instant
    signal_price: Decimal
    bid: Decimal | None
    ask: Decimal | None
    book_at: Instant | None
    mark: Decimal | None
    last_close: float
    atr: float
    funding_at: Instant | None


def judge_freshness(sight: Sight, limits: MarketParameters) -> tuple[GateVerdict, ...]:
    """Ask how old signal and book are, and whether two independent prices agree."""
    book_age = None if sight.book_at is None else (sight.at - sight.book_at) / MICROS_PER_SECOND
    middle = _middle(sight)
    apart = None if middle is None or sight.mark is None else _bps(abs(subtract(middle, sight.mark)), sight.mark)
    return (
        at_most(Skip.STALE_SIGNAL, (sight.at - sight.signal_at) / MICROS_PER_SECOND, limits.signal_age_s, "clock"),
        at_most(Skip.STALE_PRICE, book_age, limits.price_age_s, "book"),
        unless(Skip.NO_BOOK, "" if middle is not None else "no bid, no ask, or crossed", "book"),
        at_most(Skip.PRICE_DISAGREES, apart, limits.disagree_bps, "book and mark"),
    )


def judge_price(side: Side, sight: Sight, limits: MarketParameters) -> tuple[GateVerdict, ...]:
    """Ask whether the price is still the one the signal meant."""
    middle = _middle(sight)
    if middle is None or sight.bid is None or sight.ask is None:
        return (
            at_most(Skip.SPREAD, None, limits.spread_bps, "book"),
            at_most(Skip.SLIPPAGE, None, limits.slippage_bps, "book"),
            at_most(Skip.GAP, None, limits.gap_atr, "book"),
        )
    own = sight.bid if side is Side.LONG else sight.ask
    worse = multiply(subtract(own, sight.signal_price), Decimal(side.sign))
    jump = abs(estimate(middle) - sight.last_close) / sight.atr if sight.atr > 0 else None
    return (
        at_most(Skip.SPREAD, _bps(subtract(sight.ask, sight.bid), middle), limits.spread_bps, "book"),
        at_most(Skip.SLIPPAGE, _bps(worse, sight.signal_price), limits.slippage_bps, "book"),
        at_most(Skip.GAP, jump, limits.gap_atr, "book"),
    )


def judge_funding(side: Side, sight: Sight, rate: Decimal | None, limits: MarketParameters) -> GateVerdict:
    """Ask whether this side is about to pay funding; an unknown time or rate does not pass near nothing."""
    if sight.funding_at is None or rate is None:
        return GateVerdict(Skip.FUNDING, limits.funding_s == 0, None, limits.funding_s, "funding")
    left = (sight.funding_at - sight.at) / MICROS_PER_SECOND
    pays = multiply(rate, Decimal(side.sign)) > 0
    passed = not pays or left < 0 or left >= limits.funding_s
    return GateVerdict(Skip.FUNDING, passed, left, limits.funding_s, "funding")


def judge_costs(edge: Edge) -> GateVerdict:
    """Ask whether the expected value after costs is enough."""
    return at_least(Skip.COSTS, edge.net_ratio, edge.needed_ratio, "costs")


def judge_stop(stop_ratio: Decimal, cost_ratio: Decimal, atr_ratio: Decimal, limits: MarketParameters) -> GateVerdict:
    """Ask whether the stop is outside noise; all three are shares of the price."""
    needed = add(cost_ratio, multiply(limits.noise_atr, atr_ratio))
    return at_least(Skip.STOP_IN_NOISE, stop_ratio, needed, "configuration")


def judge_margin(verdict: MarginVerdict | None) -> GateVerdict:
    """Ask whether margin is known to be safe; unknown or untrusted does not pass."""
    if verdict is None:
        return GateVerdict(Skip.MARGIN, passed=False, value="unknown", limit="safe", source="exchange")
    return GateVerdict(Skip.MARGIN, verdict.answer is MarginAnswer.SAFE, verdict.answer.value, "safe", "exchange")


def judge_correlation(
    returns: Sequence[float], others: Sequence[tuple[str, Sequence[float]]], limits: MarketParameters
) -> GateVerdict:
    """Ask whether another one on the same side is nearly the same bet; too little history never passes."""
    worst, name = -1.0, "none"
    for inst_id, theirs in others:
        value = correlation(returns, theirs)
        if value is None:
            return GateVerdict(Skip.CORRELATED, passed=False, value=None, limit=limits.correlation_max, source=inst_id)
        if value > worst:
            worst, name = value, inst_id
    return at_most(Skip.CORRELATED, worst, limits.correlation_max, name)


def correlation(left: Sequence[float], right: Sequence[float], least: int = 10) -> float | None:
    """Give Pearson's correlation of the latest common returns; None with too few, or where one never moved."""
    count = min(len(left), len(right))
    if count < least:
        return None
    a, b = left[-count:], right[-count:]
    mean_a, mean_b = sum(a) / count, sum(b) / count
    both = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    spread = sqrt(sum((x - mean_a) ** 2 for x in a)) * sqrt(sum((y - mean_b) ** 2 for y in b))
    return both / spread if spread > 0.0 else None


def _middle(sight: Sight) -> Decimal | None:
    if sight.bid is None or sight.ask is None or sight.bid >= sight.ask:
        return None
    return ratio(add(sight.bid, sight.ask), Decimal(2))


def _bps(part: Decimal, whole: Decimal) -> Decimal:
    return ratio(ratio(part, whole), BPS)
