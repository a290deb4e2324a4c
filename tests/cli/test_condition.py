"""One line for cron: an engine that lives and hears nothing is not fine."""

from __future__ import annotations

from typing import Any

import pytest

from scalpctl.cli.condition import judge

NOW = 1_767_592_800_000_000


def a_status(*, protection: str = "", instrument: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    one = {"instrument": "BTC-USDT-SWAP", "traded": True, "live": True, "warm": True, "ticker_at": NOW - 40_000_000,
           "mark_at": NOW - 2_000_000, "candle_at": NOW - 59_000_000}  # fmt: skip
    held = [{"instrument": "BTC-USDT-SWAP", "protection": protection}] if protection else []
    return {
        "at": NOW, "usable": True, "recovered": True, "equity": "1000", "latches": [], "positions": held,
        "instruments": [one | (instrument or {})],
    } | changes  # fmt: skip


DEAF = {"ticker_at": NOW - 75_000_000, "mark_at": NOW - 61_000_000}


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (None, 3, "UNKNOWN no engine is running"),
        (a_status(), 0, "OK 0 open, equity 1000"),
        (a_status(protection="protected"), 0, "OK 1 open"),
        (a_status(protection="asking"), 2, "CRITICAL without a stop: BTC-USDT-SWAP; 1 open"),
        (a_status(usable=False), 1, "WARNING entries are held back: the private line is down"),
        (a_status(recovered=False), 1, "WARNING entries are held back: the account is still being read"),
        (a_status(latches=[{"limit": "daily_loss"}]), 1, "WARNING entries are held back: daily_loss"),
        (a_status(instrument={"warm": False}), 1, "candles of BTC-USDT-SWAP are being read"),
        (a_status(instrument=DEAF), 1, "WARNING nothing is heard of some: BTC-USDT-SWAP (no price for 61 s)"),
        (a_status(instrument=DEAF, protection="protected"), 2, "what is held is not heard of: BTC-USDT-SWAP (no price"),
        (a_status(instrument={"candle_at": NOW - 200_000_000}), 1, "BTC-USDT-SWAP (no candle for 200 s)"),
        (a_status(instrument={"ticker_at": None, "mark_at": None}), 1, "BTC-USDT-SWAP (no price yet)"),
        (a_status(instrument=DEAF | {"live": False}), 0, "OK"),
        (a_status(instrument=DEAF | {"traded": False}), 0, "OK"),
        (a_status(instrument=DEAF | {"traded": False}, protection="protected"), 2, "no price for 61 s"),
    ],
)  # fmt: skip
def test_the_line_says_what_is_wrong_and_the_code_how_bad_it_is(status: Any, code: int, says: str) -> None:
    found, line = judge(status)
    assert found == code, line
    assert says in line
