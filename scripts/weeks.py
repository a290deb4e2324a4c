"""Simulated weeks with restarts and other hands, each proven and audited: nothing may be red or yellow, no one's fault.

``python scripts/weeks.py 20`` plays twenty whole weeks; ``--hours 24`` shorter ones; ``--from 7`` begins at a seed.
A line per week; ends with 1 when any audit found anything.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic
from typing import Any

WORLDS = ("range", "mixed", "trend", "chop", "squeeze")
PART_H = 12
HANDS = """
- {at: 1h, do: manual-close}
- {at: 3h, do: adl, fraction: "0.5"}
- {at: 5h, do: cancel-stop}
- {at: 7h, do: manual-add}
- {at: 9h, do: foreign-order, instrument: DOGE-USDT-SWAP, side: buy, contracts: "2"}
"""


def main() -> int:
    """Play and audit the weeks asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weeks", type=int, nargs="?", default=20)
    parser.add_argument("--hours", type=int, default=168)
    parser.add_argument("--from", type=int, default=1, dest="first")
    wanted = parser.parse_args()
    bad = 0
    for seed in range(wanted.first, wanted.first + wanted.weeks):
        began = monotonic()
        with tempfile.TemporaryDirectory() as root:
            found = week(Path(root), seed, wanted.hours)
        bad += bool(found["red"] or found["yellow"])
        shown = "; ".join(f"{one['id']} {one['findings'][0]['what']}" for one in found["checks"] if not one["ok"])
        took = monotonic() - began
        print(f"seed {seed}: {found['verdict']}, {found['trades']} trades, {took:.0f} s {shown}", flush=True)
    return 1 if bad else 0


def week(root: Path, seed: int, hours: int) -> dict[str, Any]:
    """Play one week in parts, a restart between them, and give its audit."""
    plan = root / "plan.yaml"
    plan.write_text(HANDS)
    world = WORLDS[seed % len(WORLDS)]
    for part in range(max(1, hours // PART_H)):
        lasting = min(hours, PART_H)
        new = ["--seed", str(seed), "--world", world] if part == 0 else []
        scalpctl(root, "run", "--for", f"{lasting}h", "--speed", "max", "-q", "--schedule", str(plan), *new)
    for proof in (("reconcile", "--statement"), ("ledger", "verify"), ("replay", "last", "--verify")):
        scalpctl(root, *proof)  # ends everything where the answer is no
    audit = json.loads(scalpctl(root, "audit", "--online", "--json"))
    trades = json.loads(scalpctl(root, "trades", "--json", "--limit", "100000"))
    found: dict[str, Any] = audit["data"] | {"trades": len(trades["data"])}
    return found


def scalpctl(root: Path, *arguments: str) -> str:
    """Give what a command printed."""
    command = [sys.executable, "-m", "scalpctl", *arguments, "--root", str(root / "ledgers")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and arguments[0] != "audit":  # an audit that found something is what is looked for
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
