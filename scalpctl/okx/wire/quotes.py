"""Public rows as market values; a row without a usable price is no information and gives None."""

from __future__ import annotations

from math import inf

from scalpctl.core.instants import MICROS_PER_MILLI, Instant
from scalpctl.core.instruments import INST_ID, Instrument
from scalpctl.core.market import Book, BookLevel, Candle, FundingRate, Maintenance, MarkPrice, PriceLimit, Ticker, Trade
from scalpctl.core.sides import Action
from scalpctl.errors import AnswerMalformed, NotCanonical
from scalpctl.okx.wire.base import is_true
from scalpctl.okx.wire.market import (
    BookRow,
    CandleRow,
    FundingRow,
    InstrumentRow,
    LeanBook,
    LeanLevel,
    LeanTicker,
    Level,
    MarkPriceRow,
    PriceLimitRow,
    StatusRow,
    TickerRow,
    TradeRow,
)
from scalpctl.okx.wire.texts import decimal, instant, instant_or_none, needed, plain

_MILLIS_MIN = 10**12
_MILLIS_MAX = 10**13
_OVER = ("completed", "canceled")
_NOT_OURS = ("6", "7", "10", "11")
"""Service types that leave the order book alone: blocks, bots, spreads, copy trading."""
_LIVE, _DEMO = "1", "2"
"""Of which environment an announcement is; one that does not say concerns both."""


def ticker(row: TickerRow | LeanTicker) -> Ticker | None:
    """Read a ticker; a side of the book without a price makes it no information."""
    try:
        if type(row) is LeanTicker:
            return _ticker(row)
        return _ticker(_lean(row))
    except ValueError:
        raise AnswerMalformed(f"a ticker of {plain(row.inst_id, 40)} has text where a number belongs") from None


def trade(row: TradeRow) -> Trade | None:
    """Read a public execution."""
    price, size = _price(row.px), _price(row.sz)
    if price is None or size is None or row.side not in {"buy", "sell"}:
        return None
    return Trade(row.inst_id, row.trade_id, price, size, Action(row.side), instant(row.ts, "ts"))


def book(row: BookRow | LeanBook, inst_id: str) -> Book:
    """Read the levels of a book; bbo and books5 frames are whole books."""
    if type(row) is LeanBook:
        return _book(row, inst_id)
    assert isinstance(row, BookRow)  # noqa: S101  the other member of the union is handled above
    return Book(
        inst_id=row.inst_id or inst_id,
        bids=tuple(_level(level) for level in row.bids),
        asks=tuple(_level(level) for level in row.asks),
        sequence=row.seq_id,
        exchange_at=instant(row.ts, "ts"),
    )


def candle(row: CandleRow, inst_id: str, bar: str) -> Candle | None:
    """Read a bar; price candles have no volume, and the last member says whether it is finished."""
    if len(row) not in {6, 9}:
        raise AnswerMalformed(f"a candle of {plain(inst_id, 40)} has {len(row)} members")
    prices = [_price(text) for text in row[1:5]]
    if None in prices:
        return None
    opened, high, low, close = (price or 0.0 for price in prices)
    volume = _price(row[5], smallest=0.0) if len(row) == 9 else 0.0
    return Candle(
        inst_id=inst_id,
        bar=bar,
        opened_at=instant(row[0], "ts"),
        open=opened,
        high=high,
        low=low,
        close=close,
        contracts=volume or 0.0,
        confirmed=row[-1] == "1",
    )


def mark_price(row: MarkPriceRow) -> MarkPrice | None:
    """Read a mark price."""
    price = _price(row.mark_px)
    return None if price is None else MarkPrice(row.inst_id, price, row.mark_px, instant(row.ts, "ts"))


def funding_rate(row: FundingRow) -> FundingRate | None:
    """Read a funding forecast; a rate may be negative or zero, but not missing."""
    rate = decimal(row.funding_rate)
    if rate is None:
        return None
    return FundingRate(
        inst_id=row.inst_id,
        rate=float(rate),
        rate_text=row.funding_rate,
        funding_at=instant(row.funding_time, "fundingTime"),
        next_funding_at=instant_or_none(row.next_funding_time),
        exchange_at=instant_or_none(row.ts) or instant(row.funding_time, "fundingTime"),
    )


