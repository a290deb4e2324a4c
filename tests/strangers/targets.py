"""What strangers can write to us, byte by byte: each target takes any bytes and raises only what it should not."""

from __future__ import annotations

import asyncio
import csv
import importlib.util
import io
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from scalpctl.control.protocol import decode_answer, decode_request, encode
from scalpctl.core.exchange.requests import MarginMode
from scalpctl.core.exported_rows import ExportReader
from scalpctl.core.instants import Instant
from scalpctl.errors import ScalpctlError
from scalpctl.okx.market_reader import OkxMarketReader
from scalpctl.okx.stream.account_feed import AccountFeed
from scalpctl.okx.stream.market_feed import MarketFeed
from scalpctl.okx.transport import Response
from scalpctl.settings.loading import recorded_problems
from scalpctl.settings.source import read_yaml
from scalpctl.simulator.schedule import span_us
from scalpctl.wiring.importing import _rows


def _beside(name: str) -> Any:
    """Load a helper of the client's tests; its folder has the name of somebody else's package."""
    spec = importlib.util.spec_from_file_location(f"client_{name}", Path(__file__).parents[1] / "okx" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_CLIENT, _STREAM = _beside("conftest"), _beside("test_stream_machine")
a_desk, PRIVATE, PUBLIC, Talk = _CLIENT.a_desk, _STREAM.PRIVATE, _STREAM.PUBLIC, _STREAM.Talk
BTC = "BTC-USDT-SWAP"
SINCE = Instant(1_795_000_000_000_000)
CORPUS = Path(__file__).parent / "corpus"
_READS: tuple[Callable[[Any], Any], ...] = (
    lambda desk: desk.reader.account(),
    lambda desk: desk.reader.balances(),
    lambda desk: desk.reader.positions(),
    lambda desk: desk.reader.order(BTC, "sc1"),
    lambda desk: desk.reader.leverages([BTC], MarginMode.ISOLATED),
    lambda desk: desk.reader.trade_fee("BTC-USDT"),
    lambda desk: desk.reader.algo(BTC, "sc1"),
    lambda desk: desk.reader.orders_pending(),
    lambda desk: desk.reader.fills_since(SINCE),
    lambda desk: desk.reader.bills_since(SINCE),
    lambda desk: desk.reader.positions_closed_since(SINCE),
    lambda desk: OkxMarketReader(desk.rest).instruments(),
    lambda desk: OkxMarketReader(desk.rest).candles(BTC, "1m", 10),
    lambda desk: OkxMarketReader(desk.rest).tickers(),
    lambda desk: OkxMarketReader(desk.rest).funding_rate(BTC),
    lambda desk: OkxMarketReader(desk.rest).maintenance(),
)


def frame(data: bytes) -> None:
    """A frame on a line: the first byte says on which one; the others are what came."""
    private = data[:1] == b"p"
    talk = Talk(PRIVATE if private else PUBLIC, private=private)
    talk.until_ready()
    talk.hear(data[1:])
    deaf = SimpleNamespace(market=_nothing, account=_nothing, usable=_nothing)
    reader = a_desk(Response(200, b"{}"))
    feed = AccountFeed(reader.reader, deaf, reader.clock) if private else MarketFeed(deaf)
    _LOOP.run_until_complete(_pushed(feed, talk.out.pushes))


async def _pushed(feed: Any, pushes: list[Any]) -> None:
    for push in pushes:
        feed.pushed(push)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:  # what it would ask for now is not the question
        task.cancel()


def answer(data: bytes) -> None:
    """The body of an answer: the first byte chooses who asked."""
    desk = a_desk(Response(200, data[1:]))
    read = _READS[(data[:1] or b"\0")[0] % len(_READS)]
    with suppress(ScalpctlError):
        _LOOP.run_until_complete(read(desk))


def config(data: bytes) -> None:
    """A configuration file."""
    text = data.decode("utf-8", "replace")
    with suppress(ScalpctlError):
        read_yaml("scalpctl.yaml", text)
    recorded_problems(text)


def export(data: bytes) -> None:
    """An export of the exchange, as a person may have edited it."""
    reader = ExportReader(None)
    text = data.decode("utf-8", "replace")
    with suppress(ScalpctlError, csv.Error):
        _rows(reader, Path("fills.csv"), csv.DictReader(io.StringIO(text, newline="")))


def control(data: bytes) -> None:
    """A line on the control socket, and one from an engine."""
    for decode in (decode_request, decode_answer):
        with suppress(ScalpctlError):
            encode(decode(data))


def span(data: bytes) -> None:
    """A span of time as a person types it."""
    with suppress(ScalpctlError):
        span_us(data.decode("utf-8", "replace"))


def _nothing(*_arguments: object, **_named: object) -> None:
    return None


_LOOP = asyncio.new_event_loop()
TARGETS: dict[str, Callable[[bytes], None]] = {
    one.__name__: one for one in (frame, answer, config, export, control, span)
}
