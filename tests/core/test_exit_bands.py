"""Skipping inside the band gives the same decisions as evaluating every tick."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.exits.catalogue import DEFAULT_ORDER, build
from scalpctl.core.exits.state import ChainState
from scalpctl.core.exits.view import GuardPrice, PriceParameters, Quoted, View
from scalpctl.core.exits.watch import Watch
from scalpctl.core.instants import Instant
from scalpctl.core.money import Contracts
from scalpctl.core.sides import Side

CHAIN = build(DEFAULT_ORDER, {}, "BTC-USDT-SWAP", "ranging").chain
SECOND = 1_000_000

ticks = st.lists(
    st.tuples(
        st.sampled_from(["tick", "tick", "tick", "tick", "mark", "candle", "timer"]),
        st.integers(-40, 40) | st.integers(-6, 6) | st.integers(-2000, 2000),
        st.integers(0, 400_000) | st.integers(0, 8_000_000) | st.integers(0, 900_000_000),
        st.integers(0, 100),
    ),
    min_size=5,
    max_size=120,
)


class Walk:
    """One position seen by a chain, either at every event or only where the band demands it."""

    def __init__(self, facts: Any, reading: Any, start: Instant, limits: PriceParameters, *, skipping: bool) -> None:
        self.facts, self.make_reading, self.limits, self.skipping = facts, reading, limits, skipping
        self.at = start
        self.exit = self.mark = None
        self.reading = None
        self.revision = 0
        self.state = ChainState()
        self.watch = Watch(limits.exit_age_s)
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
        decision = CHAIN.evaluate(view, self.state)
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


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("guard", list(GuardPrice))
@settings(max_examples=60, deadline=None)
@given(events=ticks)
def test_skipping_inside_the_band_decides_as_evaluating_every_tick(
    facts: Any, reading: Any, start: Instant, side: Side, guard: GuardPrice, events: list[Any]
) -> None:
    limits = PriceParameters(guard=guard)
    walks = [Walk(facts(side=side), reading, start, limits, skipping=skip) for skip in (False, True)]
    price, at = Decimal(60000), start
    for index, (kind, steps, gap, flavour) in enumerate(events):
        price = max(Decimal(50000), price + steps * Decimal("0.5"))
        at = Instant(at + gap)
        age = 3 * SECOND if flavour > 95 else 0
        for walk in walks:
            walk.feel(index, kind, price, at, flavour, age)
    every, skipped = walks
    assert skipped.log == every.log
    assert skipped.state.peak_price == every.state.peak_price
    assert skipped.state.trail_stop == every.state.trail_stop
    assert skipped.evaluated <= every.evaluated
