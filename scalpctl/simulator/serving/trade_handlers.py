"""Private endpoints that act: each item of a request has its own verdict, whoever carried it here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scalpctl.simulator import algos, ordering, switch
from scalpctl.simulator.denied import Denied, refuse_as_asked
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving.market_rows import millis
from scalpctl.simulator.state import Account

Rows = list[dict[str, Any]]
BATCH_MAX, ALGOS_MAX = 20, 10
ALL_FAILED, PARTLY = "1", "2"


def place(ex: Exchange, account: Account, ask: Any) -> Rows:
    """Place orders."""
    return _each(ex, ask, "order", lambda item: ordering.place(ex, account, item))


def cancel(ex: Exchange, account: Account, ask: Any) -> Rows:
    """Cancel orders."""
    return _each(ex, ask, "cancel", lambda item: ordering.cancel(ex, account, item))


def amend(ex: Exchange, account: Account, ask: Any) -> Rows:
    """Change orders."""
    return _each(ex, ask, "amend", lambda item: ordering.amend(ex, account, item))


def _each(ex: Exchange, ask: Any, what: str, act: Callable[[dict[str, Any]], Any]) -> Rows:
    found: Rows = []
    for item in _items(ask, BATCH_MAX):
        row = {
            "ordId": str(item.get("ordId") or ""), "clOrdId": str(item.get("clOrdId") or ""),
            "tag": str(item.get("tag") or ""), "ts": millis(ex.now), "reqId": str(item.get("reqId") or ""),
            "sCode": "0", "sMsg": "", "subCode": "",
        }  # fmt: skip
        try:
            refuse_as_asked(ex.state.switches, ex.now, what)
            order = act(item)
            row |= {"ordId": order.order_id, "clOrdId": order.client_id}
        except Denied as no:
            row |= {"sCode": no.code, "sMsg": no.message, "subCode": no.sub}
        found.append(row)
    return found


def _items(ask: Any, most: int) -> list[dict[str, Any]]:
    items = ask if isinstance(ask, list) else [ask]
    if not items or not all(isinstance(item, dict) for item in items):
        raise Denied("50002", "JSON syntax error")
    if len(items) > most:
        raise Denied("51111", f"Maximum {most} orders can be placed in bulk")
    return items


def code_of(rows: Rows) -> str:
    """Give the envelope's code for some items: all fine, all failed, or some."""
    failed = sum(1 for row in rows if row.get("sCode", "0") != "0")
    if not failed:
        return "0"
    return ALL_FAILED if failed == len(rows) else PARTLY


def place_algo(ex: Exchange, account: Account, ask: Any) -> Rows:
    """Keep a conditional order."""
    return _each_algo(ex, ask, "stop", lambda item: algos.place(ex, account, item))


def cancel_algos(ex: Exchange, account: Account, ask: Any) -> Rows:
    """Cancel conditional orders."""
    return _each_algo(ex, ask, "cancel-stop", lambda item: algos.cancel(ex, account, item))


def amend_algos(ex: Exchange, account: Account, ask: Any) -> Rows:
    """Move conditional orders."""
    return _each_algo(ex, ask, "move-stop", lambda item: algos.amend(ex, account, item))


def _each_algo(ex: Exchange, ask: Any, what: str, act: Callable[[dict[str, Any]], Any]) -> Rows:
    found: Rows = []
    for item in _items(ask, ALGOS_MAX):
        row = {
            "algoId": str(item.get("algoId") or ""), "algoClOrdId": str(item.get("algoClOrdId") or ""), "clOrdId": "",
            "tag": str(item.get("tag") or ""), "reqId": str(item.get("reqId") or ""), "sCode": "0", "sMsg": "",
        }  # fmt: skip
        try:
            refuse_as_asked(ex.state.switches, ex.now, what)
            algo = act(item)
            row |= {"algoId": algo.algo_id, "algoClOrdId": algo.client_id}
        except Denied as no:
            row |= {"sCode": no.code, "sMsg": no.message}
        found.append(row)
    return found


def close_position(ex: Exchange, account: Account, ask: Any) -> Rows:
    """Close a whole position at market."""
    (item,) = _items(ask, 1)
    order = ordering.close_position(ex, account, item)
    return [{"instId": order.inst_id, "posSide": order.pos_side, "clOrdId": order.client_id, "tag": order.tag}]


def cancel_all_after(ex: Exchange, account: Account, ask: Any) -> Rows:
    """Arm the dead man's switch."""
    (item,) = _items(ask, 1)
    at = switch.arm(ex, account, item)
    return [{"triggerTime": millis(at) if at else "0", "tag": str(item.get("tag") or ""), "ts": millis(ex.now)}]
