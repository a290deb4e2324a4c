"""What one ticker frame costs from bytes to a value: our router and feed beside bare decoders, in one interleaved run.

Run it as ``python scripts/bench/okx_decode.py``. Medians of CPU nanoseconds per frame; the ratios are the point.
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import msgspec

from scalpctl.okx.stream.market_feed import MarketFeed
from scalpctl.okx.wire.market import LeanTicker
from scalpctl.okx.wire.router import Router, Rows
from scalpctl.ports.feeds import MarketValue

ROUNDS, FRAMES = 9, 20_000
FRAME = (
    b'{"arg":{"channel":"tickers","instId":"BTC-USDT-SWAP"},"data":[{"instType":"SWAP","instId":"BTC-USDT-SWAP",'
    b'"last":"64000","lastSz":"3.2","askPx":"64000.1","askSz":"540.1","bidPx":"64000","bidSz":"812.33",'
    b'"open24h":"63400","high24h":"64510","low24h":"63120","volCcy24h":"81230.4","vol24h":"8123040",'
    b'"sodUtc0":"63810","sodUtc8":"63655","ts":"1795162530456"}]}'
)


class Nowhere:
    """Takes values and does nothing."""

    def market(self, value: MarketValue) -> None:
        """Take one value."""


def picked(row: dict[str, Any]) -> tuple[str, float, float, float, int]:
    """Give what the generic decoders must convert to be of any use."""
    return row["instId"], float(row["last"]), float(row["bidPx"]), float(row["askPx"]), int(row["ts"])


def contestants() -> dict[str, Callable[[], object]]:
    """Give everybody who can run here."""
    router, feed = Router(), MarketFeed(Nowhere())
    bare = msgspec.json.Decoder(Rows[LeanTicker], strict=False)
    runners: dict[str, Callable[[], object]] = {
        "scalpctl: decode + route": lambda: router.read(FRAME),
        "scalpctl: decode + route + exact Ticker": lambda: feed.pushed(router.read(FRAME)),  # type: ignore[arg-type]
        "bare msgspec, same fields": lambda: bare.decode(FRAME),
        "json + float()": lambda: picked(json.loads(FRAME)["data"][0]),
    }
    if importlib.util.find_spec("orjson") is not None:
        import orjson

        runners["orjson + float()"] = lambda: picked(orjson.loads(FRAME)["data"][0])
    return runners


def main() -> None:
    """Interleave the rounds and print medians and ratios."""
    runners = contestants()
    costs: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(ROUNDS):
        for name, run in runners.items():
            begun = time.thread_time_ns()
            for _ in range(FRAMES):
                run()
            costs[name].append((time.thread_time_ns() - begun) / FRAMES)
    medians = {name: statistics.median(values) for name, values in costs.items()}
    for name, nanos in medians.items():
        beside = "  ".join(f"{nanos / other:5.2f} x {peer}" for peer, other in medians.items() if "+ float" in peer)
        print(f"{name:42s} {nanos:7.0f} ns   {beside}")


if __name__ == "__main__":
    main()
