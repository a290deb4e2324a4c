"""Rows of our own account: setup, money, positions, the exchange's ledger."""

from __future__ import annotations

from scalpctl.okx.wire.base import Ask, Flag, Number, Row


class AccountConfigRow(Row):
    """How the account is set up, and what this key may do."""

    uid: str
    acct_lv: str
    pos_mode: str
    perm: str
    main_uid: str = ""
    acct_stp_mode: str = ""
    auto_loan: Flag = False
    greeks_type: str = ""
    fee_type: str = ""
    level: str = ""
    level_tmp: str = ""
    ct_iso_mode: str = ""
    mgn_iso_mode: str = ""
    spot_offset_type: str = ""
    stgy_type: str = ""
    role_type: str = ""
    op_auth: str = ""
    kyc_lv: str = ""
    label: str = ""
    ip: str = ""
    liquidation_gear: str = ""
    enable_spot_borrow: Flag = False
    spot_borrow_auto_repay: Flag = False
    type: str = ""
    settle_ccy: str = ""


class BalanceDetail(Row):
    """One currency; in futures mode this is where the risk numbers are."""

    ccy: str
    eq: Number = ""
    cash_bal: Number = ""
    u_time: str = ""
    iso_eq: Number = ""
    avail_eq: Number = ""
    dis_eq: Number = ""
    avail_bal: Number = ""
    frozen_bal: Number = ""
    ord_frozen: Number = ""
    liab: Number = ""
    upl: Number = ""
    iso_upl: Number = ""
    cross_liab: Number = ""
    iso_liab: Number = ""
    mgn_ratio: Number = ""
    imr: Number = ""
    mmr: Number = ""
    interest: Number = ""
    twap: str = ""
    eq_usd: Number = ""
    notional_lever: Number = ""
    stgy_eq: Number = ""
    coin_usd_price: Number = ""


class BalanceRow(Row):
    """The account as a whole, and each currency in it."""

    u_time: str = ""
    total_eq: Number = ""
    iso_eq: Number = ""
    adj_eq: Number = ""
    avail_eq: Number = ""
    ord_froz: Number = ""
    imr: Number = ""
    mmr: Number = ""
    mgn_ratio: Number = ""
    notional_usd: Number = ""
    notional_usd_for_swap: Number = ""
    upl: Number = ""
    details: list[BalanceDetail] = []  # noqa: RUF012  msgspec copies the default


class CloseOrderAlgo(Row):
    """A conditional order that closes the whole position."""

    algo_id: str = ""
    sl_trigger_px: Number = ""
    sl_trigger_px_type: str = ""
    tp_trigger_px: Number = ""
    tp_trigger_px_type: str = ""
    close_fraction: Number = ""


class PositionRow(Row):
    """A position; ``pos`` is signed in net mode, and the lifecycle is (posId, cTime), not posId alone."""

    inst_id: str
    pos_id: str
    pos_side: str
    pos: Number
    inst_type: str = "SWAP"
    mgn_mode: str = ""
    hedged_pos: Number = ""
    pos_ccy: str = ""
    avail_pos: Number = ""
    avg_px: Number = ""
    non_settle_avg_px: Number = ""
    mark_px: Number = ""
    upl: Number = ""
    upl_ratio: Number = ""
    upl_last_px: Number = ""
    upl_ratio_last_px: Number = ""
    lever: Number = ""
    liq_px: Number = ""
    imr: Number = ""
    margin: Number = ""
    mgn_ratio: Number = ""
    mmr: Number = ""
    liab: Number = ""
    liab_ccy: str = ""
    interest: Number = ""
    trade_id: str = ""
    notional_usd: Number = ""
    adl: str = ""
    ccy: str = ""
    last: Number = ""
    idx_px: Number = ""
    usd_px: Number = ""
    be_px: Number = ""
    realized_pnl: Number = ""
    settled_pnl: Number = ""
    pnl: Number = ""
    fee: Number = ""
    funding_fee: Number = ""
    liq_penalty: Number = ""
    biz_ref_id: str = ""
    biz_ref_type: str = ""
    close_order_algo: list[CloseOrderAlgo] = []  # noqa: RUF012  msgspec copies the default
    c_time: str = ""
    u_time: str = ""
    p_time: str = ""


