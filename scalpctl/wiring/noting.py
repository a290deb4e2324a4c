"""Writes down what a person ordered of the ledger itself: through the running engine, or alone."""

from __future__ import annotations

from typing import Any

from scalpctl.control.client import ask
from scalpctl.control.protocol import Request
from scalpctl.core.instants import Instant
from scalpctl.core.records.sessions import OperatorCommanded
from scalpctl.core.resolving import resolution
from scalpctl.errors import EngineRefused
from scalpctl.host.hand_clock import HandClock
from scalpctl.host.ids import RandomIds
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import open_ledger
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ports.clock import Clock

ANSWER_WITHIN_S = 10.0


def note_command(folder: LedgerFolder, command: str, arguments: dict[str, Any], operator: str, wall: Clock) -> None:
    """Journal one order; a simulated ledger stays in its own time."""
    ids = RandomIds(wall)
    request = Request(id=ids.new_id(), command=command, arguments=arguments, operator=operator)
    answer = ask(folder.socket, request, seconds=ANSWER_WITHIN_S)
    if answer is not None:
        if not answer.ok:
            raise EngineRefused(answer.message, hint=answer.hint)
        return
    clock = _clock(folder, wall)
    writer = open_ledger(folder, clock, ids, purpose=command)
    try:
        writer.write(
            *(resolution(arguments, operator, clock.now()) if command == "resolve" else ()),
            OperatorCommanded(
                command_id=request.id, session_id=None, command=command, arguments=arguments, operator=operator,
                commanded_at=clock.now(), outcome="noted",
            ),
        )  # fmt: skip
    finally:
        writer.close()


def _clock(folder: LedgerFolder, wall: Clock) -> Clock:
    with LedgerReader(folder.ledger) as reader:
        (newest,) = reader.rows("SELECT max(ts_us) AS at FROM journal")
    return HandClock(Instant(newest["at"])) if folder.env == "sim" and newest["at"] else wall
