"""The other side of ``replay.py``: the same quotes and rules in NautilusTrader's engines, run by a Python of its own.

``python replay_peer.py TICKS cython|rust``: prints CPU seconds of its run and the tick numbers of its exits as JSON.
Its account, cache, order book and matching do what they always do; risk checks and logging are bypassed.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
from nautilus_trader.core import nautilus_pyo3 as rust

EVERY = 500
START_NS, STEP_NS = 1_700_000_000_000_000_000, 50_000_000


def quotes(count: int) -> list[int]:
    """Give best bids in tenths; the best ask is one tenth above."""
    walk = 60_000 * np.exp(np.cumsum(np.random.default_rng(7).normal(0, 2e-5, count)))
    return [int(one) for one in np.round(walk * 10)]


class Rules:
    """Enter when flat, now and then; leave by stop or by a trail that starts in profit. Whole tenths, so exact."""

    def __init__(self) -> None:
        """Begin flat."""
        self.n = self.entry = self.peak = 0
        self.exits: list[int] = []

    def enters(self) -> bool:
        """Say whether this tick opens a position."""
        return not self.entry and self.n % EVERY == 0

    def leaves(self, bid: int) -> bool:
        """Count the tick and say whether its price closes the position."""
        self.n += 1
        entry = self.entry
        if not entry:
            return False
        self.peak = peak = max(self.peak, bid)
        stopped = (entry - bid) * 1_000 >= entry
        trailed = (peak - entry) * 1_000 >= entry and bid <= max(-((8 * entry - peak * 10_000) // 10_000), entry)
        if stopped or trailed:
            self.entry = 0
            self.exits.append(self.n)
        return stopped or trailed


def cython(bids: list[int]) -> tuple[Rules, float]:
    """Run the engine written in Cython."""
    from decimal import Decimal

    import pandas as pd
    from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.config import LoggingConfig, RiskEngineConfig
    from nautilus_trader.indicators import MovingAverageConvergenceDivergence, RelativeStrengthIndex
    from nautilus_trader.model.currencies import USDT
    from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
    from nautilus_trader.model.identifiers import TraderId, Venue
    from nautilus_trader.model.objects import Money, Quantity
    from nautilus_trader.persistence.wranglers import QuoteTickDataWrangler
    from nautilus_trader.test_kit.providers import TestInstrumentProvider
    from nautilus_trader.trading.strategy import Strategy

    instrument, rules = TestInstrumentProvider.btcusdt_perp_binance(), Rules()

    class Trader(Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.rsi, self.macd = RelativeStrengthIndex(14), MovingAverageConvergenceDivergence(12, 26)

        def on_start(self) -> None:
            self.subscribe_quote_ticks(instrument.id)

        def on_quote_tick(self, tick: Any) -> None:
            bid = tick.bid_price.as_double()
            middle = (bid + tick.ask_price.as_double()) * 0.5
            self.rsi.update_raw(middle)
            self.macd.update_raw(middle)
            price = round(bid * 10)
            if rules.leaves(price):
                self.close_all_positions(instrument.id)
            elif rules.enters():
                self.submit_order(self.order_factory.market(instrument.id, OrderSide.BUY, Quantity.from_str("0.100")))
                rules.entry, rules.peak = price + 1, price

    bid = np.array(bids) / 10
    frame = {"bid_price": bid, "ask_price": np.round(bid + 0.1, 1), "bid_size": 10.0, "ask_size": 10.0}
    index = pd.to_datetime(np.arange(len(bids)) * STEP_NS + START_NS, utc=True)
    ticks = QuoteTickDataWrangler(instrument).process(pd.DataFrame(frame, index=index))
    engine = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId("T-001"), logging=LoggingConfig(bypass_logging=True),
            risk_engine=RiskEngineConfig(bypass=True), run_analysis=False,
        )
    )  # fmt: skip
    engine.add_venue(
        Venue("BINANCE"), oms_type=OmsType.NETTING, account_type=AccountType.MARGIN, base_currency=None,
        starting_balances=[Money(1_000_000, USDT)], default_leverage=Decimal(10),
    )  # fmt: skip
    engine.add_instrument(instrument)
    engine.add_strategy(Trader())
    engine.add_data(ticks)
    began = time.process_time()
    engine.run()
    return rules, time.process_time() - began


def compiled(bids: list[int]) -> tuple[Rules, float]:
    """Run the engine written in Rust."""
    from nautilus_trader.test_kit.rust.instruments_pyo3 import TestInstrumentProviderPyo3

    instrument, rules = TestInstrumentProviderPyo3.ethusdt_perp_binance(), Rules()
    sizes = instrument.size_precision

    class Trader(rust.Strategy):  # type: ignore[misc]
        def __init__(self, config: Any = None) -> None:
            del config
            self.rsi = rust.RelativeStrengthIndex(14)
            self.macd = rust.MovingAverageConvergenceDivergence(12, 26)

        def on_start(self) -> None:
            self.subscribe_quotes(instrument.id)

        def on_quote(self, tick: Any) -> None:
            bid = tick.bid_price.as_double()
            middle = (bid + tick.ask_price.as_double()) * 0.5
            self.rsi.update_raw(middle)
            self.macd.update_raw(middle)
            price = round(bid * 10)
            if rules.leaves(price):
                self.close_all_positions(instrument.id)
            elif rules.enters():
                order = self.order_factory.market(instrument.id, rust.OrderSide.BUY, rust.Quantity(0.1, sizes))
                self.submit_order(order)
                rules.entry, rules.peak = price + 1, price

    size, digits = rust.Quantity(10.0, sizes), instrument.price_precision
    ticks = [
        rust.QuoteTick(
            instrument.id, rust.Price(bid / 10, digits), rust.Price((bid + 1) / 10, digits), size, size,
            START_NS + number * STEP_NS, START_NS + number * STEP_NS,
        )
        for number, bid in enumerate(bids)
    ]  # fmt: skip
    settings = rust.BacktestEngineConfig(trader_id=rust.TraderId("T-001"), bypass_logging=True, run_analysis=False)
    engine = rust.BacktestEngine(settings)
    engine.add_venue(
        rust.Venue("BINANCE"), rust.OmsType.NETTING, rust.AccountType.MARGIN,
        [rust.Money(1_000_000, rust.Currency.from_str("USDT"))],
    )  # fmt: skip
    engine.add_instrument(instrument)
    engine.add_strategy(Trader(rust.StrategyConfig(strategy_id=rust.StrategyId("S-001"))))
    engine.add_data(ticks)
    began = time.process_time()
    engine.run()
    return rules, time.process_time() - began


if __name__ == "__main__":
    run = {"cython": cython, "rust": compiled}[sys.argv[2]]
    made, seconds = run(quotes(int(sys.argv[1])))
    print(json.dumps({"cpu_s": seconds, "ticks": made.n, "exits": made.exits}))
