"""``scalpctl positions | close | halt | pause | resume | health``: look at the engine and order it about."""

from __future__ import annotations

import getpass
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalpctl.cli.condition import judge
from scalpctl.cli.confirm import confirm
from scalpctl.cli.family import family
from scalpctl.cli.invocation import Invocation, with_common
from scalpctl.cli.pause import pause_for
from scalpctl.cli.render.output import Envelope
from scalpctl.core.instants import Instant
from scalpctl.errors import EngineRefused, ScalpctlError, UsageError
from scalpctl.host.clock import WallClock
from scalpctl.host.ids import RandomIds

if TYPE_CHECKING:
    from scalpctl.ledger.folder import LedgerFolder

app = family()
ANSWER_WITHIN_S, PICTURE_WITHIN_S = 60.0, 900.0
"""How long an answer is waited for; a picture tells every execution and bill, page by page."""
EVERYTHING = 4_000_000_000_000_000
"""So far ahead that no history is read: only what is open now."""
_Instrument = Annotated[str | None, typer.Argument(help="Like BTC-USDT or BTC-USDT-SWAP.")]
_Reason = Annotated[str, typer.Option("--reason", help="Why; it is written into the ledger.")]


@app.command()
@with_common
def positions(
    call: Invocation,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show them again every two seconds until interrupted.")
    ] = False,
) -> None:
    """Show open positions: the ledger's beside the exchange's own, with protection and fees so far."""
    while True:
        rows, warnings = _positions(call)
        envelope = Envelope("positions", WallClock().now(), *call.env_and_account(), warnings=warnings)
        if watch and sys.stdout.isatty():
            sys.stdout.write("\x1b[H\x1b[2J")
        call.output.rows(envelope, rows, _COLUMNS, important=_IMPORTANT)
        for warning in warnings:
            print(warning, file=sys.stderr)
        if not watch:
            if any(row["drift"] != "none" for row in rows):
                raise typer.Exit(1)
            return
        pause_for(2.0)


_COLUMNS = [
    "instrument", "side", "contracts", "exchange_contracts", "drift", "entry_price", "mark_price", "unrealised", "fees",
    "protection", "stop", "margin_ratio", "leverage", "opened_at", "origin", "closing", "position_id",
]  # fmt: skip
_IMPORTANT = (
    "instrument",
    "side",
    "contracts",
    "drift",
    "protection",
    "unrealised",
    "entry_price",
    "exchange_contracts",
)


def _positions(call: Invocation) -> tuple[list[dict[str, Any]], list[str]]:
    """Put ledger and exchange beside each other; where the exchange cannot be asked that is said, never guessed."""
    from scalpctl.analysis.holdings import beside, kept
    from scalpctl.ledger.reading import LedgerReader

    folder = call.folder()
    with LedgerReader(call.ledger_path()) as reader:
        ours = kept(reader)
    status = ask_engine(folder, "status", {})
    if status is not None:
        return beside(ours, status["positions"], live=True), []
    try:
        return beside(ours, _theirs(call, folder), live=False), []
    except ScalpctlError as error:  # the ledger's half still stands
        return beside(ours, None, live=False), [f"the exchange could not be asked: {error.message}"]


def _theirs(call: Invocation, folder: LedgerFolder) -> list[dict[str, Any]]:
    from scalpctl.wiring.alone import looked_at, run, venue_of
    from scalpctl.wiring.session import Listening

    venue = venue_of(call.settings(), folder, call.environ, WallClock(), Listening())
    seen: dict[str, Any] = run(venue, looked_at(venue, Instant(EVERYTHING)))
    stops = {one["instrument"]: one["stop"] for one in seen["algos"]}
    return [one | {"stop": stops.get(one["instrument"])} for one in seen["positions"]]


