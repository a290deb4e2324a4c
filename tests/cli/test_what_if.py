"""`scalpctl replay --set`: the prices of a session traded again, with and without another setting."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scalpctl.cli.app import run
from scalpctl.errors import UsageError
from scalpctl.settings.loading import load
from scalpctl.wiring.trying import _playable

pytestmark = pytest.mark.whole

Ask = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def ask(root: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Type a command here; gives its exit code, its rows and what it said besides."""

    def typed(*arguments: str) -> tuple[int, Any, str]:
        capsys.readouterr()
        code = run([*arguments, "--root", str(root), "--json"])
        said = capsys.readouterr()
        return (
            code,
            json.loads(said.out.splitlines()[0] if "run" in arguments else said.out or "{}").get("data"),
            said.err,
        )

    return typed


def head(ask: Ask) -> str:
    return str(ask("ledger", "verify")[1]["head_hash"])


def test_another_setting_is_tried_on_the_very_same_prices(ask: Ask) -> None:
    assert ask("run", "--for", "40m", "--speed", "max", "--seed", "7")[0] == 0
    before = head(ask)
    code, rows, said = ask("replay", "--set", "limits.max_usd_size=100")
    assert code == 0, said
    was, again, same = rows
    assert [row["settings"] for row in rows] == ["as it was", "played again", "limits.max_usd_size=100"]
    assert {name: again[name] for name in again if name != "settings"} == {
        name: same[name] for name in same if name != "settings"
    }
    assert was["trades"] > 0
    assert again["trades"] > 0
    code, (_, again, smaller), said = ask(
        "replay", "--set", "limits.max_usd_size=40", "--set", "limits.positions_open_max=1"
    )
    assert code == 0, said
    assert smaller["trades"] > 0
    assert Decimal(smaller["fees"]) < Decimal(again["fees"])
    for row in (again, smaller):
        assert Decimal(row["gross"]) - Decimal(row["fees"]) - Decimal(row["funding"]) == Decimal(row["net"])
    assert head(ask) == before  # nothing of it is in the ledger


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ("nonsense", 64, "is no change"),
        ("limits.max_usd_sise=3", 78, "did you mean 'max_usd_size'"),
        ("limits.max_usd_size=-3", 78, "limits.max_usd_size"),
        ("strategy.parameters.trailing_stop.trail_ratio=7", 78, "trail_ratio"),
    ],
)
def test_a_change_that_cannot_be_is_named(ask: Ask, change: str, code: int, said: str) -> None:
    assert ask("run", "--for", "2m", "--speed", "max", "--seed", "7")[0] == 0
    found = ask("replay", "--set", change)
    assert found[0] == code
    assert said in found[2]


def test_what_the_embedded_exchange_does_not_have_is_left_out_of_both_runs() -> None:
    loaded = load(None, {}, {("instruments",): ["AVAX-USDT-SWAP", "BTC-USDT-SWAP"]})
    assert _playable(loaded).settings.instruments == ("BTC-USDT-SWAP",)
    with pytest.raises(UsageError, match="nothing of what it traded"):
        _playable(load(None, {}, {("instruments",): ["AVAX-USDT-SWAP"]}))
