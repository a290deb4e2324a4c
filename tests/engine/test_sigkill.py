"""Real SIGKILL at twelve points of a trade's life, over loopback: one ledger, one exchange, twelve deaths in a row."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
import uvicorn
from engine import mortal
from engine.conftest import Play
from simulation.oracles import final

from scalpctl.host.clock import WallClock
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving.app import app_of
from scalpctl.simulator.serving.host import Host, fresh_account

POINTS = (
    "before writing .*leverage_chosen",  # decided, and nobody knows
    "after writing .*leverage_chosen",  # recorded, not sent
    "before the answer to place is heard",  # sent, and maybe resting
    "before writing .*position_opened",  # executed, and nobody knows
    "after writing .*position_opened",  # recorded, and no stop
    "before the answer to place_algo is heard",  # a stop that may stand
    "after writing session_started",  # dead again before it has looked
    "before the answer to amend_algo is heard",  # a stop that may have moved
    "after writing decided, order_intended",  # a close decided, not sent
    "before the answer to cancel(_algo)? is heard",
    "before writing .*position_closed",  # flat, and nobody knows
    "after writing .*position_closed",
)
DIES_WITHIN_S = 120
# a second of this exchange is a twentieth of a real one: what a busy machine takes for an answer must be allowed
CONFIG = """\
env: demo
credentials: {{file: {keys}}}
exchange: {{rest_url: "http://127.0.0.1:{port}", websocket_url: "ws://127.0.0.1:{port}/ws/v5",
  order_expires_after_ms: 20000}}
strategy: {{parameters: {{protection: {{ask_s: 20, escalate_s: 60}}}}}}
limits: {{daily_loss_ratio_max: 0.5, drawdown_ratio_max: 0.5, losses_in_a_row_max: 50}}
"""


@dataclass
class Loopback(Play):
    """Two books: the ledger of the engine's process, and those of the exchange in this one."""

    host: Host | None = None

    @property
    def folder(self) -> LedgerFolder:
        return LedgerFolder(self.root, "demo", "main")

    def exchange(self) -> Exchange:
        assert self.host is not None
        return self.host.exchange


@dataclass
class Engine:
    """The engine as a command that runs in a process of its own."""

    config: Path
    root: Path
    begun: int

    async def run(self, deadly: str, lasting_s: float) -> int:
        """Run it until it ends or dies; gives how."""
        tests = str(Path(__file__).parent.parent)
        facts = [str(self.config), str(self.root), deadly, str(lasting_s), str(self.begun)]
        environment = os.environ | {"PYTHONPATH": tests}
        process = await asyncio.create_subprocess_exec(sys.executable, mortal.__file__, *facts, env=environment)
        return await asyncio.wait_for(process.wait(), DIES_WITHIN_S + 60)


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[Host, Engine]]:
    """Serve an exchange on a port of this machine; gives it, and the configuration that leads there."""
    begun = WallClock().now()
    exchange = Exchange.open("chop", 5, begun)
    account, _ = fresh_account(5, Decimal(1_000))
    exchange.add_account(account, Decimal(1_000))
    host = Host(exchange, mortal.hurried(begun))
    host.rest.any_time = True
    listener = socket.create_server(("127.0.0.1", 0))
    keys, config = folder / "keys.yaml", folder / "scalpctl.yaml"
    keys.write_text(f"api_key: {account.api_key}\nsecret: {account.secret}\npassphrase: {account.passphrase}\n")
    keys.chmod(0o600)
    config.write_text(CONFIG.format(keys=keys, port=listener.getsockname()[1]))
    server = uvicorn.Server(uvicorn.Config(app_of(host), log_level="error", lifespan="off", ws="websockets-sansio"))
    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
    serving = [asyncio.ensure_future(server.serve([listener])), asyncio.ensure_future(host.run())]
    try:
        yield host, Engine(config, folder / "root", begun)
    finally:
        server.should_exit = True
        await serving[0]
        serving[1].cancel()


@pytest.mark.slow
@pytest.mark.timeout(1_200)
async def test_twelve_deaths_over_loopback_lose_nothing(tmp_path: Path) -> None:
    play = Loopback(tmp_path / "root")
    async with served(tmp_path) as (host, engine):
        play.host = host
        lasting_s = round(DIES_WITHIN_S * mortal.SPEED)
        for point in POINTS:
            assert await engine.run(point, lasting_s) == -signal.SIGKILL, f"it never came to: {point}"
        assert await engine.run("", 90) == 0
    assert list(final(play)) == []
    kinds = [row["end_kind"] for row in play.rows("SELECT end_kind FROM sessions ORDER BY seq")]
    assert kinds == ["crashed"] * len(POINTS) + ["clean"]