@app.command()
@with_common
def close(
    call: Invocation,
    instrument: _Instrument = None,
    everything: Annotated[bool, typer.Option("--all", help="Close every position, and pause entries.")] = False,
    fraction: Annotated[str, typer.Option("--fraction", help="Which part, like 0.5.")] = "1",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and do nothing.")] = False,
) -> None:
    """Close a position through the one closing pipeline, engine alive or not."""
    from scalpctl.analysis.holdings import kept
    from scalpctl.ledger.reading import LedgerReader

    if everything == (instrument is not None):
        raise UsageError("say which position", hint="an instrument like BTC-USDT, or --all")
    part = _fraction(fraction)
    inst_id = "" if instrument is None else _exact_id(instrument)
    with LedgerReader(call.ledger_path()) as reader:
        known = [row for row in kept(reader) if everything or row["instrument"] == inst_id]
    envelope = Envelope("close", WallClock().now(), *call.env_and_account())
    what = ", ".join(f"{row['instrument']} {row['side']} {row['contracts']}" for row in known) or "nothing is open"
    if dry_run:
        call.output.facts(envelope, {"would_close": what, "fraction": str(part)})
        return
    if known:
        confirm(f"Close {what}{'' if part == 1 else f' by {part}'}?", yes=yes)
    arguments = {"all": everything, "instrument": inst_id, "fraction": str(part)}
    call.output.facts(envelope, _order(call, "close", arguments))


def _fraction(text: str) -> Decimal:
    from scalpctl.core.money import parse_decimal

    part = parse_decimal(text)
    if not 0 < part <= 1:
        raise UsageError(f"{text} is not a part of a position", hint="more than 0, at most 1, like 0.5")
    return part


def _exact_id(text: str) -> str:
    from scalpctl.core.instruments import parse_inst_id

    return parse_inst_id(text)


@app.command()
@with_common
def halt(
    call: Invocation,
    flatten: Annotated[bool, typer.Option("--flatten", help="Close every position as well.")] = False,
    reason: _Reason = "halted from a terminal",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop entries until they are resumed; own entry orders are cancelled, stops stay."""
    if flatten:
        confirm("Close every position?", yes=yes)
    _answer(call, "halt", {"flatten": flatten, "reason": reason})


@app.command()
@with_common
def pause(call: Invocation, reason: _Reason = "paused from a terminal") -> None:
    """Pause entries; positions are looked after as before."""
    _answer(call, "pause", {"reason": reason})


@app.command()
@with_common
def resume(
    call: Invocation,
    reason: Annotated[str, typer.Option("--reason", help="Why it is safe now; needed, and written into the ledger.")],
    limit: Annotated[str, typer.Option("--limit", help="Only this one, like daily_loss.")] = "",
) -> None:
    """Let go of the limits that wait for a person."""
    _answer(call, "resume", {"reason": reason, "limit": limit})


@app.command()
@with_common
def health(call: Invocation) -> None:
    """Say in one line how the engine is; exit 0 fine, 1 warning, 2 critical, 3 cannot tell."""
    code, line = judge(ask_engine(call.folder(), "status", {}))
    print(line)
    raise typer.Exit(code)


def _answer(call: Invocation, command: str, arguments: dict[str, Any]) -> None:
    call.output.facts(Envelope(command, WallClock().now(), *call.env_and_account()), _order(call, command, arguments))


def _order(call: Invocation, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Send a command to the running engine, or carry it out alone."""
    folder = call.require_usual_ledger()
    folder.require_ledger()
    answer = ask_engine(folder, command, arguments)
    if answer is not None:
        return answer
    from scalpctl.engine.events import Ordered
    from scalpctl.wiring.alone import carry_out, run, venue_of
    from scalpctl.wiring.session import Listening, Session

    loaded, listening = call.settings(), Listening()
    command_id = RandomIds(WallClock()).new_id()

    async def whole() -> dict[str, Any]:
        session = Session(loaded, folder, venue, listening, command)
        return await carry_out(session, Ordered(command_id, command, arguments, getpass.getuser()))

    venue = venue_of(loaded, folder, call.environ, WallClock(), listening)
    found: dict[str, Any] = run(venue, whole())
    return found


def ask_engine(folder: LedgerFolder, command: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """Ask the running engine; None when none runs."""
    from scalpctl.control.client import ask
    from scalpctl.control.protocol import Request

    request = Request(
        id=RandomIds(WallClock()).new_id(), command=command, arguments=arguments, operator=getpass.getuser()
    )
    within_s = PICTURE_WITHIN_S if command == "picture" else ANSWER_WITHIN_S
    answer = ask(folder.socket, request, seconds=within_s)
    if answer is None:
        return None
    if not answer.ok:
        raise EngineRefused(answer.message, hint=answer.hint)
    result: dict[str, Any] = answer.result
    return result
