"""``scalpctl reconcile``: does the ledger match the exchange, to the last digit, and what would be done about it."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalpctl.cli.family import family
from scalpctl.cli.invocation import Invocation, with_common
from scalpctl.cli.pause import pause_for
from scalpctl.cli.render.output import Envelope
from scalpctl.cli.render.progress import counted
from scalpctl.core.instants import Instant, rfc3339
from scalpctl.errors import UsageError
from scalpctl.host.clock import WallClock
from scalpctl.host.ids import RandomIds

if TYPE_CHECKING:
    from scalpctl.analysis.reconcile import Finding
    from scalpctl.analysis.statement import Statement
    from scalpctl.ledger.folder import LedgerFolder

app = family()
SETTLE_S, SECOND_LOOK_S = 20.0, 3.0
Others = dict[str, list[Any]]
"""What others do that is no finding, by its name in JSON."""
POLICIES = ("observe", "apply", "protect", "adopt", "flatten")
"""Look only; mend the books by the configured policy; or mend them and treat positions that appeared so."""
APPEARED = ("protect", "adopt", "flatten")


@app.command()
@with_common
def reconcile(
    call: Invocation,
    words: Annotated[list[str] | None, typer.Argument(metavar="[resolve DRIFT]", help="Without it: compare.")] = None,
    statement: Annotated[
        bool, typer.Option("--statement", help="Match every bill with one posting, both ways.")
    ] = False,
    since: Annotated[str | None, typer.Option("--since", help="How far back: 2h, 3d, today; all without it.")] = None,
    apply: Annotated[str | None, typer.Option("--apply", help="Carry out the plan with this digest.")] = None,
    policy: Annotated[str, typer.Option("--policy", help=f"For cron: {', '.join(POLICIES)}.")] = "observe",
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why a drift is resolved by hand; it is written into the ledger.")
    ] = None,
    to: Annotated[
        str, typer.Option("--to", help="Where suspended money is booked: transfer, fee, funding ...")
    ] = "transfer",
) -> None:
    """Compare ledger and exchange: positions, orders, stops, executions, money. Exit 0 equal, 1 different."""
    if words:
        _resolve(call, words, reason, to)
        return
    if policy not in POLICIES:
        raise UsageError(f"{policy!r} is not a policy", hint=f"one of {', '.join(POLICIES)}")
    folder = call.require_usual_ledger()
    folder.require_ledger()
    begin = _since(call, since)
    findings, proof, others = _found(call, folder, begin)
    if findings and (apply is not None or policy != "observe"):
        _require_same(findings, apply)
        _carry_out(call, folder, policy)
        findings, proof, others = _found(call, folder, begin)
    _show(call, findings, proof, others, statement=statement)
    if findings or not proof.holds:
        raise typer.Exit(1)


def _resolve(call: Invocation, words: list[str], reason: str | None, to: str) -> None:
    """Let a person have the last word on one drift."""
    from scalpctl.core.resolving import TARGETS
    from scalpctl.ledger.reading import LedgerReader
    from scalpctl.wiring.noting import note_command, open_drift

    if words[0] != "resolve" or len(words) != 2:
        raise UsageError(
            f"{' '.join(words)!r} is nothing reconcile can do", hint="reconcile resolve DRIFT --reason ..."
        )
    if not (reason or "").strip():
        raise UsageError("a drift is resolved by hand only with a reason", hint="--reason 'support ticket 4711'")
    if to not in tuple(TARGETS):
        raise UsageError(f"{to!r} is no account for suspended money", hint=f"one of {', '.join(TARGETS)}")
    folder = call.require_usual_ledger()
    with LedgerReader(folder.ledger) as reader:
        arguments = open_drift(reader, words[1]) | {"reason": (reason or "").strip(), "to": to}
    note_command(folder, "resolve", arguments, getpass.getuser(), WallClock())
    envelope = Envelope("reconcile-resolve", WallClock().now(), *call.env_and_account())
    booked = f"{arguments['amount']} to {to}" if arguments["amount"] else "no money was suspended"
    call.output.facts(envelope, {"resolved": arguments["drift_id"], "booked": booked})


def _since(call: Invocation, text: str | None) -> Instant:
    """Give since when both sides are compared: the first thing the ledger knows, unless less is asked for."""
    from scalpctl.analysis.reconcile import first_known
    from scalpctl.cli.moments import moment
    from scalpctl.ledger.reading import LedgerReader

    with LedgerReader(call.ledger_path()) as reader:
        if text is None:
            return first_known(reader)
        newest = reader.rows("SELECT max(ts_us) AS at FROM journal")[0]["at"]
    now = Instant(newest) if call.env_and_account()[0] == "sim" and newest else WallClock().now()
    return moment(text, now, call.output.zone)


def _found(call: Invocation, folder: LedgerFolder, since: Instant) -> tuple[list[Finding], Statement, Others]:
    """Compare; beside a running engine what counts is what two pictures show: between picture and ledger it trades."""
    from scalpctl.analysis.reconcile import confirmed

    (findings, proof, others), moving = _compared(call, folder, since)
    if not moving or (not findings and proof.holds):
        return findings, proof, others
    pause_for(SECOND_LOOK_S)
    (now, again, others), _ = _compared(call, folder, since)
    return confirmed(findings, now), proof if proof.holds else again, others


def _compared(
    call: Invocation, folder: LedgerFolder, since: Instant
) -> tuple[tuple[list[Finding], Statement, Others], bool]:
    """Hold one picture against the ledger as it is right after; True where an engine is writing it meanwhile."""
    from scalpctl.analysis.reconcile import compare, elsewhere, others_orders
    from scalpctl.analysis.statement import statement
    from scalpctl.ledger.reading import LedgerReader

    seen, moving = _picture(call, folder, since)
    with LedgerReader(folder.ledger) as reader:
        reader.pin()
        others: Others = {"held_elsewhere": elsewhere(reader, seen), "others_orders": others_orders(reader, seen)}
        return (compare(reader, seen), statement(reader, seen), others), moving


def _picture(call: Invocation, folder: LedgerFolder, since: Instant) -> tuple[dict[str, Any], bool]:
    """Ask through the running engine, or alone; tells which."""
    from scalpctl.cli.commands.control import ask_engine
    from scalpctl.wiring.alone import looked_at, run, venue_of
    from scalpctl.wiring.session import Listening

    seen = ask_engine(folder, "picture", {"since": since})
    if seen is not None:
        return seen, True
    venue = venue_of(call.settings(), folder, call.environ, WallClock(), Listening())
    with counted("asking the exchange", "rows", quiet=call.output.quiet) as progress:
        alone: dict[str, Any] = run(venue, looked_at(venue, since, progress))
    return alone | {"traded": list(call.settings().settings.instruments)}, False


def _require_same(findings: list[Finding], wanted: str | None) -> None:
    from scalpctl.analysis.reconcile import digest

    found = digest(findings)
    if wanted is not None and wanted != found:
        raise UsageError(
            f"the plan is now {found}, not {wanted}: the world has moved on", hint="look at the new plan first"
        )


def _carry_out(call: Invocation, folder: LedgerFolder, policy: str) -> None:
    """Let the engine, running or for a moment, go through its recovery: the one path that mends books."""
    from scalpctl.cli.commands.control import ask_engine
    from scalpctl.engine.events import Ordered
    from scalpctl.wiring.alone import carry_out, run, venue_of
    from scalpctl.wiring.session import Listening, Session

    if ask_engine(folder, "reread", {"since": 0}) is not None:
        if policy in APPEARED:
            call.output.say([f"an engine is running: it follows its own safety.appeared_positions, not {policy}"])
        pause_for(SETTLE_S)
        return
    loaded, listening = call.settings(), Listening()
    if policy in APPEARED:
        loaded = loaded.with_safety(appeared_positions=policy)
    command = Ordered(RandomIds(WallClock()).new_id(), "reread", {"since": 0}, getpass.getuser())

    async def whole() -> dict[str, Any]:
        return await carry_out(Session(loaded, folder, venue, listening, "reconcile"), command, SETTLE_S)

    venue = venue_of(loaded, folder, call.environ, WallClock(), listening)
    run(venue, whole())


def _show(
    call: Invocation, findings: list[Finding], proof: Statement, others: Others, *, statement: bool
) -> None:  # fmt: skip
    from dataclasses import asdict

    from scalpctl.analysis.reconcile import digest

    plan = digest(findings)
    envelope = Envelope("reconcile", WallClock().now(), *call.env_and_account())
    if call.output.form in {"json", "jsonl"}:
        facts = {"plan_digest": plan, "findings": [one.plain() for one in findings], "statement": asdict(proof)}
        call.output.facts(envelope, facts | others)
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
    _say_of_others(call, **others)
    if proof.postings_before:
        what = f"{proof.postings_before} postings before {rfc3339(Instant(proof.since))} are not part of this proof"
        call.output.say([f"{what}: they were not asked for, or are older than the three months the exchange keeps"])


def _say_of_others(call: Invocation, held_elsewhere: list[str], others_orders: list[dict[str, Any]]) -> None:
    if held_elsewhere:
        where = ", ".join(held_elsewhere)
        call.output.say([f"others hold {where}, where nothing is traded here: left alone, its money is booked"])
    for one in others_orders:
        what = f"{one['action']} {one['contracts']} {one['instrument']} at {one['price']}"
        call.output.say([f"others keep an order at the exchange ({one['order_id']}): {what}, left alone"])


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
        "postings_before": proof.postings_before,
        "holds": proof.holds,
    }
