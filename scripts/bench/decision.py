"""What one tick costs with an open position: skipped, folded, evaluated; beside a bare loop of the same arithmetic.

Run it as ``python scripts/bench/decision.py``. Rounds are interleaved, medians reported in CPU nanoseconds per tick;
absolute figures belong to one machine and one minute, the ratios are the point.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from decimal import Decimal

import msgspec

from scalpctl.core.exits.catalogue import DEFAULT_ORDER, build
from scalpctl.core.exits.chain import Decision
from scalpctl.core.exits.state import ChainState
from scalpctl.core.exits.view import GuardPrice, PositionFacts, PriceParameters, Quoted, View
from scalpctl.core.exits.watch import Watch
from scalpctl.core.indicators.atr import Atr
from scalpctl.core.indicators.candles import Folder
from scalpctl.core.indicators.fused import Fused
from scalpctl.core.indicators.macd import Macd
from scalpctl.core.indicators.rsi import Rsi
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.money import Contracts
from scalpctl.core.sides import Side
from scalpctl.okx.wire import quotes
from scalpctl.okx.wire.router import Pushed, Router, Rows

TICKS = 20_000
ROUNDS = 7
START = Instant(1_795_162_530_000_000)
CHAIN = build(DEFAULT_ORDER, {}, "BTC-USDT-SWAP", "ranging").chain
LIMITS = PriceParameters(guard=GuardPrice.EXIT)
INSTRUMENT = Instrument("BTC-USDT-SWAP", Decimal("0.01"), Decimal(1), Decimal("0.1"), Decimal("0.01"), Decimal("0.01"))
FACTS = PositionFacts(
    INSTRUMENT, Side.LONG, Contracts("1"), Contracts("1"), Decimal(60000), Decimal(10), START, Decimal("0.12"),
    Decimal("0.0005"),
)  # fmt: skip


def a_tape() -> list[tuple[float, str, int]]:
    """Make ticks 50 ms apart that wander by a tick or two around the entry price."""
    chance = random.Random(7)
    tenths, rows = 600_000, []
    for index in range(TICKS):
        tenths = min(600_400, max(598_500, tenths + chance.choice((-2, -1, -1, 0, 0, 1, 1, 2))))
        rows.append((tenths / 10, f"{tenths // 10}.{tenths % 10}", START + index * 50_000))
    return rows


TAPE = a_tape()
FRAMES = [
    b'{"arg":{"channel":"tickers","instId":"BTC-USDT-SWAP"},"data":[{"instType":"SWAP","instId":"BTC-USDT-SWAP",'
    b'"last":"60000.1","lastSz":"0.12","askPx":"60000.1","askSz":"12.3","bidPx":"%s","bidSz":"58.01",'
    b'"open24h":"59000.1","high24h":"61000","low24h":"58800.2","volCcy24h":"22345.1123","vol24h":"2234511.23",'
    b'"sodUtc0":"59500.5","sodUtc8":"59700.1","ts":"%d"}]}' % (text.encode(), at // 1_000)
    for _, text, at in TAPE
]
DECODED = "the bare typed decode of a ticker frame"
FROM_BYTES = "frame to decision: decode + route + ticker + whole tick"


class BareTicker(msgspec.Struct, rename="camel", gc=False):
    """What a decision needs of a ticker, as numbers."""

    inst_id: str
    last: float
    bid_px: float
    bid_sz: float
    ask_px: float
    ask_sz: float
    ts: int


def warm() -> Fused:
    """Give the fused indicators, warm."""
    fused = Fused(Rsi(14), Macd(), Atr(14))
    for price, _, _ in TAPE[:100]:
        fused.update(price, price, price)
    return fused


def bare() -> int:
    """Do the additions, multiplications and comparisons of indicators and a ten-limit chain, and nothing else."""
    last = gain = loss = fast = slow = signal = true_range = 0.0
    low, high, peak = 59000.0, 61000.0, 0.0
    a = b = c = d = e = f = 70000.0
    hits = 0
    for price, _, _ in TAPE:
        change = price - last
        last = price
        if change > 0.0:
            gain += (change - gain) * 0.07
            loss -= loss * 0.07
        else:
            gain -= gain * 0.07
            loss -= (change + loss) * 0.07
        fast += (price - fast) * 0.15
        slow += (price - slow) * 0.07
        signal += (fast - slow - signal) * 0.2
        true_range += (abs(change) - true_range) * 0.07
        peak = max(peak, price)
        if price < low or price > high or price > a or price > b or price > c or price > d or price > e or price > f:
            hits += 1
    return hits


def indicators() -> int:
    """Update RSI, MACD and ATR with every tick."""
    update = warm().update
    for price, _, _ in TAPE:
        update(price, price, price)
    return 0


def folding() -> int:
    """Fold every tick into a one-minute candle."""
    add = Folder("BTC-USDT-SWAP").add
    for price, _, at in TAPE:
        add(price, at)
    return 0


def skipped() -> int:
    """Ask only whether the tick can change anything, always inside the band."""
    watch = Watch(LIMITS)
    watch.keep(evaluate("60000.0", START, ChainState(peak_price=Decimal(60050))).band)
    needs, count = watch.needs, 0
    for price, _, at in TAPE:
        if needs(price, price, at, at):
            count += 1
    return count


def evaluate(text: str, at: int, state: ChainState) -> Decision:
    """Evaluate the whole chain exactly on one price."""
    quoted = Quoted(Decimal(text), "bid", Instant(at))
    return CHAIN.evaluate(View(FACTS, Instant(at), LIMITS, exit_price=quoted, mark=None), state)


def evaluated() -> int:
    """Evaluate the whole chain exactly on every tick."""
    state = ChainState()
    for _, text, at in TAPE:
        state = evaluate(text, at, state).state
    return TICKS


def whole() -> int:
    """Do what the engine does: indicators and folding on every tick, the chain where the band demands it."""
    watch, state, count = Watch(LIMITS), ChainState(), 0
    add, update, needs = Folder("BTC-USDT-SWAP").add, warm().update, watch.needs
    for price, text, at in TAPE:
        add(price, at)
        update(price, price, price)
        if needs(price, price, at, at):
            decision = evaluate(text, at, state)
            state = decision.state
            watch.keep(decision.band)
            count += 1
    return count


def decoded() -> int:
    """Read every frame into the fields a decision needs, and nothing else: the least a typed reader does."""
    read, seen = msgspec.json.Decoder(Rows[BareTicker], strict=False).decode, 0.0
    for frame in FRAMES:
        seen += read(frame).data[0].bid_px
    return 0


def from_bytes() -> int:
    """Do all of it: frame, route, ticker, indicators, candle, the chain where the band demands it."""
    watch, state, count = Watch(LIMITS), ChainState(), 0
    read, add, update, needs = Router().read, Folder("BTC-USDT-SWAP").add, warm().update, watch.needs
    for frame in FRAMES:
        said = read(frame)
        assert isinstance(said, Pushed)  # noqa: S101  only tickers are in these frames
        seen = quotes.ticker(said.rows[0])
        assert seen is not None  # noqa: S101  and all of them have prices
        price, at = seen.bid, seen.exchange_at
        add(price, at)
        update(price, price, price)
        if needs(price, price, at, at):
            decision = evaluate(seen.bid_text, at, state)
            state = decision.state
            watch.keep(decision.band)
            count += 1
    return count


PARTS: tuple[tuple[str, Callable[[], int]], ...] = (
    ("bare loop: the same additions and comparisons", bare),
    ("RSI + MACD + ATR, fused", indicators),
    ("folding into a candle", folding),
    ("chain of 11 rules, skipped inside its band", skipped),
    ("chain of 11 rules, evaluated exactly", evaluated),
    ("whole tick: fold + indicators + chain by band", whole),
    (DECODED, decoded),
    (FROM_BYTES, from_bytes),
)


def main() -> None:
    """Run all parts in turn, several times, and print medians."""
    spent: dict[str, list[float]] = {name: [] for name, _ in PARTS}
    asked: dict[str, int] = {}
    for _ in range(ROUNDS):
        for name, part in PARTS:
            began = time.process_time_ns()
            asked[name] = part()
            spent[name].append((time.process_time_ns() - began) / TICKS)
    base = statistics.median(spent[PARTS[0][0]])
    print(f"{'ns/tick':>9}  {'x bare':>7}  {'asked':>7}")
    for name, _ in PARTS:
        middle = statistics.median(spent[name])
        print(f"{middle:9.0f}  {middle / base:7.2f}  {asked[name]:7d}  {name}")
    read, all_of_it = (statistics.median(spent[name]) for name in (DECODED, FROM_BYTES))
    print(f"a frame to its decision is {all_of_it / 1_000:.2f} us, {all_of_it / read:.2f} x the bare typed decode")


if __name__ == "__main__":
    main()
