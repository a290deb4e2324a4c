"""What each command may be asked with: names, kinds and sizes; what does not fit is refused before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scalpctl.core.money import parse_decimal
from scalpctl.core.resolving import TARGETS
from scalpctl.errors import UsageError

TEXT_MAX = 1_000
LATEST_US = 4_102_444_800_000_000
"""The year 2100: what lies beyond is no instant of ours in microseconds."""
_TEXT, _FLAG, _SINCE = "text", "true or false", "microseconds since 1970"
KNOWN: dict[str, dict[str, str]] = {
    "status": {},
    "stop": {},
    "picture": {"since": _SINCE},
    "reread": {"since": _SINCE},
    "close": {"instrument": _TEXT, "all": _FLAG, "fraction": _TEXT},
    "pause": {"reason": _TEXT},
    "halt": {"reason": _TEXT, "flatten": _FLAG},
    "resume": {"reason": _TEXT, "limit": _TEXT},
    "waive": {"check": _TEXT, "until": _SINCE, "reason": _TEXT},
    "resolve": dict.fromkeys(("drift_id", "bill_id", "inst_id", "ccy", "amount", "to", "reason"), _TEXT),
}
_NEEDED = {"waive": ("check", "until", "reason"), "resolve": ("drift_id", "reason")}
_BOOKED = ("bill_id", "to")
"""What a resolution needs beside an amount."""


def require_fitting(command: str, arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that a command does not take; one that is not known here is somebody else's to refuse."""
    known = KNOWN.get(command)
    if known is None:
        return
    for name, value in arguments.items():
        if name not in known:
            raise UsageError(f"{command} takes no {name[:40]!r}", hint=f"it takes {', '.join(known) or 'nothing'}")
        if not _is(known[name], value):
            raise UsageError(f"{name} of {command} must be {known[name]}")
    amount = arguments.get("amount") if command == "resolve" else None
    for name in (*_NEEDED.get(command, ()), *(_BOOKED if amount else ())):
        if arguments.get(name) in {None, ""}:
            raise UsageError(f"{command} needs {name}")
    if amount:
        parse_decimal(amount)
        if arguments["to"] not in tuple(TARGETS):
            raise UsageError(f"money is not booked to {arguments['to'][:40]!r}", hint=f"one of {', '.join(TARGETS)}")


def _is(kind: str, value: Any) -> bool:
    if kind is _TEXT:
        return value is None or (isinstance(value, str) and len(value) <= TEXT_MAX)
    if kind is _FLAG:
        return isinstance(value, bool)
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LATEST_US
