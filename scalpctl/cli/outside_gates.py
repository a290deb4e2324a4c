"""What must hold before an engine trades at OKX: real money is meant and audited, and the account is fit to trade."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from scalpctl.analysis.service.units import ACKNOWLEDGED
from scalpctl.cli.invocation import Invocation
from scalpctl.errors import AccessRefused, ExchangeUnavailable, UsageError
from scalpctl.host.clock import WallClock

if TYPE_CHECKING:
    from scalpctl.ledger.folder import LedgerFolder
    from scalpctl.settings.loading import Loaded

AUDIT_AGE_US_MAX = 3_600_000_000
CLOCK = "exchange clock"
"""A clock that is off holds entries back while it is; positions are looked after whatever it shows."""


def require_gates(call: Invocation, loaded: Loaded, folder: LedgerFolder, *, live: bool) -> None:
    """Ask every gate of the environment; the embedded exchange has none."""
    if loaded.settings.env == "live":
        _require_meant(call, loaded, live=live)
        _require_audited(loaded, folder)
    if loaded.settings.env in {"demo", "live"}:
        _require_fit(call, loaded)


def _require_meant(call: Invocation, loaded: Loaded, *, live: bool) -> None:
    """Real money needs three separate signs that it is meant: the environment, the flag, and the account by name."""
    if not live:
        raise UsageError("env is live, but --live was not given", hint="add --live if real money is meant")
    account = loaded.settings.account
    if call.environ.get(ACKNOWLEDGED) == account or (_at_a_terminal() and _typed(account)):
        return
    raise AccessRefused(
        "live trading was not acknowledged", hint=f"set {ACKNOWLEDGED}={account} in the environment of this command"
    )


def _at_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _typed(account: str) -> bool:
    asked = f"This trades real money. Type the account's name, {account}, to go on: "
    print(asked, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == account


def _require_audited(loaded: Loaded, folder: LedgerFolder) -> None:
    """Real money needs a recent audit in which nothing was red or yellow, of this code with this configuration.

    An engine that comes back after its death needs none: its positions want it now, and it was let in with that code.
    """
    if not folder.ledger.exists():  # before its first session there is nothing to audit
        return
    from scalpctl.ledger.audits import past_audits
    from scalpctl.wiring.code import code_digest

    wanted = (code_digest(), loaded.digest())
    if _died_as(folder) == wanted:
        return
    oldest = WallClock().now() - AUDIT_AGE_US_MAX
    for line in past_audits(folder):
        same = (line.get("code_digest"), line.get("config_digest")) == wanted
        if same and line.get("go_live") and line.get("verdict") == "green" and int(line.get("at", 0)) >= oldest:
            return
    raise AccessRefused(
        "live trading needs a green go-live audit of this code and this configuration, not older than an hour",
        hint="scalpctl audit --env live --online --go-live",
    )


_LAST_BEGUN = (
    "SELECT code_digest, config_digest, end_kind FROM sessions WHERE coalesce(end_reason, '') NOT LIKE ? "
    "AND ? = (SELECT purpose FROM leases WHERE leases.seq < sessions.seq ORDER BY leases.seq DESC LIMIT 1) "
    "ORDER BY seq DESC LIMIT 1"
)
"""The last that was let in to trade: a command in the place of the engine was asked for no audit, and one that could
not reach the exchange has shown nothing about its code. Neither takes anything from the one before it."""


def _died_as(folder: LedgerFolder) -> tuple[str, str] | None:
    """Give code and configuration of the last session that traded, if it never came to its end."""
    from scalpctl.ledger.reading import LedgerReader
    from scalpctl.wiring.session import COULD_NOT_BEGIN, TRADING

    with LedgerReader(folder.ledger) as reader:
        rows = reader.rows(_LAST_BEGUN, (f"{COULD_NOT_BEGIN}%", TRADING))
    died = bool(rows) and rows[0]["end_kind"] in {None, "crashed"}
    return (rows[0]["code_digest"], rows[0]["config_digest"]) if died else None


def _require_fit(call: Invocation, loaded: Loaded) -> None:
    """Refuse an account on which orders would fail, or a key that can do more than order; stops stay where they are."""
    from scalpctl.analysis.fitness import Grade
    from scalpctl.settings.secrets import find_key
    from scalpctl.wiring import account_rows

    key = find_key(loaded.credentials, call.environ)
    try:
        rows = asyncio.run(account_rows(loaded, key, WallClock()))
    except ExchangeUnavailable:  # no information; the session asks again, for as long as it takes
        return
    bad = [row for row in rows if row.grade is Grade.FAIL and row.check != CLOCK]
    if bad:
        found = "; ".join(f"{row.check.removeprefix('exchange ')}: {row.found}" for row in bad)
        raise AccessRefused(f"the account is not fit to trade: {found}", hint="; ".join(row.cure for row in bad))
