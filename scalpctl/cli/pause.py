"""A pause in a command that looks more than once."""

from __future__ import annotations

from scalpctl.host.clock import WallClock


def pause_for(seconds: float) -> None:
    """Wait so long."""
    import asyncio

    asyncio.run(WallClock().sleep(seconds))
