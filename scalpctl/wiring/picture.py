"""What the exchange says about the account, in plain builtins: one picture for every command, engine running or not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from scalpctl.core.instants import Instant
from scalpctl.core.money import SETTLE, ZERO, add
from scalpctl.okx.client import OkxClient


async def picture(client: OkxClient, since: Instant) -> dict[str, Any]:
    """Ask for everything that a comparison needs; the balance last, so that it is never older than what explains it."""
    reader = client.account
    since = max(since, reader.reaches_back_to)
    found = await reader.resync(since)
    balances = await reader.balances()
    cash = add(*(one.cash or ZERO for one in balances if one.ccy == SETTLE), ZERO)
    bound = add(*(one.margin or ZERO for one in found.positions), ZERO)
    return {
        "since": since,
        "cash": _text(add(cash, bound)),
        "positions": [
            {
                "instrument": one.inst_id, "side": one.side.value, "contracts": _text(one.contracts.value),
                "average_price": _text(one.average_price), "leverage": _text(one.leverage),
                "mark_price": _text(one.mark_price), "unrealised": _text(one.unrealised),
                "margin_ratio": _text(one.margin_ratio), "opened_at": one.created_at,
                "margin_mode": "" if one.margin_mode is None else one.margin_mode.value,
            }
            for one in found.positions
        ],
        "orders": [
            {
                "instrument": one.inst_id, "client_id": one.client_id, "order_id": one.order_id,
                "action": one.action.value, "contracts": _text(one.contracts.value), "price": _text(one.price),
            }
            for one in found.orders
        ],
        "algos": [
            {
                "instrument": one.inst_id, "client_id": one.client_id, "algo_id": one.algo_id, "kind": one.kind,
                "action": one.action.value, "stop": _text(one.stop_trigger), "whole": one.close_fraction is not None,
                "contracts": None if one.contracts is None else _text(one.contracts.value),
                "margin_mode": one.margin_mode,
            }
            for one in found.algos
        ],
        "fills": [
            {
                "instrument": one.inst_id, "trade_id": one.trade_id, "order_id": one.order_id,
                "price": _text(one.price),
                "contracts": _text(one.contracts.value), "fee": _text(one.fee), "at": one.filled_at,
            }
            for one in found.fills
        ],
        "bills": [
            {
                "bill_id": one.bill_id, "type": one.type, "sub_type": one.sub_type, "instrument": one.inst_id,
                "ccy": one.ccy, "at": one.at,
                "change": _text(add(one.balance_change, one.position_balance_change or ZERO)),
            }
            for one in found.bills
        ],
    } | await _announced(client)  # fmt: skip


async def _announced(client: OkxClient) -> dict[str, Any]:
    listed, works = await client.market.instruments(), await client.market.maintenance()
    return {
        "instruments": [
            {"instrument": one.inst_id, "state": one.state, "expires_at": one.expires_at}
            for one in listed
            if one.state != "live" or one.expires_at is not None
        ],
        "maintenance": [{"title": one.title, "begins_at": one.begins_at, "ends_at": one.ends_at} for one in works],
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
