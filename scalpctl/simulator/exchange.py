"""The exchange: a clock that others turn, markets that wander, accounts that trade. No I/O, no waiting."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Protocol

from scalpctl.core.money import add, multiply
from scalpctl.simulator import actors, algos, announcements, funding, liquidation, matching, switch
from scalpctl.simulator.specs import BY_ID, Spec
from scalpctl.simulator.state import Account, Algo, Bill, Fill, Market, Order, Position, State
from scalpctl.simulator.tape import FED, PREFIX, Fed, Quotes, Recorded
from scalpctl.simulator.worlds import (
    LEVELS,
    NIGHT,
    STEP_US,
    TRADES_KEPT,
    breathe,
    candle,
    follow,
    make,
    silence,
    wander,
    wander_unseen,
)

REPRICE = 0.03
BREATHE_EVERY = 8
"""Steps between two changes of a book's depth."""
MARK_EVERY_US = 2_500_000
"""How often a mark is told while nobody quotes."""


class Listener(Protocol):
    """Who is told what happens; rows are made only for those who listen."""

    def market(self, market: Market, what: str) -> None:
        """Hear that a market changed: ticker, mark, trade, candle, funding or instrument."""
        ...

    def status(self, row: dict[str, str]) -> None:
        """Hear that a maintenance was announced or entered another phase."""
        ...

    def order(self, account: Account, order: Order, fill: Fill | None) -> None:
        """Hear that an order changed, perhaps by an execution."""
        ...

    def algo(self, account: Account, algo: Algo) -> None:
        """Hear that a conditional order changed."""
        ...

    def position(self, account: Account, position: Position) -> None:
        """Hear that a position changed; zero contracts mean that it is gone."""
        ...

    def balance(self, account: Account, why: str, inst_id: str, trade_id: str) -> None:
        """Hear that money moved, and why."""
        ...

    def warning(self, account: Account, position: Position) -> None:
        """Hear that a position nears liquidation."""
        ...


class Deaf:
    """Hears nothing."""

    def market(self, market: Market, what: str) -> None:
        """Hear nothing."""

    def status(self, row: dict[str, str]) -> None:
        """Hear nothing."""

    def order(self, account: Account, order: Order, fill: Fill | None) -> None:
        """Hear nothing."""

    def algo(self, account: Account, algo: Algo) -> None:
        """Hear nothing."""

    def position(self, account: Account, position: Position) -> None:
        """Hear nothing."""

    def balance(self, account: Account, why: str, inst_id: str, trade_id: str) -> None:
        """Hear nothing."""

    def warning(self, account: Account, position: Position) -> None:
        """Hear nothing."""


def switches_of(seed: int) -> dict[str, str]:
    """Decide what is documented and was never proven: whoever trades must live with either."""
    return {
        "client_ids": "for_ever" if seed % 5 == 4 else "pending",
        "cancels": "later" if seed % 7 == 6 else "at_once",
        "funding_at": "balance" if seed % 3 == 2 else "position",
        "oversized": "refused" if seed % 2 else "trimmed",
    }


