"""Where the program begins: start-up makes thousands of objects and no garbage, so the collector waits."""

from __future__ import annotations

import gc

gc.disable()

from scalpctl.cli.app import main as _main  # noqa: E402  the collector must sleep before the imports begin
from scalpctl.host.guarded import guard_process  # noqa: E402  as above

COLLECT_AFTER = 50_000
"""New objects before the first collection: short commands never reach it, long ones lose nothing."""


def main() -> None:
    """Run the command line and end with its exit code."""
    guard_process()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 100)
    gc.enable()
    _main()
