"""Rows of the account as reports: the map from the exchange's names to ours, in one direction."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from decimal import Decimal

from scalpctl.core.costs import Fees
from scalpctl.core.exchange.notices import LiquidationNear, MoneyMoved
from scalpctl.core.exchange.reports import (
    AccountReport,
    BalanceReport,
    BillReport,
    ClosedPositionReport,
    FillReport,
    FlatReport,
    OrderReport,
    PositionReport,
)
from scalpctl.core.exchange.requests import MarginMode
from scalpctl.core.money import SETTLE, ZERO, Contracts, subtract
from scalpctl.core.sides import Side
from scalpctl.errors import AnswerMalformed, ConfigurationError
from scalpctl.okx.wire.account import (
    AccountConfigRow,
    BalanceAndPositionRow,
    BalanceDetail,
    BalanceRow,
    BillRow,
    ClosedPositionRow,
    LiquidationWarningRow,
    PositionRow,
    TradeFeeRow,
)
from scalpctl.okx.wire.base import is_true
from scalpctl.okx.wire.orders import FillRow, OrderPush, OrderRow
from scalpctl.okx.wire.texts import (
    action,
    contracts,
    contracts_or_none_yet,
    decimal,
    instant,
    instant_or_none,
    needed,
    plain,
    position_side,
)

_LIQUIDITY = {"T": "taker", "M": "maker"}
_MARGIN_MODES = {"isolated": MarginMode.ISOLATED, "cross": MarginMode.CROSS}
_NO_TRADE_ID = ("", "0")


def order_report(row: OrderRow) -> OrderReport:
    """Read an order; an average of zero means that nothing has been filled."""
    return OrderReport(
        inst_id=plain(row.inst_id),
        order_id=plain(row.ord_id),
        client_id=plain(row.cl_ord_id),
        action=action(row.side),
        position_side=position_side(row.pos_side),
        type=plain(row.ord_type),
        state=plain(row.state),
        contracts=Contracts(needed(row.sz, "sz")),
        filled_contracts=contracts_or_none_yet(row.acc_fill_sz),
        price=decimal(row.px),
        average_price=decimal(row.avg_px) or None,
        fee=decimal(row.fee),
        fee_ccy=plain(row.fee_ccy),
        pnl=decimal(row.pnl),
        reduce_only=is_true(row.reduce_only),
        leverage=decimal(row.lever),
        margin_mode=plain(row.td_mode),
        category=plain(row.category),
        source=plain(row.source),
        cancel_source=plain(row.cancel_source),
        algo_id=plain(row.algo_id),
        algo_client_id=plain(row.algo_cl_ord_id),
        tag=plain(row.tag),
        created_at=instant(row.c_time, "cTime"),
        updated_at=instant(row.u_time, "uTime"),
    )


def fill_report(row: FillRow, source: str) -> FillReport:
    """Read an execution; one without a trade id gets an id that every copy of the same row shares."""
    return FillReport(
        inst_id=plain(row.inst_id),
        trade_id=plain(row.trade_id) if row.trade_id not in _NO_TRADE_ID else _made_up_id(row),
        order_id=plain(row.ord_id),
        client_id=plain(row.cl_ord_id),
        action=action(row.side),
        position_side=position_side(row.pos_side),
        price=needed(row.fill_px, "fillPx"),
        contracts=Contracts(needed(row.fill_sz, "fillSz")),
        fee=decimal(row.fee),
        fee_ccy=plain(row.fee_ccy),
        liquidity=_LIQUIDITY.get(row.exec_type, plain(row.exec_type)),
        pnl=decimal(row.fill_pnl),
        sub_type=plain(row.sub_type),
        bill_id=plain(row.bill_id),
        tag=plain(row.tag),
        filled_at=instant_or_none(row.fill_time) or instant(row.ts, "ts"),
        source=source,
    )


def fill_in_push(row: OrderPush) -> FillReport | None:
    """Read the execution an order push carries; None when it has none, or none that can be told apart by an id.

    An execution without a trade id (liquidation, ADL) must be asked for: its row in the fills has an id of its own, and
    taking both would count it twice.
    """
    size = contracts(row.fill_sz)
    if row.trade_id in _NO_TRADE_ID or not size:
        return None
    return FillReport(
        inst_id=plain(row.inst_id),
        trade_id=plain(row.trade_id),
        order_id=plain(row.ord_id),
        client_id=plain(row.cl_ord_id),
        action=action(row.side),
        position_side=position_side(row.pos_side),
        price=needed(row.fill_px, "fillPx"),
        contracts=size,
        fee=decimal(row.fill_fee),
        fee_ccy=plain(row.fill_fee_ccy),
        liquidity=_LIQUIDITY.get(row.exec_type, plain(row.exec_type)),
        pnl=decimal(row.fill_pnl),
        sub_type="",
        bill_id="",
        tag=plain(row.tag),
        filled_at=instant(row.fill_time, "fillTime"),
        source="orders",
    )


def lacks_fill(row: OrderPush) -> bool:
    """Tell whether a push speaks of an execution that only the fills can identify."""
    return row.trade_id in _NO_TRADE_ID and bool(contracts(row.fill_sz))


def _settled(row: PositionRow, amount: str | None) -> Decimal | None:
    """Read an amount in the position's currency; what is bound in another one than ours is none of our money."""
    return decimal(amount) if row.ccy in {"", SETTLE} else None


