"""Cancel-all-after: an account that falls silent loses its resting orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalpctl.simulator import matching
from scalpctl.simulator.denied import Denied
from scalpctl.simulator.state import Account

if TYPE_CHECKING:
    from scalpctl.simulator.exchange import Exchange

SECONDS = range(10, 121)


def arm(ex: Exchange, account: Account, ask: dict[str, Any]) -> int:
    """Arm the switch for a tag (empty: for all orders), or disarm it; gives when it fires."""
    text = str(ask.get("timeOut", ""))
    if not text.isdecimal() or (int(text) and int(text) not in SECONDS):
        raise Denied("51000", "Parameter timeOut error")
    tag = str(ask.get("tag") or "")
    if text == "0":
        account.switch_at.pop(tag, None)
        return 0
    account.switch_at[tag] = ex.now + int(text) * 1_000_000
    return account.switch_at[tag]


def watch(ex: Exchange) -> None:
    """Cancel the resting orders of every account whose time has run out; conditional orders stay."""
    for account in ex.state.accounts.values():
        for tag, at in list(account.switch_at.items()):
            if ex.now < at:
                continue
            del account.switch_at[tag]
            for order in list(account.orders.values()):
                if not tag or order.tag == tag:
                    matching.end(ex, account, order, matching.SWITCH_FIRED)
