"""``scalpctl replay``: a session again, from its tape, through the same machine."""

from __future__ import annotations

from typing import Annotated

import typer

from scalpctl.cli.family import family
from scalpctl.cli.invocation import Invocation, with_common
from scalpctl.cli.render.output import Envelope
from scalpctl.host.clock import WallClock

app = family()


@app.command()
@with_common
def replay(
    call: Invocation,
    session: Annotated[str, typer.Argument(help="A session's id, a unique prefix, or last.")] = "last",
    verify: Annotated[bool, typer.Option("--verify", help="End with 1 unless every record is identical.")] = False,
) -> None:
    """Play a session's tape again and compare every record with the ledger."""
    from scalpctl.ledger.reading import LedgerReader, session_id
    from scalpctl.wiring.replaying import replay as again

    folder = call.require_usual_ledger()
    with LedgerReader(call.ledger_path()) as reader:
        found = again(reader, folder.path / "tapes", session_id(reader, session))
    facts = {
        "session_id": found.session_id, "events": found.events, "records": found.records, "same": found.same,
        "difference": found.difference,
    }  # fmt: skip
    call.output.facts(Envelope("replay", WallClock().now(), folder.env, folder.account), facts)
    if verify and not found.same:
        raise typer.Exit(1)
