"""Where each region's exchange lives, for real money and for demo."""

from __future__ import annotations

from dataclasses import dataclass

LOOPBACK = ("127.0.0.1", "localhost", "::1", "sim")
DEMO_HEADER = "x-simulated-trading"


@dataclass(frozen=True, slots=True)
class Hosts:
    """The addresses one client talks to; ``demo`` adds the header that says so."""

    region: str
    demo: bool
    rest: str
    stream: str


_REST = {
    "global": "https://openapi.okx.com",
    "eea": "https://eea.okx.com",
    "us": "https://us.okx.com",
}
_STREAM = {
    ("global", False): "wss://ws.okx.com:8443",
    ("global", True): "wss://wspap.okx.com:8443",
    ("eea", False): "wss://wseea.okx.com:8443",
    ("eea", True): "wss://wseeapap.okx.com:8443",
    ("us", False): "wss://wsus.okx.com:8443",
    ("us", True): "wss://wsuspap.okx.com:8443",
}
REGIONS = tuple(_REST)
DEMO_STREAM_MARK = "pap."
"""Only demo stream hosts carry it: wspap, wseeapap, wsuspap."""


STREAM_PATH = "/ws/v5"


def hosts_of(region: str, *, demo: bool, rest: str | None = None, stream: str | None = None) -> Hosts:
    """Give the hosts of a region, or those named instead; an unknown region is a KeyError, the settings checked it."""
    stream = (stream or _STREAM[region, demo]).rstrip("/").removesuffix(STREAM_PATH)
    return Hosts(region, demo, (rest or _REST[region]).rstrip("/"), stream)
