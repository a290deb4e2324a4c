"""Reads of public data over REST."""

from __future__ import annotations

from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.market import Candle, FundingRate, Maintenance, MarkPrice, PriceLimit, Ticker
from scalpctl.errors import AnswerMalformed
from scalpctl.okx.pages import every_page
from scalpctl.okx.rest import RestClient
from scalpctl.okx.wire import endpoints
from scalpctl.okx.wire import quotes as read
from scalpctl.okx.wire.market import (
    CandleRow,
    FundingHistoryRow,
    FundingRow,
    InstrumentRow,
    MarketQuery,
    MarkPriceRow,
    PriceLimitRow,
    StatusRow,
    TickerRow,
)

_SWAP = "SWAP"


class OkxMarketReader:
    """Reads what everybody may read."""

    def __init__(self, rest: RestClient) -> None:
        """Ask through ``rest``."""
        self._rest = rest

    async def server_time(self) -> Instant:
        """Give the exchange's own clock."""
        return await self._rest.server_time()

    async def instruments(self) -> tuple[Instrument, ...]:
        """Give every linear swap it lists."""
        rows = await self._rest.read(endpoints.INSTRUMENTS, InstrumentRow, MarketQuery(inst_type=_SWAP))
        known = tuple(spec for spec in map(read.instrument, rows) if spec is not None)
        if not known:
            raise AnswerMalformed("the exchange lists no instrument at all")
        return known

    async def candles(self, inst_id: str, bar: str, count: int) -> tuple[Candle, ...]:
        """Give the latest candles, oldest first; the last one may still be open."""
        limit = min(count, endpoints.CANDLES.page_limit)

        async def page(cursor: str) -> list[CandleRow]:
            ask = MarketQuery(inst_id=inst_id, bar=bar, after=cursor, limit=str(limit))
            got = await self._rest.read(endpoints.CANDLES, CandleRow, ask)
            taken.extend(got)
            return got

        taken: list[CandleRow] = []
        await every_page(page, lambda row: row[0], page_limit=limit, enough=lambda _row: len(taken) >= count)
        bars = (read.candle(row, inst_id, bar) for row in reversed(taken[:count]))
        return tuple(candle for candle in bars if candle is not None)

    async def tickers(self) -> tuple[Ticker, ...]:
        """Give the ticker of every swap that has one."""
        rows = await self._rest.read(endpoints.TICKERS, TickerRow, MarketQuery(inst_type=_SWAP))
        return tuple(quote for quote in map(read.ticker, rows) if quote is not None)

    async def mark_price(self, inst_id: str) -> MarkPrice | None:
        """Give the mark price; None while the exchange has none."""
        ask = MarketQuery(inst_type=_SWAP, inst_id=inst_id)
        rows = await self._rest.read(endpoints.MARK_PRICE, MarkPriceRow, ask)
        return next((read.mark_price(row) for row in rows if row.inst_id == inst_id), None)

    async def funding_rate(self, inst_id: str) -> FundingRate | None:
        """Give the running funding forecast."""
        rows = await self._rest.read(endpoints.FUNDING_RATE, FundingRow, MarketQuery(inst_id=inst_id))
        return next((read.funding_rate(row) for row in rows if row.inst_id == inst_id), None)

    async def funding_history(self, inst_id: str) -> tuple[FundingHistoryRow, ...]:
        """Give settled funding rates, newest first, as far back as the exchange keeps them."""
        limit = endpoints.FUNDING_HISTORY.page_limit

        async def page(cursor: str) -> list[FundingHistoryRow]:
            ask = MarketQuery(inst_id=inst_id, after=cursor, limit=str(limit))
            return await self._rest.read(endpoints.FUNDING_HISTORY, FundingHistoryRow, ask)

        return tuple(await every_page(page, lambda row: row.funding_time, page_limit=limit))

    async def price_limit(self, inst_id: str) -> PriceLimit | None:
        """Give the band orders must lie in."""
        rows = await self._rest.read(endpoints.PRICE_LIMIT, PriceLimitRow, MarketQuery(inst_id=inst_id))
        return next((read.price_limit(row) for row in rows if row.inst_id == inst_id), None)

    async def maintenance(self) -> tuple[Maintenance, ...]:
        """Give the maintenance that is announced or under way."""
        rows = await self._rest.read(endpoints.STATUS, StatusRow)
        return tuple(one for row in rows if (one := read.maintenance(row, demo=self._rest.demo)) is not None)