class Exchange:
    """One exchange under a clock that somebody turns."""

    def __init__(self, state: State) -> None:
        """Continue from a state; a fresh one comes from ``open``."""
        self.state = state
        self.listener: Listener = Deaf()
        self.random = Random(f"{state.world}:{state.seed}")
        if state.random:
            version, *inner = state.random
            self.random.setstate((version, tuple(inner), None))
        self.quotes: Quotes | None = None
        """Where prices come from, if not from the world."""
        if state.world.startswith(PREFIX):
            self.quotes = Recorded(Path(state.world.removeprefix(PREFIX)))
        elif state.world == FED:
            self.quotes = Fed()
        self._by_key = {account.api_key: account for account in state.accounts.values()}

    @classmethod
    def open(cls, world: str, seed: int, start: int, funding_every_s: int = 28_800) -> Exchange:
        """Open a new exchange with a world's history behind it."""
        start -= start % STEP_US
        state = make(world, seed, start, funding_every_s)
        state.begun = start
        state.switches = switches_of(seed)
        return cls(state)

    @property
    def now(self) -> int:
        """Give the exchange's time in microseconds."""
        return self.state.now

    def snapshot(self) -> State:
        """Give the state with the randomness in it, so that a copy goes on in the same way."""
        version, inner, _ = self.random.getstate()
        self.state.random = [version, *inner]
        return self.state

    def next_at(self) -> int:
        """Give when something happens next."""
        return (self.state.now // STEP_US + 1) * STEP_US

    def advance(self, to: int) -> None:
        """Let time pass up to an instant, everything in its order."""
        while self.next_at() <= to:
            self.state.now = self.next_at()
            self._step()
        self.state.now = max(self.state.now, to)

    def account_of(self, api_key: str) -> Account | None:
        """Give the account a key opens."""
        return self._by_key.get(api_key)

    def add_account(self, account: Account, cash: Decimal) -> Account:
        """Open an account with money from outside."""
        self.state.accounts[account.uid] = account
        self._by_key[account.api_key] = account
        if cash:
            self.transfer(account, cash)
        return account

    def transfer(self, account: Account, amount: Decimal) -> None:
        """Move money in from outside, or out."""
        self.state.books.outside = add(self.state.books.outside, -amount)
        self.bill(account, "1", "11" if amount > 0 else "12", amount)
        self.listener.balance(account, "transferred", "", "")

    def bill(self, account: Account, kind: str, sub: str, change: Decimal, at_position: Decimal = Decimal(0)) -> Bill:
        """Write a line of an account's ledger; its money changes here and nowhere else."""
        account.cash = add(account.cash, change)
        bill = Bill(
            bill_id=self.number("82"), type=kind, sub_type=sub, change=change, balance=account.cash, at=self.now,
            position_change=at_position,
        )  # fmt: skip
        account.bills.append(bill)
        return bill

    def number(self, prefix: str) -> str:
        """Give the next id of a kind: 18 digits that grow."""
        self.state.number += 1
        return f"{prefix}{self.state.number:016d}"

    def market(self, inst_id: str) -> Market:
        """Give a market."""
        return self.state.markets[inst_id]

    def mark(self, inst_id: str) -> Decimal:
        """Give a mark price, to a tenth of a tick."""
        spec = BY_ID[inst_id]
        tenths = int(self.state.markets[inst_id].mark * 10 + 0.5)
        return multiply(Decimal(tenths), spec.tick.scaleb(-1))

    def last(self, inst_id: str) -> Decimal:
        """Give the last traded price."""
        return multiply(Decimal(self.state.markets[inst_id].last), BY_ID[inst_id].tick)

    def _step(self) -> None:
        now, state = self.state.now, self.state
        for inst_id, market in state.markets.items():
            if market.is_traded:
                self._move(BY_ID[inst_id], market, now)
        matching.rest(self)
        matching.leave(self)
        algos.watch(self)
        liquidation.watch(self)
        funding.settle(self)
        switch.watch(self)
        actors.due(self)
        announcements.watch(self)

    def _move(self, spec: Spec, market: Market, now: int) -> None:
        random = self.random
        if market.silent_until > now:
            self._be_silent(spec, market, now)
            return
        before = (market.bid, market.ask)
        if self.quotes is None:
            wander(spec, market, self.state.world, random, now)
        else:
            self._follow(spec, market, now)
        if (now // STEP_US) % BREATHE_EVERY == 0:
            breathe(spec, market, random)
        traded = self._trades(spec, market, now)
        if candle(market, now, market.last, traded) and len(market.candles) > 1:
            self.listener.market(market, "candle")
        market.day_high = max(market.day_high, market.last)
        market.day_low = min(market.day_low, market.last)
        silence(spec, market, self.state.world, random, now, traded=bool(traded))
        if before != (market.bid, market.ask) or traded:
            self.listener.market(market, "ticker")

    def _be_silent(self, spec: Spec, market: Market, now: int) -> None:
        """Let a market go on that nobody quotes: in a night its mark moves and its minutes close; marks are told."""
        if self.state.world == NIGHT:
            wander_unseen(spec, market, self.state.world, self.random, now)
            if candle(market, now, market.last, 0.0):
                self.listener.market(market, "candle")
        if now % MARK_EVERY_US == 0:
            self.listener.market(market, "mark")

    def _follow(self, spec: Spec, market: Market, now: int) -> None:
        """Take prices from elsewhere; mark and index follow them as they follow any price."""
        quote = self.quotes.at(spec.inst_id, now - self.state.begun) if self.quotes is not None else None
        if quote is None:
            return
        market.bid, market.ask = quote
        market.value = (market.bid + market.ask) / 2
        if abs(market.value / market.index - 1) > REPRICE:
            market.index = market.mark = market.value  # the first price from elsewhere, or a jump
        follow(market)

    def _trades(self, spec: Spec, market: Market, now: int) -> float:
        """Let others trade at the touch; how much was sold and bought decides what rests behind a queue."""
        random = self.random
        expected = spec.trades_per_minute * STEP_US / 60_000_000
        count = int(expected) + (random.random() < expected % 1.0)
        usual = spec.depth_usd / (market.value * float(spec.tick) * float(spec.ct_val)) * 0.15
        lot = float(spec.lot)
        total = 0.0
        market_sold, market_bought = 0.0, 0.0
        for _ in range(count):
            sells = random.getrandbits(1)
            size = max(lot, round(usual * random.expovariate(1.0) / lot) * lot)
            total += size
            market.trade_id += 1
            if sells:
                market_sold += size
                market.last = market.bid
            else:
                market_bought += size
                market.last = market.ask
            market.trades.append((str(market.trade_id), market.last, size, "sell" if sells else "buy", now))
        if len(market.trades) > TRADES_KEPT:
            del market.trades[: len(market.trades) - TRADES_KEPT]
        matching.printed(self, market, market_sold, market_bought)
        market.volume += total
        if total:
            self.listener.market(market, "trade")
        return total


__all__ = ["LEVELS", "Deaf", "Exchange", "Listener"]
