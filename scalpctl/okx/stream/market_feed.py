"""The public lines as market values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scalpctl.errors import AnswerMalformed
from scalpctl.okx.stream.states import Phase
from scalpctl.okx.wire import quotes
from scalpctl.okx.wire.operations import ChannelArg, OperationReply
from scalpctl.okx.wire.router import Pushed
from scalpctl.ports.feeds import MarketSink, MarketValue

_Reading = Callable[[Any, ChannelArg], MarketValue | None]
_READINGS: dict[str, _Reading] = {
    "tickers": lambda row, _arg: quotes.ticker(row),
    "bbo-tbt": lambda row, arg: quotes.book(row, arg.inst_id),
    "books5": lambda row, arg: quotes.book(row, arg.inst_id),
    "trades": lambda row, _arg: quotes.trade(row),
    "trades-all": lambda row, _arg: quotes.trade(row),
    "mark-price": lambda row, _arg: quotes.mark_price(row),
    "funding-rate": lambda row, _arg: quotes.funding_rate(row),
    "instruments": lambda row, _arg: quotes.instrument(row),
    "price-limit": lambda row, _arg: quotes.price_limit(row),
}
_CANDLE = "candle"


class MarketFeed:
    """Lives on a public line; gives values to a sink."""

    def __init__(self, sink: MarketSink) -> None:
        """Give to ``sink``."""
        self._sink = sink
        self.ready = False
        self.malformed = 0

    def pushed(self, push: Pushed) -> None:
        """Take rows; one that cannot be read or says nothing is left out."""
        arg = push.arg
        reading = _READINGS.get(arg.channel)
        if reading is None and arg.channel.startswith(_CANDLE):
            reading = _candle
        if reading is None:
            return
        for row in push.rows:
            try:
                value = reading(row, arg)
            except AnswerMalformed:
                self.malformed += 1
                continue
            if value is not None:
                self._sink.market(value)

    def replied(self, reply: OperationReply) -> None:
        """Nothing is ever asked on a public line."""

    def moved(self, phase: Phase) -> None:
        """Remember whether the line is usable."""
        self.ready = phase is Phase.READY

    async def resync(self) -> None:
        """Every public channel begins with where it stands; there is nothing else to ask."""


def _candle(row: Any, arg: ChannelArg) -> MarketValue | None:
    return quotes.candle(row, arg.inst_id, arg.channel.removeprefix(_CANDLE))
