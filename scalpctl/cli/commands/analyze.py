"""``scalpctl analyze-session``: why it was closed, was it too early, what did fees eat, does it match, did it help."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalpctl.cli.family import family
from scalpctl.cli.invocation import Invocation, with_common
from scalpctl.cli.render.output import Envelope, write
from scalpctl.cli.render.progress import counted
from scalpctl.core.instants import Instant
from scalpctl.errors import UsageError, nearest
from scalpctl.host.clock import WallClock

if TYPE_CHECKING:
    from scalpctl.analysis.session.scope import Scope
    from scalpctl.analysis.session.trades import Trade
    from scalpctl.ledger.reading import LedgerReader

app = family()
Row = dict[str, Any]


@app.command("analyze-session", no_args_is_help=False)
@with_common
def analyze_session(
    call: Invocation,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[SESSION | last | compare A B]", help="Without one: the last.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="Everything since: 2h, 3d, today, a date.")] = None,
    trade: Annotated[str | None, typer.Option("--trade", help="One trade's whole story.")] = None,
    question: Annotated[
        str | None, typer.Option("--question", help="One of twenty, like why-closed; list names them.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write one self-contained page.")] = None,
    verify: Annotated[
        Path | None, typer.Option("--verify", help="Recompute a saved JSON report from the ledger.")
    ] = None,
    brief: Annotated[
        bool, typer.Option("--brief", help="Only what the session came to, as kept while it was written.")
    ] = False,
) -> None:
    """Say what a session earned and why, what the exits left, what the fees ate; every figure from the ledger."""
    if question is not None and question != "list":
        _known_question(question)
    if question == "list":
        _list_questions(call)
        return
    from scalpctl.ledger.reading import LedgerReader

    with LedgerReader(call.ledger_path()) as reader:
        reader.pin()
        if words and words[0] == "compare":
            _compare(call, reader, words[1:])
        elif verify is not None:
            _verify(call, reader, verify)
        elif trade is not None:
            _story(call, reader, trade)
        elif brief:
            if html is not None or question is not None:
                raise UsageError("--brief has no page and answers no question", hint="leave out one of them")
            _brief(call, reader, words, since)
        else:
            scope = _scope(call, reader, words, since)
            _answer(call, reader, _report(call, reader, scope), question=question, html=html)


def _scope(call: Invocation, reader: LedgerReader, words: list[str] | None, since: str | None) -> Scope:
    from scalpctl.analysis.session.scope import of_sessions
    from scalpctl.analysis.session.scope import since as scope_since
    from scalpctl.cli.moments import moment
    from scalpctl.ledger.reading import session_id

    if len(words or []) > 1:
        raise UsageError(f"{' '.join(words or [])!r} is more than one session", hint="analyze-session compare A B")
    if since is not None:
        if words:
            raise UsageError("a session and --since both say what is looked at", hint="use one of them")
        return scope_since(reader, moment(since, _now(reader), call.output.zone))
    return of_sessions(reader, (session_id(reader, (words or ["last"])[0]),))


def _brief(call: Invocation, reader: LedgerReader, words: list[str] | None, since: str | None) -> None:
    from scalpctl.ledger.reading import session_id

    if since is not None or len(words or []) > 1:
        raise UsageError("--brief shows one session", hint="`scalpctl sessions` shows all of them, with their figures")
    name = session_id(reader, (words or ["last"])[0])
    (row,) = reader.rows("SELECT * FROM session_results WHERE session_id = ?", (name,))
    call.output.facts(_envelope(call, "analyze-brief", None), row)


def _now(reader: LedgerReader) -> Instant:
    """Simulated ledgers live in their own time."""
    (newest,) = reader.rows("SELECT max(ts_us) AS at FROM journal")
    return Instant(newest["at"]) if reader.meta().get("env") == "sim" and newest["at"] else WallClock().now()


def _report(call: Invocation, reader: LedgerReader, scope: Scope) -> Row:
    from scalpctl.analysis.session.report import report

    return report(reader, scope, _paths(call, scope))


def _paths(call: Invocation, scope: Scope) -> Any:
    from scalpctl.ledger.folder import LedgerFolder
    from scalpctl.wiring.prices_heard import paths_of

    folder = LedgerFolder.around(call.ledger_path().absolute())
    tapes = [row["tape"] for row in scope.rows]
    with counted("reading the tape", "events", quiet=call.output.quiet) as progress:
        return paths_of(folder.path if folder else None, tapes, progress)


def _answer(call: Invocation, reader: LedgerReader, report: Row, *, question: str | None, html: Path | None) -> None:
    if html is not None:
        _page(call, reader, report, html)
    elif question is not None:
        rows = _known_question(question).answer(report)
        columns = list(dict.fromkeys(name for row in rows for name in row))
        call.output.rows(_envelope(call, "analyze-question", report), rows, columns, important=columns)
    elif call.output.form in {"json", "jsonl"}:
        call.output.facts(_envelope(call, "analyze-session", report), report)
    elif call.output.form in {"csv", "tsv"}:
        call.output.rows(_envelope(call, "analyze-session", report), report["trades"], _COLUMNS)
    else:
        _text(call, report)


_COLUMNS = [
    "position_id", "session_id", "instrument", "side", "opened_at", "closed_at", "contracts", "entry_price",
    "exit_price", "gross", "fees", "funding", "net", "cause", "closed_by", "origin", "leverage", "regime", "signal",
    "strength", "maker_share", "mae", "mfe", "kept", "partials", "held_us",
]  # fmt: skip


def _text(call: Invocation, report: Row) -> None:
    from scalpctl.cli.render.postmortem import lines_of

    text = "\n".join(lines_of(report)) + "\n"
    write(f"```text\n{text}```\n" if call.output.form == "md" else text)
    if report["worst"]:
        call.output.say(
            [f"scalpctl analyze-session --trade {report['worst'][0]}", "scalpctl analyze-session --html report.html"]
        )


def _page(call: Invocation, reader: LedgerReader, report: Row, target: Path) -> None:
    from scalpctl.analysis.page.page import page
    from scalpctl.analysis.session.scope import of_sessions, since
    from scalpctl.analysis.session.story import story
    from scalpctl.analysis.session.trades import trades_of
    from scalpctl.host.private_files import write_private

    names = tuple(report["session"]["sessions"])
    scope = of_sessions(reader, names) if names else since(reader, Instant(report["session"]["begins_at"]))
    paths = _paths(call, scope)
    wanted = set(report["worst"][:20] + report["best"][:20])
    every = trades_of(reader, scope)
    chosen = every if len(every) <= 150 else [one for one in every if one.position_id in wanted]
    stories = [story(reader, one) for one in chosen]
    text = page(report, stories, paths)
    if not target.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {target.parent}", hint="make it first")
    write_private(target.absolute(), text.encode())
    call.output.facts(_envelope(call, "analyze-page", report), {"page": str(target), "bytes": len(text.encode())})


def _story(call: Invocation, reader: LedgerReader, name: str) -> None:
    from scalpctl.analysis.session.story import story
    from scalpctl.cli.render.postmortem import story_lines

    told = story(reader, _find_trade(reader, name))
    if call.output.form in {"json", "jsonl"}:
        call.output.facts(_envelope(call, "analyze-trade", None), told)
    elif call.output.form in {"csv", "tsv"}:
        call.output.rows(_envelope(call, "analyze-trade", None), told["timeline"], ["at", "kind", "what", "seq"])
    else:
        write("\n".join(story_lines(told)) + "\n")


def _find_trade(reader: LedgerReader, name: str) -> Trade:
    from scalpctl.analysis.session.scope import END, Scope
    from scalpctl.analysis.session.trades import trades_of

    every = trades_of(reader, Scope((), 0, END, Instant(0), Instant(0)))
    found = [one for one in every if one.position_id == name] or [one for one in every if name in one.position_id]
    if len(found) != 1:
        latest = ", ".join(one.position_id for one in every[-5:]) or "none yet"
        what = "names several trades" if found else "is not a closed trade"
        raise UsageError(f"{name!r} {what}", hint=f"the latest: {latest}")
    return found[0]


def _compare(call: Invocation, reader: LedgerReader, names: list[str]) -> None:
    from scalpctl.analysis.session.comparing import compare

    if len(names) != 2:
        raise UsageError("compare needs two sessions or two parameter sets", hint="analyze-session compare A B")
    one, two = (_side(reader, name) for name in names)
    result = compare(one[0], two[0], (one[1], two[1]))
    envelope = _envelope(call, "analyze-compare", None)
    if call.output.form in {"json", "jsonl"}:
        call.output.facts(envelope, result)
        return
    call.output.rows(envelope, result["figures"], ["figure", "a", "b"])
    low, high = result["difference_low"], result["difference_high"]
    print(f"B - A per trade: {result['difference']} (95 %: {low} to {high}), {result['paired']} paired")
    print(result["verdict"])
    if result["settings"]:
        call.output.rows(envelope, result["settings"], ["setting", "a", "b"])


def _side(reader: LedgerReader, name: str) -> tuple[list[Trade], Row]:
    """A side is a session, or all trades made with one parameter set."""
    from scalpctl.analysis.session.scope import END, Scope, of_sessions
    from scalpctl.analysis.session.trades import trades_of
    from scalpctl.ledger.reading import session_id

    sets = {row["parameter_set"] for row in reader.rows("SELECT DISTINCT parameter_set FROM positions")}
    if name in sets:
        every = trades_of(reader, Scope((), 0, END, Instant(0), Instant(0)))
        return [one for one in every if one.parameter_set == name], {}
    scope = of_sessions(reader, (session_id(reader, name),))
    try:
        settings = json.loads(scope.rows[-1]["config"])
    except ValueError:
        settings = {}
    return trades_of(reader, scope), settings


def _verify(call: Invocation, reader: LedgerReader, saved: Path) -> None:
    from scalpctl.analysis.session.scope import Scope
    from scalpctl.analysis.session.verifying import contradictions
    from scalpctl.cli.render.cells import for_json

    stated = _saved(saved)
    first, last = stated["session"]["journal"]
    names = tuple(stated["session"]["sessions"])
    every = [row for row in reader.rows("SELECT * FROM sessions ORDER BY seq") if row["session_id"] in names]
    from scalpctl.core.instants import parse_rfc3339

    begins, ends = (parse_rfc3339(stated["session"][name]) for name in ("begins_at", "ends_at"))
    scope = Scope(names, first, last, begins, ends, tuple(every))
    again = json.loads(json.dumps(for_json("", _report(call, reader, scope)), default=str))
    wrong = [{"figure": at, "report": one, "ledger": other} for at, one, other in contradictions(stated, again)]
    call.output.rows(_envelope(call, "analyze-verify", None), wrong, ["figure", "report", "ledger"])
    print(f"{len(wrong)} differences" if wrong else "every figure comes out the same", file=sys.stderr)
    if wrong:
        raise typer.Exit(1)


def _saved(path: Path) -> Row:
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        stated: Row = whole["data"]
        stated["session"]["journal"], stated["session"]["sessions"], stated["session"]["begins_at"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is not a report of analyze-session: {error}", hint="save one with --json") from error
    return stated


def _known_question(name: str) -> Any:
    from scalpctl.analysis.session.questions import QUESTIONS

    if name not in QUESTIONS:
        near = nearest(name, QUESTIONS)
        hint = f"did you mean {near}?" if near else "`--question list` names all twenty"
        raise UsageError(f"{name!r} is not a question", hint=hint)
    return QUESTIONS[name]


def _list_questions(call: Invocation) -> None:
    from scalpctl.analysis.session.questions import QUESTIONS

    rows = [{"question": one.name, "asks": one.asks} for one in QUESTIONS.values()]
    call.output.rows(_envelope(call, "analyze-questions", None), rows, ["question", "asks"])


def _envelope(call: Invocation, schema: str, report: Row | None) -> Envelope:
    warnings = list(report["unknown"]) if report is not None and call.output.form == "json" else []
    return Envelope(schema, WallClock().now(), *call.env_and_account(), warnings=warnings)
