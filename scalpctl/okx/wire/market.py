"""Rows of public data, REST and channels alike."""

from __future__ import annotations

from msgspec import Struct, field

from scalpctl.okx.wire.base import Ask, Flag, Number, Row


class TimeRow(Row):
    """The exchange's clock."""

    ts: str


class UpcomingChange(Row):
    """A change of an instrument's parameters that has been announced."""

    param: str = ""
    new_value: str = ""
    eff_time: str = ""


class InstrumentRow(Row):
    """An instrument as specified now; only what prices it is required."""

    inst_type: str
    inst_id: str
    ct_type: str
    ct_val: str
    ct_mult: str
    settle_ccy: str
    tick_sz: str
    lot_sz: str
    min_sz: str
    state: str
    inst_id_code: int | None = None
    inst_family: str = ""
    uly: str = ""
    ct_val_ccy: str = ""
    base_ccy: str = ""
    quote_ccy: str = ""
    category: str = ""
    inst_category: str = ""
    group_id: str = ""
    alias: str = ""
    lever: Number = ""
    rule_type: str = ""
    open_type: str = ""
    max_lmt_sz: Number = ""
    max_mkt_sz: Number = ""
    max_stop_sz: Number = ""
    max_twap_sz: Number = ""
    max_iceberg_sz: Number = ""
    max_trigger_sz: Number = ""
    max_lmt_amt: Number = ""
    max_mkt_amt: Number = ""
    init_px_lmt_pct: Number = ""
    float_px_lmt_pct: Number = ""
    max_px_lmt_pct: Number = ""
    pos_lmt_amt: Number = ""
    pos_lmt_pct: Number = ""
    max_plat_oi_lmt: Number = field(default="", name="maxPlatOILmt")
    long_pos_remaining_quota: Number = ""
    short_pos_remaining_quota: Number = ""
    list_time: str | None = ""
    exp_time: str | None = ""
    cont_td_sw_time: str | None = ""
    future_settlement: Flag = False
    upc_chg: list[UpcomingChange] = []  # noqa: RUF012  msgspec copies the default


class TickerRow(Row):
    """Last trade and best quotes; the two may be of different instants."""

    inst_id: str
    last: Number
    ts: str
    inst_type: str = "SWAP"
    last_sz: Number = ""
    ask_px: Number = ""
    ask_sz: Number = ""
    bid_px: Number = ""
    bid_sz: Number = ""
    open_24h: Number = ""
    high_24h: Number = ""
    low_24h: Number = ""
    vol_ccy_24h: Number = ""
    vol_24h: Number = ""
    sod_utc0: Number = ""
    sod_utc8: Number = ""


class LeanTicker(Row):
    """What is read of a ticker on the hot path: a blank or an oddity fails here and is read again as a TickerRow."""

    inst_id: str
    last: str
    ask_px: str
    ask_sz: float
    bid_px: str
    bid_sz: float
    ts: int


Level = list[str]
"""Price, contracts, "0", number of orders."""


class BookRow(Row):
    """Levels of a book, best first; ``seq_id`` orders updates and ``prev_seq_id`` -1 marks a snapshot."""

    asks: list[Level]
    bids: list[Level]
    ts: str
    inst_id: str = ""
    seq_id: int = -1
    prev_seq_id: int | None = None


class LeanLevel(Struct, array_like=True, gc=False):
    """What is read of a level on the hot path."""

    px: str
    sz: float


class LeanBook(Row):
    """What is read of a whole book on the hot path: an oddity fails here and is read again as a BookRow."""

    asks: list[LeanLevel]
    bids: list[LeanLevel]
    ts: int
    inst_id: str = ""
    seq_id: int = -1


class TradeRow(Row):
    """One public execution; ``side`` is the taker's."""

    inst_id: str
    trade_id: str
    px: str
    sz: str
    side: str
    ts: str
    count: Number = ""
    source: str = ""
    seq_id: int | None = None


CandleRow = list[str]
"""Opened at, open, high, low, close, contracts, coins, quote, confirmed; price candles have no volumes."""


class MarkPriceRow(Row):
    """The price margin and liquidation are computed from."""

    inst_id: str
    mark_px: str
    ts: str
    inst_type: str = "SWAP"


class FundingRow(Row):
    """The running forecast of the next funding payment, and the last settled one."""

    inst_id: str
    funding_rate: str
    funding_time: str
    inst_type: str = "SWAP"
    method: str = ""
    formula_type: str = ""
    next_funding_rate: Number = ""
    next_funding_time: str | None = ""
    prev_funding_time: str | None = ""
    min_funding_rate: Number = ""
    max_funding_rate: Number = ""
    interest_rate: Number = ""
    impact_value: Number = ""
    sett_state: str = ""
    sett_funding_rate: Number = ""
    premium: Number = ""
    ts: str = ""


class FundingHistoryRow(Row):
    """A settled funding payment: ``realized_rate`` is what was paid."""

    inst_id: str
    funding_time: str
    inst_type: str = "SWAP"
    formula_type: str = ""
    funding_rate: Number = ""
    realized_rate: Number = ""
    method: str = ""


class PriceLimitRow(Row):
    """The band orders must lie in; blanks while it is off."""

    inst_id: str
    buy_lmt: Number = ""
    sell_lmt: Number = ""
    ts: str = ""
    inst_type: str = "SWAP"
    enabled: Flag = True


class StatusRow(Row):
    """A maintenance: ongoing, announced or over."""

    title: str = ""
    state: str = ""
    begin: str = ""
    end: str = ""
    pre_open_begin: str = ""
    href: str = ""
    service_type: str = ""
    system: str = ""
    sche_desc: str = ""
    maint_type: str = ""
    env: str = ""
    ts: str = ""


class IndexTickerRow(Row):
    """The index a swap follows; ``inst_id`` is the index's own, like BTC-USDT."""

    inst_id: str
    idx_px: str
    ts: str
    high_24h: Number = ""
    low_24h: Number = ""
    open_24h: Number = ""
    sod_utc0: Number = ""
    sod_utc8: Number = ""


class OpenInterestRow(Row):
    """What is open on the whole exchange."""

    inst_id: str
    oi: str
    ts: str
    inst_type: str = "SWAP"
    oi_ccy: Number = ""
    oi_usd: Number = ""


class MarketQuery(Ask):
    """The parameters public reads take; which of them apply is the endpoint's business."""

    inst_type: str = ""
    inst_family: str = ""
    inst_id: str = ""
    td_mode: str = ""
    tier: str = ""
    bar: str = ""
    sz: str = ""
    after: str = ""
    before: str = ""
    limit: str = ""
    state: str = ""
