"""Orders and fills, as rows and as asks."""

from __future__ import annotations

from typing import Any

from scalpctl.okx.wire.base import Ask, Flag, Number, Row


class LinkedAlgo(Row):
    """The conditional order an order belongs to."""

    algo_id: str = ""


class OrderRow(Row):
    """An order as REST describes it: the last fill's own fields, and cumulative ones."""

    inst_id: str
    ord_id: str
    side: str
    ord_type: str
    state: str
    sz: Number
    c_time: str
    u_time: str
    inst_type: str = "SWAP"
    cl_ord_id: str = ""
    tag: str = ""
    px: Number = ""
    px_usd: Number = ""
    px_vol: Number = ""
    px_type: str = ""
    tgt_ccy: str = ""
    ccy: str = ""
    pnl: Number = ""
    pos_side: str = ""
    td_mode: str = ""
    acc_fill_sz: Number = ""
    fill_px: Number = ""
    trade_id: str = ""
    fill_sz: Number = ""
    fill_time: str = ""
    avg_px: Number = ""
    stp_id: str = ""
    stp_mode: str = ""
    lever: Number = ""
    attach_algo_cl_ord_id: str = ""
    tp_trigger_px: Number = ""
    tp_trigger_px_type: str = ""
    tp_ord_px: Number = ""
    sl_trigger_px: Number = ""
    sl_trigger_px_type: str = ""
    sl_ord_px: Number = ""
    attach_algo_ords: list[Any] = []  # noqa: RUF012  msgspec copies the default
    linked_algo_ord: LinkedAlgo | None = None
    fee_ccy: str = ""
    fee: Number = ""
    rebate_ccy: str = ""
    rebate: Number = ""
    source: str = ""
    category: str = ""
    reduce_only: Flag = "false"
    is_tp_limit: Flag = "false"
    cancel_source: str = ""
    cancel_source_reason: str = ""
    quick_mgn_type: str = ""
    algo_cl_ord_id: str = ""
    algo_id: str = ""
    trade_quote_ccy: str = ""


class OrderPush(OrderRow):
    """An order as its channel describes it: also this update's fill, and what became of an amendment."""

    notional_usd: Number = ""
    fill_pnl: Number = ""
    fill_fee: Number = ""
    fill_fee_ccy: str = ""
    fill_notional_usd: Number = ""
    fill_px_vol: Number = ""
    fill_px_usd: Number = ""
    fill_mark_vol: Number = ""
    fill_fwd_px: Number = ""
    fill_mark_px: Number = ""
    fill_idx_px: Number = ""
    exec_type: str = ""
    last_px: Number = ""
    amend_source: str = ""
    amend_result: str = ""
    req_id: str = ""
    code: str = "0"
    msg: str = ""


class FillRow(Row):
    """One execution; ``fee`` is negative when paid, ``trade_id`` negative for liquidation and ADL."""

    inst_id: str
    trade_id: str
    ord_id: str
    bill_id: str
    fill_px: str
    fill_sz: str
    side: str
    ts: str
    inst_type: str = "SWAP"
    cl_ord_id: str = ""
    sub_type: str = ""
    tag: str = ""
    fill_idx_px: Number = ""
    fill_pnl: Number = ""
    fill_px_vol: Number = ""
    fill_px_usd: Number = ""
    fill_mark_vol: Number = ""
    fill_fwd_px: Number = ""
    fill_mark_px: Number = ""
    pos_side: str = ""
    exec_type: str = ""
    fee_ccy: str = ""
    fee: Number = ""
    fill_time: str = ""
    fee_rate: Number = ""
    trade_quote_ccy: str = ""


class FillPush(Row):
    """An execution as the fills channel describes it: faster, and only of the order book."""

    inst_id: str
    trade_id: str
    ord_id: str
    fill_px: str
    fill_sz: str
    side: str
    ts: str
    cl_ord_id: str = ""
    exec_type: str = ""
    count: Number = ""


class OrderAsk(Ask):
    """Place an order: REST names the instrument by ``inst_id``, the WebSocket by ``inst_id_code``."""

    td_mode: str
    side: str
    ord_type: str
    sz: str
    cl_ord_id: str
    inst_id: str = ""
    inst_id_code: int | None = None
    pos_side: str = ""
    px: str = ""
    reduce_only: bool | None = None
    tag: str = ""
    stp_mode: str = ""
    px_amend_type: str = ""
    ccy: str = ""
    attach_algo_ords: list[Any] | None = None


class AmendAsk(Ask):
    """Change an order; ``new_sz`` is the new total, what is filled included."""

    inst_id: str = ""
    inst_id_code: int | None = None
    ord_id: str = ""
    cl_ord_id: str = ""
    req_id: str = ""
    new_sz: str = ""
    new_px: str = ""
    cxl_on_fail: bool | None = None
    px_amend_type: str = ""


class CancelAsk(Ask):
    """Cancel an order by either id; the exchange's own wins."""

    inst_id: str = ""
    inst_id_code: int | None = None
    ord_id: str = ""
    cl_ord_id: str = ""


class ClosePositionAsk(Ask):
    """Close a whole position at market; the answer names no order, so a client id must."""

    inst_id: str
    mgn_mode: str
    pos_side: str = ""
    ccy: str = ""
    auto_cxl: bool | None = None
    cl_ord_id: str = ""
    tag: str = ""


class CancelAllAfterAsk(Ask):
    """Arm the exchange's dead man's switch: 0 disarms, otherwise 10 to 120 seconds."""

    time_out: str
    tag: str = ""


class OrdersQuery(Ask):
    """The parameters order and fill reads take; which of them apply is the endpoint's business."""

    inst_type: str = ""
    inst_family: str = ""
    inst_id: str = ""
    ord_id: str = ""
    cl_ord_id: str = ""
    ord_type: str = ""
    state: str = ""
    category: str = ""
    sub_type: str = ""
    after: str = ""
    before: str = ""
    begin: str = ""
    end: str = ""
    limit: str = ""
