"""How long it takes after the trouble until nothing is left of it: both books agree, nothing is unknown or open."""

from __future__ import annotations

from typing import Any

from engine.conftest import Play

RESTS_WITHIN_S = 30
_UNKNOWN = "SELECT client_id FROM orders WHERE state IN ('intended', 'sent', 'unknown')"
_OPEN = "SELECT kind FROM drifts WHERE resolved_at IS NULL"


def unrest(play: Play, session: Any) -> str:
    """Give what is not at rest yet, or nothing."""
    context = session.machine.context
    if not (context.usable and context.recovered):
        return "it has not looked at the account yet"
    for row in play.rows(_UNKNOWN):
        return f"what became of {row['client_id']} is unknown"
    for row in play.rows(_OPEN):
        return f"a drift is open: {row['kind']}"
    try:
        play.compare(next(iter(session.venue.host.exchange.state.accounts.values())))
    except AssertionError as error:
        return f"the books differ: {str(error)[:200]}"
    return ""


async def seconds_until_rest(play: Play, session: Any, most_s: int) -> tuple[int, str]:
    """Wait until there is a second at which everything is at rest; gives how long it took, and what took longest."""
    what = last = ""
    for second in range(most_s):
        what = unrest(play, session)
        if not what:
            return second, last
        last = what
        await session.venue.clock.sleep(1)
    return most_s, what
