"""What is shown of a session while it runs: a picture on a terminal, lines in a pipe, records for a program."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from scalpctl.cli.render.beside import AtOnce, Beside, Lines, Writing
from scalpctl.cli.render.transitions import line_of, stamped
from scalpctl.host.clock import WallClock

if TYPE_CHECKING:
    from scalpctl.cli.invocation import Invocation
    from scalpctl.wiring.session import Session

DRAWN_EVERY_NS = 250_000_000
UNREAD = "whoever read what it shows went away"


@dataclass(frozen=True, slots=True)
class Watched:
    """What shows a session: it can be given a word of its own, and ended."""

    say: Callable[[str], None]
    end: Callable[[], None]


def watch(call: Invocation, session: Session) -> Watched:
    """Show what matters as it happens; where time is simulated it waits for the reader, and never elsewhere."""
    gone = _ends_when_nobody_reads(session)
    if call.output.form == "table" and not call.output.quiet and sys.stdout.isatty() and sys.stderr.isatty():
        return _picture(call, session, Beside(gone))
    writing: Writing = AtOnce(gone) if session.venue.stepped else Beside(gone)
    said = Lines(sys.stderr, writing, "({} lines were not read in time)".format)
    if call.output.form in {"json", "jsonl"}:
        _records(session, Lines(sys.stdout, writing, _missing))
    elif not call.output.quiet:
        _transitions(session, said)
    return Watched(said.add, writing.end)


def _ends_when_nobody_reads(session: Session) -> Callable[[], None]:
    """Give what ends a session in order, from whatever thread."""
    loop = asyncio.get_running_loop()

    def leave() -> None:
        if not session.stop.is_set():
            session.stop_reason = UNREAD
            session.stop.set()

    def gone() -> None:
        with contextlib.suppress(RuntimeError):  # the session, and its loop, ended meanwhile
            loop.call_soon_threadsafe(leave)

    return gone


def _missing(count: int) -> str:
    return json.dumps({"kind": "not_read_in_time", "count": count})


def _records(session: Session, lines: Lines) -> None:
    from scalpctl.ledger.canonical_json import spell

    def watcher(_event: Any, step: Any, at: Any) -> None:
        for record in step.records:
            lines.add(f'{{"kind":"{record.record_kind}","at":{at},"record":{spell(record)}}}')

    session.runner.watchers.append(watcher)


def _transitions(session: Session, lines: Lines) -> None:
    def watcher(_event: Any, step: Any, at: Any) -> None:
        for record in step.records:
            line = line_of(record)
            if line is not None:
                lines.add(stamped(at, line))

    session.runner.watchers.append(watcher)


def _picture(call: Invocation, session: Session, writing: Beside) -> Watched:
    """Draw how things stand, a few times a second of the wall clock, however fast simulated time runs."""
    from scalpctl.cli.render.dashboard import Dashboard
    from scalpctl.engine.commands import status

    clock, drawn = WallClock(), [0]
    dashboard = Dashboard(call.output.color, f"{session.session_id} {session.folder.name}")

    def watcher(_event: Any, step: Any, at: Any) -> None:
        for record in step.records:
            line = line_of(record)
            if line is not None:
                writing.do(partial(dashboard.note, stamped(at, line)))
        if writing.idle and clock.monotonic() - drawn[0] >= DRAWN_EVERY_NS:
            drawn[0] = clock.monotonic()
            writing.do(partial(dashboard.show, status(session.machine.context), session.venue.client.lines))

    def say(line: str) -> None:
        writing.do(partial(print, line, file=sys.stderr))

    def end() -> None:
        writing.do(dashboard.end)
        writing.end()

    writing.do(dashboard.begin)
    session.runner.watchers.append(watcher)
    return Watched(say, end)
