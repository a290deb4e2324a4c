"""``scalpctl audit``: the checklist as checks over the ledger, from a terminal, cron or a monitoring system."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalpctl.cli.family import family
from scalpctl.cli.invocation import Invocation, with_common
from scalpctl.cli.pause import pause_for
from scalpctl.cli.render.output import Envelope, write
from scalpctl.core.instants import Instant
from scalpctl.errors import ScalpctlError, UsageError
from scalpctl.host.clock import WallClock

if TYPE_CHECKING:
    from scalpctl.analysis.audit.books import Books
    from scalpctl.analysis.audit.findings import Check, Judged
    from scalpctl.analysis.audit.judging import Audit
    from scalpctl.ledger.folder import LedgerFolder

app = family()
WORDS = ("history", "diff", "explain", "baseline")
SECOND_LOOK_S = 3.0


@app.command(no_args_is_help=False)
@with_common
def audit(
    call: Invocation,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[history | diff | explain CHECK | baseline]", help="Without one: audit now."),
    ] = None,
    online: Annotated[bool, typer.Option("--online", help="Ask the exchange too.")] = False,
    go_live: Annotated[bool, typer.Option("--go-live", help="Yellow counts as red.")] = False,
    section: Annotated[
        list[str] | None, typer.Option("--section", "-s", help="Only this section, by number or name.")
    ] = None,
    check: Annotated[list[str] | None, typer.Option("--check", help="Only this check, like AU-31.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Judge only what is younger: 2h, 3d, today.")] = None,
    session: Annotated[str | None, typer.Option("--session", help="Judge only this session.")] = None,
    waive: Annotated[str | None, typer.Option("--waive", help="Set a check aside; needs --until and --reason.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="How long it is waived, like 2026-12-01.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why; it is written into the ledger.")] = None,
    nagios: Annotated[bool, typer.Option("--nagios", help="One line with performance data.")] = False,
    form: Annotated[str | None, typer.Option("--format", help="checklist, nagios, prometheus, sarif or junit.")] = None,
    to: Annotated[Path | None, typer.Option("--write", help="Write that into a file, in one step.")] = None,
    ping_url: Annotated[str | None, typer.Option("--ping-url", help="Ping here: /start, then /EXITCODE.")] = None,
) -> None:
    """Judge the ledger, and with --online the exchange's side. Exit 0 fine, 1 yellow, 2 red, 3 could not be judged."""
    chosen = _chosen(check, section)
    spelled = _format("nagios" if nagios else form, call)
    action = _action(words)
    if action == "explain":
        _explain(call, (words or [])[1:])
        return
    if waive is not None:
        _waive(call, waive, until, reason)
        return
    if action == "history":
        _history(call)
        return
    from scalpctl.wiring.pinging import pinged

    with pinged(ping_url) as outcome:
        anew = action == "baseline"
        done, folder = _audited(call, chosen, _scope(since, session), online=online, go_live=go_live, anew=anew)
        if folder is not None and anew:
            _keep_baseline(folder, done, whole=since is None and session is None)
        fresh = _news(folder, done) if action == "diff" else None
        if folder is not None and not (check or section or since or session):
            _note(call, folder, done, online=online)
        _show(call, done, spelled, to, fresh)
        outcome.code = done.exit_code
    call.output.say([outcome.trouble] if outcome.trouble else [])
    raise typer.Exit(done.exit_code)


def _chosen(checks: list[str] | None, sections: list[str] | None) -> tuple[Check, ...]:
    from scalpctl.analysis.audit.catalogue import chosen

    return chosen(checks or [], sections or [])


def _action(words: list[str] | None) -> str:
    if not words:
        return ""
    if words[0] not in WORDS:
        raise UsageError(f"{words[0]!r} is nothing audit can do", hint=f"one of {', '.join(WORDS)}")
    return words[0]


def _format(name: str | None, call: Invocation) -> str | None:
    from scalpctl.analysis.audit.formats import FORMATS

    name = name or ("checklist" if call.output.form == "md" else None)
    if name is not None and name not in FORMATS:
        raise UsageError(f"{name!r} is not a format of an audit", hint=f"one of {', '.join(FORMATS)}")
    return name


