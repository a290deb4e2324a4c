"""A mock exchange on raw sockets, so that the client is what is measured: bursts, lone frames, orders.

Run by the other benchmarks as ``python scripts/bench/okx_mock.py PORT FRAMES``.
"""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import struct
import sys
import threading
import time

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455
_ID = re.compile(rb'"(?:id|clOrdId)":"([A-Za-z0-9]+)"')
_TICKER = (
    b'{"arg":{"channel":"tickers","instId":"BTC-USDT-SWAP"},"data":[{"instType":"SWAP","instId":"BTC-USDT-SWAP",'
    b'"last":"%d.%d","lastSz":"0.12","askPx":"60000.1","askSz":"%d","bidPx":"60000.0","bidSz":"58.01",'
    b'"open24h":"59000.1","high24h":"61000","low24h":"58800.2","volCcy24h":"22345.1123","vol24h":"2234511.23",'
    b'"sodUtc0":"59500.5","sodUtc8":"59700.1","ts":"%d"}]}'
)
_ACK = b'{"ordId":"1752810569801498000","clOrdId":"%s","tag":"","ts":"1795162530456","sCode":"0","sMsg":""}'


def ticker(number: int) -> bytes:
    """Give one ticker; its ask size is the instant it was made, so that the reader can tell how long it took."""
    return _TICKER % (60_000 + number % 7, number % 10, time.perf_counter_ns(), 1_795_162_530_000 + number)


def framed(payload: bytes, opcode: int = 0x81) -> bytes:
    """Give a server's frame."""
    size = len(payload)
    head = bytes([opcode, size]) if size < 126 else bytes([opcode, 126]) + struct.pack(">H", size)
    return head + payload


class Visitor:
    """One connection."""

    def __init__(self, connection: socket.socket, frames: int) -> None:
        """Serve this connection."""
        self._connection = connection
        self._frames = frames
        self._buffer = b""

    def serve(self) -> None:
        """Read the first request and do what its path asks for."""
        try:
            head = self._until(b"\r\n\r\n")
            if b"Upgrade: websocket" not in head:
                self._http(head)
                return
            key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
            accept = base64.b64encode(hashlib.sha1((key[1] if key else b"") + _GUID).digest())  # noqa: S324  RFC 6455
            self._connection.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
            self._talk(head.split(b" ")[1])
        except OSError:
            pass
        finally:
            self._connection.close()

    def _talk(self, path: bytes) -> None:
        while True:
            opcode, payload = self._frame()
            if opcode == 8:
                self._connection.sendall(framed(payload, 0x88))
                return
            if payload == b"ping":
                self._connection.sendall(framed(b"pong"))
            elif b'"subscribe"' in payload:
                name = _ID.search(payload)
                answer = b'{"id":"%s","event":"subscribe","connId":"a"}' % (name[1] if name else b"")
                self._connection.sendall(framed(answer))
            elif payload == b"go":
                self._blast() if path == b"/burst" else self._pace()
            elif b'"op":"order"' in payload:
                request, client_id = (match[1] for match in _ID.finditer(payload))
                rows = _ACK % client_id
                answer = b'{"id":"%s","op":"order","code":"0","msg":"","data":[%s]}' % (request, rows)
                self._connection.sendall(framed(answer))

    def _blast(self) -> None:
        blob = b"".join(framed(ticker(number)) for number in range(self._frames))
        self._connection.sendall(blob)

    def _pace(self) -> None:
        for number in range(self._frames):
            self._connection.sendall(framed(ticker(number)))
            time.sleep(0.000_1)

    def _http(self, head: bytes) -> None:
        while head:
            size = re.search(rb"(?i)content-length: *(\d+)", head)
            body = self._exactly(int(size[1]) if size else 0)
            name = _ID.search(body)
            answer = b'{"code":"0","msg":"","data":[%s]}' % (_ACK % (name[1] if name else b""))
            self._connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer)
                + answer
            )
            head = self._until(b"\r\n\r\n")

    def _frame(self) -> tuple[int, bytes]:
        first, second = self._exactly(2)
        size = second & 127
        if size == 126:
            (size,) = struct.unpack(">H", self._exactly(2))
        mask = self._exactly(4) if second & 128 else b"\0\0\0\0"
        payload = self._exactly(size)
        veil = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        return first & 15, (int.from_bytes(payload, "big") ^ veil).to_bytes(size, "big")

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self._more()
        head, self._buffer = self._buffer.split(mark, 1)
        return head

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        part, self._buffer = self._buffer[:size], self._buffer[size:]
        return part

    def _more(self) -> None:
        data = self._connection.recv(65_536)
        if not data:
            raise OSError("gone")
        self._buffer += data


def main() -> None:
    """Serve until killed."""
    port, frames = int(sys.argv[1]), int(sys.argv[2])
    with socket.create_server(("127.0.0.1", port)) as server:
        print("ready", flush=True)
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Visitor(connection, frames).serve, daemon=True).start()


if __name__ == "__main__":
    main()
