"""Is this account, key and clock fit to trade: pure checks that return findings for a person to read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from urllib.parse import urlsplit

from scalpctl.core.exchange.reports import AccountReport
from scalpctl.core.exchange.requests import MarginMode
from scalpctl.core.instants import MICROS_PER_SECOND
from scalpctl.okx.server_clock import Skew
from scalpctl.okx.wire.hosts import DEMO_STREAM_MARK, LOOPBACK, Hosts

SKEW_WARNS_US = 1 * MICROS_PER_SECOND
SKEW_STOPS_US = 5 * MICROS_PER_SECOND
_SPOT_ONLY = "1"
_FUTURES = "2"
_PORTFOLIO = "4"
_LEVEL_NAMES = {"1": "spot", "2": "futures", "3": "multi-currency", "4": "portfolio"}


class Severity(StrEnum):
    """How bad a finding is; a failure keeps scalpctl from trading."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One checked thing: what was found, and what cures it where something is wrong."""

    check: str
    severity: Severity
    what: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the settings expect of the account."""

    live: bool
    position_mode: str
    margin_mode: MarginMode
    leverage_max: Decimal


@dataclass(frozen=True, slots=True)
class LeverageSet:
    """The leverage in force for one instrument."""

    inst_id: str
    leverage: Decimal | None


def check_clock(skew: Skew) -> Finding:
    """Judge how far our clock is off."""
    off_us = abs(skew.behind_us)
    seconds = off_us / MICROS_PER_SECOND
    way = "behind" if skew.behind_us >= 0 else "ahead of"
    what = f"this machine's clock is {seconds:.3f} s {way} the exchange's"
    cure = "timedatectl set-ntp true, or chronyc makestep; after a sleep of the machine, do it again"
    if off_us > SKEW_STOPS_US:
        return Finding("clock", Severity.FAIL, what, cure)
    if off_us > SKEW_WARNS_US:
        return Finding("clock", Severity.WARN, what, cure)
    return Finding("clock", Severity.OK, what)


def check_permissions(account: AccountReport) -> Finding:
    """Judge what the key may do: trade, and never withdraw."""
    granted = ", ".join(account.permissions) or "nothing"
    if "withdraw" in account.permissions:
        return Finding(
            "permissions",
            Severity.FAIL,
            f"the key may withdraw ({granted})",
            "create a key with read and trade only, delete this one: a key that leaks must not empty the account",
        )
    if "trade" not in account.permissions:
        return Finding(
            "permissions", Severity.FAIL, f"the key may not trade ({granted})", "give it trade, not withdraw"
        )
    strangers = sorted(part for part in account.permissions if part not in {"read_only", "trade"})
    if strangers:
        what = f"the key has permissions scalpctl does not know ({', '.join(strangers)})"
        return Finding("permissions", Severity.WARN, what, "take away what trading does not need")
    return Finding("permissions", Severity.OK, granted)


def check_ip(account: AccountReport, *, live: bool) -> Finding:
    """Judge whether the key is bound to an address."""
    if account.ip:
        return Finding("ip binding", Severity.OK, f"bound to {account.ip}")
    severity = Severity.FAIL if live else Severity.WARN
    return Finding(
        "ip binding", severity, "the key is not bound to an IP address: it works from anywhere, and lapses when idle",
        "bind the key to this machine's address",
    )  # fmt: skip


def check_owner(account: AccountReport) -> Finding:
    """Judge whose account it is: a sub-account limits what can go wrong."""
    if account.uid == account.main_uid:
        return Finding("account", Severity.WARN, "this is the main account", "trade from a sub-account")
    return Finding("account", Severity.OK, "a sub-account")


def check_level(account: AccountReport, margin: MarginMode) -> Finding:
    """Judge the account level against the margin mode."""
    name = _LEVEL_NAMES.get(account.level, f"unknown ({account.level})")
    if account.level not in _LEVEL_NAMES:
        return Finding("account level", Severity.WARN, name, "check that this level trades swaps")
    if account.level == _SPOT_ONLY:
        return Finding("account level", Severity.FAIL, "spot accounts trade no swaps", "switch to futures mode")
    if account.level == _PORTFOLIO:
        what = "portfolio margin knows no reduce-only orders and no stops for a whole position: a close could open"
        return Finding("account level", Severity.FAIL, what, "switch to futures mode or multi-currency margin")
    if margin is MarginMode.ISOLATED and account.level != _FUTURES:
        what = f"{name} accounts know no isolated margin"
        return Finding("account level", Severity.FAIL, what, "switch to futures mode, or configure cross margin")
    return Finding("account level", Severity.OK, name)


def check_position_mode(account: AccountReport, expected: str) -> Finding:
    """Judge the position mode: it decides what an order without a side means."""
    if account.position_mode != expected:
        what = f"the account is in {account.position_mode}, the configuration expects {expected}"
        return Finding(
            "position mode",
            Severity.FAIL,
            what,
            "change it there while nothing is held or ordered",
        )
    return Finding("position mode", Severity.OK, expected)


def check_isolated_transfers(account: AccountReport, margin: MarginMode) -> Finding:
    """Judge how isolated margin moves: by hand means that an order may find none."""
    if margin is MarginMode.ISOLATED and account.isolated_mode != "automatic":
        what = f"isolated margin is moved by hand ({account.isolated_mode or 'unknown'})"
        return Finding("margin transfers", Severity.FAIL, what, "set isolated margin transfers to automatic")
    return Finding("margin transfers", Severity.OK, account.isolated_mode or "not used")


def check_leverage(leverages: Iterable[LeverageSet], most: Decimal) -> Finding:
    """Judge the leverage in force: one that cannot be read is not one that is low."""
    known = list(leverages)
    too_high = [f"{item.inst_id} {item.leverage}x" for item in known if item.leverage is None or item.leverage > most]
    if too_high:
        what = f"leverage above {most}x or not known: {', '.join(too_high)}"
        return Finding(
            "leverage", Severity.WARN, what, "scalpctl sets it before the first entry; open positions keep theirs"
        )
    return Finding("leverage", Severity.OK, f"at most {most}x on {len(known)} instruments")


def check_world(hosts: Hosts, *, live: bool) -> Finding:
    """Judge that environment and addresses belong together; that the key does, only an answer of the exchange shows."""
    if hosts.demo and urlsplit(hosts.rest).hostname in LOOPBACK:
        return Finding("environment", Severity.OK, "demo, on this machine")
    demo_stream = DEMO_STREAM_MARK in hosts.stream
    if hosts.demo == live:
        what = f"the environment is {'live' if live else 'demo'}, the addresses are the other world's"
        return Finding("environment", Severity.FAIL, what, "let the region choose the addresses")
    if demo_stream != hosts.demo:
        what = f"{hosts.stream} is not the {'demo' if hosts.demo else 'live'} stream"
        return Finding("environment", Severity.FAIL, what, "let the region choose the addresses")
    return Finding("environment", Severity.OK, f"{'live' if live else 'demo'}, {hosts.region}")


def preflight(
    account: AccountReport, skew: Skew, hosts: Hosts, leverages: Iterable[LeverageSet], expected: Expected
) -> tuple[Finding, ...]:
    """Check everything, in the order a person would put it right."""
    return (
        check_world(hosts, live=expected.live),
        check_clock(skew),
        check_permissions(account),
        check_ip(account, live=expected.live),
        check_owner(account),
        check_level(account, expected.margin_mode),
        check_position_mode(account, expected.position_mode),
        check_isolated_transfers(account, expected.margin_mode),
        check_leverage(leverages, expected.leverage_max),
    )
