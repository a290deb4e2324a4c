"""The exchange on a port: real HTTP and real WebSockets around the same doors, on this machine only."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from scalpctl.okx.wire.channels import Path
from scalpctl.simulator.asking import require
from scalpctl.simulator.denied import Denied
from scalpctl.simulator.serving.host import Host

ADMIN = "/sim/fault"
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]
QUEUE_MAX = 10_000
_FORBIDDEN_CLOSES = (1005, 1006, 1015)


def app_of(host: Host) -> Starlette:
    """Give the application that serves a host."""

    async def rest(request: Request) -> Response:
        body = await request.body()
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        reply = await host.carry(request.method, target, request.headers, body)
        return Response(reply.body, reply.status, headers=reply.headers)

    async def admin(request: Request) -> Response:
        try:
            ask = msgspec.json.decode(await request.body(), type=dict[str, Any])
            arguments = {str(name): str(value) for name, value in (ask.get("arguments") or {}).items()}
            action = str(ask.get("action"))
            require(action, arguments)
            host.catch_up()
            done = host.command(action, arguments)
        except (Denied, msgspec.DecodeError) as no:
            return Response(msgspec.json.encode({"ok": False, "message": str(no)}), 400)
        return Response(msgspec.json.encode({"ok": bool(done), "done": done or "there is no position to do it to"}))

    async def socket(websocket: WebSocket) -> None:
        await _serve(host, websocket)

    routes: list[Any] = [WebSocketRoute(path.value, socket) for path in Path]
    return Starlette(
        routes=[*routes, Route(ADMIN, admin, methods=["POST"]), Route("/{path:path}", rest, methods=METHODS)]
    )


class _Outlet:
    """Queues a session's frames for the socket; who does not take them is disconnected."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | int] = asyncio.Queue(QUEUE_MAX)

    def send(self, frame: bytes) -> None:
        """Queue a frame."""
        try:
            self.queue.put_nowait(frame)
        except asyncio.QueueFull:
            self.close(4005)

    def close(self, code: int) -> None:
        """Queue the end."""
        if self.queue.full():
            self.queue.get_nowait()
        self.queue.put_nowait(code)


async def _serve(host: Host, websocket: WebSocket) -> None:
    await websocket.accept()
    outlet = _Outlet()
    session = host.open_session(websocket.url.path, outlet)
    sender = asyncio.ensure_future(_send(websocket, outlet))
    try:
        while not sender.done():
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                break
            data = message.get("bytes") or (message.get("text") or "").encode()
            host.catch_up()
            session.heard(data)
    except (WebSocketDisconnect, RuntimeError):
        pass  # the client went away in the middle of a word
    finally:
        host.close_session(session)
        sender.cancel()


async def _send(websocket: WebSocket, outlet: _Outlet) -> None:
    while True:
        item = await outlet.queue.get()
        if isinstance(item, int):
            await websocket.close(1001 if item in _FORBIDDEN_CLOSES else item)
            return
        await websocket.send_text(item.decode())
