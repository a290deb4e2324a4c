"""Commands that nobody's terminal would send: refused in words, and the engine goes on as if nothing had been said."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import Any

from engine.conftest import Play, until
from strangers.shaping import request_line

from scalpctl.control.arguments import KNOWN
from scalpctl.control.protocol import Answer
from scalpctl.control.server import ControlServer
from scalpctl.wiring.session import ORDERS

LINES = 300
ANSWERED_WITHIN_S = 120


async def _answer(session: Any, server: ControlServer, line: bytes) -> Answer:
    """Hand a line to the door of a session as its socket does, and let time pass until it is answered."""
    asked = asyncio.ensure_future(server._answer(line))
    await until(session, asked.done, ANSWERED_WITHIN_S)
    return asked.result()


def _door(session: Any) -> ControlServer:
    handlers = {name: handler for name, handler in session._handlers().items() if name != "stop"}
    return ControlServer(session.folder.socket, handlers)


def test_every_command_says_what_it_takes() -> None:
    assert set(KNOWN) == {*ORDERS, "stop", "picture"}


def test_whatever_is_asked_through_the_door_is_answered_and_the_books_stay_whole(play: Play) -> None:
    answers: list[Answer] = []

    async def beside(session: Any) -> None:
        desks, chance, door = session.machine.context.desks, Random(1), _door(session)
        await until(session, lambda: any(desk.holding for desk in desks.values()))
        answers.extend([await _answer(session, door, request_line(chance)) for _ in range(LINES)])
        session.stop.set()

    play.world, play.seed = "chop", 5
    assert play.session(3.0, beside).orderly
    assert play.unheard == []
    assert len(answers) == LINES
    assert all(answer.ok or answer.message for answer in answers)
    assert {answer.ok for answer in answers} == {True, False}
    play.session(0.1)
    play.check()


def test_only_a_drift_that_is_open_is_resolved_and_only_as_it_was_looked_at(play: Play) -> None:
    said: dict[str, Answer] = {}

    async def beside(session: Any) -> None:
        door, exchange = _door(session), session.venue.host

        async def resolve(name: str, **arguments: Any) -> None:
            line = {"id": name, "command": "resolve", "arguments": {"reason": "a person looked"} | arguments}
            said[name] = await _answer(session, door, json.dumps(line).encode())

        exchange.command("adjust", {"amount": "-1.5"})
        await until(session, lambda: bool(session.machine.context.drifts_open))
        (drift_id,) = session.machine.context.drifts_open.values()
        await session.venue.clock.sleep(1)
        (bill,) = [one for one in exchange.exchange.state.accounts.popitem()[1].bills if one.type == "999"]
        whole = {"drift_id": drift_id, "bill_id": bill.bill_id, "ccy": "USDT", "amount": "-1.5", "to": "fee"}
        await resolve("unknown", **whole | {"drift_id": "drift-1"})
        await resolve("another amount", **whole | {"amount": "2"})
        await resolve("nowhere", **whole | {"to": "cash"})
        await resolve("as it is", **whole)
        await resolve("again", **whole)
        session.stop.set()

    play.session(0.5, beside)
    assert {name: answer.ok for name, answer in said.items()} == {
        "unknown": False, "another amount": False, "nowhere": False, "as it is": True, "again": False,
    }  # fmt: skip
    assert play.rows("SELECT 1 FROM drifts WHERE resolved_at IS NULL") == []
