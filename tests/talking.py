"""A machine of one connection, talked to frame by frame, with a clock that is turned by hand."""

from __future__ import annotations

import json
from typing import Any

from scalpctl.core.instants import Monotonic
from scalpctl.okx.credentials import Credentials
from scalpctl.okx.stream.machine import StreamMachine
from scalpctl.okx.stream.states import Phase
from scalpctl.okx.stream.supervisor import channels
from scalpctl.okx.wire.router import Pushed

INST = "BTC-USDT-SWAP"
PUBLIC = channels("tickers", "mark-price", inst_ids=(INST,))
PRIVATE = channels("orders", "positions", inst_type="SWAP")


class Out:
    """Keeps every effect."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.hung_up: list[str] = []
        self.pushes: list[Pushed] = []
        self.replies: list[Any] = []
        self.phases: list[Phase] = []
        self.refusals: list[Any] = []
        self.doubts = 0
        self.upgrades = 0
        self.notes: list[tuple[str, str]] = []

    def send(self, frame: bytes) -> None:
        self.sent.append("ping" if frame == b"ping" else json.loads(frame))

    def hang_up(self, why: str) -> None:
        self.hung_up.append(why)

    def pushed(self, push: Pushed) -> None:
        self.pushes.append(push)

    def replied(self, reply: Any) -> None:
        self.replies.append(reply)

    def moved(self, phase: Phase) -> None:
        self.phases.append(phase)

    def refused(self, why: Any) -> None:
        self.refusals.append(why)

    def clock_doubted(self) -> None:
        self.doubts += 1

    def upgrade_announced(self) -> None:
        self.upgrades += 1

    def noted(self, fact: Any, detail: str) -> None:
        self.notes.append((fact.value, detail))


def s(seconds: float) -> Monotonic:
    return Monotonic(round(seconds * 1_000_000_000))


class Talk:
    """A machine, its outlet and a clock."""

    def __init__(self, wanted: Any = PUBLIC, *, private: bool = False, given_up: Any = None) -> None:
        self.out = Out()
        box = Credentials("CANARYKEY", "CANARYSECRET", "CANARYPASS")
        login = (lambda: box.login(1_795_162_530_123_000)) if private else None
        self.machine = StreamMachine(self.out, wanted, login=login, given_up=given_up)
        self.at = 0.0

    def hear(self, frame: Any) -> None:
        raw = frame if isinstance(frame, bytes) else json.dumps(frame, separators=(",", ":")).encode()
        self.machine.heard(raw, s(self.at))

    def acknowledge(self) -> None:
        for frame in self.out.sent:
            if isinstance(frame, dict) and frame["op"] == "subscribe" and "id" in frame:
                self.hear({"id": frame["id"], "event": "subscribe", "arg": frame["args"][0], "connId": "a"})

    def until_ready(self) -> None:
        self.machine.opened(s(self.at))
        if self.machine.phase is Phase.CONNECTED:
            self.hear({"event": "login", "code": "0", "msg": "", "connId": "a"})
        self.acknowledge()
        if self.machine.phase is Phase.SUBSCRIBED:
            self.at += 5.1
            self.machine.tick(s(self.at))
        self.machine.resynced(s(self.at))
        assert self.machine.phase is Phase.READY

    def ticker(self, inst_id: str = INST, channel: str = "tickers") -> None:
        self.hear({"arg": {"channel": channel, "instId": inst_id}, "data": []})

    def pass_time(self, seconds: float, *, pong: bool = False, tickers: str = "") -> None:
        for _ in range(round(seconds * 2)):
            self.at += 0.5
            if pong:
                self.hear(b"pong")
            if tickers:
                self.ticker(channel=tickers)
            self.machine.tick(s(self.at))
