"""``scalpctl import``: history no engine of ours made, so that the analyses work on it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalpctl.cli.family import family
from scalpctl.cli.invocation import Invocation, with_common
from scalpctl.cli.render.output import Envelope
from scalpctl.cli.render.progress import counted
from scalpctl.errors import UsageError
from scalpctl.host.clock import WallClock

if TYPE_CHECKING:
    from scalpctl.core.exported_rows import Exported
    from scalpctl.core.instruments import Instrument

app = family()


@app.command("import", no_args_is_help=False)
@with_common
def import_(
    call: Invocation,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Exported CSV files; without any, ask the exchange."),
    ] = None,
    since: Annotated[str, typer.Option("--since", help="How far back to ask the exchange: 30d, 2026-10-01.")] = "90d",
    ct_val: Annotated[
        list[str] | None, typer.Option("--ct-val", help="Coins per contract, like BTC-USDT-SWAP=0.01; for files.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what would be imported, and do nothing.")
    ] = False,
) -> None:
    """Take in executions, bills and positions, flat to flat, each once; what is known already stays as it is."""
    from scalpctl.wiring.importing import Import

    folder = call.require_usual_ledger()
    exported, instruments, source = _gathered(call, files, since, ct_val or [])
    work = Import(folder, WallClock(), instruments)
    chosen, result = work.plan(exported)
    if chosen and not dry_run:
        result.session_id = work.write(chosen, exported, source)
    facts = {
        "positions": result.positions, "executions": result.executions, "duplicate_rows": result.duplicates,
        "known_positions": result.known, "left_open": result.left_open, "gross": format(result.gross, "f"),
        "fees": format(result.fees, "f"), "funding": format(result.funding, "f"),
        "net": format(result.gross - result.fees - result.funding, "f"), "session_id": result.session_id,
        "written": bool(result.session_id),
    }  # fmt: skip
    call.output.facts(Envelope("import", WallClock().now(), folder.env, folder.account), facts)
    if result.session_id:
        call.output.say([f"scalpctl analyze-session {result.session_id}"])


def _gathered(
    call: Invocation, files: list[Path] | None, since: str, ct_val: list[str]
) -> tuple[Exported, dict[str, Instrument], str]:  # fmt: skip
    from scalpctl.wiring.importing import read_exports

    if files:
        return read_exports(files, call.output.zone), _given(ct_val), ", ".join(path.name for path in files)
    return _asked(call, since)


def _given(texts: list[str]) -> dict[str, Instrument]:
    from scalpctl.core.instruments import Instrument, parse_inst_id
    from scalpctl.core.money import parse_decimal

    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{text!r} is not a contract value", hint="like BTC-USDT-SWAP=0.01")
        inst_id, least = parse_inst_id(name), Decimal("0.00000001")
        found[inst_id] = Instrument(inst_id, parse_decimal(value), Decimal(1), least, least, least)
    return found


def _asked(call: Invocation, since: str) -> tuple[Exported, dict[str, Instrument], str]:
    """Ask the exchange itself: its archives reach back three months."""
    from scalpctl.cli.moments import moment
    from scalpctl.core.exported_rows import Exported
    from scalpctl.wiring.alone import history, run, venue_of
    from scalpctl.wiring.session import Listening

    folder = call.folder()
    venue = venue_of(call.settings(), folder, call.environ, WallClock(), Listening())
    begin = moment(since, venue.clock.now(), call.output.zone)
    with counted("asking the exchange", "rows", quiet=call.output.quiet) as progress:
        fills, bills, instruments = run(venue, history(venue, begin, progress))
    return Exported(list(fills), list(bills)), {one.inst_id: one for one in instruments}, "the exchange"
