"""``scalpctl sessions | trades | decisions | drifts``: what the ledger holds, for people and pipes."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from scalpctl.cli.family import family
from scalpctl.cli.invocation import Invocation, with_common
from scalpctl.cli.render.output import Envelope
from scalpctl.errors import UsageError, nearest
from scalpctl.host.clock import WallClock
from scalpctl.ledger.reading import LedgerReader, session_id

app = family()

_Session = Annotated[str | None, typer.Option("--session", "-s", help="A session's id, a unique prefix, or last.")]
_Instrument = Annotated[str | None, typer.Option("--instrument", "-i", help="Like BTC-USDT or BTC-USDT-SWAP.")]
_Since = Annotated[str | None, typer.Option("--since", help="2h, 3d, today, or 2026-11-20T08:00:00Z.")]
_Until = Annotated[str | None, typer.Option("--until", help="As --since.")]
_Limit = Annotated[int, typer.Option("--limit", help="Most rows, the newest first.", min=1)]


@app.command()
@with_common
def sessions(call: Invocation, since: _Since = None, until: _Until = None, limit: _Limit = 50) -> None:
    """List the runs of the engine and what they came to."""
    columns = [
        "session_id", "env", "account", "started_at", "ended_at", "end_kind", "trades", "wins", "gross", "fees",
        "funding", "net", "maker_share", "entries", "partial_takes", "drifts", "decisions", "seed", "code_version",
    ]  # fmt: skip
    important = ("session_id", "started_at", "end_kind", "trades", "net", "fees", "maker_share", "ended_at", "seed")
    _list(call, "sessions", "session_results", columns, "started_at", limit, important, since=since, until=until)


@app.command()
@with_common
def trades(
    call: Invocation,
    session: _Session = None,
    instrument: _Instrument = None,
    since: _Since = None,
    until: _Until = None,
    cause: Annotated[str | None, typer.Option("--cause", help="Only closures with this cause.")] = None,
    limit: _Limit = 200,
) -> None:
    """List positions from flat to flat, with their result and cause."""
    columns = [
        "position_id", "session_id", "instrument", "side", "opened_at", "closed_at", "contracts", "entry_price",
        "exit_price", "gross", "fees", "funding", "net", "cause", "origin", "leverage", "regime", "maker_share", "mae",
        "mfe",
    ]  # fmt: skip
    wanted = {"session_id": session, "instrument": instrument, "cause": cause}
    important = (
        "position_id", "instrument", "side", "net", "cause", "opened_at", "contracts", "entry_price", "exit_price",
        "fees", "gross", "closed_at", "funding",
    )  # fmt: skip
    _list(call, "trades", "trades", columns, "opened_at", limit, important, since=since, until=until, **wanted)


@app.command()
@with_common
def decisions(
    call: Invocation,
    session: _Session = None,
    instrument: _Instrument = None,
    since: _Since = None,
    until: _Until = None,
    limit: _Limit = 200,
) -> None:
    """List what was decided, by which rule."""
    columns = ["decision_id", "decided_at", "inst_id", "subject", "outcome", "winner", "position_id", "session_id"]
    wanted = {"session_id": session, "inst_id": instrument}
    _list(call, "decisions", "decisions", columns, "decided_at", limit, since=since, until=until, **wanted)


@app.command()
@with_common
def drifts(
    call: Invocation,
    instrument: _Instrument = None,
    since: _Since = None,
    until: _Until = None,
    limit: _Limit = 200,
) -> None:
    """List where exchange and ledger disagreed, why, and what was done."""
    columns = [
        "drift_id", "kind", "instrument", "ours", "theirs", "detected_at", "explained_at", "cause", "action",
        "resolved",
    ]  # fmt: skip
    source = "(SELECT *, inst_id AS instrument, resolved_at IS NOT NULL AS resolved FROM drifts)"
    _list(call, "drifts", source, columns, "detected_at", limit, since=since, until=until, instrument=instrument)


def _list(
    call: Invocation, schema: str, source: str, columns: list[str], time: str, limit: int,
    important: tuple[str, ...] = (), /, *, since: str | None, until: str | None, **wanted: str | None,
) -> None:  # fmt: skip
    clock = WallClock()
    with LedgerReader(call.ledger_path()) as reader:
        conditions, cells = _conditions(reader, wanted)
        for operator, text in ((">=", since), ("<", until)):
            if text is not None:
                from scalpctl.cli.moments import moment

                conditions.append(f"{time} {operator} ?")
                cells.append(moment(text, clock.now(), call.output.zone))
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        sql = f"SELECT {', '.join(columns)} FROM {source}{where} ORDER BY {time} DESC LIMIT {limit}"  # noqa: S608  names are ours
        rows = reader.rows(sql, cells)
        if not rows:
            _require_known(reader, wanted.get("instrument") or wanted.get("inst_id"))
        meta = reader.meta()
    call.output.rows(
        Envelope(schema, clock.now(), meta.get("env"), meta.get("account")), _shaped(rows), columns, important=important
    )


def _conditions(reader: LedgerReader, wanted: dict[str, str | None]) -> tuple[list[str], list[Any]]:
    conditions, cells = [], list[Any]()
    for column, value in wanted.items():
        if value is None:
            continue
        conditions.append(f"{column} = ?")
        if column == "session_id":
            cells.append(session_id(reader, value))
        else:
            cells.append(_exact_id(value) if column in {"instrument", "inst_id"} else value)
    return conditions, cells


def _require_known(reader: LedgerReader, instrument: str | None) -> None:
    """An instrument this ledger never saw was probably mistyped."""
    if instrument is None:
        return
    wanted = _exact_id(instrument)
    sql = "SELECT inst_id FROM instruments UNION SELECT inst_id FROM positions UNION SELECT inst_id FROM decisions"
    known = [row["inst_id"] for row in reader.rows(sql)]
    if wanted not in known:
        close = nearest(wanted, known)
        hint = f"did you mean {close}?" if close else f"it saw {', '.join(known) or 'none yet'}"
        raise UsageError(f"this ledger never saw {wanted}", hint=hint)


def _exact_id(text: str) -> str:
    from scalpctl.core.instruments import parse_inst_id

    return parse_inst_id(text)


def _shaped(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for row in rows:
        for name in ("ours", "theirs"):
            if name in row:
                row[name] = _parsed(row[name])
        if "resolved" in row:
            row["resolved"] = bool(row["resolved"])
    return rows


def _parsed(text: str) -> Any:
    import json

    return json.loads(text)
