"""Skipping inside the band gives the same decisions as evaluating every tick."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.causes import Cause
from scalpctl.core.exits.catalogue import DEFAULT_ORDER, build
from scalpctl.core.exits.chain import Chain
from scalpctl.core.exits.state import ChainState
from scalpctl.core.exits.view import GuardPrice, PriceParameters, Quoted, View
from scalpctl.core.exits.watch import Watch
from scalpctl.core.instants import Instant
from scalpctl.core.money import Contracts
from scalpctl.core.parameters import Overrides, of_price
from scalpctl.core.sides import Side

HURRIED = {
    Cause.HOLDING_LIMIT: Overrides(
        everywhere={"limit_s": 60, "extension_s": 60, "extend_move": of_price("0.0002")},
    ),
    Cause.PROFIT_HARVEST: Overrides(everywhere={"within_s": 30, "min_hold_s": 5}),
}
"""Short limits, so that a walk of a few minutes passes every deadline there is."""

CHAINS = (
    build(DEFAULT_ORDER, {}, "BTC-USDT-SWAP", "ranging").chain,
    build(DEFAULT_ORDER, HURRIED, "BTC-USDT-SWAP", "ranging").chain,
    build((Cause.MARGIN_SAFETY, Cause.STOP_LOSS, Cause.EMERGENCY, Cause.HOLDING_LIMIT), HURRIED, "X", "y").chain,
)
SECOND = 1_000_000

LEVELS = ["0.0005", "0.001", "0.0015", "0.002", "0.0025", "0.003", "0.004", "0.005", "-0.006", "-0.012", "0", "-0.05"]


def some_events(seed: int) -> list[tuple[str, Decimal, int, int, str]]:
    """A walk of ticks, marks, candles and waits that often lands within a tick of a threshold."""
    chance = random.Random(seed)
    events = [("mark", Decimal(0), 0, 50, ""), ("tick", Decimal(0), 0, 50, "")]
    for _ in range(250):
        kind = chance.choices(["tick", "mark", "candle", "timer"], [70, 20, 2, 3])[0]
        move = Decimal(round(chance.gauss(0, 60))) / 2
        gap = chance.choice([1, 50_000, 300_000, 2_000_000, 6_000_000 if chance.random() < 0.3 else 1_000])
        aim = chance.choice(LEVELS) if chance.random() < 0.25 else ""
        events.append((kind, move, gap, chance.randrange(100), aim))
    return events


class Walk:
    """One position seen by a chain, either at every event or only where the band demands it."""

    def __init__(
        self, facts: Any, reading: Any, start: Instant, limits: PriceParameters, *, skipping: bool, chain: Chain
    ) -> None:
        self.facts, self.make_reading, self.limits, self.skipping = facts, reading, limits, skipping
        self.at, self.chain = start, chain
        self.exit = self.mark = None
        self.reading = None
        self.revision = 0
        self.state = ChainState()
        self.watch = Watch(limits)
        self.evaluated = 0
        self.log: list[tuple[Any, ...]] = []

    def feel(self, index: int, kind: str, price: Decimal, at: Instant, flavour: int, age: int) -> None:
        self.at = at
        if kind == "tick":
            self.exit = Quoted(price, "bid", Instant(at - age))
        elif kind == "mark":
            self.mark = Quoted(price, "mark", at)
        elif kind == "candle":
            self.revision += 1
            self.reading = self.make_reading(
                revision=self.revision, closed_at=at, rsi=float(flavour), macd_line=float(flavour % 3), macd_signal=1.0
            )
            self.watch.clear()
        guard = self.exit if self.limits.guard is GuardPrice.EXIT else self.mark
        if self.skipping and self.exit and guard:
            exit_price, guard_price = float(self.exit.price), float(guard.price)
            if not self.watch.needs(exit_price, guard_price, self.at, self.exit.exchange_at):
                return
        view = View(self.facts, self.at, self.limits, exit_price=self.exit, mark=self.mark, reading=self.reading)
        decision = self.chain.evaluate(view, self.state)
        self.evaluated += 1
        self.state = decision.state
        self.watch.keep(decision.band)
        if decision.winner is not None:
            winner = decision.winner
            self.log.append((index, winner.rule, winner.kind, winner.contracts))
            if winner.kind == "partial" and winner.contracts is not None:
                self._reduce(winner.contracts)

    def _reduce(self, part: Contracts) -> None:
        left = self.facts.contracts - part
        self.facts = type(self.facts)(
            self.facts.instrument,
            self.facts.side,
            left,
            self.facts.opened_contracts,
            self.facts.average_price,
            self.facts.leverage,
            self.facts.opened_at,
            self.facts.costs_paid,
            self.facts.exit_fee_rate,
        )
        self.watch.clear()


@pytest.mark.parametrize("chain", CHAINS, ids=["usual", "hurried", "few rules"])
@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("guard", list(GuardPrice))
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_skipping_inside_the_band_decides_as_evaluating_every_tick(
    facts: Any, reading: Any, start: Instant, chain: Chain, side: Side, guard: GuardPrice, seed: int
) -> None:
    every, skipped = walk_both(
        facts(side=side), reading, start, PriceParameters(guard=guard, disagree_ratio=Decimal("0.002")), seed, chain
    )
    assert skipped.log == every.log
    assert skipped.state.peak_price == every.state.peak_price
    assert skipped.state.trail_stop == every.state.trail_stop


def walk_both(
    facts: Any, reading: Any, start: Instant, limits: PriceParameters, seed: int, chain: Chain
) -> tuple[Walk, Walk]:
    every, skipped = (Walk(facts, reading, start, limits, skipping=skip, chain=chain) for skip in (False, True))
    price, at = Decimal(60000), start
    for index, (kind, move, gap, flavour, aim) in enumerate(some_events(seed)):
        price = max(Decimal(50000), price + move)
        at = Instant(at + gap)
        age = 3 * SECOND if flavour > 93 else 0
        seen = price
        if aim:
            level = facts.price_for(Decimal(aim) * facts.notional)
            seen = level.quantize(Decimal("0.1")) + Decimal(flavour % 3 - 1) / 10
        for walk in (every, skipped):
            walk.feel(index, kind, seen, at, flavour, age)
    return every, skipped


def test_a_quiet_market_is_hardly_ever_evaluated(facts: Any, reading: Any, start: Instant) -> None:
    walk = Walk(facts(), reading, start, PriceParameters(guard=GuardPrice.EXIT), skipping=True, chain=CHAINS[0])
    chance = random.Random(5)
    price = Decimal(60000)
    for index in range(2000):
        price += Decimal(chance.choice([-1, 1])) / 10
        walk.feel(index, "tick", price, Instant(start + index * 1000), 50, 0)
    assert walk.evaluated < 200