def _scope(since: str | None, session: str | None) -> tuple[str | None, str | None]:
    if since is not None and session is not None:
        raise UsageError("--since and --session both say what is judged", hint="use one of them")
    return since, session


def _audited(
    call: Invocation,
    checks: tuple[Check, ...],
    scope: tuple[str | None, str | None],
    *,
    online: bool,
    go_live: bool,
    anew: bool,
) -> tuple[Audit, LedgerFolder | None]:  # fmt: skip
    from scalpctl.analysis.audit.judging import Audit
    from scalpctl.ledger.audits import baseline
    from scalpctl.ledger.folder import LedgerFolder

    path, wall = call.ledger_path(), WallClock().now()
    folder = LedgerFolder.around(path.absolute())
    side, unreachable, moving = _exchange(call, folder) if online else (None, None, False)
    known = frozenset[tuple[str, str]]() if folder is None or anew else baseline(folder)
    judged, books = _judged(call, folder, checks, scope, side, known)
    if moving:
        _look_again(call, folder, judged, scope, known)
    if not online:
        judged = [one for one in judged if one.check.needs != "exchange" or one.not_judged is None]
    figures = {"naked_max_s": books.extra["naked_max_us"] / 1e6} if "naked_max_us" in books.extra else {}
    return Audit(judged, wall, go_live, unreachable, figures), folder


def _judged(
    call: Invocation,
    folder: LedgerFolder | None,
    checks: tuple[Check, ...],
    scope: tuple[str | None, str | None],
    side: Any,
    known: frozenset[tuple[str, str]],
) -> tuple[list[Judged], Books]:
    from scalpctl.analysis.audit.judging import judge, waivers
    from scalpctl.ledger.reading import LedgerReader
    from scalpctl.wiring.auditing import books_of

    wall = WallClock().now()
    with LedgerReader(call.ledger_path()) as reader:
        books = books_of(reader, call.settings(), folder, wall)
        _narrow(call, books, *scope)
        if side is not None:
            books.exchange, books.account = side
        return judge(books, checks, waivers(books, wall), known), books


def _look_again(
    call: Invocation,
    folder: LedgerFolder | None,
    judged: list[Judged],
    scope: tuple[str | None, str | None],
    known: frozenset[tuple[str, str]],
) -> None:
    """Let go of what a second picture does not show: an engine traded between the first and the ledger."""
    from scalpctl.analysis.audit.findings import Needs

    doubtful = tuple(one.check for one in judged if one.findings and one.check.needs is not Needs.PROOF)
    if not doubtful:
        return
    pause_for(SECOND_LOOK_S)
    side, _, _ = _exchange(call, folder)
    if side is None:
        return
    again, _ = _judged(call, folder, doubtful, scope, side, known)
    shown = {(one.check.id, found.subject) for one in again for found in one.findings}
    for one in judged:
        if one.check in doubtful:
            one.findings = [found for found in one.findings if (one.check.id, found.subject) in shown]


def _narrow(call: Invocation, books: Books, since: str | None, session: str | None) -> None:
    from scalpctl.cli.moments import moment
    from scalpctl.ledger.reading import LedgerReader, session_id

    if since is not None:
        books.since = moment(since, books.now, call.output.zone)
    if session is not None and isinstance(books.reader, LedgerReader):
        name = session_id(books.reader, session)
        (row,) = books.rows("SELECT started_at, ended_at FROM sessions WHERE session_id = :name", name=name)
        books.since, books.until = Instant(row["started_at"]), Instant(row["ended_at"] or books.now)


def _exchange(call: Invocation, folder: LedgerFolder | None) -> tuple[Any, str | None, bool]:
    """Ask through the running engine, or alone; what cannot be asked is said; tells whether an engine is trading."""
    from scalpctl.analysis.reconcile import first_known
    from scalpctl.cli.commands.control import ask_engine
    from scalpctl.ledger.reading import LedgerReader
    from scalpctl.wiring.auditing import exchange_side

    if folder is None:
        return None, "a ledger named by its file belongs to no account here", False
    try:
        with LedgerReader(folder.ledger) as reader:
            since = first_known(reader)
        seen = ask_engine(folder, "picture", {"since": since})
        if seen is not None:
            return (seen, _account_beside(call)), None, True
        return exchange_side(call.settings(), folder, call.environ, since, WallClock()), None, False
    except ScalpctlError as error:
        return None, error.message, False


