"""The doors without sockets: requests and frames handed over in this process, in order, under any clock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from scalpctl.simulator.serving.host import Host
from scalpctl.simulator.serving.session import Session

LATENCY_S = 0.004
"""What an answer takes; without it nothing would ever be under way."""


class Asked(Protocol):
    """A request as a client makes it."""

    @property
    def method(self) -> str:
        """Give the method."""
        ...

    @property
    def target(self) -> str:
        """Give path and query as signed."""
        ...

    @property
    def body(self) -> bytes:
        """Give the body."""
        ...

    @property
    def headers(self) -> Any:
        """Give the headers."""
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as a client reads it."""

    status: int
    body: bytes = field(repr=False)
    retry_after_s: int = 0


class InProcessTransport:
    """Carries requests to a host in this process."""

    def __init__(self, host: Host) -> None:
        """Carry to this host."""
        self._host = host

    async def send(self, request: Asked) -> Given:
        """Carry one request there and its answer back."""
        host = self._host
        await host.clock.sleep(LATENCY_S / 2)
        reply = await host.carry(request.method, request.target, request.headers, request.body)
        await host.clock.sleep(LATENCY_S / 2)
        return Given(reply.status, reply.body, int(reply.headers.get("retry-after", "0")))

    async def close(self) -> None:
        """Nothing is open."""


class InProcessLine:
    """One connection without a socket."""

    def __init__(self, host: Host, sink: Any) -> None:
        """Connect a client to the host."""
        self._host = host
        self._sink = sink
        self._open = True
        self.session: Session | None = None
        self._loop = asyncio.get_running_loop()

    def send(self, frame: bytes) -> bool:
        """Take a frame of the client; it arrives a moment later."""
        if not self._open:
            return False
        self._loop.create_task(self._arrive(frame))
        return True

    async def _arrive(self, frame: bytes) -> None:
        await self._host.clock.sleep(LATENCY_S / 2)
        if self._open and self.session is not None:
            self._host.catch_up()
            self.session.heard(frame)

    def close(self) -> None:
        """Hang up, from the client's side."""
        self._end(1000)

    def _end(self, code: int) -> None:
        if not self._open:
            return
        self._open = False
        if self.session is not None:
            self._host.close_session(self.session)
        self._loop.call_soon(self._sink.closed, code, None)

    def deliver(self, frame: bytes) -> None:
        """Hand a frame to the client."""
        if self._open:
            self._sink.frame(frame)


class _ToClient:
    """Where a session's frames go: to the client, in order."""

    def __init__(self, line: InProcessLine) -> None:
        self._line = line

    def send(self, frame: bytes) -> None:
        """Hand a frame over."""
        self._line.deliver(frame)

    def close(self, code: int) -> None:
        """Close the connection from the exchange's side."""
        self._line._end(code)  # noqa: SLF001  both halves of one connection


class InProcessDialer:
    """Opens connections to a host in this process."""

    def __init__(self, host: Host) -> None:
        """Connect to this host."""
        self._host = host

    async def dial(self, url: str, sink: Any) -> InProcessLine:
        """Open one."""
        await self._host.clock.sleep(LATENCY_S)
        line = InProcessLine(self._host, sink)
        line.session = self._host.open_session(urlsplit(url).path, _ToClient(line))
        sink.opened(line)
        return line
