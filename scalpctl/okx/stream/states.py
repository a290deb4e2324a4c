"""The life of one connection as a table; everything about transitions lives here.

A line is usable for trade operations in READY only. SNAPSHOT means that the channels have said where things stand;
READY means that REST has been asked as well and what it said has been merged. A refused login is the end: nothing but a
person changes a key, and a loop of logins would get the address banned.
"""

from __future__ import annotations

from enum import StrEnum

from scalpctl.errors import InvariantBroken


class Phase(StrEnum):
    """How far a connection has come."""

    DOWN = "down"
    CONNECTED = "connected"
    LOGGED_IN = "logged_in"
    SUBSCRIBED = "subscribed"
    SNAPSHOT = "snapshot"
    READY = "ready"
    REFUSED = "refused"


class Happening(StrEnum):
    """What moves it on."""

    OPENED = "opened"
    LOGIN_ACCEPTED = "login accepted"
    LOGIN_NOT_NEEDED = "login not needed"
    LOGIN_REFUSED = "login refused"
    ALL_SUBSCRIBED = "all subscribed"
    SNAPSHOTS_COMPLETE = "snapshots complete"
    RESYNCED = "resynced"
    CHANNEL_LOST = "channel lost"
    KEY_REVOKED = "key revoked"
    LOST = "lost"


TRANSITIONS: dict[tuple[Phase, Happening], Phase] = {
    (Phase.DOWN, Happening.OPENED): Phase.CONNECTED,
    (Phase.CONNECTED, Happening.LOGIN_ACCEPTED): Phase.LOGGED_IN,
    (Phase.CONNECTED, Happening.LOGIN_NOT_NEEDED): Phase.LOGGED_IN,
    (Phase.CONNECTED, Happening.LOGIN_REFUSED): Phase.REFUSED,
    (Phase.LOGGED_IN, Happening.ALL_SUBSCRIBED): Phase.SUBSCRIBED,
    (Phase.SUBSCRIBED, Happening.SNAPSHOTS_COMPLETE): Phase.SNAPSHOT,
    (Phase.SNAPSHOT, Happening.RESYNCED): Phase.READY,
    (Phase.LOGGED_IN, Happening.CHANNEL_LOST): Phase.LOGGED_IN,
    (Phase.SUBSCRIBED, Happening.CHANNEL_LOST): Phase.LOGGED_IN,
    (Phase.SNAPSHOT, Happening.CHANNEL_LOST): Phase.LOGGED_IN,
    (Phase.READY, Happening.CHANNEL_LOST): Phase.LOGGED_IN,
    **{
        (phase, Happening.KEY_REVOKED): Phase.REFUSED
        for phase in (Phase.CONNECTED, Phase.LOGGED_IN, Phase.SUBSCRIBED, Phase.SNAPSHOT, Phase.READY)
    },
    **{
        (phase, Happening.LOST): Phase.DOWN
        for phase in (Phase.CONNECTED, Phase.LOGGED_IN, Phase.SUBSCRIBED, Phase.SNAPSHOT, Phase.READY)
    },
    (Phase.DOWN, Happening.LOST): Phase.DOWN,
    (Phase.REFUSED, Happening.LOST): Phase.REFUSED,
}


def advance(phase: Phase, happening: Happening) -> Phase:
    """Give the next phase; what the table does not list cannot happen."""
    following = TRANSITIONS.get((phase, happening))
    if following is None:
        raise InvariantBroken(f"a connection that is {phase} cannot become anything by {happening}")
    return following


def diagram() -> str:
    """Draw the table, for the documentation."""
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.DOWN}"]
    lines += [f"    {before} --> {following}: {what}" for (before, what), following in TRANSITIONS.items()]
    return "\n".join([*lines, f"    {Phase.REFUSED} --> [*]"])
