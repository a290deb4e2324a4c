from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest

from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.state import Account

START = 1_767_225_600_000_000
BTC = "BTC-USDT-SWAP"


@dataclass
class Served:
    """A served exchange as its clients see it."""

    rest: str
    ws: str
    api_key: str
    secret: str
    passphrase: str
    account: str

    @property
    def port(self) -> str:
        return self.rest.rsplit(":", 1)[1]


@pytest.fixture
def served() -> Iterator[Served]:
    """The real program in a process of its own, with real sockets."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scalpctl", "sim", "serve", "--json", "--seed", "3", "--balance", "10000"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | {"SCALPCTL_QUIET": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    facts = json.loads(process.stdout.readline())
    yield Served(**facts)
    process.terminate()
    assert process.wait(timeout=10) == 0
    process.stdout.close()


@pytest.fixture
def exchange() -> Exchange:
    return Exchange.open("range", 7, START)


@pytest.fixture
def account(exchange: Exchange) -> Account:
    made = exchange.add_account(Account("7000", "sim-key", "sim-secret", "sim-phrase"), Decimal(10_000))
    made.levers[f"{BTC}|isolated"] = made.levers[f"{BTC}|cross"] = "10"
    return made
