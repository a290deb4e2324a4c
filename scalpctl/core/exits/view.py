"""What an exit rule looks at: the position's exact facts, two prices with their age, and what the candles say."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from scalpctl.core.evidence import Evidence, Item
from scalpctl.core.indicators.study import Reading
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.margin import MarginVerdict
from scalpctl.core.money import EXACT, ZERO, Contracts, add, multiply, ratio, subtract
from scalpctl.core.parameters import Move, Parameters, setting
from scalpctl.core.sides import Side
from scalpctl.errors import InvariantBroken

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class PositionFacts:
    """One position between two fills; the net result is then a straight line in the price: ``slope * price - offset``.

    ``costs_paid`` is what entering and funding the remaining contracts has cost so far (positive when paid);
    the fee of the way out is in the slope. So costs are counted once.
    """

    instrument: Instrument
    side: Side
    contracts: Contracts
    opened_contracts: Contracts
    average_price: Decimal
    leverage: Decimal
    opened_at: Instant
    costs_paid: Decimal
    exit_fee_rate: Decimal
    coins: Decimal = field(init=False)
    notional: Decimal = field(init=False)
    margin: Decimal = field(init=False)
    slope: Decimal = field(init=False)
    offset: Decimal = field(init=False)
    bounds: dict[tuple[str, Decimal], tuple[float, float]] = field(
        init=False, compare=False, repr=False, default_factory=dict
    )
    """Band edges by threshold: they depend on nothing but these facts, and most thresholds repeat on every tick."""
    amounts: dict[Move, Decimal] = field(init=False, compare=False, repr=False, default_factory=dict)
    """What each move means in quote currency for these facts."""

    def __post_init__(self) -> None:
        """Derive the line once per fill, so that a tick costs one multiplication."""
        if self.contracts.value <= ZERO or self.average_price <= ZERO or self.leverage < ONE:
            message = f"{self.instrument.inst_id}: {self.contracts} contracts at {self.average_price} is no position"
            raise InvariantBroken(message)
        coins = self.instrument.coins(self.contracts).value
        notional = multiply(coins, self.average_price)
        sign = Decimal(self.side.sign)
        object.__setattr__(self, "coins", coins)
        object.__setattr__(self, "notional", notional)
        object.__setattr__(self, "margin", ratio(notional, self.leverage))
        object.__setattr__(self, "slope", multiply(coins, subtract(sign, self.exit_fee_rate)))
        object.__setattr__(self, "offset", add(multiply(sign, notional), self.costs_paid))

    def amount(self, move: Move) -> Decimal:
        """Give what a move means in quote currency, remembered."""
        known = self.amounts.get(move)
        if known is None:
            known = self.amounts[move] = move.of(self.notional, self.margin)
        return known

    def net_at(self, price: Decimal) -> Decimal:
        """Give the result after all costs if everything were closed at that price, exactly."""
        return EXACT.subtract(EXACT.multiply(price, self.slope), self.offset)

    def price_for(self, net: Decimal) -> Decimal:
        """Estimate the price at which the result after costs would be that much."""
        return ratio(EXACT.add(net, self.offset), self.slope)

    def better(self, price: Decimal, than: Decimal) -> bool:
        """Tell whether a price is better for this side than another."""
        return price > than if self.side is Side.LONG else price < than


class GuardPrice(StrEnum):
    """Which price protective rules are judged on."""

    MARK = "mark"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class PriceParameters(Parameters):
    """How old a price may be before a rule must not believe it."""

    guard: GuardPrice = setting(GuardPrice.MARK, "price that protective rules judge", low=None, high=None)
    exit_age_s: int = setting(2, "seconds an executable price stays believable", low=1, high=60)
    guard_age_s: int = setting(5, "seconds a mark price stays believable", low=1, high=60)
    disagree_ratio: Decimal = setting(
        Decimal("0.03"),
        "difference of exit price and mark, as a share of the mark, from which the exit price is not believed",
        low=Decimal("0.002"),
        high=Decimal("0.2"),
    )
    reading_age_s: int = setting(150, "seconds the last closed candle stays believable", low=5, high=7200)


@dataclass(frozen=True, slots=True)
class Quoted:
    """A price with its source and the instant the exchange gave it."""

    price: Decimal
    source: str
    exchange_at: Instant

    def __post_init__(self) -> None:
        """Refuse what is not a price; a missing price is None, never zero."""
        if not self.price.is_finite() or self.price <= ZERO:
            message = f"{self.source}: {self.price} is not a price"
            raise InvariantBroken(message)

    def is_fresh(self, at: Instant, age_s: int) -> bool:
        """Tell whether it may still be believed."""
        return at - self.exchange_at <= age_s * MICROS_PER_SECOND

    def item(self, name: str, at: Instant) -> Item:
        """Show it as evidence."""
        return Item(name, self.price, self.source, at - self.exchange_at)


def _agree(price: Decimal, mark: Decimal, limit: Decimal) -> bool:
    """Tell whether two independent prices may both be true; one absurd tick must not move a stop or take a profit."""
    return abs(subtract(price, mark)) <= multiply(mark, limit)


@dataclass(frozen=True, slots=True)
class Alarms:
    """What margin safety and the account say about the position."""

    margin: MarginVerdict | None = None
    emergency: str = ""


NO_ALARMS = Alarms()


class View:
    """One look at one position. ``net`` is None while the exit price is missing, stale or absurd.

    Soft rules judge the price we could trade at (bid for a long, ask for a short). Protective rules judge the mark,
    which liquidation uses too, and fall back to the exit price while the mark is missing or stale.
    """

    __slots__ = (
        "at",
        "emergency",
        "exit",
        "exit_fresh",
        "facts",
        "guard",
        "guard_is_mark",
        "guard_net",
        "held_us",
        "margin",
        "mark",
        "mark_until",
        "net",
        "reading",
        "steady",
    )

    def __init__(
        self,
        facts: PositionFacts,
        at: Instant,
        limits: PriceParameters,
        *,
        exit_price: Quoted | None,
        mark: Quoted | None,
        reading: Reading | None = None,
        alarms: Alarms = NO_ALARMS,
    ) -> None:
        """Judge the age of every input once, so that all rules see the same picture."""
        self.facts, self.at = facts, at
        self.exit, self.mark = exit_price, mark
        self.margin, self.emergency = alarms.margin, alarms.emergency
        self.held_us = at - facts.opened_at
        mark_fresh = limits.guard is GuardPrice.MARK and mark is not None and mark.is_fresh(at, limits.guard_age_s)
        exit_fresh = exit_price is not None and exit_price.is_fresh(at, limits.exit_age_s)
        if exit_price is not None and mark is not None and mark_fresh and exit_fresh:
            exit_fresh = _agree(exit_price.price, mark.price, limits.disagree_ratio)
        self.exit_fresh = exit_fresh
        self.net = facts.net_at(exit_price.price) if exit_price is not None and exit_fresh else None
        self.guard_is_mark = mark_fresh
        self.guard = mark if mark_fresh else (exit_price if exit_fresh else None)
        self.guard_net = facts.net_at(self.guard.price) if self.guard is not None else None
        self.steady = exit_fresh and (mark_fresh or limits.guard is GuardPrice.EXIT)
        last = limits.guard_age_s * MICROS_PER_SECOND
        self.mark_until = mark.exchange_at + last + 1 if mark_fresh and mark is not None else None
        fresh_reading = reading is not None and at - reading.closed_at <= limits.reading_age_s * MICROS_PER_SECOND
        self.reading = reading if fresh_reading else None

    def inputs(self) -> Evidence:
        """Show every input once, with source and age."""
        items = [
            Item("average_price", self.facts.average_price, "fills"),
            Item("contracts", self.facts.contracts.value, "fills"),
            Item("costs_paid", self.facts.costs_paid, "fills and bills"),
            Item("held_us", self.held_us, "clock"),
        ]
        if self.exit is not None:
            items.append(self.exit.item("exit_price", self.at))
        if self.mark is not None:
            items.append(self.mark.item("mark_price", self.at))
        if self.net is not None:
            items.append(Item("net", self.net, "exit_price"))
        if self.guard_net is not None:
            items.append(Item("guard_net", self.guard_net, "mark_price" if self.guard_is_mark else "exit_price"))
        if self.reading is not None:
            age = self.at - self.reading.closed_at
            items.append(Item("rsi", self.reading.rsi, "closed candle", age))
            items.append(Item("macd_line", self.reading.macd_line, "closed candle", age))
            items.append(Item("macd_signal", self.reading.macd_signal, "closed candle", age))
        return Evidence(tuple(items))
