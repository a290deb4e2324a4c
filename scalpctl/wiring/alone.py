"""Commands with no engine alive: the same code under the same lease, for as long as the command takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from scalpctl.core.instants import Instant
from scalpctl.engine import events
from scalpctl.engine.effects import Reply
from scalpctl.errors import ConfigurationError, EngineRefused
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ports.clock import Clock
from scalpctl.settings.loading import Loaded
from scalpctl.settings.secrets import find_key
from scalpctl.wiring.picture import picture
from scalpctl.wiring.session import Listening, Session, Wanted
from scalpctl.wiring.venues import SimOptions, Venue, embedded, outside_world

READY_WITHIN_S = 60
Progress = Callable[[int], None] | None


def venue_of(loaded: Loaded, folder: LedgerFolder, environ: dict[str, str], wall: Clock, listening: Listening) -> Venue:
    """Give the configured exchange; the embedded one runs as fast as it can, because nobody watches."""
    require_same(loaded, folder)
    if loaded.settings.env in {"sim", "paper"}:
        return embedded(folder.path, SimOptions(speed="max"), wall, listening)
    return outside_world(loaded, find_key(loaded.credentials, environ), wall, listening)


def require_same(loaded: Loaded, folder: LedgerFolder) -> None:
    """Refuse to let one account's session write into another one's ledger."""
    if (loaded.settings.env, loaded.settings.account) != (folder.env, folder.account):
        configured = f"{loaded.settings.env}-{loaded.settings.account}"
        raise ConfigurationError(
            f"the ledger is one of {folder.name}, and {configured} is configured", hint="give --env and --account"
        )


async def carry_out(session: Session, command: events.Ordered, settle_s: float = 0.0) -> dict[str, Any]:
    """Run a session without entries until one command has been carried out, and give its answer."""
    replies: list[Reply] = []

    async def ordered() -> None:
        context = session.machine.context
        for _ in range(READY_WITHIN_S * 4):
            if context.recovered and context.usable:
                break
            await session.venue.clock.sleep(0.25)
        replies.append(await session.runner.order(command))
        if settle_s:
            await session.venue.clock.sleep(settle_s)
        session.stop_reason = f"{command.command} was {'carried out' if replies[0].ok else 'refused'}"
        session.stop.set()  # in order, also after a refusal: nothing has crashed

    session.also = ordered
    await session.run(Wanted(entries=False))
    if not replies or not replies[0].ok:
        raise EngineRefused((replies[0].message if replies else "") or "it was refused")
    return dict(replies[0].result)


def run(venue: Venue, work: Any) -> Any:
    """Run a coroutine under the clock of a venue."""

    async def whole() -> Any:
        task = asyncio.ensure_future(work)
        return await (venue.hand.run_until(task) if venue.hand is not None else task)

    return asyncio.run(whole())


async def looked_at(venue: Venue, since: Instant, progress: Progress = None) -> dict[str, Any]:
    """Give what the exchange itself says about the account; a long history tells how many rows have come."""
    venue.client.rest.progress = progress
    hosting = [asyncio.ensure_future(one()) for one in venue.background]
    try:
        await venue.client.rest.synchronise()
        return await picture(venue.client, since)
    finally:
        for task in hosting:
            task.cancel()


async def history(venue: Venue, since: Instant, progress: Progress = None) -> tuple[Any, Any, Any]:
    """Give executions, bills and specifications as the exchange's archives have them."""
    venue.client.rest.progress = progress
    hosting = [asyncio.ensure_future(one()) for one in venue.background]
    try:
        await venue.client.rest.synchronise()
        reader = venue.client.account
        fills, bills = await reader.fills_since(since), await reader.bills_since(since)
        return fills, bills, await venue.client.market.instruments()
    finally:
        for task in hosting:
            task.cancel()
