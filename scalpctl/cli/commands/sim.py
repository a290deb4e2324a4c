"""``scalpctl sim``: the embedded exchange on a port, for any OKX client; what others do to it; the worlds there are."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalpctl.cli.family import family
from scalpctl.cli.invocation import Invocation, with_common
from scalpctl.cli.render.output import Envelope
from scalpctl.errors import ExchangeUnreachable, UsageError
from scalpctl.host.clock import WallClock

if TYPE_CHECKING:
    from scalpctl.simulator.serving.host import Host

app = family("Serve the embedded exchange, and let things happen to it.")
LOOPBACK = "127.0.0.1"


@app.command()
@with_common
def serve(
    call: Invocation,
    port: Annotated[int, typer.Option("--port", help="Port on this machine; 0 takes a free one.")] = 0,
    world: Annotated[str, typer.Option("--world", help="Market world.")] = "range",
    seed: Annotated[int, typer.Option("--seed", help="Seed of prices and faults.")] = 1,
    balance: Annotated[str, typer.Option("--balance", help="USDT the account begins with.")] = "10000",
    faults: Annotated[str, typer.Option("--faults", help="What goes wrong: none, light, storm or fog.")] = "none",
    speed: Annotated[str, typer.Option("--speed", help="1x, or a multiple like 20x.")] = "1x",
    schedule: Annotated[Path | None, typer.Option("--schedule", help="YAML list of what others do.")] = None,
) -> None:
    """Serve a fresh exchange over HTTP and WebSocket until interrupted; on this machine only."""
    from scalpctl.core.money import parse_decimal

    cash = parse_decimal(balance)
    if cash <= 0:
        raise UsageError(f"{balance} is not a balance", hint="a positive amount of USDT")
    host = _host(world, seed, (cash, faults), speed)
    if schedule is not None:
        from scalpctl.simulator.schedule import read_schedule

        host.exchange.state.schedule += read_schedule(schedule, host.now)
    listener = _listen(port)
    _announce(call, host, listener.getsockname()[1])
    asyncio.run(_serve(host, listener))


def _host(world: str, seed: int, how: tuple[Decimal, str], speed: str) -> Host:
    from scalpctl.host.paced_clock import PacedClock
    from scalpctl.simulator.exchange import Exchange
    from scalpctl.simulator.serving.faults import PRESETS
    from scalpctl.simulator.serving.host import Host, fresh_account
    from scalpctl.simulator.tape import PREFIX
    from scalpctl.simulator.worlds import WORLDS

    cash, faults = how
    for name, value, known in (("world", world, WORLDS), ("kind of weather", faults, PRESETS)):
        if value not in known and not (name == "world" and value.startswith(PREFIX)):
            raise UsageError(f"{value!r} is not a {name}", hint=f"one of {', '.join(known)}")
    wall = WallClock()
    exchange = Exchange.open(world, seed, wall.now())
    account, _ = fresh_account(seed, cash)
    exchange.add_account(account, cash)
    host = Host(exchange, PacedClock(wall.now(), _times(speed), wall), faults=faults)
    host.rest.any_time = _times(speed) != 1.0
    return host


def _times(text: str) -> float:
    number = text.removesuffix("x")
    if not number.replace(".", "", 1).isdecimal() or not 0 < float(number) <= 1_000:
        raise UsageError(f"{text!r} is not a speed", hint="1x, or a multiple like 20x")
    return float(number)


def _listen(port: int) -> socket.socket:
    # named as TCP, because only then does the event loop send small answers at once
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(128)  # whoever reads the announcement may connect at once
    except (OSError, OverflowError) as error:
        raise UsageError(f"port {port} cannot be taken: {error}", hint="use --port 0 for a free one") from error
    return listener


def _announce(call: Invocation, host: Host, port: int) -> None:
    account = next(iter(host.exchange.state.accounts.values()))
    facts = {
        "rest": f"http://{LOOPBACK}:{port}",
        "ws": f"ws://{LOOPBACK}:{port}/ws/v5",
        "api_key": account.api_key,
        "secret": account.secret,
        "passphrase": account.passphrase,
        "account": account.uid,
    }
    if call.output.form in {"json", "jsonl"}:
        print(json.dumps(facts), flush=True)
        return
    for name, value in facts.items():
        print(f"{name:<11} {value}", flush=True)
    call.output.say([f"scalpctl sim fault liquidate --port {port}"])


async def _serve(host: Host, listener: socket.socket) -> None:
    import uvicorn

    from scalpctl.simulator.serving.app import app_of

    config = uvicorn.Config(
        app_of(host), log_level="error", lifespan="off", ws="websockets-sansio", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: setattr(server, "should_exit", True))
    server.capture_signals = _nobody  # type: ignore[method-assign] # ours end the server as well
    keeping = asyncio.ensure_future(host.run())
    try:
        await server.serve([listener])
    finally:
        keeping.cancel()


def _nobody() -> Any:
    import contextlib

    return contextlib.nullcontext()


@app.command()
@with_common
def fault(
    call: Invocation,
    action: Annotated[str, typer.Argument(help="Like liquidate, adl, manual-close, mute, outage, preset.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="Like instrument=BTC-USDT-SWAP fraction=0.5.")] = None,
    port: Annotated[int, typer.Option("--port", help="Port of the running exchange.")] = 0,
) -> None:
    """Let something happen to a running exchange."""
    pairs = dict(_pair(text) for text in arguments or [])
    answer = _post(port, {"action": action, "arguments": pairs})
    if not answer.get("ok"):
        raise UsageError(str(answer.get("message") or answer.get("done") or "it was refused"))
    call.output.facts(Envelope("sim-fault", WallClock().now()), {"action": action, "done": answer["done"]})


def _pair(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found:
        raise UsageError(f"{text!r} is not an argument", hint="write it like instrument=BTC-USDT-SWAP")
    return name, value


def _post(port: int, ask: dict[str, Any]) -> dict[str, Any]:
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        connection.request("POST", "/sim/fault", json.dumps(ask), {"Content-Type": "application/json"})
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, HTTPException, ValueError) as error:
        raise ExchangeUnreachable(
            f"no exchange answers on port {port}", hint="start one: scalpctl sim serve --port 8700"
        ) from error
    finally:
        connection.close()
    return answer


@app.command()
@with_common
def record(
    call: Invocation,
    path: Annotated[Path, typer.Argument(help="File to write, like prices.quotes.zst.")],
    lasting: Annotated[str, typer.Option("--for", help="How long, like 10m.")] = "10m",
    rest: Annotated[str | None, typer.Option("--rest", help="Another exchange's REST address; OKX without it.")] = None,
    ws: Annotated[str | None, typer.Option("--ws", help="Its WebSocket address, without a path.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Record best bids and asks, to be played again with --world tape:FILE."""
    from dataclasses import replace

    from scalpctl.okx.wire.hosts import hosts_of
    from scalpctl.simulator.schedule import span_us
    from scalpctl.simulator.specs import BY_ID
    from scalpctl.wiring.prices import record as write_down

    if path.exists() and not force:
        raise UsageError(f"{path} exists", hint="use --force to replace it, or another file")
    usual = hosts_of(call.settings().settings.exchange.region, demo=False)
    stream = (ws or usual.stream).removesuffix("/ws/v5")
    hosts = replace(usual, rest=rest or usual.rest, stream=stream)
    seconds = span_us(lasting, "--for") / 1_000_000
    count = asyncio.run(write_down(hosts, WallClock(), path, list(BY_ID), seconds))
    call.output.facts(Envelope("sim-record", WallClock().now()), {"file": str(path), "quotes": count})
    call.output.say([f"scalpctl run --world tape:{path}"])


@app.command()
@with_common
def worlds(call: Invocation) -> None:
    """List the market worlds."""
    from scalpctl.simulator.worlds import WORLDS

    rows = [
        {"world": name, "moods": ", ".join(dict.fromkeys(moods)), "what": what}
        for name, (moods, what) in WORLDS.items()
    ]
    call.output.rows(Envelope("sim-worlds", WallClock().now()), rows, ["world", "moods", "what"])
