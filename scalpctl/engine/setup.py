"""How the account is set up: what somebody changes in mid-session holds entries back until it is as it was."""

from __future__ import annotations

from scalpctl.core.exchange.reports import AccountReport
from scalpctl.core.limits import Limit
from scalpctl.engine.context import Context
from scalpctl.engine.effects import ReadSetup
from scalpctl.engine.events import SetupRead

READ_EVERY_S = 60
POSITION_MODE, NET_MODE = "position mode", "net_mode"
"""The one position mode in which an order needs no side: in another one every entry would be refused."""


def of(account: AccountReport) -> dict[str, str]:
    """Give what of an account's setup decides what an order means."""
    return {
        "account level": account.level,
        POSITION_MODE: account.position_mode,
        "isolated margin": account.isolated_mode,
        "self-trade prevention": account.self_trade_prevention,
    }


def read_in_time(ctx: Context) -> None:
    """Have the account's setup read soon after the beginning, and once a minute."""
    if ctx.seconds % READ_EVERY_S == 2:
        ctx.do(ReadSetup())


def heard(ctx: Context, read: SetupRead) -> None:
    """Compare the setup with the one the session began with; one that could not be read is no information."""
    now = read.setup
    if now is None:
        return
    began = ctx.account.setup = ctx.account.setup or now | {POSITION_MODE: NET_MODE}
    changed = [f"{name} was {began[name]}, is {value}" for name, value in now.items() if value != began[name]]
    if changed:
        ctx.trip(Limit.ACCOUNT_SETUP, f"the account is set up anew: {'; '.join(changed)}")
    else:
        ctx.clear(Limit.ACCOUNT_SETUP)