class ClosedPositionRow(Row):
    """One lifecycle of a position that has been reduced; the exchange overwrites it as the reduction goes on."""

    inst_id: str
    pos_id: str
    type: str
    c_time: str
    u_time: str
    inst_type: str = "SWAP"
    mgn_mode: str = ""
    open_avg_px: Number = ""
    non_settle_avg_px: Number = ""
    close_avg_px: Number = ""
    open_max_pos: Number = ""
    close_total_pos: Number = ""
    realized_pnl: Number = ""
    settled_pnl: Number = ""
    pnl_ratio: Number = ""
    fee: Number = ""
    funding_fee: Number = ""
    liq_penalty: Number = ""
    pnl: Number = ""
    pos_side: str = ""
    lever: Number = ""
    direction: str = ""
    trigger_px: Number = ""
    uly: str = ""
    ccy: str = ""


class BillRow(Row):
    """One line of the exchange's own ledger."""

    bill_id: str
    type: str
    sub_type: str
    ts: str
    ccy: str
    bal_chg: Number
    bal: Number
    inst_type: str = ""
    inst_id: str = ""
    pos_bal_chg: Number = ""
    pos_bal: Number = ""
    sz: Number = ""
    px: Number = ""
    pnl: Number = ""
    fee: Number = ""
    earn_amt: Number = ""
    earn_apr: Number = ""
    mgn_mode: str = ""
    ord_id: str = ""
    cl_ord_id: str = ""
    trade_id: str = ""
    exec_type: str = ""
    from_: str = ""
    to: str = ""
    notes: str = ""
    interest: Number = ""
    tag: str = ""
    fill_time: str = ""
    fill_idx_px: Number = ""
    fill_mark_px: Number = ""


class LeverageRow(Row):
    """The leverage new margin is computed with."""

    inst_id: str
    mgn_mode: str
    lever: Number
    pos_side: str = ""
    ccy: str = ""


class FeeGroup(Row):
    """The rates of one group of instruments; negative means that we pay."""

    group_id: str
    maker: Number = ""
    taker: Number = ""
    rpi_maker: Number = ""
    elp_maker: Number = ""


class TradeFeeRow(Row):
    """What trading costs this account."""

    level: str = ""
    fee_group: list[FeeGroup] = []  # noqa: RUF012  msgspec copies the default
    maker: Number = ""
    taker: Number = ""
    maker_u: Number = ""
    taker_u: Number = ""
    delivery: Number = ""
    exercise: Number = ""
    inst_type: str = "SWAP"
    ts: str = ""


class BalanceChange(Row):
    """A currency in a balance_and_position push."""

    ccy: str
    cash_bal: Number = ""
    u_time: str = ""


class PositionChange(Row):
    """A position in a balance_and_position push; it knows nothing of profit."""

    pos_id: str
    inst_id: str
    pos_side: str
    pos: Number
    inst_type: str = "SWAP"
    trade_id: str = ""
    mgn_mode: str = ""
    ccy: str = ""
    pos_ccy: str = ""
    avg_px: Number = ""
    u_time: str = ""


class TradeMark(Row):
    """Which execution a push speaks of."""

    inst_id: str
    trade_id: str


class BalanceAndPositionRow(Row):
    """The fastest word on balance and position; ``event_type`` says why it was sent."""

    p_time: str
    event_type: str
    bal_data: list[BalanceChange] = []  # noqa: RUF012  msgspec copies the default
    pos_data: list[PositionChange] = []  # noqa: RUF012  msgspec copies the default
    trades: list[TradeMark] = []  # noqa: RUF012  msgspec copies the default


class LiquidationWarningRow(Row):
    """The exchange warns that a position nears liquidation; it may come together with the liquidation."""

    inst_id: str
    pos_id: str
    pos_side: str
    pos: Number
    inst_type: str = "SWAP"
    mgn_mode: str = ""
    pos_ccy: str = ""
    lever: Number = ""
    mark_px: Number = ""
    mgn_ratio: Number = ""
    ccy: str = ""
    c_time: str = ""
    u_time: str = ""
    p_time: str = ""


class SetLeverage(Ask):
    """Set the leverage of an instrument and margin mode; ``pos_side`` only where long and short are isolated."""

    inst_id: str
    lever: str
    mgn_mode: str
    pos_side: str = ""


class AccountQuery(Ask):
    """The parameters account reads take; which of them apply is the endpoint's business."""

    inst_type: str = ""
    inst_family: str = ""
    inst_id: str = ""
    ccy: str = ""
    mgn_mode: str = ""
    td_mode: str = ""
    px: str = ""
    leverage: str = ""
    type: str = ""
    sub_type: str = ""
    pos_id: str = ""
    group_id: str = ""
    after: str = ""
    before: str = ""
    begin: str = ""
    end: str = ""
    limit: str = ""
