"""Checks before trading: every way an account, a key or a clock can be unfit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from scalpctl.core.exchange.reports import AccountReport
from scalpctl.core.exchange.requests import MarginMode
from scalpctl.okx.preflight import (
    Expected,
    LeverageSet,
    Severity,
    check_clock,
    check_ip,
    check_level,
    check_leverage,
    check_permissions,
    check_position_mode,
    check_world,
    preflight,
)
from scalpctl.okx.server_clock import Skew
from scalpctl.okx.wire.hosts import REGIONS, hosts_of

ACCOUNT = AccountReport(
    uid="2", main_uid="1", level="2", position_mode="net_mode", isolated_mode="automatic",
    permissions=("read_only", "trade"), ip="198.51.100.7", fee_level="Lv1", label="scalpctl",
    self_trade_prevention="cancel_maker",
)  # fmt: skip
EXPECTED = Expected(live=True, position_mode="net_mode", margin_mode=MarginMode.ISOLATED, leverage_max=Decimal(10))


def test_a_fit_account_has_nothing_to_say() -> None:
    leverages = [LeverageSet("BTC-USDT-SWAP", Decimal("10.0"))]
    findings = preflight(ACCOUNT, Skew(1_000, 10), hosts_of("global", demo=False), leverages, EXPECTED)
    assert {finding.severity for finding in findings} == {Severity.OK}


@pytest.mark.parametrize(
    ("permissions", "severity"),
    [
        (("read_only", "trade"), Severity.OK),
        (("read_only", "trade", "withdraw"), Severity.FAIL),
        (("withdraw",), Severity.FAIL),
        (("read_only",), Severity.FAIL),
        ((), Severity.FAIL),
        (("read_only", "trade", "fly"), Severity.WARN),
    ],
)
def test_g2_a_key_that_may_withdraw_is_refused(permissions: tuple[str, ...], severity: Severity) -> None:
    assert check_permissions(replace(ACCOUNT, permissions=permissions)).severity is severity


@pytest.mark.parametrize(("live", "severity"), [(True, Severity.FAIL), (False, Severity.WARN)])
def test_g3_an_unbound_key_is_refused_for_real_money(live: bool, severity: Severity) -> None:  # noqa: FBT001
    assert check_ip(replace(ACCOUNT, ip=""), live=live).severity is severity


@pytest.mark.parametrize(
    ("behind_us", "severity", "way"),
    [
        (0, Severity.OK, "behind"),
        (40_000_000, Severity.FAIL, "40.000 s behind"),
        (-2_000_000, Severity.WARN, "2.000 s ahead of"),
    ],
)
def test_f1_the_clock_is_judged_in_words(behind_us: int, severity: Severity, way: str) -> None:
    finding = check_clock(Skew(behind_us, 0))
    assert finding.severity is severity
    assert way in finding.what
    assert bool(finding.cure) == (severity is not Severity.OK)


@pytest.mark.parametrize(
    ("level", "margin", "severity"),
    [
        ("2", MarginMode.ISOLATED, Severity.OK),
        ("3", MarginMode.ISOLATED, Severity.FAIL),
        ("3", MarginMode.CROSS, Severity.OK),
        ("4", MarginMode.CROSS, Severity.FAIL),
        ("1", MarginMode.CROSS, Severity.FAIL),
        ("9", MarginMode.CROSS, Severity.WARN),
    ],
)
def test_an_account_level_must_know_the_margin_and_the_orders_that_only_reduce(
    level: str, margin: MarginMode, severity: Severity
) -> None:
    assert check_level(replace(ACCOUNT, level=level), margin).severity is severity


def test_another_position_mode_is_refused() -> None:
    assert check_position_mode(ACCOUNT, "long_short_mode").severity is Severity.FAIL


@pytest.mark.parametrize("leverage", [Decimal("10.5"), None])
def test_leverage_that_is_too_high_or_not_known_is_told(leverage: Decimal | None) -> None:
    assert check_leverage([LeverageSet("X", leverage)], Decimal(10)).severity is Severity.WARN


@pytest.mark.parametrize("region", REGIONS)
def test_g1_environment_and_addresses_belong_together(region: str) -> None:
    for live in (True, False):
        assert check_world(hosts_of(region, demo=not live), live=live).severity is Severity.OK
        assert check_world(hosts_of(region, demo=live), live=live).severity is Severity.FAIL
    mixed = replace(hosts_of(region, demo=True), stream=hosts_of(region, demo=False).stream)
    assert check_world(mixed, live=False).severity is Severity.FAIL
