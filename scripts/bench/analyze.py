"""What a post-mortem costs: one session of a large ledger, and the whole of it, beside plain reads of the same rows.

``python scripts/bench/analyze.py [ROWS] [FOLDER]``. The third reference is what people did before: a text log of the
same size, each line searched for ten patterns. Interleaved rounds, medians of CPU seconds.
"""

from __future__ import annotations

import re
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time

from large_ledger import large_ledger
from startup import cpu_ms

from scalpctl.analysis.session.report import report
from scalpctl.analysis.session.scope import Scope, of_sessions, since
from scalpctl.core.instants import Instant
from scalpctl.ledger.reading import LedgerReader

ROUNDS = 3
READ = (
    "fills",
    "decisions",
    "orders",
    "closures",
    "positions",
    "entries",
    "partial_takes",
    "postings",
    "connection_events",
)
KEPT = "SELECT * FROM session_results WHERE session_id = ?"
_CLOSED = re.compile(r"\[PRE_CLOSE\] (\S+): .*cause=(\S+) side=(\S+) entry=([\d.]+) net=(-?[\d.]+) fees=(-?[\d.]+)")

_OTHERS = tuple(
    re.compile(text)
    for text in (
        r"^(\d{16}) \| (\w+)", r"order_intended: (.*)role", r"fill_seen: .*\"price\":\"([\d.]+)",
        r"margin_ratio\":\"([\d.]+)", r"partial_taken: .*net\":\"(-?[\d.]+)", r"drift_detected: .*kind",
        r"leverage_chosen: .*granted\":\"(\d+)", r"position_opened: .*side\":\"(\w+)", r"entry_made: .*strength",
    )
)  # fmt: skip


def main() -> None:
    """Measure and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp())
    path = large_ledger(rows, folder / f"large-{rows}.db")
    log = text_log(path, folder / f"large-{rows}.log")
    with LedgerReader(path) as reader:
        (last,) = reader.rows("SELECT session_id FROM sessions ORDER BY seq DESC LIMIT 1")
        one, everything = of_sessions(reader, (last["session_id"],)), since(reader, Instant(1))
        works: dict[str, Callable[[], object]] = {
            "one session's kept figures": lambda: reader.rows(KEPT, (last["session_id"],)),
            "one session": lambda: report(reader, one, {}),
            "its rows, read once": lambda: read(reader, one),
            "the whole ledger": lambda: report(reader, everything, {}),
            "all its rows, read once": lambda: read(reader, everything),
            "a log of the same size, by regular expressions": lambda: grep(log),
        }
        times: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(ROUNDS):
            for name, work in works.items():
                began = process_time()
                work()
                times[name].append(process_time() - began)
    shown = {name: median(taken) for name, taken in times.items()}
    for name, seconds in shown.items():
        print(f"{seconds:9.3f} s  {name}")
    print(f"one session {shown['one session'] / shown['its rows, read once']:.2f} x its plain read")
    print(f"the whole {shown['the whole ledger'] / shown['all its rows, read once']:.2f} x its plain read")
    by_grep = shown["a log of the same size, by regular expressions"]
    print(f"one session {by_grep / shown['one session']:.0f} x faster than the {log.stat().st_size / 1e6:.0f} MB log")
    kept = shown["one session's kept figures"]
    print(f"its kept figures {kept * 1_000:.2f} ms, {by_grep / kept:,.0f} x faster than the log")
    command = [sys.executable, "-m", "scalpctl", "--ledger", str(path), "analyze-session", "--brief"]
    typer, brief = ([cpu_ms(one) for _ in range(9)] for one in ([sys.executable, "-c", "import typer"], command))
    print(
        f"the whole command --brief {median(brief):.0f} ms of CPU, {median(brief) / median(typer):.2f} x import typer"
    )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def read(reader: LedgerReader, scope: Scope) -> None:
    """Read the rows a report looks at."""
    for table in READ:
        sql = f"SELECT * FROM {table} WHERE seq BETWEEN :first AND :last"
        for _row in reader.connection.execute(sql, scope.named()):
            pass


def text_log(path: Path, target: Path) -> Path:
    """Write the journal as the kind of log that used to be analysed."""
    if target.exists():
        return target
    with LedgerReader(path) as reader, target.open("w") as out:
        for ts, kind, body in reader.connection.execute("SELECT ts_us, kind, body FROM journal ORDER BY seq"):
            if kind == "position_closed":
                get = {
                    part.split(":")[0].strip('"'): part.split(":", 1)[1].strip('"')
                    for part in body.split(",")
                    if ":" in part
                }
                line = (
                    f"[PRE_CLOSE] {get.get('inst_id')}: decided to close cause={get.get('cause')} "
                    f"side={get.get('side')} "
                    f"entry={get.get('entry_price')} net={get.get('net')} fees={get.get('fees')}"
                )
            else:
                line = f"{kind}: {body[:150]}"
            out.write(f"{ts} | DEBUG    | engine.module.coordinator:handle:412 | {line}\n")
    return target


def grep(log: Path) -> dict[str, float]:
    """Add up closed positions by cause, the old way."""
    found: dict[str, float] = {}
    with log.open() as lines:
        for line in lines:
            for pattern in _OTHERS:
                if pattern.search(line):
                    found[pattern.pattern] = found.get(pattern.pattern, 0.0) + 1
            match = _CLOSED.search(line)
            if match:
                found[match[2]] = found.get(match[2], 0.0) + float(match[5])
    return found


if __name__ == "__main__":
    main()