def _account_beside(call: Invocation) -> tuple[dict[str, Any], ...] | str:
    """Ask how key and account are set up, beside an engine; without its key, or an answer, give why it is not known."""
    from scalpctl.wiring.auditing import account_side

    try:
        return account_side(call.settings(), call.environ, WallClock())
    except ScalpctlError as error:
        return error.message


def _note(call: Invocation, folder: LedgerFolder, done: Audit, *, online: bool) -> None:
    """Remember what this audit said; a disk that takes no note does not change the verdict."""
    from scalpctl.analysis.audit.judging import fingerprints
    from scalpctl.ledger.audits import note_audit
    from scalpctl.wiring.code import code_digest

    line = {
        "at": done.at,
        "verdict": str(done.verdict),
        "red": done.count("red"),
        "yellow": done.count("yellow"),
        "go_live": done.go_live,
        "online": online and done.unreachable is None,
        "code_digest": code_digest(),
        "config_digest": call.settings().digest(),
        "findings": fingerprints(done.judged),
    }
    try:
        note_audit(folder, line)
    except (OSError, ScalpctlError) as error:
        call.output.say([f"this audit could not be noted: {error}"])


def _news(folder: LedgerFolder | None, done: Audit) -> dict[str, list[list[str]]]:
    from scalpctl.analysis.audit.judging import fingerprints
    from scalpctl.ledger.audits import past_audits

    past = past_audits(folder) if folder is not None else []
    if not past:
        raise UsageError("there is no earlier audit to compare with", hint="run `scalpctl audit` first")
    before, now = past[-1]["findings"], fingerprints(done.judged)
    return {"new": [one for one in now if one not in before], "gone": [one for one in before if one not in now]}


def _keep_baseline(folder: LedgerFolder, done: Audit, *, whole: bool) -> None:
    """Take what is found as known; what was known and has not been judged anew stays so."""
    from scalpctl.analysis.audit.findings import INTEGRITY
    from scalpctl.analysis.audit.judging import fingerprints
    from scalpctl.ledger.audits import baseline, set_baseline

    judged = {one.check.id for one in done.judged if whole and one.not_judged is None}
    before = {pair for pair in baseline(folder) if pair[0] not in judged}
    found = fingerprints(one for one in done.judged if one.check.section != INTEGRITY)
    set_baseline(folder, sorted(map(list, {*before, *map(tuple, found)})))


def _show(
    call: Invocation, done: Audit, spelled: str | None, to: Path | None, fresh: dict[str, list[list[str]]] | None
) -> None:  # fmt: skip
    from scalpctl.analysis.audit.formats import FORMATS
    from scalpctl.host.private_files import write_private

    if to is not None:
        write_private(to.absolute(), FORMATS[spelled or "checklist"](done).encode())
    elif spelled is not None:
        write(FORMATS[spelled](done))
    elif call.output.form in {"json", "jsonl"}:
        _as_json(call, done, fresh)
    elif not (call.output.quiet and done.exit_code == 0):
        _as_table(call, done, fresh)


def _as_json(call: Invocation, done: Audit, fresh: dict[str, list[list[str]]] | None) -> None:
    from scalpctl.analysis.audit.judging import plain

    facts: dict[str, Any] = {
        "verdict": str(done.verdict),
        "red": done.count("red"),
        "yellow": done.count("yellow"),
        "go_live": done.go_live,
        "checks": [plain(one) for one in done.judged if one.not_judged is None],
        "not_judged": [{"id": one.check.id, "why": one.not_judged} for one in done.judged if one.not_judged],
        "exchange": done.unreachable,
        "figures": done.figures,
    }
    warnings = [f"the exchange could not be asked: {done.unreachable}"] if done.unreachable else []
    call.output.facts(_envelope(call, warnings), facts | (fresh or {}))


