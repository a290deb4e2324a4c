"""The whole post-mortem as one value: what the terminal, the page and programs are given."""

from __future__ import annotations

from typing import Any

from scalpctl.analysis.session import statistics
from scalpctl.analysis.session.after_exit import Paths, after_exit
from scalpctl.analysis.session.breakdowns import by_everything
from scalpctl.analysis.session.execution import execution
from scalpctl.analysis.session.funnel import funnel
from scalpctl.analysis.session.identity import identity
from scalpctl.analysis.session.incidents import incidents
from scalpctl.analysis.session.scope import Scope
from scalpctl.analysis.session.trades import Trade, trades_of
from scalpctl.analysis.summary import Reader

Row = dict[str, Any]
SHOWN = 10


def report(reader: Reader, scope: Scope, paths: Paths) -> Row:
    """Give everything; the same ledger and scope always give the same report."""
    trades = trades_of(reader, scope)
    ranked = sorted(trades, key=lambda one: (one.net, one.position_id))
    return {
        "session": _session(reader, scope),
        "identity": identity(reader, scope, trades),
        "performance": statistics.performance(trades),
        "streaks": statistics.streaks(trades),
        "drawdown": statistics.drawdown(trades),
        "by": by_everything(trades),
        "best": [one.position_id for one in reversed(ranked[-SHOWN:]) if one.won],
        "worst": [one.position_id for one in ranked[:SHOWN] if not one.won],
        "execution": execution(reader, scope),
        "funnel": funnel(reader, scope),
        "incidents": incidents(reader, scope, trades),
        "after_exit": after_exit(trades, paths),
        "equity": statistics.equity(trades),
        "trades": [one.plain() for one in trades],
        "unknown": _unknown(scope, trades, paths),
    }


def _session(reader: Reader, scope: Scope) -> Row:
    rows = scope.rows
    (open_now,) = reader.rows(
        "SELECT count(*) AS n FROM positions p WHERE p.seq <= :last AND NOT EXISTS "
        "(SELECT 1 FROM closures c WHERE c.position_id = p.position_id AND c.seq <= :last)",
        scope.named(),
    )
    return {
        "session_id": scope.name,
        "sessions": list(scope.sessions),
        "env": rows[-1]["env"] if rows else None,
        "account": rows[-1]["account"] if rows else None,
        "begins_at": scope.begins,
        "ends_at": scope.ends,
        "hours": round(scope.hours, 4),
        "end_kind": rows[-1]["end_kind"] if rows else None,
        "end_reason": rows[-1]["end_reason"] if rows else None,
        "config_digest": rows[-1]["config_digest"] if rows else None,
        "code_version": rows[-1]["code_version"] if rows else None,
        "world": rows[-1]["world"] if rows else None,
        "seed": rows[-1]["seed"] if rows else None,
        "open_positions": open_now["n"],
        "journal": [scope.first_seq, scope.last_seq],
    }


def _unknown(scope: Scope, trades: list[Trade], paths: Paths) -> list[str]:
    """Say what this report cannot know, and why."""
    said = []
    if not trades:
        said.append("no position was closed in it: there is no result to judge")
    elif len(trades) < statistics.FEW:
        said.append(f"{len(trades)} trades are too few to tell skill from luck: averages are shown, not judged")
    kind = scope.rows[-1]["end_kind"] if scope.rows else None
    if scope.rows and kind is None:
        said.append("it is still running, or died and was not sealed yet: figures are those so far")
    if kind == "crashed":
        said.append("it crashed: what came after its last record is in the session that followed")
    if trades and not any(one.decision_id for one in trades):
        said.append("no decisions are recorded: signals, gates and vetoes cannot be shown")
    if trades and not paths:
        said.append("there is no tape: where the price went after the exits cannot be told")
    if scope.hours < 24 * 30:
        said.append("nothing is annualised: the time is too short for it")
    return said
