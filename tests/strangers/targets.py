"""What strangers can write to us, byte by byte: each target takes any bytes and raises only what it should not."""

from __future__ import annotations

import asyncio
import csv
import importlib.util
import io
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from scalpctl.control.protocol import decode_answer, decode_request, encode
from scalpctl.core.exchange.outcomes import Accepted, Outcome
from scalpctl.core.exchange.requests import (
    AlgoKind,
    AmendAlgo,
    AmendOrder,
    CancelAlgo,
    CancelOrder,
    MarginMode,
    PlaceAlgo,
)
from scalpctl.core.exported_rows import ExportReader
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.sides import Action
from scalpctl.errors import ScalpctlError
from scalpctl.okx.market_reader import OkxMarketReader
from scalpctl.okx.stream.account_feed import AccountFeed
from scalpctl.okx.stream.market_feed import MarketFeed
from scalpctl.okx.transport import Response
from scalpctl.okx.wire.codec import decode
from scalpctl.okx.wire.operations import OperationReply
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
BTC_SWAP = Instrument(BTC, *map(Decimal, ("0.01", "1", "0.1", "0.01", "0.01")), fee_group="4")
IDS = ("sc0000000001", "sc0000000002", "sc0000000003")
"""The orders that writes are about; those about one are about the first."""
SINCE = Instant(1_795_000_000_000_000)
CORPUS = Path(__file__).parent / "corpus"
_READS: tuple[Callable[[Any], Any], ...] = (
    lambda desk: desk.reader.account(),
    lambda desk: desk.reader.balances(),
    lambda desk: desk.reader.positions(),
    lambda desk: desk.reader.order(BTC, "sc1"),
    lambda desk: desk.reader.leverages([BTC], MarginMode.ISOLATED),
    lambda desk: desk.reader.fees(BTC_SWAP),
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
    for read in (decode_request, decode_answer):
        with suppress(ScalpctlError):
            encode(read(data))


def span(data: bytes) -> None:
    """A span of time as a person types it."""
    with suppress(ScalpctlError):
        span_us(data.decode("utf-8", "replace"))


@dataclass(frozen=True)
class Write:
    """One kind of write, and of how many orders."""

    send: Callable[[Any], Any]
    asked: int = 1
    about: str = "order"
    """Orders and conditional orders have a code of their own in the answer; the account has not."""


_UNTIL = Instant(2_000_000_000_000_000)
WRITES: dict[str, Write] = {
    "place": Write(lambda trading: trading.place(_CLIENT.an_order(IDS[0]))),
    "amend": Write(lambda trading: trading.amend(AmendOrder(IDS[0], BTC, _UNTIL, price=Decimal(1)))),
    "cancel": Write(lambda trading: trading.cancel(CancelOrder(IDS[0], BTC))),
    "place_many": Write(lambda trading: trading.place_many([_CLIENT.an_order(one) for one in IDS]), len(IDS)),
    "amend_many": Write(
        lambda trading: trading.amend_many([AmendOrder(one, BTC, _UNTIL, price=Decimal(1)) for one in IDS]), len(IDS)
    ),
    "cancel_many": Write(lambda trading: trading.cancel_many([CancelOrder(one, BTC) for one in IDS]), len(IDS)),
    "place_algo": Write(
        lambda trading: trading.place_algo(
            PlaceAlgo(
                client_id=IDS[0], inst_id=BTC, kind=AlgoKind.STOP, action=Action.SELL, contracts=None,
                margin_mode=MarginMode.ISOLATED, close_fraction=Decimal(1), stop_trigger=Decimal(60_000),
            )
        ),
        about="algo",
    ),
    "amend_algo": Write(
        lambda trading: trading.amend_algo(AmendAlgo(client_id=IDS[0], inst_id=BTC, stop_trigger=Decimal(61_000))),
        about="algo",
    ),
    "cancel_algo": Write(lambda trading: trading.cancel_algo(CancelAlgo(IDS[0], BTC, "9002")), about="algo"),
    "set_leverage": Write(
        lambda trading: trading.set_leverage(BTC, Decimal(5), MarginMode.ISOLATED, None), about="account"
    ),
    "cancel_all_after": Write(lambda trading: trading.cancel_all_after(60), about="account"),
    "close_position": Write(
        lambda trading: trading.close_position(BTC, MarginMode.ISOLATED, None, IDS[0]), about="account"
    ),
}  # fmt: skip
"""Everything that is ever written to the exchange."""


def judged(name: str, body: bytes) -> tuple[Outcome, ...]:
    """Send a write that is answered with these bytes; what comes of it is a yes only where the answer says so."""
    write, desk = WRITES[name], a_desk(Response(200, body))
    said = _LOOP.run_until_complete(write.send(desk.trading))
    outcomes: tuple[Outcome, ...] = said if isinstance(said, tuple) else (said,)
    for client_id, outcome in zip(IDS, outcomes, strict=False):
        assert not isinstance(outcome, Accepted) or _says_yes(write, body, client_id), (name, body)
    return outcomes


def _says_yes(write: Write, body: bytes, client_id: str) -> bool:
    """Tell whether an answer says yes to one order: every row about it, or the only one there is, has the code 0."""
    answer = json.loads(body.decode("utf-8", "replace"))
    if write.about == "account":
        return answer["code"] == "0" or (answer["code"] == 0 and not isinstance(answer["code"], bool))
    rows = answer["data"]
    if write.about == "algo":
        return len(rows) == 1 and rows[0]["sCode"] == "0"
    mine = [row for row in rows if row.get("clOrdId") == client_id]
    blank = [row for row in rows if not row.get("clOrdId")] if len(rows) == write.asked else []
    return bool(mine or blank) and (all(row["sCode"] == "0" for row in mine) if mine else blank[0]["sCode"] == "0")


def written(data: bytes) -> None:
    """The answer to a write: the first byte chooses which; a yes without a code that says so is no yes."""
    names = sorted(WRITES)
    judged(names[(data[:1] or b"\0")[0] % len(names)], data[1:])
    with suppress(ScalpctlError):
        decode(OperationReply, data[1:])


def _nothing(*_arguments: object, **_named: object) -> None:
    return None


_LOOP = asyncio.new_event_loop()
TARGETS: dict[str, Callable[[bytes], None]] = {
    one.__name__: one for one in (frame, answer, written, config, export, control, span)
}
