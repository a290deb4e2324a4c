"""``scalpctl doctor``: is this machine, its ledger and its configuration fit to trade?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalpctl.analysis.fitness import FREE_BYTES_MIN, Grade, Row, judge_ledger, judge_machine
from scalpctl.cli.family import family
from scalpctl.cli.invocation import Invocation, with_common
from scalpctl.cli.render.output import Envelope
from scalpctl.errors import AccessRefused, ScalpctlError
from scalpctl.host.clock import WallClock

if TYPE_CHECKING:
    from scalpctl.ledger.folder import LedgerFolder
    from scalpctl.settings.loading import Loaded

app = family()


@app.command()
@with_common
def doctor(
    call: Invocation,
    online: Annotated[
        bool, typer.Option("--online", help="Ask the exchange too: clock, key, account, leverage.")
    ] = False,
) -> None:
    """Check whether this machine, its ledger and its keys are fit to trade; each trouble comes with its cure."""
    from scalpctl.wiring import ledger_facts, machine_facts

    clock = WallClock()
    rows = list(_configuration(call))
    folder = _folder(call)
    rows += judge_machine(machine_facts(call.root, clock), _free_bytes_min(call))
    rows += _privacy(folder) if folder else ()
    rows += judge_ledger(ledger_facts(folder, clock)) if folder else ()
    refusal = _online(call, rows, clock) if online else None
    data = [{"check": row.check, "grade": str(row.grade), "found": row.found, "cure": row.cure} for row in rows]
    env, account = (folder.env, folder.account) if folder else (None, None)
    call.output.rows(Envelope("doctor", clock.now(), env, account), data, ["grade", "check", "found", "cure"])
    if refusal is not None:
        raise refusal
    if any(row.grade is Grade.FAIL for row in rows):
        raise typer.Exit(1)


def _free_bytes_min(call: Invocation) -> int:
    try:
        return call.settings().settings.audit.free_disk_mb_min * 1_000_000
    except ScalpctlError:  # what is wrong with the configuration has a row of its own
        return FREE_BYTES_MIN


def _online(call: Invocation, rows: list[Row], clock: WallClock) -> ScalpctlError | None:
    """Add what the exchange says; what it refuses is a row and, once everything is shown, the exit code."""
    import asyncio

    from scalpctl.settings.secrets import find_key
    from scalpctl.wiring import account_rows

    try:
        loaded = call.settings()
        if loaded.settings.env in {"sim", "paper"}:
            rows.append(Row("exchange", Grade.SKIP, f"{loaded.settings.env} trades on the embedded exchange"))
            return None
        rows += asyncio.run(account_rows(loaded, find_key(loaded.credentials, call.environ), clock))
    except ScalpctlError as error:
        rows.append(Row("exchange", Grade.FAIL, error.message.replace("\n", "; "), error.hint or ""))
        return error
    return None


def _configuration(call: Invocation) -> Iterator[Row]:
    name = str(call.config_file or "defaults")
    try:
        loaded = call.settings()
    except ScalpctlError as error:
        yield Row("configuration", Grade.FAIL, error.message.replace("\n", "; "), "`scalpctl config check`")
        return
    yield Row("configuration", Grade.OK, name)
    yield _key(call, loaded)


def _key(call: Invocation, loaded: Loaded) -> Row:
    from scalpctl.settings.secrets import find_key

    if loaded.settings.env in {"sim", "paper"}:
        return Row("key", Grade.SKIP, f"{loaded.settings.env} needs none")
    try:
        key = find_key(loaded.credentials, call.environ)
    except ScalpctlError as error:
        return Row("key", Grade.FAIL, error.message, error.hint or "")
    if key.warning:
        return Row("key", Grade.WARN, f"found in the {key.origin}", key.warning)
    return Row("key", Grade.OK, f"found in the {key.origin}")


def _folder(call: Invocation) -> LedgerFolder | None:
    try:
        return call.folder()
    except ScalpctlError:
        return None  # the configuration row has said why


def _privacy(folder: LedgerFolder) -> Iterator[Row]:
    from scalpctl.host.private_files import require_private

    paths = [folder.root, folder.path, folder.ledger, folder.lock, folder.anchors, folder.emergency]
    wrong = 0
    for path in filter(Path.exists, paths):
        try:
            require_private(path)
        except AccessRefused as error:
            wrong += 1
            yield Row("privacy", Grade.FAIL, error.message, error.hint or "")
    if not wrong:
        yield Row("privacy", Grade.OK, "ledger files are only yours")
