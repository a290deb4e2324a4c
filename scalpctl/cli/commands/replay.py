"""``scalpctl replay``: a session again, from its tape, through the same machine."""

from __future__ import annotations

from typing import Annotated

import typer

from scalpctl.cli.family import family
from scalpctl.cli.invocation import Invocation, with_common
from scalpctl.cli.render.output import Envelope
from scalpctl.cli.render.progress import counted
from scalpctl.core.money import exact, subtract
from scalpctl.host.clock import WallClock

app = family()


@app.command()
@with_common
def replay(
    call: Invocation,
    session: Annotated[str, typer.Argument(help="A session's id, a unique prefix, or last.")] = "last",
    verify: Annotated[bool, typer.Option("--verify", help="End with 1 unless every record is identical.")] = False,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="What if: a setting and another value for it; may be repeated.")
    ] = None,
) -> None:
    """Play a session's tape again and compare every record with the ledger, or try other settings on its prices."""
    if changes:
        _try(call, session, changes)
        return
    from scalpctl.ledger.reading import LedgerReader, session_id
    from scalpctl.wiring.replaying import replay as again

    folder = call.require_usual_ledger()
    with LedgerReader(call.ledger_path()) as reader:
        found = again(reader, folder.path / "tapes", session_id(reader, session))
    facts = {
        "session_id": found.session_id, "events": found.events, "records": found.records, "same": found.same,
        "same_code": found.same_code, "difference": found.difference,
    }  # fmt: skip
    call.output.facts(Envelope("replay", WallClock().now(), folder.env, folder.account), facts)
    if verify and not found.same:
        raise typer.Exit(1)


def _try(call: Invocation, session: str, changes: list[str]) -> None:
    """Show what the session did, what it does again, and what it does with the changes."""
    from scalpctl.ledger.reading import LedgerReader, session_id
    from scalpctl.settings.loading import changed
    from scalpctl.wiring.trying import try_changes

    folder = call.require_usual_ledger()
    with LedgerReader(call.ledger_path()) as reader:
        name = session_id(reader, session)
        with counted("trading its prices twice", "minutes", quiet=call.output.quiet) as progress:
            tried = try_changes(reader, folder.path / "tapes", name, changed(changes), progress)
    kinds = (("as it was", tried.was), ("played again", tried.again), (", ".join(changes), tried.changed))
    rows = [
        {
            "settings": kind, "trades": one.trades, "won": one.wins, "gross": exact(one.gross), "fees": exact(one.fees),
            "funding": exact(one.funding), "net": exact(one.net),
        }
        for kind, one in kinds
    ]  # fmt: skip
    envelope = Envelope("replay-what-if", WallClock().now(), folder.env, folder.account)
    call.output.rows(envelope, rows, list(rows[0]))
    difference = exact(subtract(tried.changed.net, tried.again.net))
    call.output.say([f"the change is worth {difference} USDT: the third row beside the second, on the same prices"])
