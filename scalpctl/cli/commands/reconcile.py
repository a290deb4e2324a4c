"""``scalpctl reconcile``: does the ledger match the exchange, to the last digit, and what would be done about it."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalpctl.cli.family import family
from scalpctl.cli.invocation import Invocation, with_common
from scalpctl.cli.render.output import Envelope
from scalpctl.core.instants import Instant
from scalpctl.errors import UsageError
from scalpctl.host.clock import WallClock
from scalpctl.host.ids import RandomIds

if TYPE_CHECKING:
    from scalpctl.analysis.reconcile import Finding, Statement
    from scalpctl.ledger.folder import LedgerFolder

app = family()
SETTLE_S = 20.0
POLICIES = ("observe", "apply")


@app.command()
@with_common
def reconcile(
    call: Invocation,
    statement: Annotated[
        bool, typer.Option("--statement", help="Match every bill with one posting, both ways.")
    ] = False,
    since: Annotated[str | None, typer.Option("--since", help="How far back: 2h, 3d, today; all without it.")] = None,
    apply: Annotated[str | None, typer.Option("--apply", help="Carry out the plan with this digest.")] = None,
    policy: Annotated[
        str, typer.Option("--policy", help="observe, or apply whatever is found (for cron).")
    ] = "observe",
) -> None:
    """Compare ledger and exchange: positions, orders, stops, executions, money. Exit 0 equal, 1 different."""
    if policy not in POLICIES:
        raise UsageError(f"{policy!r} is not a policy", hint=f"one of {', '.join(POLICIES)}")
    folder = call.require_usual_ledger()
    folder.require_ledger()
    begin = _since(call, since)
    findings, proof = _found(call, folder, begin)
    if findings and (apply is not None or policy == "apply"):
        _require_same(findings, apply)
        _carry_out(call, folder)
        findings, proof = _found(call, folder, begin)
    _show(call, findings, proof, statement=statement)
    if findings or not proof.holds:
        raise typer.Exit(1)


def _since(call: Invocation, text: str | None) -> Instant:
    if text is None:
        return Instant(0)
    from scalpctl.cli.moments import moment
    from scalpctl.ledger.reading import LedgerReader

    with LedgerReader(call.ledger_path()) as reader:
        newest = reader.rows("SELECT max(ts_us) AS at FROM journal")[0]["at"]
    now = Instant(newest) if call.env_and_account()[0] == "sim" and newest else WallClock().now()
    return moment(text, now, call.output.zone)


def _found(call: Invocation, folder: LedgerFolder, since: Instant) -> tuple[list[Finding], Statement]:
    from scalpctl.analysis.reconcile import compare, statement
    from scalpctl.ledger.reading import LedgerReader

    seen = _picture(call, folder, since)
    with LedgerReader(folder.ledger) as reader:
        return compare(reader, seen), statement(reader, seen)


def _picture(call: Invocation, folder: LedgerFolder, since: Instant) -> dict[str, Any]:
    """Ask through the running engine, or alone."""
    from scalpctl.cli.commands.control import ask_engine
    from scalpctl.wiring.alone import looked_at, run, venue_of
    from scalpctl.wiring.session import Listening

    seen = ask_engine(folder, "picture", {"since": since})
    if seen is not None:
        return seen
    venue = venue_of(call.settings(), folder, call.environ, WallClock(), Listening())
    alone: dict[str, Any] = run(venue, looked_at(venue, since))
    return alone


def _require_same(findings: list[Finding], wanted: str | None) -> None:
    from scalpctl.analysis.reconcile import digest

    found = digest(findings)
    if wanted is not None and wanted != found:
        raise UsageError(
            f"the plan is now {found}, not {wanted}: the world has moved on", hint="look at the new plan first"
        )


def _carry_out(call: Invocation, folder: LedgerFolder) -> None:
    """Let the engine, running or for a moment, go through its recovery: the one path that mends books."""
    from scalpctl.cli.commands.control import ask_engine
    from scalpctl.engine.events import Ordered
    from scalpctl.wiring.alone import carry_out, run, venue_of
    from scalpctl.wiring.session import Listening, Session

    if ask_engine(folder, "reread", {"since": 0}) is not None:
        _wait(SETTLE_S)
        return
    loaded, listening = call.settings(), Listening()
    command = Ordered(RandomIds(WallClock()).new_id(), "reread", {"since": 0}, getpass.getuser())

    async def whole() -> dict[str, Any]:
        return await carry_out(Session(loaded, folder, venue, listening), command, SETTLE_S)

    venue = venue_of(loaded, folder, call.environ, WallClock(), listening)
    run(venue, whole())


def _wait(seconds: float) -> None:
    import asyncio

    asyncio.run(WallClock().sleep(seconds))


def _show(call: Invocation, findings: list[Finding], proof: Statement, *, statement: bool) -> None:
    from dataclasses import asdict

    from scalpctl.analysis.reconcile import digest

    plan = digest(findings)
    envelope = Envelope("reconcile", WallClock().now(), *call.env_and_account())
    if call.output.form in {"json", "jsonl"}:
        facts = {"plan_digest": plan, "findings": [one.plain() for one in findings], "statement": asdict(proof)}
        call.output.facts(envelope, facts)
        return
    if statement:
        call.output.facts(envelope, _figures(proof))
    else:
        rows = [one.plain() for one in findings]
        call.output.rows(envelope, rows, ["severity", "kind", "subject", "ours", "theirs", "proposal"])
    if findings:
        call.output.say([f"scalpctl reconcile --apply {plan}"])
    elif proof.holds:
        call.output.say(["ledger and exchange agree to the last digit"])


def _figures(proof: Statement) -> dict[str, Any]:
    return {
        "since_at": proof.since,
        "opening": proof.opening,
        "changes": proof.changes,
        "closing": proof.closing,
        "ledger_cash": proof.ledger_cash,
        "exchange_cash": proof.exchange_cash,
        "bills_matched": proof.matched,
        "orphan_bills": proof.orphan_bills,
        "orphan_postings": proof.orphan_postings,
        "holds": proof.holds,
    }
