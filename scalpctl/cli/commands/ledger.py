"""``scalpctl ledger``: prove, keep, mend, export and question the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from scalpctl.cli.confirm import confirm
from scalpctl.cli.family import family
from scalpctl.cli.invocation import Invocation, with_common
from scalpctl.cli.render.output import Envelope
from scalpctl.errors import UsageError
from scalpctl.host.clock import WallClock

app = family("Verify, back up, restore, rebuild, upgrade, export and query the ledger.")

_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be done, and do nothing.")]


@app.command()
@with_common
def path(call: Invocation) -> None:
    """Print the path of the ledger."""
    print(call.ledger_path())


@app.command()
@with_common
def verify(call: Invocation) -> None:
    """Prove the ledger: structure, hash chain, anchors, tables against the journal, balanced money, mirrors."""
    from scalpctl.ledger.verification.verify import verify as prove

    proof = prove(call.ledger_path())
    head = proof.head
    data = {
        "ok": proof.ok,
        "rows": proof.rows,
        "head_seq": head.seq if head else None,
        "head_hash": head.hash if head else None,
        "not_checked": proof.not_checked,
        "findings": [finding._asdict() for finding in proof.findings],
    }
    if call.output.form in {"json", "jsonl"}:
        call.output.facts(_envelope(call, "ledger-verify"), data)
    else:
        call.output.facts(_envelope(call, "ledger-verify"), {key: data[key] for key in data if key != "findings"})
        if proof.findings:
            rows = [finding._asdict() for finding in proof.findings]
            call.output.rows(_envelope(call, "ledger-verify"), rows, ["seq", "check", "what"])
    if not proof.ok:
        call.output.say(
            ["the ledger cannot be trusted as it is: `scalpctl ledger rebuild` mends tables, `restore` the rest"]
        )
        raise typer.Exit(1)


@app.command()
@with_common
def backup(
    call: Invocation,
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, help="Let go of all backups but the newest so many.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why it was made; noted beside it.")] = "by hand",
) -> None:
    """Copy the ledger, beside a running engine too, and prove the copy."""
    from scalpctl.ledger.backup import back_up, let_go

    folder = call.require_usual_ledger()
    target = back_up(folder, WallClock(), reason)
    if keep is not None:
        let_go(folder, keep)
    call.output.facts(_envelope(call, "ledger-backup"), {"backup": str(target), "bytes": target.stat().st_size})


@app.command()
@with_common
def restore(
    call: Invocation,
    name: Annotated[
        str | None, typer.Argument(metavar="BACKUP", help="A backup's file; the newest if none is named.")
    ] = None,
    drill: Annotated[bool, typer.Option("--drill", help="Only prove that it could be restored.")] = False,
    yes: _Yes = False,
    dry_run: _DryRun = False,
) -> None:
    """Put a proven backup in place; the ledger that was there is moved aside, never deleted."""
    from scalpctl.ledger import backup as backups

    folder = call.require_usual_ledger()
    if drill or dry_run:
        chosen, proof = backups.drill(folder, name)
        facts = {
            "backup": str(chosen),
            "ok": proof.ok,
            "rows": proof.rows,
            "head_seq": proof.head.seq if proof.head else None,
        }
        call.output.facts(_envelope(call, "ledger-restore"), facts)
        if not proof.ok:
            raise typer.Exit(1)
        return
    confirm(f"Replace {folder.ledger} by {backups.find_backup(folder, name).name}?", yes=yes)
    chosen, aside = backups.restore(folder, WallClock(), name)
    facts = {"restored": str(chosen), "moved_aside": str(aside) if aside else None}
    call.output.facts(_envelope(call, "ledger-restore"), facts)
    call.output.say(["what happened since that backup is fetched from the exchange by `scalpctl reconcile`"])


@app.command()
@with_common
def rebuild(call: Invocation, yes: _Yes = False, dry_run: _DryRun = False) -> None:
    """Fold every table from the journal again, in a new file that replaces the old one once it is proven."""
    from scalpctl.ledger.rebuild import rebuild as fold

    folder = call.require_usual_ledger()
    if dry_run:
        call.output.facts(_envelope(call, "ledger-rebuild"), {"would_rebuild": str(folder.ledger)})
        return
    confirm(f"Rebuild the tables of {folder.ledger} from its journal?", yes=yes)
    rows, aside = fold(folder, WallClock().now())
    call.output.facts(_envelope(call, "ledger-rebuild"), {"rows": rows, "moved_aside": str(aside)})


@app.command()
@with_common
def upgrade(call: Invocation) -> None:
    """Bring an older ledger to this program's schema, after a proven backup."""
    from scalpctl.ledger.migrate import upgrade as migrate

    before, after, made = migrate(call.require_usual_ledger(), WallClock())
    facts = {"from": before, "to": after, "changed": before != after, "backup": str(made) if made else None}
    call.output.facts(_envelope(call, "ledger-upgrade"), facts)


@app.command()
@with_common
def export(
    call: Invocation,
    folder: Annotated[Path, typer.Argument(help="The folder to write into.")],
    form: Annotated[str, typer.Option("--format", "-f", help="csv, jsonl or parquet.")] = "csv",
    table: Annotated[list[str] | None, typer.Option("--table", "-t", help="Only this table; may be repeated.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
) -> None:
    """Write tables to files, with their exact text."""
    from scalpctl.ledger.export import export as write_tables

    written = write_tables(call.ledger_path(), folder, form, table or (), force=force)
    rows = [{"file": str(file), "bytes": file.stat().st_size} for file in written]
    call.output.rows(_envelope(call, "ledger-export"), rows, ["file", "bytes"])


@app.command()
@with_common
def query(
    call: Invocation,
    sql: Annotated[str | None, typer.Argument(help="One SELECT; dsum(column) adds money exactly.")] = None,
    tables: Annotated[bool, typer.Option("--tables", help="List tables and their columns.")] = False,
    limit: Annotated[int, typer.Option("--limit", help="Most rows to print.", min=1)] = 10_000,
) -> None:
    """Answer one read-only SQL query."""
    from scalpctl.ledger.query import run_query, tables_of

    if (sql is None) == (not tables):
        raise UsageError("one query is needed", hint="scalpctl ledger query 'SELECT * FROM trades', or --tables")
    file = call.ledger_path()
    answer = tables_of(file) if sql is None else run_query(file, sql, WallClock(), rows_max=limit)
    rows: list[dict[str, Any]] = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    envelope = _envelope(call, "ledger-query")
    if answer.cut:
        envelope.warnings.append(f"only the first {limit} rows are shown; --limit shows more")
    call.output.rows(envelope, rows, answer.columns)


def _envelope(call: Invocation, schema: str) -> Envelope:
    env, account = call.env_and_account() if call.common.ledger is None else (None, None)
    return Envelope(schema, WallClock().now(), env, account)
