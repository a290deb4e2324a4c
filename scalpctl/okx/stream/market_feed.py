"""The public lines as market values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scalpctl.errors import AnswerMalformed
from scalpctl.okx.stream.states import Phase
from scalpctl.okx.wire import quotes
from scalpctl.okx.wire.operations import OperationReply
from scalpctl.okx.wire.router import Pushed
from scalpctl.ports.feeds import MarketSink, MarketValue

_Reading = Callable[[Any, str], MarketValue | None]
_READINGS: dict[str, _Reading] = {
    "tickers": lambda row, _inst_id: quotes.ticker(row),
    "bbo-tbt": quotes.book,
    "books5": quotes.book,
    "trades": lambda row, _inst_id: quotes.trade(row),
    "trades-all": lambda row, _inst_id: quotes.trade(row),
    "mark-price": lambda row, _inst_id: quotes.mark_price(row),
    "funding-rate": lambda row, _inst_id: quotes.funding_rate(row),
    "instruments": lambda row, _inst_id: quotes.instrument(row),
    "price-limit": lambda row, _inst_id: quotes.price_limit(row),
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
        channel, inst_id = push.arg.channel, push.arg.inst_id
        reading = _READINGS.get(channel)
        if reading is None:
            if not channel.startswith(_CANDLE):
                return
            bar = channel.removeprefix(_CANDLE)
            reading = lambda row, inst_id: quotes.candle(row, inst_id, bar)  # noqa: E731  rare: a row a minute
        for row in push.rows:
            try:
                value = reading(row, inst_id)
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
