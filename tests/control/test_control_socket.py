"""The control socket: private, bounded, patient with repeats, and never a way to crash the engine."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from scalpctl.control.client import EngineSilent, ask
from scalpctl.control.protocol import LINE_BYTES_MAX, Answer, Request, decode_answer, decode_request, encode
from scalpctl.control.server import ControlServer
from scalpctl.errors import ConfigurationError, LeaseHeld, UsageError


class Engine:
    """Counts what it is told to do."""

    def __init__(self) -> None:
        self.closed: list[str] = []
        self.has_begun, self.may_finish = asyncio.Event(), asyncio.Event()

    async def close(self, request: Request) -> object:
        self.closed.append(request.arguments["instrument"])
        return {"closed": request.arguments["instrument"], "operator": request.operator}

    async def refuse(self, request: Request) -> object:
        raise LeaseHeld("busy", hint="wait")

    async def slow(self, request: Request) -> object:
        self.closed.append("slow")
        self.has_begun.set()
        await self.may_finish.wait()
        return "done"


@pytest_asyncio.fixture
async def engine() -> Engine:
    return Engine()


@pytest_asyncio.fixture
async def path(tmp_path: Path, engine: Engine) -> AsyncIterator[Path]:
    path = tmp_path / "control.sock"
    path.touch()  # what a killed engine leaves behind
    server = ControlServer(path, {"close": engine.close, "refuse": engine.refuse, "slow": engine.slow})
    await server.start()
    yield path
    await server.close()
    assert not path.exists()


async def told(
    path: Path, command: str, request_id: str = "1", seconds: float = 5, **arguments: object
) -> Answer | None:
    request = Request(id=request_id, command=command, arguments=arguments, operator="ann")
    return await asyncio.to_thread(ask, path, request, seconds=seconds)


async def test_a_command_is_carried_out_and_answered(path: Path, engine: Engine) -> None:
    answer = await told(path, "close", instrument="BTC-USDT-SWAP")
    assert answer == Answer(id="1", ok=True, result={"closed": "BTC-USDT-SWAP", "operator": "ann"})
    assert engine.closed == ["BTC-USDT-SWAP"]


async def test_a_repeated_command_is_carried_out_once(path: Path, engine: Engine) -> None:
    answers = await asyncio.gather(*(told(path, "close", instrument="BTC-USDT-SWAP") for _ in range(12)))
    assert engine.closed == ["BTC-USDT-SWAP"]
    assert len({encode(answer) for answer in answers if answer}) == 1


async def test_a_command_outlives_the_terminal_that_sent_it(path: Path, engine: Engine) -> None:
    with pytest.raises(EngineSilent, match="did not answer") as silent:
        await told(path, "slow", seconds=0.2)
    assert silent.value.exit_code == 75
    engine.may_finish.set()
    assert await told(path, "slow") == Answer(id="1", ok=True, result="done")
    assert engine.closed == ["slow"]


async def test_an_answer_may_be_as_long_as_a_ledger_and_is_not_kept(tmp_path: Path) -> None:
    rows = [f"row {number}" for number in range(200_000)]

    async def everything(_request: Request) -> object:
        return rows

    server = ControlServer(tmp_path / "control.sock", {"picture": everything}, ["picture"])
    await server.start()
    for request_id in ("1", "2"):
        answer = await told(tmp_path / "control.sock", "picture", request_id)
        assert answer is not None
        assert answer.result == rows
    assert server._answers == {}
    await server.close()


@pytest.mark.parametrize("readings", [(), ("slow",)])
async def test_whoever_waits_for_an_answer_when_the_engine_ends_is_told_and_keeps_it_from_nothing(
    tmp_path: Path, engine: Engine, readings: tuple[str, ...]
) -> None:
    server = ControlServer(tmp_path / "control.sock", {"slow": engine.slow}, readings)
    await server.start()
    waiting = asyncio.create_task(told(tmp_path / "control.sock", "slow", seconds=20))
    idle_reader, idle = await asyncio.open_unix_connection(tmp_path / "control.sock")
    await engine.has_begun.wait()
    async with asyncio.timeout(10):
        await server.close()
        answer = await waiting
    assert answer is not None
    assert (answer.ok, answer.exit_code) == (False, 75)
    assert "ended before this was done" in answer.message
    assert await idle_reader.read() == b""
    idle.close()


async def test_a_refusal_carries_its_exit_code_and_hint(path: Path) -> None:
    assert await told(path, "refuse") == Answer(id="1", ok=False, message="busy", hint="wait", exit_code=75)
    unknown = await told(path, "fly", "2")
    assert unknown is not None
    assert (unknown.exit_code, unknown.hint) == (64, "it knows close, refuse, slow")


async def test_an_id_is_not_answered_for_another_command(path: Path, engine: Engine) -> None:
    await told(path, "close", instrument="BTC-USDT-SWAP")
    other = await told(path, "close", instrument="ETH-USDT-SWAP")
    assert other is not None
    assert (other.ok, other.exit_code) == (False, 64)
    assert engine.closed == ["BTC-USDT-SWAP"]


async def test_no_engine_is_not_an_error(tmp_path: Path) -> None:
    assert await told(tmp_path / "none.sock", "close") is None


async def test_the_socket_is_private(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def raw(path: Path, data: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(data)
        received = b""
        try:
            while part := connection.recv(65_536):
                received += part
                if received.endswith(b"\n"):
                    break
        except ConnectionResetError:
            pass
        return received


@pytest.mark.parametrize(
    "line",
    [
        b"\n", b"{}\n", b"not json\n", b"[1]\n", b'{"id":"1"}\n', b'{"id":"1","command":"close","extra":1}\n',
        b'{"id":"","command":"close"}\n', b'{"id":"1","command":"close","version":2}\n', b"\xff\xfe\n",
        b'{"id":"1","command":"close","arguments":' + b"[" * 5_000 + b"]" * 5_000 + b"}\n",
        b'{"id":"' + b"x" * 65 + b'","command":"close"}\n',
    ],
    ids=range(11),
)  # fmt: skip
async def test_what_is_not_a_command_is_refused_and_the_engine_lives(path: Path, engine: Engine, line: bytes) -> None:
    answer = json.loads(await asyncio.to_thread(raw, path, line))
    assert not answer["ok"]
    assert answer["exit_code"] == 64
    assert engine.closed == []
    assert await told(path, "close", "2", instrument="X") is not None


async def test_a_command_that_never_ends_is_cut_off(path: Path) -> None:
    answer = json.loads(await asyncio.to_thread(raw, path, b"x" * (LINE_BYTES_MAX + 10) + b"\n"))
    assert answer["message"] == "the command is too long"


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader_of_commands(data: bytes) -> None:
    for decode in (decode_request, decode_answer):
        try:
            decode(data)
        except UsageError as error:
            assert error.message  # noqa: PT017  either a message or a refusal


async def test_a_path_too_long_for_a_socket_is_said_before_anything_starts(tmp_path: Path, engine: Engine) -> None:
    path = tmp_path / ("x" * 120) / "control.sock"
    with pytest.raises(ConfigurationError, match="too long"):
        await ControlServer(path, {}).start()
    assert await told(path, "close") is None
