"""Writes down what a person ordered of the ledger itself: through the running engine, or alone."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from scalpctl.control.client import ask
from scalpctl.control.protocol import Request
from scalpctl.core.instants import Instant
from scalpctl.core.records.sessions import OperatorCommanded
from scalpctl.core.resolving import resolution
from scalpctl.errors import EngineRefused, UsageError
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


def open_drift(reader: LedgerReader, drift_id: str) -> dict[str, Any]:
    """Give what resolving a drift by hand needs to know of it, or refuse what is none, or is resolved already."""
    rows = reader.rows(_OPEN, (drift_id,))
    if not rows:
        known = reader.rows("SELECT drift_id FROM drifts WHERE resolved_at IS NULL LIMIT 5")
        names = ", ".join(row["drift_id"] for row in known)
        raise UsageError(f"{drift_id[:60]!r} is no open drift", hint=f"open: {names or 'none'}")
    suspended = Decimal(rows[0].pop("suspended") or "0")
    return rows[0] | {"amount": format(-suspended, "f") if suspended else ""}


def require_open(reader: LedgerReader, arguments: Mapping[str, Any]) -> None:
    """Refuse to resolve a drift that is not open, or not the one that was looked at."""
    for name, value in open_drift(reader, arguments["drift_id"]).items():
        if (arguments.get(name) or "") != (value or ""):
            raise UsageError(f"{name} of {arguments['drift_id']} is {value or 'nothing'}", hint="look at it again")


_OPEN = (
    "SELECT d.drift_id, d.inst_id, json_extract(d.theirs, '$.bill_id') AS bill_id, (SELECT b.ccy FROM bills b WHERE "
    "b.bill_id = json_extract(d.theirs, '$.bill_id')) AS ccy, (SELECT dsum(p.amount) FROM postings p WHERE p.bill_id = "
    "json_extract(d.theirs, '$.bill_id') AND p.account = 'suspense') AS suspended FROM drifts d WHERE d.drift_id = ? "
    "AND d.resolved_at IS NULL"
)


def _clock(folder: LedgerFolder, wall: Clock) -> Clock:
    with LedgerReader(folder.ledger) as reader:
        (newest,) = reader.rows("SELECT max(ts_us) AS at FROM journal")
    return HandClock(Instant(newest["at"])) if folder.env == "sim" and newest["at"] else wall
