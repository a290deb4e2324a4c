"""What a terminal is shown: a real pseudo-terminal, read as a terminal would, of every width and with hostile text."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from builders import T0
from cli.conftest import CLEAN
from rich.console import Console

from scalpctl.cli.render.dashboard import drawn
from scalpctl.ledger.folder import LedgerFolder

Run = Callable[..., "subprocess.CompletedProcess[str]"]
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def on_a_terminal(
    width: int, arguments: Sequence[str], environ: Mapping[str, str], typed: bytes = b""
) -> tuple[int, str]:  # fmt: skip
    """Give the exit code and everything the terminal was sent."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "scalpctl", *arguments], stdin=follower, stdout=follower, stderr=follower,
        env=CLEAN | {"TERM": "xterm", "COLUMNS": str(width)} | dict(environ),
    )  # fmt: skip
    os.close(follower)
    os.write(leader, typed)
    seen = b""
    while select.select([leader], [], [], 30)[0]:
        try:
            part = os.read(leader, 65_536)
        except OSError:
            break
        if not part:
            break
        seen += part
    os.close(leader)
    return process.wait(timeout=10), seen.decode()


def test_an_ascii_terminal_gets_an_answer(scalpctl: Run, filled: LedgerFolder) -> None:
    done = scalpctl("trades", "-o", "table", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.returncode == 0
    assert "0.216191952" in done.stdout
    assert done.stdout.isascii()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_narrow_terminal_loses_columns_and_never_digits(root: Path, filled: LedgerFolder, width: int) -> None:
    _, seen = on_a_terminal(width, ["trades", "--root", str(root)], {})
    assert "\u2026" not in seen
    assert "P1" in seen
    assert ("hidden on this width" in seen) == (width < 300)
    assert ("0.216191952" in seen) == (width > 40)


@pytest.mark.parametrize("width", [30, 80, 200])
def test_a_name_and_its_value_are_both_shown_on_any_width(root: Path, filled: LedgerFolder, width: int) -> None:
    code, seen = on_a_terminal(width, ["ledger", "backup", "--root", str(root)], {})
    (file,) = (path for path in root.rglob("*.db*") if path.is_file() and "backup" in str(path.relative_to(root)))
    assert code == 0
    assert "hidden" not in seen
    assert str(file) in "".join(CONTROL.sub("", seen).split())  # in as many lines as it needs, every letter of it


def test_a_terminal_gets_a_table_and_no_color_is_honoured(root: Path, filled: LedgerFolder) -> None:
    assert "\x1b[1m" in on_a_terminal(200, ["trades", "--root", str(root)], {})[1]
    assert "\x1b[3" not in on_a_terminal(200, ["trades", "--root", str(root)], {"NO_COLOR": "1"})[1]
    assert "\u256d" in on_a_terminal(100, ["--help"], {})[1]


def test_hostile_text_is_inert_on_a_terminal(root: Path, filled: LedgerFolder) -> None:
    sql = "SELECT char(27) || '[31mred' || char(8238) || '[/bold]' AS x"
    for form in ("table", "tsv", "md", "csv", "json"):
        done = subprocess.run(
            [sys.executable, "-m", "scalpctl", "ledger", "query", sql, "-o", form, "--root", str(root)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "\x1b" not in done.stdout
        assert "\u202e" not in done.stdout
        assert "[/bold]" in done.stdout


def test_a_run_is_shown_as_it_stands_and_leaves_the_last_events(root: Path) -> None:
    arguments = ("run", "--speed", "max", "--seed", "7", "--for", "40m", "--root", str(root))
    code, drawn = on_a_terminal(140, arguments, {})
    seen = CONTROL.sub("", drawn)
    assert code == 0, seen
    assert "equity " in seen
    assert "trading" in seen
    assert re.search(r"today -?[0-9.]+ after fees +lines +public ready +candles ready +private ready", seen)
    assert re.search(r"instrument +bid +ask +age +regime +last refusal", seen)
    assert re.search(r"-USDT-SWAP +[0-9.]+ +[0-9.]+ +0\.[0-9] s +(ranging|trending_up|trending_down)", seen)
    assert re.search(r"position +side +contracts +entry +net now +stop +protection +margin +rules", seen)
    assert re.search(r"-USDT-SWAP +(long|short) +[0-9.]+ .*(protected|placing)", seen)
    _, _, after = seen.rpartition("net now")
    assert "closed" in after  # the picture is gone, the last events and the summary stay


def test_the_picture_tells_of_orders_limits_lines_and_rules_that_are_not_at_rest() -> None:
    status = {
        "at": T0 + 750_000, "usable": False, "ending": None, "equity": "998.5", "day_net": "-1.5",
        "latches": [
            {"limit": "refusals", "instrument": "", "why": "5 refused, 51000 \x1b[2Jno", "until": T0 + 60_000_000},
            {"limit": "ramp", "instrument": "", "why": "look at them", "until": None},
        ],
        "instruments": [
            {"instrument": "BTC-USDT-SWAP", "bid": "64000.1", "ask": "64000.2", "ticker_at": T0, "regime": "ranging",
             "warm": True, "skipped": "spread"},
        ],
        "positions": [
            {"instrument": "BTC-USDT-SWAP", "side": "long", "contracts": "0.15", "entry_price": "64000.123456789",
             "unrealised_net": "-0.25", "stop": "63500", "protection": "protected", "margin_ratio": "21.5",
             "rules": ["stop_loss:hold:quiet", "smart_exit:veto:holding_on", "trailing:hold:no_price"],
             "closing": None},
        ],
        "orders": [
            {"instrument": "ETH-USDT-SWAP", "role": "entry", "action": "sell", "contracts": "0.31", "price": "3200.1",
             "state": "resting", "quotes": 2},
        ],
    }  # fmt: skip
    paper = Console(width=170, record=True, file=io.StringIO())
    paper.print(*drawn("S", status, [("public", "ready"), ("private", "down")]), sep="\n")
    seen = paper.export_text()
    for words in (
        "entries held", "equity 998.5  today -1.5 after fees",
        "public ready  private down", "no entries until a person resumes: ramp, look at them",
        "64000.2  0.8 s  ranging  spread", "smart_exit holding_on, trailing no_price", "ETH-USDT-SWAP  entry  sell",
        "3200.1  resting",
    ):  # fmt: skip
        assert words in seen, seen
    assert "\x1b[2J" not in seen
    assert "stop_loss quiet" not in seen


@pytest.mark.parametrize("typed", [b"main\n", b"yes\n", b"\n", b"\x04"])
def test_real_money_is_meant_when_its_account_is_typed(root: Path, typed: bytes) -> None:
    code, seen = on_a_terminal(120, ("run", "--env", "live", "--live", "--root", str(root)), {}, typed)
    assert code == 77
    assert "Type the account's name, main" in seen
    assert ("there is no API key" in seen) == (typed == b"main\n")
    assert ("was not acknowledged" in seen) == (typed != b"main\n")