def _as_table(call: Invocation, done: Audit, fresh: dict[str, list[list[str]]] | None) -> None:
    rows = [
        {"severity": str(one.severity), "check": judged.check.id, "subject": one.subject, "what": one.what}
        for judged in done.judged
        for one in judged.findings
        if fresh is None or [judged.check.id, one.subject] in fresh["new"]
    ]
    aside = [
        {"severity": "waived", "check": judged.check.id, "subject": one.subject, "what": f"{one.what} ({why})"}
        for judged in done.judged
        for one, why in judged.waived
    ]
    if rows or aside:
        call.output.rows(_envelope(call, []), rows + aside, ["severity", "check", "subject", "what"])
    judged = sum(1 for one in done.judged if one.not_judged is None)
    print(f"{done.verdict}: {done.count('red')} red, {done.count('yellow')} yellow of {judged} checks")
    skipped = [one for one in done.judged if one.not_judged]
    call.output.say([f"not judged: {one.check.id} ({one.not_judged})" for one in skipped])
    if done.unreachable:
        call.output.say([f"the exchange could not be asked: {done.unreachable}"])
    if rows:
        call.output.say([f"scalpctl audit explain {rows[0]['check']}"])
    for name in fresh["gone"] if fresh else ():
        print(f"gone: {name[0]} {name[1]}")


def _explain(call: Invocation, names: list[str]) -> None:
    from scalpctl.analysis.audit.catalogue import CHECKS, find
    from scalpctl.analysis.audit.findings import SECTIONS

    if not names:
        rows = [
            {"check": one.id, "section": SECTIONS[one.section], "severity": str(one.severity), "title": one.title}
            for one in CHECKS
        ]
        call.output.rows(_envelope(call, []), rows, ["check", "section", "severity", "title"])
        return
    for name in names:
        one = find(name)
        facts = {
            "check": one.id,
            "title": one.title,
            "section": f"{one.section} {SECTIONS[one.section]}",
            "severity": str(one.severity),
            "looks_at": str(one.needs),
            "means": one.page,
            "do": one.cure,
        }
        call.output.facts(_envelope(call, []), facts)


def _history(call: Invocation) -> None:
    from scalpctl.ledger.audits import past_audits

    rows = [
        {name: line.get(name) for name in ("at", "verdict", "red", "yellow", "go_live", "online")}
        | {"findings": ", ".join(sorted({one[0] for one in line.get("findings", ())}))}
        for line in reversed(past_audits(call.require_usual_ledger()))
    ]
    columns = ["at", "verdict", "red", "yellow", "go_live", "online", "findings"]
    call.output.rows(_envelope(call, []), rows, columns)


def _waive(call: Invocation, name: str, until: str | None, reason: str | None) -> None:
    from scalpctl.analysis.audit.catalogue import find
    from scalpctl.analysis.audit.findings import INTEGRITY
    from scalpctl.cli.moments import moment
    from scalpctl.wiring.noting import note_command

    check, now = find(name), WallClock().now()
    if check.section == INTEGRITY:
        raise UsageError(f"{check.id} cannot be waived: without integrity nothing else could be believed")
    if not until or not (reason or "").strip():
        raise UsageError("a waiver needs an end and a reason", hint="--until 2026-12-01 --reason 'new fee tier'")
    end = moment(until, now, call.output.zone)
    if end <= now:
        raise UsageError(f"{until} is over already", hint="a waiver ends in the future")
    folder = call.require_usual_ledger()
    folder.require_ledger()
    arguments = {"check": check.id, "until": end, "reason": (reason or "").strip()}
    note_command(folder, "waive", arguments, getpass.getuser(), WallClock())
    call.output.facts(_envelope(call, []), {"waived": check.id, "until_at": end, "reason": arguments["reason"]})


def _envelope(call: Invocation, warnings: list[str]) -> Envelope:
    return Envelope("audit", WallClock().now(), *call.env_and_account(), warnings=warnings)
