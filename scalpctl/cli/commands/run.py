"""``scalpctl run``: the engine, on the embedded exchange or on OKX, until its time is over or somebody stops it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalpctl.cli.family import family
from scalpctl.cli.invocation import Invocation, with_common
from scalpctl.cli.outside_gates import require_gates
from scalpctl.cli.render.output import Envelope, write
from scalpctl.errors import ScalpctlError, UsageError
from scalpctl.host.clock import WallClock

if TYPE_CHECKING:
    from scalpctl.analysis.summary import Summary
    from scalpctl.ledger.folder import LedgerFolder
    from scalpctl.settings.loading import Loaded
    from scalpctl.wiring.session import Ending, Session
    from scalpctl.wiring.venues import SimOptions, Venue

app = family()
FORCED = 130


@app.command()
@with_common
def run(
    call: Invocation,
    lasting: Annotated[
        str | None, typer.Option("--for", help="How long, like 30m or 4h; without it until stopped.")
    ] = None,
    speed: Annotated[str, typer.Option("--speed", help="Simulated time: real, max, or a multiple like 20x.")] = "real",
    world: Annotated[str, typer.Option("--world", help="Market world of a new simulated account.")] = "range",
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of a new simulated account.")] = None,
    instruments: Annotated[
        str | None, typer.Option("--instruments", help="Comma-separated, instead of the configured.")
    ] = None,
    faults: Annotated[str, typer.Option("--faults", help="What goes wrong: none, light, storm or fog.")] = "none",
    schedule: Annotated[
        Path | None, typer.Option("--schedule", help="YAML list of what others do, by simulated time.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin with a new simulated account; the old one is kept aside.")
    ] = False,
    on_exit: Annotated[
        str, typer.Option("--on-exit", help="keep leaves positions with their stops, flatten closes them.")
    ] = "keep",
    live: Annotated[bool, typer.Option("--live", help="Say that real money is meant; needed for --env live.")] = False,
) -> None:
    """Run the engine."""
    from scalpctl.ledger.opening import prepare_folder
    from scalpctl.wiring.alone import require_same
    from scalpctl.wiring.venues import SimOptions

    if on_exit not in {"keep", "flatten"}:
        raise UsageError(f"{on_exit!r} is not a way to end", hint="keep or flatten")
    loaded = _settings(call, instruments)
    folder = call.folder()
    require_same(loaded, folder)
    options = SimOptions(world=world, seed=seed, speed=speed, schedule=schedule, faults=faults)
    require_gates(call, loaded, folder, live=live)
    if fresh:
        _put_aside(loaded, folder)
    prepare_folder(folder)
    for_s = None if lasting is None else _seconds(lasting)
    ending = _run(call, loaded, folder, options, (for_s, on_exit == "flatten"))
    _tell(call, folder, ending)
    if not ending.orderly:
        raise typer.Exit(1)


def _settings(call: Invocation, instruments: str | None) -> Loaded:
    from scalpctl.core.instruments import parse_inst_id

    wanted = [parse_inst_id(one.strip()) for one in instruments.split(",")] if instruments else None
    loaded = call.settings(instruments=wanted)
    if wanted and loaded.settings.env == "live":
        raise UsageError(
            "--instruments is not for live trading: no audit was made with them", hint="put them into `instruments`"
        )
    return loaded


def _seconds(text: str) -> float:
    from scalpctl.simulator.schedule import span_us

    try:
        return span_us(text, "--for") / 1_000_000
    except ScalpctlError as error:
        raise UsageError(f"{text!r} is not a span of time", hint="write it like 90s, 30m or 4h") from error


def _put_aside(loaded: Loaded, folder: LedgerFolder) -> None:
    """Keep the old account and its ledger under another name; nothing is ever deleted."""
    from scalpctl.ledger.lease import holder_of

    if loaded.settings.env not in {"sim", "paper"}:
        raise UsageError("--fresh is for the embedded exchange only")
    if not folder.path.exists():
        return
    if holder_of(folder.lock) is not None:
        raise UsageError("an engine is running on this account", hint="stop it first")
    number = 1
    while (folder.root / f"old-{folder.name}-{number}").exists():
        number += 1
    folder.path.rename(folder.root / f"old-{folder.name}-{number}")
    if folder.anchors.exists():
        folder.anchors.rename(folder.anchors.with_name(f"old-{folder.name}-{number}.log"))


def _run(
    call: Invocation, loaded: Loaded, folder: LedgerFolder, options: SimOptions, how: tuple[float | None, bool]
) -> Ending:  # fmt: skip
    from scalpctl.cli.render.transitions import line_of
    from scalpctl.cli.watching import watch
    from scalpctl.wiring.logs import begin_log, told
    from scalpctl.wiring.session import Listening, Session, Wanted

    async def whole() -> Ending:
        listening = Listening()
        venue = _venue(call, loaded, folder, options, listening)
        with begin_log(folder, WallClock(), venue.client.secrets):
            session = Session(loaded, folder, venue, listening)
            session.runner.watchers.append(told(line_of))
            watched = watch(call, session)
            _heed_signals(session, watched.say)
            wanted = Wanted(for_s=how[0], flatten=how[1])
            running = asyncio.ensure_future(session.run(wanted))
            try:
                return await (venue.hand.run_until(running) if venue.hand is not None else running)
            finally:
                watched.end()

    ending: Ending = _loop(stepped=options.stepped)(whole())
    return ending


def _loop(*, stepped: bool) -> Callable[[Any], Any]:
    """Choose the event loop: simulated time needs the plain one, others take the fast one where it is installed."""
    if not stepped:
        try:
            import uvloop
        except ImportError:
            return asyncio.run
        return uvloop.run
    return asyncio.run


def _venue(
    call: Invocation, loaded: Loaded, folder: LedgerFolder, options: SimOptions, listening: Any
) -> Venue:  # fmt: skip
    from scalpctl.settings.secrets import find_key
    from scalpctl.wiring.venues import embedded, on_public_prices, outside_world

    if loaded.settings.env == "sim":
        return embedded(folder.path, options, WallClock(), listening)
    if loaded.settings.env == "paper":
        return on_public_prices(folder.path, loaded, WallClock(), listening)
    key = find_key(loaded.credentials, call.environ)
    return outside_world(loaded, key, WallClock(), listening)


def _heed_signals(session: Session, say: Callable[[str], None]) -> None:
    """First signal: end in order. Second: now, with the stops left in place. A terminal that closes is a signal."""
    loop = asyncio.get_running_loop()

    def heed(name: str) -> None:
        if session.stop.is_set():
            raise SystemExit(FORCED)
        session.stop_reason = f"signal {name}"
        session.stop.set()
        say("ending in order; once more to end at once, stops stay at the exchange")

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup means it
            loop.add_signal_handler(number, heed, number.name)


def _tell(call: Invocation, folder: LedgerFolder, ending: Ending) -> None:
    """Say what the session did, with figures from the ledger, and what to type next."""
    from scalpctl.analysis.summary import summarise
    from scalpctl.ledger.reading import LedgerReader

    with LedgerReader(folder.ledger) as reader:
        summary = summarise(reader, ending.session_id)
    if call.output.form in {"json", "jsonl"}:
        facts = _facts(summary, ending)
        call.output.last_line(Envelope("run", WallClock().now(), folder.env, folder.account), facts)
        return
    write(_text(summary, ending) + "\n")
    call.output.say([
        f"scalpctl trades --session {summary.session_id[:12]}",
        "scalpctl positions",
        "scalpctl ledger verify",
    ])  # fmt: skip


def _facts(summary: Summary, ending: Ending) -> dict[str, Any]:
    from dataclasses import asdict

    facts = {name: str(value) if name in _MONEY else value for name, value in asdict(summary).items()}
    facts["causes"] = dict(summary.causes)
    return facts | {"end": ending.kind, "reason": ending.reason, "left_open": ending.left_open}


_MONEY = ("gross", "fees", "funding", "net", "cash_change")


def _text(summary: Summary, ending: Ending) -> str:
    share = f"{100 * summary.entry_fills_maker // summary.entry_fills} %" if summary.entry_fills else "none"
    causes = ", ".join(f"{cause} {count}" for cause, count in summary.causes) or "none"
    counts = f"{summary.trades} closed ({summary.wins} won), {summary.partials} partial takes"
    counts += f", {summary.open_positions} open"
    return "\n".join((
        f"session {summary.session_id}: {ending.kind}, {ending.reason}",
        f"  trades    {counts}",
        f"  result    gross {summary.gross} - fees {summary.fees} - funding {summary.funding} = net {summary.net} USDT",
        f"  cash      {summary.cash_change:+f} USDT over the session",
        f"  entries   {summary.entry_fills} fills, maker share {share}",
        f"  causes    {causes}",
        f"  drifts    {summary.drifts_open} unresolved",
    ))  # fmt: skip
