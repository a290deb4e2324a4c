"""What goes wrong between an exchange and its clients: on command or seeded, then the same way every time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from scalpctl.simulator.denied import Denied

HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Odds:
    """How often each thing goes wrong, as shares of one; ``slow_s`` is the longest delay."""

    lost_request: float = 0.0
    lost_answer: float = 0.0
    slow: float = 0.0
    slow_s: float = 0.0
    server_error: float = 0.0
    undefined: float = 0.0
    busy: float = 0.0
    html: float = 0.0
    duplicate_frame: float = 0.0
    dropped_frame: float = 0.0
    late_frame: float = 0.0
    truncated: float = 0.0
    disconnect: float = 0.0


PRESETS: dict[str, Odds] = {
    "none": Odds(),
    "light": Odds(
        lost_request=0.002, lost_answer=0.004, slow=0.02, slow_s=1.5, server_error=0.003, undefined=0.002, busy=0.002,
        duplicate_frame=0.01, dropped_frame=0.001, disconnect=0.00001,
    ),
    "storm": Odds(
        lost_request=0.02, lost_answer=0.05, slow=0.15, slow_s=6.0, server_error=0.03, undefined=0.03, busy=0.02,
        html=0.01, duplicate_frame=0.05, dropped_frame=0.02, late_frame=0.05, truncated=0.01,
        disconnect=0.0002,
    ),
    "fog": Odds(lost_request=0.05, lost_answer=0.2, server_error=0.05, undefined=0.1, slow=0.15, slow_s=20.0),
}  # fmt: skip
"""From nothing to a bad day at the exchange; in fog nobody knows what has arrived and what was done."""


@dataclass(slots=True)
class Fate:
    """What happens to one request: whether it arrives, how late, and what the client gets to see."""

    arrives: bool = True
    delay_s: float = 0.0
    answer: str = ""
    """Empty: the real one. Otherwise lost, error, undefined, busy or html."""


@dataclass(slots=True)
class Faults:
    """The weather at one exchange."""

    random: Random
    odds: Odds = field(default_factory=Odds)
    muted: set[tuple[str, str]] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    """Paths, by how they begin, that answer nothing but errors."""
    outage_until: int = 0

    def fate(self, now: int, path: str) -> Fate:
        """Draw what happens to a request."""
        if now < self.outage_until or path.startswith(tuple(self.silent)):
            return Fate(arrives=False, answer="error")
        odds, draw = self.odds, self.random.random
        if odds is PRESETS["none"]:
            return Fate()
        fate = Fate()
        if draw() < odds.slow:
            fate.delay_s = draw() * odds.slow_s
        shares = (odds.lost_answer, odds.server_error, odds.undefined, odds.html, odds.truncated)
        for name, share in zip(("lost", "error", "undefined", "html", "truncated"), shares, strict=True):
            if draw() < share:
                fate.answer = name
                return fate
        if draw() < odds.lost_request:
            return Fate(arrives=False, delay_s=fate.delay_s, answer="lost")
        if draw() < odds.busy:
            return Fate(arrives=False, answer="busy")
        return fate

    def copies(self, channel: str, inst_id: str) -> int:
        """Draw how often a frame is delivered: usually once."""
        if self.muted and ((channel, inst_id) in self.muted or (channel, "") in self.muted):
            return 0
        odds = self.odds
        if odds is PRESETS["none"]:
            return 1
        if self.random.random() < odds.dropped_frame:
            return 0
        return 2 if self.random.random() < odds.duplicate_frame else 1

    def is_late(self) -> bool:
        """Draw whether a frame is held back, so that later ones overtake it."""
        return bool(self.odds.late_frame) and self.random.random() < self.odds.late_frame

    def loses(self, share: float) -> bool:
        """Draw whether an operation over a stream, or its answer, is lost; nobody is told."""
        return bool(share) and self.random.random() < share

    def delays(self) -> int:
        """Draw how many microseconds an operation over a stream is on its way; usually it is there at once."""
        if not self.odds.slow or self.random.random() >= self.odds.slow:
            return 0
        return int(self.random.random() * self.odds.slow_s * 1_000_000)

    def hangs_up(self) -> bool:
        """Draw whether a connection breaks now."""
        return bool(self.odds.disconnect) and self.random.random() < self.odds.disconnect

    def command(self, host: Any, action: str, arguments: dict[str, str]) -> str:
        """Change the weather."""
        act = WEATHER.get(action)
        if act is None:
            raise Denied("51000", f"{action} is not a fault; known: {', '.join(sorted(WEATHER))}")
        return str(act(self, host, arguments))


def _preset(faults: Faults, _host: Any, arguments: dict[str, str]) -> str:
    name = arguments.get("preset", "none")
    if name not in PRESETS:
        raise Denied("51000", f"{name} is not a preset; known: {', '.join(PRESETS)}")
    faults.odds = PRESETS[name]
    return f"faults are {name}"


def _mute(faults: Faults, _host: Any, arguments: dict[str, str]) -> str:
    key = (arguments.get("channel", "tickers"), arguments.get("instrument", ""))
    faults.muted.add(key)
    return f"{key[0]} {key[1]} is muted; pongs continue"


def _unmute(faults: Faults, _host: Any, _arguments: dict[str, str]) -> str:
    faults.muted.clear()
    return "every channel speaks again"


def _silence(faults: Faults, _host: Any, arguments: dict[str, str]) -> str:
    faults.silent.add(arguments.get("path", "/api/v5/trade/orders-history"))
    return f"only errors from {', '.join(sorted(faults.silent))}"


def _unsilence(faults: Faults, _host: Any, _arguments: dict[str, str]) -> str:
    faults.silent.clear()
    return "every path answers again"


def _outage(faults: Faults, host: Any, arguments: dict[str, str]) -> str:
    seconds = float(arguments.get("seconds", "30"))
    faults.outage_until = host.now + int(seconds * 1_000_000)
    for session in list(host.sessions):
        session.hang_up(1006)
    return f"down for {seconds:g} s"


def _skew(_faults: Faults, host: Any, arguments: dict[str, str]) -> str:
    host.rest.skew_us = int(float(arguments.get("seconds", "2")) * 1_000_000)
    return f"the exchange's clock is off by {arguments.get('seconds', '2')} s"


def _disconnect(_faults: Faults, host: Any, arguments: dict[str, str]) -> str:
    code = int(arguments.get("code", "4004"))
    sessions = list(host.sessions)
    for session in sessions:
        session.hang_up(code)
    return f"{len(sessions)} connections closed with {code}"


def _notice(_faults: Faults, host: Any, _arguments: dict[str, str]) -> str:
    text = "The connection will soon be closed for a service upgrade. Please reconnect."
    for session in list(host.sessions):
        session.notice("64008", text)
    return "an upgrade was announced"


def _odds(faults: Faults, _host: Any, arguments: dict[str, str]) -> str:
    known = {name: float(value) for name, value in arguments.items() if name in Odds.__dataclass_fields__}
    faults.odds = replace(faults.odds, **known)
    return f"odds: {known}"


def _oddity(_faults: Faults, host: Any, arguments: dict[str, str]) -> str:
    known = {name: value for name, value in arguments.items() if name in ODDITIES}
    host.exchange.state.switches.update(known)
    return f"switches: {known or 'none of ' + ', '.join(ODDITIES)}"


ODDITIES = (
    "blank_fields", "unknown_enums", "read_lag_ms", "client_ids", "funding_at", "cancels", "algos_fail", "band",
    "oversized",
)  # fmt: skip
"""Behaviours that are documented but unproven, or odd but seen: the exchange shows either.

``band`` is how far from the mark a price may be, as a ratio: 0.02 where nobody says otherwise.
"""


def _positions(_faults: Faults, host: Any, arguments: dict[str, str]) -> str:
    host.exchange.state.switches["positions"] = arguments.get("to", "empty")
    return f"position lists are {arguments.get('to', 'empty')}"


WEATHER = {
    "preset": _preset,
    "mute": _mute,
    "unmute": _unmute,
    "silence": _silence,
    "unsilence": _unsilence,
    "outage": _outage,
    "skew": _skew,
    "disconnect": _disconnect,
    "notice": _notice,
    "odds": _odds,
    "positions": _positions,
    "oddity": _oddity,
}
"""What can go wrong on command, by name."""
