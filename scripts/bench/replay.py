"""A million quotes through indicators, exits, fills and the ledger; beside other engines on the same quotes and rules.

``python scripts/bench/replay.py [TICKS] [ROUNDS] [PYTHON]``: PYTHON is an interpreter that has NautilusTrader; without
one only our side runs. Interleaved rounds, medians of CPU seconds of the run itself, exits compared tick by tick.

Ours: RSI, MACD and ATR on every quote, the exit chain (margin, stop, emergency, trailing) exact and by its bands, fills
at the touch with the taker's fee, and every order, execution, position and posting as a row of a real ledger on disk.
Theirs: RSI and MACD, the same two rules in whole tenths in their strategy, their own account, cache, book, matching;
risk checks and logging bypassed, no ledger.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from random import Random
from statistics import median

from scalpctl.core.causes import Cause
from scalpctl.core.exits.catalogue import build
from scalpctl.core.exits.state import ChainState
from scalpctl.core.exits.view import GuardPrice, PositionFacts, PriceParameters, Quoted, View
from scalpctl.core.exits.watch import Watch
from scalpctl.core.indicators.atr import Atr
from scalpctl.core.indicators.fused import Fused
from scalpctl.core.indicators.macd import Macd
from scalpctl.core.indicators.rsi import Rsi
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.money import Contracts, exact, multiply, subtract
from scalpctl.core.parameters import Overrides, of_price
from scalpctl.core.records.base import Record
from scalpctl.core.records.money import LedgerAccount, Leg, Posted
from scalpctl.core.records.positions import PositionChanged, PositionClosed, PositionOpened
from scalpctl.core.records.sessions import SessionStarted
from scalpctl.core.records.trading import FillSeen, OrderChanged, OrderIntended
from scalpctl.core.sides import Side
from scalpctl.host.clock import WallClock
from scalpctl.host.ids import RandomIds
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import open_ledger
from scalpctl.ledger.verification.verify import verify
from scalpctl.ledger.writer import LedgerWriter

EVERY, STEP_US = 500, 50_000
START = Instant(1_795_162_530_000_000)
BTC = "BTC-USDT-SWAP"
INSTRUMENT = Instrument(BTC, Decimal("0.01"), Decimal(1), Decimal("0.1"), Decimal("0.01"), Decimal("0.01"))
SIZE, COINS, FEE = Contracts(Decimal(10)), Decimal("0.1"), Decimal("0.0005")
NOTHING, LEVERAGE = exact(Decimal(0)), Decimal(10)
ORDER = (Cause.MARGIN_SAFETY, Cause.STOP_LOSS, Cause.EMERGENCY, Cause.TRAILING_STOP)
RULES = {
    Cause.STOP_LOSS: Overrides({"loss_move": of_price("0.001")}),
    Cause.TRAILING_STOP: Overrides({
        "activation_move": of_price("0.001"), "breakeven_move": of_price("0.001"), "trail_ratio": Decimal("0.0008"),
        "trail_min_ratio": Decimal("0.0008"), "tighten_ratio": Decimal(0),
    }),
}  # fmt: skip
LIMITS = PriceParameters(guard=GuardPrice.EXIT)


class Book:
    """Writes what a trade is into the ledger: orders, executions, the position, the money."""

    def __init__(self, writer: LedgerWriter) -> None:
        """Write through ``writer``."""
        self._writer = writer
        self._number = 0

    def opened(self, price: Decimal, at: Instant) -> None:
        """Write an entry that filled at once."""
        self._number += 1
        name = f"P{self._number}"
        self._writer.append([
            *self._order(name, "entry", "buy", price, at),
            PositionOpened(
                position_id=name, session_id="S", inst_id=BTC, side="long", margin_mode="isolated", origin="engine",
                opened_at=at, parameter_set="bench",
            ),
            self._fill(name, "entry", "buy", price, at),
            PositionChanged(position_id=name, contracts=exact(SIZE), entry_price=exact(price)),
        ])  # fmt: skip

    def closed(self, entry: Decimal, price: Decimal, cause: Cause, opened_at: Instant, at: Instant) -> None:
        """Write a close that filled at once, and what the trade came to."""
        name = f"P{self._number}"
        gross = multiply(subtract(price, entry), COINS)
        fees = multiply(multiply(entry, COINS), FEE) + multiply(multiply(price, COINS), FEE)
        net = subtract(gross, fees)
        legs = (Leg(account=LedgerAccount.CASH, ccy="USDT", amount=exact(net)),
                Leg(account=LedgerAccount.PNL, ccy="USDT", amount=exact(-net)))  # fmt: skip
        self._writer.append([
            *self._order(name, "close", "sell", price, at),
            self._fill(name, "close", "sell", price, at),
            Posted(transaction_id=f"T{name}", reason="closed", legs=legs, position_id=name, inst_id=BTC,
                   source_kind="fill", source_id=name, bill_id=None, posted_at=at),
            PositionClosed(
                position_id=name, session_id="S", inst_id=BTC, side="long", cause=cause.value, closed_by="engine",
                evidence={}, pre_close={}, contracts=exact(SIZE), entry_price=exact(entry), exit_price=exact(price),
                gross=exact(gross), fees=exact(fees), funding=NOTHING, net=exact(net), maker_share=NOTHING, mae=None,
                mfe=None, leverage=exact(LEVERAGE), regime=None, held_us=at - opened_at, opened_at=opened_at,
                closed_at=at,
            ),
        ])  # fmt: skip

    def _order(self, name: str, role: str, action: str, price: Decimal, at: Instant) -> list[Record]:
        intended = OrderIntended(
            client_id=f"{name}{role}", session_id="S", position_id=None, decision_id=None, role=role, inst_id=BTC,
            inst_version=1, action=action, position_side=None, order_type="market", price=None, contracts=exact(SIZE),
            post_only=False, reduce_only=role == "close", margin_mode="isolated", decision_price=exact(price),
            intended_at=at, expires_at=at,
        )  # fmt: skip
        filled = OrderChanged(client_id=intended.client_id, state="filled", order_id=f"o{name}{role}", acked_at=at)
        return [intended, filled]

    def _fill(self, name: str, role: str, action: str, price: Decimal, at: Instant) -> FillSeen:
        fee = multiply(multiply(price, COINS), FEE)
        return FillSeen(
            inst_id=BTC, trade_id=f"{name}{role}", order_id=f"o{name}{role}", client_id=f"{name}{role}",
            position_id=name, action=action, position_side=None, price=exact(price), contracts=exact(SIZE),
            coins=exact(COINS), fee=exact(-fee), fee_ccy="USDT", liquidity="taker", exchange_pnl=NOTHING, sub_type="1",
            category="normal", bill_id=None, decision_price=exact(price), slippage=NOTHING, source="bench",
            filled_at=at, received_at=at,
        )  # fmt: skip


def played(bids: list[int], book: Book) -> list[int]:
    """Take every quote; gives the numbers of the ticks at which a position was closed."""
    chain = build(ORDER, RULES, BTC, "ranging").chain
    update, watch, exits = Fused(Rsi(14), Macd(), Atr(14)).update, Watch(LIMITS), list[int]()
    facts, state, needs = None, ChainState(), watch.needs
    at = START
    for number, tenths in enumerate(bids, 1):
        at = Instant(at + STEP_US)
        bid = tenths / 10
        middle = bid + 0.05
        update(middle, middle, middle)
        if facts is None:
            if number % EVERY == 0:
                price, now = Decimal(tenths + 1).scaleb(-1), at
                facts = PositionFacts(
                    INSTRUMENT, Side.LONG, SIZE, SIZE, price, Decimal(10), now, Decimal(0), Decimal(0)
                )
                state = ChainState(peak_price=Decimal(tenths).scaleb(-1))
                watch.clear()
                book.opened(price, now)
        elif needs(bid, bid, at, at):
            now = at
            quoted = Quoted(Decimal(tenths).scaleb(-1), "bid", now)
            decision = chain.evaluate(View(facts, now, LIMITS, exit_price=quoted, mark=None), state)
            state = decision.state
            watch.keep(decision.band)
            if decision.winner is not None:
                book.closed(facts.average_price, quoted.price, decision.winner.rule, facts.opened_at, now)
                exits.append(number)
                facts = None
    return exits


def ours(bids: list[int]) -> tuple[list[int], float]:
    """Play into a fresh ledger on disk and prove it afterwards, which is not timed."""
    with tempfile.TemporaryDirectory() as root:
        clock = WallClock()
        writer = open_ledger(LedgerFolder(Path(root), "sim", "bench"), clock, RandomIds(clock), purpose="bench")
        writer.write(SessionStarted(
            session_id="S", env="sim", account="bench", started_at=START, config_digest="", config="", code_version="0",
            code_digest="",
        ))  # fmt: skip
        began = time.process_time()
        exits = played(bids, Book(writer))
        writer.wait()
        spent = time.process_time() - began
        path = writer.folder.ledger
        writer.close()
        if not verify(path).ok:
            raise SystemExit("the ledger does not verify")
    return exits, spent


def theirs(python: str, ticks: int, engine: str) -> tuple[list[int], float]:
    """Run another engine in its own Python."""
    command = [python, "-W", "ignore", str(Path(__file__).with_name("replay_peer.py")), str(ticks), engine]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    said = json.loads(printed.splitlines()[-1])  # its engine may speak before
    return said["exits"], said["cpu_s"]


def quotes(python: str | None, ticks: int) -> list[int]:
    """Give the quotes the peers make for themselves, or others of the same kind."""
    if python is None:
        chance, price, bids = Random(7), 600_000.0, list[int]()
        for _ in range(ticks):
            price *= 1 + chance.gauss(0, 2e-5)
            bids.append(round(price))
        return bids
    script = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import json; "
    script += f"from replay_peer import quotes; print(json.dumps(quotes({ticks})))"
    found: list[int] = json.loads(
        subprocess.run([python, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True).stdout
    )
    return found


def main() -> None:
    """Interleave the rounds, compare the exits, print medians and ratios."""
    ticks = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    python = sys.argv[3] if len(sys.argv) > 3 else None
    bids = quotes(python, ticks)
    spent: dict[str, list[float]] = {}
    exits: dict[str, list[int]] = {}
    for _ in range(rounds):
        exits["scalpctl"], seconds = ours(bids)
        spent.setdefault("scalpctl", []).append(seconds)
        for engine in ("cython", "rust") if python is not None else ():
            exits[engine], seconds = theirs(python or "", ticks, engine)
            spent.setdefault(engine, []).append(seconds)
    base = median(spent["scalpctl"])
    for name, times in spent.items():
        same = "the same" if exits[name] == exits["scalpctl"] else "OTHER"
        middle = median(times)
        print(
            f"{name:10s} {middle / ticks * 1e6:6.2f} us per tick, {ticks / middle:9,.0f} ticks/s, "
            f"{len(exits[name])} exits, {same}; ours is {middle / base:.2f} x as fast"
        )


if __name__ == "__main__":
    main()