def price_limit(row: PriceLimitRow) -> PriceLimit:
    """Read the price band; blanks and a band that is off are no limit."""
    on = is_true(row.enabled)
    return PriceLimit(
        inst_id=row.inst_id,
        buy_max_text=(row.buy_lmt or None) if on else None,
        sell_min_text=(row.sell_lmt or None) if on else None,
        exchange_at=instant(row.ts, "ts"),
    )


def instrument(row: InstrumentRow) -> Instrument | None:
    """Read a linear swap; None for anything else, and for one whose specification is not complete yet."""
    if row.inst_type != "SWAP" or row.ct_type != "linear" or INST_ID.fullmatch(row.inst_id) is None:
        return None
    try:
        return Instrument(
            inst_id=row.inst_id,
            ct_val=needed(row.ct_val, "ctVal"),
            ct_mult=needed(row.ct_mult, "ctMult"),
            tick_size=needed(row.tick_sz, "tickSz"),
            lot_size=needed(row.lot_sz, "lotSz"),
            min_contracts=needed(row.min_sz, "minSz"),
            settle_ccy=plain(row.settle_ccy),
            leverage_max=needed(row.lever, "lever"),
            state=plain(row.state),
            inst_id_code=row.inst_id_code,
            limit_contracts_max=decimal(row.max_lmt_sz),
            market_contracts_max=decimal(row.max_mkt_sz),
            expires_at=instant_or_none(row.exp_time or ""),
            fee_group=plain(row.group_id),
        )
    except (AnswerMalformed, NotCanonical):
        return None


def maintenance(row: StatusRow, *, demo: bool) -> Maintenance | None:
    """Read an announced or running maintenance that stops trading; None for one that is over or concerns others."""
    begins, ends = instant_or_none(row.begin), instant_or_none(row.end)
    elsewhere = row.env == (_LIVE if demo else _DEMO)
    if row.state in _OVER or row.service_type in _NOT_OURS or elsewhere or begins is None:
        return None
    return Maintenance(plain(row.title, 120), begins, ends)


def _lean(row: TickerRow | LeanTicker) -> LeanTicker:
    return LeanTicker(
        inst_id=row.inst_id,
        last=row.last or "0",
        ask_px=row.ask_px or "0",
        ask_sz=float(row.ask_sz or 0),
        bid_px=row.bid_px or "0",
        bid_sz=float(row.bid_sz or 0),
        ts=int(row.ts),
    )


def _ticker(row: LeanTicker) -> Ticker | None:
    last_text, bid_text, ask_text = row.last, row.bid_px, row.ask_px
    last, bid, ask = float(last_text), float(bid_text), float(ask_text)
    # written so that NaN, infinities, zero and negative prices all fail
    if not (0.0 < last < inf and 0.0 < bid < inf and 0.0 < ask < inf and _MILLIS_MIN <= row.ts < _MILLIS_MAX):
        return None
    return Ticker(
        row.inst_id, last, bid, ask, last_text, bid_text, ask_text,
        row.bid_sz, row.ask_sz, Instant(row.ts * MICROS_PER_MILLI),
    )  # fmt: skip


def _book(row: LeanBook, inst_id: str) -> Book:
    if not _MILLIS_MIN <= row.ts < _MILLIS_MAX:
        raise AnswerMalformed(f"a book of {plain(inst_id, 40)} has no time in milliseconds")
    at = Instant(row.ts * MICROS_PER_MILLI)
    return Book(row.inst_id or inst_id, _quickly(row.bids), _quickly(row.asks), row.seq_id, at)


def _quickly(levels: list[LeanLevel]) -> tuple[BookLevel, ...]:
    if len(levels) == 1:  # bbo-tbt: nothing is worth setting up
        return (_quick(levels[0]),)
    return tuple([_quick(one) for one in levels])


def _quick(level: LeanLevel) -> BookLevel:
    text, size = level.px, level.sz
    try:
        price = float(text)
    except ValueError:
        price = 0.0
    if not (0.0 < price < inf and 0.0 <= size < inf):  # NaN fails as well
        raise AnswerMalformed("a book level without a price and a size")
    return BookLevel(price, size, text)


def _price(text: str, smallest: float = 5e-324) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if smallest <= value < inf else None


def _level(level: Level) -> BookLevel:
    price, size = (_price(level[0]), _price(level[1], smallest=0.0)) if len(level) > 1 else (None, None)
    if price is None or size is None:
        raise AnswerMalformed("a book level without a price and a size")
    return BookLevel(price, size, level[0])
