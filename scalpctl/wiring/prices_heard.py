"""What prices a session heard, from its tape: the path a post-mortem draws and judges exits by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path as FilePath

from scalpctl.analysis.session.after_exit import Path
from scalpctl.core.market import Ticker
from scalpctl.errors import ScalpctlError
from scalpctl.tape.recording import parts, played

EVERY_US = 1_000_000


def paths_of(folder: FilePath | None, tapes: Iterable[str | None], progress: Callable[[int], None]) -> dict[str, Path]:
    """Give one path per instrument, one price a second; a session whose tape is gone adds nothing."""
    paths: dict[str, Path] = {}
    for name in tapes:
        if folder is None or not name:
            continue
        try:
            for part in parts(folder / "tapes", name):
                _hear(part, paths, progress)
        except ScalpctlError:
            continue  # a tape that is not ours tells nothing
    return paths


def _hear(tape: FilePath, paths: dict[str, Path], progress: Callable[[int], None]) -> None:
    for number, (_at, event) in enumerate(played(tape)):
        if number % 50_000 == 0:
            progress(number)
        if type(event) is not Ticker:
            continue
        path = paths.setdefault(event.inst_id, Path([], []))
        if not path.times or event.exchange_at - path.times[-1] >= EVERY_US:
            path.times.append(event.exchange_at)
            path.prices.append(event.last)
