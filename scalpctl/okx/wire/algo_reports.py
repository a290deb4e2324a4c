"""Conditional orders as reports."""

from __future__ import annotations

from scalpctl.core.exchange.reports import AlgoReport
from scalpctl.okx.wire.algos import AlgoRow
from scalpctl.okx.wire.base import is_true
from scalpctl.okx.wire.texts import action, contracts, decimal, instant, instant_or_none, plain, position_side


def algo_report(row: AlgoRow) -> AlgoReport:
    """Read a conditional order; its trigger type is that of the leg it has."""
    return AlgoReport(
        inst_id=plain(row.inst_id),
        algo_id=plain(row.algo_id),
        client_id=plain(row.algo_cl_ord_id),
        kind=plain(row.ord_type),
        state=plain(row.state),
        action=action(row.side),
        position_side=position_side(row.pos_side),
        contracts=contracts(row.sz),
        close_fraction=decimal(row.close_fraction),
        stop_trigger=decimal(row.sl_trigger_px),
        take_trigger=decimal(row.tp_trigger_px),
        trigger_price=decimal(row.trigger_px),
        trigger_type=plain(row.sl_trigger_px_type or row.tp_trigger_px_type or row.trigger_px_type),
        callback_ratio=decimal(row.callback_ratio),
        callback_spread=decimal(row.callback_spread),
        active_price=decimal(row.active_px),
        move_trigger=decimal(row.move_trigger_px),
        order_id=plain(row.ord_id_list[0] if row.ord_id_list else row.ord_id),
        fail_code=plain(row.fail_code) if row.fail_code != "0" else "",
        reduce_only=is_true(row.reduce_only),
        created_at=instant(row.c_time, "cTime"),
        updated_at=instant_or_none(row.u_time),
        margin_mode=plain(row.td_mode),
    )