def position_report(row: PositionRow) -> PositionReport | FlatReport:
    """Read a position: in net mode the sign is the side, otherwise the exchange names it."""
    signed = needed(row.pos, "pos")
    named = position_side(row.pos_side)
    if not signed:
        return FlatReport(plain(row.inst_id), plain(row.pos_id), named, instant(row.u_time, "uTime"))
    return PositionReport(
        inst_id=plain(row.inst_id),
        position_id=plain(row.pos_id),
        side=named or (Side.LONG if signed > 0 else Side.SHORT),
        net_mode=named is None,
        contracts=Contracts(abs(signed)),
        average_price=decimal(row.avg_px),
        mark_price=decimal(row.mark_px),
        margin_mode=_MARGIN_MODES.get(row.mgn_mode),
        leverage=decimal(row.lever),
        margin=_settled(row, row.margin),
        imr=decimal(row.imr),
        mmr=decimal(row.mmr),
        margin_ratio=decimal(row.mgn_ratio),
        liquidation_price=decimal(row.liq_px),
        unrealised=decimal(row.upl),
        realised=decimal(row.realized_pnl),
        adl=plain(row.adl),
        last_trade_id=plain(row.trade_id),
        created_at=instant(row.c_time, "cTime"),
        updated_at=instant(row.u_time, "uTime"),
        notional=decimal(row.notional_usd),
    )


def closed_position_report(row: ClosedPositionRow) -> ClosedPositionReport:
    """Read one row of the position history."""
    return ClosedPositionReport(
        inst_id=plain(row.inst_id),
        position_id=plain(row.pos_id),
        side=position_side(row.direction) or position_side(row.pos_side),
        type=plain(row.type),
        contracts_max=contracts(row.open_max_pos),
        contracts_closed=contracts(row.close_total_pos),
        open_average_price=decimal(row.open_avg_px),
        close_average_price=decimal(row.close_avg_px),
        pnl=decimal(row.pnl),
        realised=decimal(row.realized_pnl),
        fee=decimal(row.fee),
        funding_fee=decimal(row.funding_fee),
        liquidation_penalty=decimal(row.liq_penalty),
        leverage=decimal(row.lever),
        margin_mode=plain(row.mgn_mode),
        opened_at=instant(row.c_time, "cTime"),
        updated_at=instant(row.u_time, "uTime"),
    )


