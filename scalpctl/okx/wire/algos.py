"""Conditional orders the exchange keeps, as rows and as asks."""

from __future__ import annotations

from typing import Any

from scalpctl.okx.wire.base import Ask, Flag, Number, Row


class LinkedOrder(Row):
    """The order a conditional order belongs to."""

    ord_id: str = ""


class AlgoRow(Row):
    """A conditional order; ``effective`` means triggered, not filled."""

    inst_id: str
    algo_id: str
    ord_type: str
    state: str
    side: str
    c_time: str
    inst_type: str = "SWAP"
    u_time: str = ""
    algo_cl_ord_id: str = ""
    cl_ord_id: str = ""
    ccy: str = ""
    ord_id: str = ""
    ord_id_list: list[str] = []  # noqa: RUF012  msgspec copies the default
    sz: Number = ""
    close_fraction: Number = ""
    pos_side: str = ""
    td_mode: str = ""
    tgt_ccy: str = ""
    lever: Number = ""
    tp_trigger_px: Number = ""
    tp_trigger_px_type: str = ""
    tp_ord_px: Number = ""
    sl_trigger_px: Number = ""
    sl_trigger_px_type: str = ""
    sl_ord_px: Number = ""
    trigger_px: Number = ""
    trigger_px_type: str = ""
    ord_px: Number = ""
    advance_ord_type: str = ""
    actual_sz: Number = ""
    actual_px: Number = ""
    actual_side: str = ""
    tag: str = ""
    trigger_time: str = ""
    callback_ratio: Number = ""
    callback_spread: Number = ""
    active_px: Number = ""
    move_trigger_px: Number = ""
    reduce_only: Flag = "false"
    quick_mgn_type: str = ""
    last: Number = ""
    fail_code: str = ""
    amend_px_on_trigger_type: str = ""
    attach_algo_ords: list[Any] = []  # noqa: RUF012  msgspec copies the default
    linked_ord: LinkedOrder | None = None


class AlgoPush(AlgoRow):
    """A conditional order as its channels describe it."""

    notional_usd: Number = ""
    req_id: str = ""
    amend_result: str = ""
    count: Number = ""
    p_time: str = ""


class AlgoAsk(Ask):
    """Keep a conditional order at the exchange; an order price of -1 means market."""

    inst_id: str
    td_mode: str
    side: str
    ord_type: str
    algo_cl_ord_id: str
    pos_side: str = ""
    sz: str = ""
    close_fraction: str = ""
    reduce_only: bool | None = None
    cxl_on_close_pos: bool | None = None
    tag: str = ""
    tp_trigger_px: str = ""
    tp_trigger_px_type: str = ""
    tp_ord_px: str = ""
    sl_trigger_px: str = ""
    sl_trigger_px_type: str = ""
    sl_ord_px: str = ""
    trigger_px: str = ""
    trigger_px_type: str = ""
    order_px: str = ""
    callback_ratio: str = ""
    callback_spread: str = ""
    active_px: str = ""


class AmendAlgoAsk(Ask):
    """Move the trigger or size of a conditional order; trailing ones cannot be amended."""

    inst_id: str
    algo_id: str = ""
    algo_cl_ord_id: str = ""
    cxl_on_fail: bool | None = None
    req_id: str = ""
    new_sz: str = ""
    new_tp_trigger_px: str = ""
    new_tp_ord_px: str = ""
    new_tp_trigger_px_type: str = ""
    new_sl_trigger_px: str = ""
    new_sl_ord_px: str = ""
    new_sl_trigger_px_type: str = ""
    new_trigger_px: str = ""
    new_ord_px: str = ""
    new_trigger_px_type: str = ""


class CancelAlgoAsk(Ask):
    """Cancel a conditional order by either id."""

    inst_id: str
    algo_id: str = ""
    algo_cl_ord_id: str = ""


class AlgosQuery(Ask):
    """The parameters conditional-order reads take; ``ord_type`` is required by the lists."""

    ord_type: str = ""
    state: str = ""
    algo_id: str = ""
    algo_cl_ord_id: str = ""
    inst_type: str = ""
    inst_id: str = ""
    after: str = ""
    before: str = ""
    limit: str = ""
