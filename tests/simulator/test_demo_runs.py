"""`scalpctl run --env demo` against a served exchange: the account is looked at before anything is traded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
from simulator.conftest import Served

from scalpctl.host.clock import WallClock
from scalpctl.okx.wire.signing import rest_timestamp, signature


def scalpctl(home: Path, served: Served, *arguments: str) -> subprocess.CompletedProcess[str]:
    keys, config = home / "keys.yaml", home / "demo.yaml"
    keys.write_text(f"api_key: {served.api_key}\nsecret: {served.secret}\npassphrase: {served.passphrase}\n")
    keys.chmod(0o600)
    config.write_text(
        f"env: demo\ncredentials: {{file: {keys}}}\n"
        f"exchange: {{rest_url: '{served.rest}', websocket_url: '{served.ws}'}}\n"
    )
    command = [sys.executable, "-m", "scalpctl", *arguments, "--config", str(config), "--root", str(home / "ledgers")]
    environ = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(home)}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_a_fit_account_is_traded_on(served: Served, tmp_path: Path) -> None:
    done = scalpctl(tmp_path, served, "run", "--for", "4s")
    assert done.returncode == 0, done.stderr
    (session,) = json.loads(scalpctl(tmp_path, served, "sessions", "--json").stdout)["data"]
    assert session["env"] == "demo"


def test_an_account_in_another_position_mode_is_refused_before_a_session_begins(
    served: Served, tmp_path: Path
) -> None:  # fmt: skip
    another_mode(served)
    done = scalpctl(tmp_path, served, "run", "--for", "4s")
    assert done.returncode == 77
    assert "position mode: the account is in long_short_mode, the configuration expects net_mode" in done.stderr
    assert "while nothing is held or ordered" in done.stderr
    assert not (tmp_path / "ledgers" / "demo-main" / "ledger.db").exists()


def another_mode(served: Served) -> None:
    """Change the account as its owner would, by a signed request."""
    target, body = "/api/v5/account/set-position-mode", b'{"posMode":"long_short_mode"}'
    at = rest_timestamp(WallClock().now())
    headers = {
        "OK-ACCESS-KEY": served.api_key, "OK-ACCESS-PASSPHRASE": served.passphrase, "OK-ACCESS-TIMESTAMP": at,
        "OK-ACCESS-SIGN": signature(served.secret, at, "POST", target, body), "content-type": "application/json",
    }  # fmt: skip
    assert httpx.post(served.rest + target, content=body, headers=headers).json()["code"] == "0"


def test_prices_are_recorded_played_again_and_not_recorded_over(served: Served, tmp_path: Path) -> None:
    file = tmp_path / "prices.quotes.zst"
    record = ("sim", "record", str(file), "--for", "3s", "--rest", served.rest, "--ws", served.ws, "--json")
    done = scalpctl(tmp_path, served, *record)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["data"]["quotes"] > 10
    before = file.read_bytes()
    again = scalpctl(tmp_path, served, *record)
    assert (again.returncode, file.read_bytes()) == (64, before)
    assert "--force" in again.stderr
    played = scalpctl(
        tmp_path, served, "run", "--env", "sim", "--speed", "max", "--for", "3s", "--world", f"tape:{file}"
    )
    assert played.returncode == 0, played.stderr