def balance_reports(row: BalanceRow) -> tuple[BalanceReport, ...]:
    """Read every currency of the account."""
    return tuple(
        BalanceReport(
            ccy=plain(detail.ccy),
            equity=decimal(detail.eq),
            cash=decimal(detail.cash_bal),
            bound=_bound(detail),
            available=decimal(detail.avail_eq) if detail.avail_eq else decimal(detail.avail_bal),
            frozen=decimal(detail.frozen_bal),
            unrealised=decimal(detail.upl),
            imr=decimal(detail.imr),
            mmr=decimal(detail.mmr),
            margin_ratio=decimal(detail.mgn_ratio),
            updated_at=instant(detail.u_time or row.u_time, "uTime"),
        )
        for detail in row.details
    )


def _bound(detail: BalanceDetail) -> Decimal | None:
    equity, unrealised = decimal(detail.iso_eq), decimal(detail.iso_upl)
    return None if equity is None or unrealised is None else subtract(equity, unrealised)


def bill_report(row: BillRow) -> BillReport:
    """Read one line of the exchange's ledger."""
    return BillReport(
        bill_id=plain(row.bill_id),
        type=plain(row.type),
        sub_type=plain(row.sub_type),
        ccy=plain(row.ccy),
        balance_change=needed(row.bal_chg, "balChg"),
        balance=needed(row.bal, "bal"),
        inst_id=plain(row.inst_id),
        order_id=plain(row.ord_id),
        trade_id=plain(row.trade_id),
        contracts=contracts(row.sz),
        price=decimal(row.px),
        pnl=decimal(row.pnl),
        fee=decimal(row.fee),
        interest=decimal(row.interest),
        at=instant(row.ts, "ts"),
        position_balance_change=decimal(row.pos_bal_chg),
        position_balance=decimal(row.pos_bal),
        margin_mode=plain(row.mgn_mode),
    )


def account_report(row: AccountConfigRow) -> AccountReport:
    """Read how the account is set up."""
    return AccountReport(
        uid=plain(row.uid),
        main_uid=plain(row.main_uid),
        level=plain(row.acct_lv),
        position_mode=plain(row.pos_mode),
        isolated_mode=plain(row.ct_iso_mode),
        permissions=tuple(plain(part.strip()) for part in row.perm.split(",") if part.strip()),
        ip=plain(row.ip),
        fee_level=plain(row.level),
        label=plain(row.label),
        self_trade_prevention=plain(row.acct_stp_mode),
    )


def fees(row: TradeFeeRow, group: str) -> Fees | None:
    """Give the rates of one group (the exchange writes what is paid as negative); None where it tells none that can be.

    What it lists beside its groups is deprecated: it is taken only where the group has no rates.
    """
    of_group = [one for one in row.fee_group if one.group_id == group or (not group and len(row.fee_group) == 1)]
    pairs = [(one.maker, one.taker) for one in of_group] + [(row.maker_u, row.taker_u)]
    for maker, taker in ((decimal(maker), decimal(taker)) for maker, taker in pairs):
        if maker is not None and taker is not None:
            with suppress(ConfigurationError):  # not rates of one side
                return Fees(subtract(ZERO, maker), subtract(ZERO, taker))
    return None


def money_moved(row: BalanceAndPositionRow) -> MoneyMoved:
    """Read why balance or position changed; a snapshot at subscription is one of the reasons."""
    named = dict.fromkeys([*(change.inst_id for change in row.pos_data), *(mark.inst_id for mark in row.trades)])
    return MoneyMoved(plain(row.event_type), tuple(plain(inst_id) for inst_id in named), instant(row.p_time, "pTime"))


def liquidation_near(row: LiquidationWarningRow) -> LiquidationNear:
    """Read a warning."""
    at = instant(row.p_time or row.u_time, "pTime")
    return LiquidationNear(plain(row.inst_id), plain(row.pos_id), decimal(row.mgn_ratio), at)


def _made_up_id(row: FillRow) -> str:
    if not row.ord_id and not row.bill_id:
        raise AnswerMalformed("a fill has neither a trade id, nor an order id, nor a bill id")
    parts = (row.ord_id, row.bill_id, row.fill_time, row.fill_px, row.fill_sz)
    return "x" + hashlib.sha256("|".join(parts).encode()).hexdigest()[:24]
