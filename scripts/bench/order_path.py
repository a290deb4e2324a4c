"""From a frame received to an order's bytes handed to the line: whole and in its parts, beside a bare loop.

``python scripts/bench/order_path.py [SECONDS OF TRADING]``. The engine trades on the embedded exchange as fast as it
can, its ledger on a real disk, every intent committed before it leaves. The bare loop decodes the same frame, commits
one row of the same length and encodes the same order. Wall-clock microseconds; the bare loop runs before and after.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter_ns
from typing import Any

import msgspec

from scalpctl.host.clock import WallClock
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import prepare_folder
from scalpctl.settings.loading import load
from scalpctl.simulator.serving import in_process
from scalpctl.wiring.session import Listening, Session, Wanted
from scalpctl.wiring.venues import SimOptions, embedded

ORDER = b'"op":"order"'
BARE = 400
PARTS = ("decode", "machine", "commit", "send")


class Watch:
    """The instants of the order that is on its way, and the parts of those that have left."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.frame = self.begun = self.decided = self.durable = 0
        self.parts: list[tuple[int, ...]] = []
        self.sample = b""

    def sent(self, now: int) -> None:
        """Take the parts of the order that has just been handed over."""
        if self.decided and self.durable > self.decided:
            marks = (self.frame, self.begun, self.decided, self.durable, now)
            self.parts.append(tuple(later - earlier for earlier, later in pairwise(marks)))
        self.decided = 0


WATCH = Watch()


class TimedLine(in_process.InProcessLine):
    """A line that looks at the clock."""

    def deliver(self, frame: bytes) -> None:
        """Note when a frame comes, and hand it over."""
        if not WATCH.decided:
            WATCH.frame = perf_counter_ns()
            WATCH.sample = frame if b"tickers" in frame[:60] else WATCH.sample
        super().deliver(frame)

    def send(self, frame: bytes) -> bool:
        """Hand a frame over, and note when an order has left."""
        taken = super().send(frame)
        if ORDER in frame:
            WATCH.sent(perf_counter_ns())
        return taken


def timed(session: Session) -> None:
    """Put a watch around the machine and the ledger."""
    runner = session.runner
    handle, wait = runner._handle, runner.ledger.wait  # noqa: SLF001  a watch stands in between

    def handled(event: Any, at: Any) -> Any:
        begun = perf_counter_ns()
        step = handle(event, at)
        if any(record.record_kind == "order_intended" for record in step.records):
            WATCH.begun, WATCH.decided = begun, perf_counter_ns()
        return step

    def waited(ticket: int | None = None) -> None:
        wait(ticket)
        if WATCH.decided and WATCH.durable < WATCH.decided:
            WATCH.durable = perf_counter_ns()

    runner._handle = handled  # noqa: SLF001  as above
    setattr(runner.ledger, "wait", waited)  # noqa: B010  as above


def trade(folder: LedgerFolder, seconds: float, seed: int) -> None:
    """Let the engine trade."""
    prepare_folder(folder)

    async def whole() -> None:
        listening = Listening()
        venue = embedded(folder.path, SimOptions(world="chop", seed=seed, speed="max"), WallClock(), listening)
        session = Session(load(None, {}), folder, venue, listening)
        timed(session)
        running = asyncio.ensure_future(session.run(Wanted(for_s=seconds)))
        await (venue.hand.run_until(running) if venue.hand is not None else running)

    asyncio.run(whole())


def bare(folder: Path) -> list[int]:
    """Decode, commit, encode: what nobody can do without."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS t (seq INTEGER PRIMARY KEY, body TEXT)")
    order = {"id": "1", "op": "order", "args": [{"instId": "BTC-USDT-SWAP", "side": "buy", "sz": "1", "px": "60000"}]}
    taken = []
    for _ in range(BARE):
        begun = perf_counter_ns()
        msgspec.json.decode(WATCH.sample)
        connection.execute("INSERT INTO t (body) VALUES (?)", ("x" * 700,))
        msgspec.json.encode(order)
        taken.append(perf_counter_ns() - begun)
    connection.close()
    return taken


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 14_400
    in_process.InProcessLine = TimedLine  # type: ignore[misc]
    with tempfile.TemporaryDirectory(dir=Path.home()) as base:
        trade(LedgerFolder(Path(base) / "first", "sim", "main"), 60, 5)
        reference = bare(Path(base))
        for seed in (5, 6):
            trade(LedgerFolder(Path(base) / str(seed), "sim", "main"), seconds / 2, seed)
        reference += bare(Path(base))
    whole = [sum(parts) for parts in WATCH.parts]
    p50, p99 = median(whole) / 1_000, quantiles(whole, n=100)[98] / 1_000
    base50, base99 = median(reference) / 1_000, quantiles(reference, n=100)[98] / 1_000
    print(f"{len(whole)} orders: p50 {p50:.0f} us, p99 {p99:.0f} us; bare p50 {base50:.0f} us, p99 {base99:.0f} us")
    print(f"ratio {p50 / base50:.2f} x at p50, {p99 / base99:.2f} x at p99")
    for number, name in enumerate(PARTS):
        print(f"   {name:<8} p50 {median(parts[number] for parts in WATCH.parts) / 1_000:.0f} us")


if __name__ == "__main__":
    main()
