"""What comparing a long history costs: ledger and exchange with so many executions and bills each, for growing sizes.

``python scripts/bench/reconcile.py [FILLS ...]``. Four hours of trading are repeated, each time later and under new
ids, in the exchange's books and, by import, in the ledger. Then `scalpctl reconcile --statement` runs on its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from copy import copy
from decimal import Decimal
from pathlib import Path

from scalpctl.core.exported_rows import Exported
from scalpctl.core.instants import Instant
from scalpctl.host.clock import WallClock
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.settings.loading import load
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving.host import replay
from scalpctl.simulator.serving.store import Store
from scalpctl.wiring.alone import history, run, venue_of
from scalpctl.wiring.importing import Import
from scalpctl.wiring.session import Listening

SIZES = (25_000, 50_000, 100_000)
FASTER = 4
"""How much faster the repetitions happen: archives end after 90 days."""
RUN = ("run", "--for", "4h", "--speed", "max", "--seed", "11", "--on-exit", "flatten", "-q")


def scalpctl(root: Path, *arguments: str) -> tuple[float, float, str]:
    """Run a command; gives seconds of CPU, the most memory in MiB, and what it printed."""
    command = [sys.executable, "-m", "scalpctl", "--root", str(root), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read() if process.stdout is not None else ""
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}:\n{out}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out


def repeated(folder: LedgerFolder, wanted: int) -> None:
    """Repeat what an exchange did until its books hold so many executions."""
    store = Store(folder.path)
    state, entries = store.load()
    exchange = Exchange(state)
    replay(exchange, entries)
    account = next(iter(state.accounts.values()))
    fills = list(account.fills)
    bills = [bill for bill in account.bills if bill.trade_id]
    begun, span = fills[0].at, (state.now - fills[0].at) // FASTER + 2_000_000
    ended = state.now + 1_000_000
    for copied in range(1, wanted // len(fills) + 1):
        later, ids = ended + (copied - 1) * span, copied * 1_000_000
        for fill in fills:
            one = copy(fill)
            one.at, one.bill_id = later + (fill.at - begun) // FASTER, str(int(fill.bill_id) + ids)
            one.trade_id, one.order_id = f"{fill.trade_id}{copied:05d}", str(int(fill.order_id) + ids)
            account.fills.append(one)
        for bill in bills:
            two = copy(bill)
            two.at, two.bill_id, two.order_id = (
                later + (bill.at - begun) // FASTER,
                str(int(bill.bill_id) + ids),
                str(int(bill.order_id) + ids),
            )
            two.trade_id = f"{bill.trade_id}{copied:05d}"
            account.bills.append(two)
        account.cash += sum((bill.change + bill.position_change for bill in bills), Decimal(0))
    state.now = ended + (wanted // len(fills)) * span
    store.save(state)
    store.close()


def imported(folder: LedgerFolder) -> int:
    """Take the repeated history into the ledger; gives how many positions it holds."""
    venue = venue_of(load(None, {}), folder, {}, WallClock(), Listening())
    fills, bills, instruments = run(venue, history(venue, Instant(0)))
    work = Import(folder, WallClock(), {one.inst_id: one for one in instruments})
    exported = Exported(list(fills), list(bills))
    chosen, result = work.plan(exported)
    work.write(chosen, exported, "a bench")
    return result.positions


def main() -> None:
    """Measure every size and print seconds, memory and seconds per hundred thousand rows."""
    for wanted in [int(text) for text in sys.argv[1:]] or SIZES:
        with tempfile.TemporaryDirectory(dir=Path.home()) as base:
            root = Path(base) / "root"
            scalpctl(root, *RUN)
            folder = LedgerFolder(root, "sim", "main")
            repeated(folder, wanted)
            begun = time.monotonic()
            positions = imported(folder)
            took = time.monotonic() - begun
            cpu, memory, _ = scalpctl(root, "reconcile", "--statement")
            each = 100_000 * cpu / wanted
            print(f"{wanted:>7,} executions and bills, {positions:,} positions: import {took:.1f} s, ", end="")
            print(f"reconcile {cpu:.2f} s of CPU ({each:.2f} s per 100,000), {memory:.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
