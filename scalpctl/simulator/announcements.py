"""What the exchange announces before it does it: maintenance in its phases, and instruments it takes off its list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalpctl.simulator import liquidation

if TYPE_CHECKING:
    from scalpctl.simulator.exchange import Exchange

SCHEDULED, ONGOING, PRE_OPEN, COMPLETED = "scheduled", "ongoing", "pre_open", "completed"
_TRADED = {SCHEDULED: "live", ONGOING: "suspend", PRE_OPEN: "post_only", COMPLETED: "live"}
"""What can be done with every instrument in a phase: nothing, then only posting, then everything."""


def maintain(ex: Exchange, begins: int, lasts: int, pre_open: int) -> None:
    """Announce a maintenance; ``pre_open`` at its end orders may be posted and cancelled, but nothing trades."""
    ends = begins + lasts + pre_open
    ex.state.status.append({
        "title": "Trading system upgrade", "state": SCHEDULED, "begin": _millis(begins), "end": _millis(ends),
        "preOpenBegin": _millis(begins + lasts) if pre_open else "", "href": "", "serviceType": "5",
        "system": "unified", "scheDesc": "", "maintType": "1", "env": "", "ts": _millis(ex.now),
    })  # fmt: skip
    ex.listener.status(ex.state.status[-1])
    watch(ex)


def delist(ex: Exchange, inst_id: str, at: int) -> None:
    """Announce the end of an instrument, or end it when that is now."""
    market = ex.market(inst_id)
    market.expires_at = at
    ex.listener.market(market, "instrument")
    watch(ex)


def watch(ex: Exchange) -> None:
    """Do what was announced, when its time has come."""
    for row in ex.state.status:
        phase = _phase(row, ex.now // 1_000)
        if phase != row["state"]:
            row["state"], row["ts"] = phase, _millis(ex.now)
            ex.listener.status(row)
            _enter(ex, _TRADED[phase])
    for market in ex.state.markets.values():
        if market.expires_at and ex.now >= market.expires_at and market.state != "expired":
            for account in ex.state.accounts.values():
                liquidation.deliver(ex, account, market.inst_id)
            market.state = "expired"
            ex.listener.market(market, "instrument")


def is_down(ex: Exchange) -> bool:
    """Tell whether nobody can be reached because of a maintenance."""
    return any(row["state"] == ONGOING for row in ex.state.status)


def _phase(row: dict[str, str], now: int) -> str:
    if now >= int(row["end"]):
        return COMPLETED
    if row["preOpenBegin"] and now >= int(row["preOpenBegin"]):
        return PRE_OPEN
    return ONGOING if now >= int(row["begin"]) else SCHEDULED


def _enter(ex: Exchange, state: str) -> None:
    for market in ex.state.markets.values():
        if market.state in _TRADED.values():
            market.state = state
            ex.listener.market(market, "instrument")


def _millis(at: int) -> str:
    return str(at // 1_000)
