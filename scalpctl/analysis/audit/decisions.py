"""Sections 1, 2, 7 and 8: parameters, instruments, entry gates, regimes."""

from __future__ import annotations

from collections.abc import Iterator

from scalpctl.analysis.audit.books import Books, read_json
from scalpctl.analysis.audit.findings import RED, YELLOW, Finding, check

REPORT = "this is a defect of the engine: keep the ledger and report it with the rows shown"
MANDATORY = frozenset({
    "latched", "not_traded", "warming_up", "exposure_unknown", "position_open", "positions_max",
    "stale_signal", "stale_price", "spread", "slippage", "gap", "cool_down", "reentry", "funding", "correlated",
    "costs", "margin", "size",
})  # fmt: skip
"""What every entry must have been asked."""


@check("AU-35", section=7, severity=RED, title="Every entry passed every gate", cure=REPORT)
def gates(books: Books) -> Iterator[Finding]:
    """An entry decision shows every mandatory gate with its numbers, and all of them passed."""
    sql = (
        "SELECT decision_id, seq, inst_id, gates FROM decisions WHERE subject = 'entry' AND outcome = 'enter' AND "
        "decided_at BETWEEN :since AND :until"
    )
    for row in books.rows(sql):
        asked = [gate for gate in read_json(row["gates"]) or () if isinstance(gate, dict)]
        rows = ({"table": "decisions", "seq": row["seq"], "decision_id": row["decision_id"]},)
        for name in sorted(MANDATORY - {gate.get("gate") for gate in asked}):
            yield Finding(row["decision_id"], f"{row['inst_id']} was entered without asking {name}", rows=rows)
        for gate in asked:
            if not gate.get("passed"):
                what = (
                    f"{row['inst_id']} was entered although {gate.get('gate')} was {gate.get('value')} of "
                    f"{gate.get('limit')}"
                )
                yield Finding(row["decision_id"], what, rows=rows)


@check(
    "AU-36", section=8, severity=YELLOW, title="Open positions are judged by the parameters of their entry", cure=REPORT
)
def regimes(books: Books) -> Iterator[Finding]:
    """A position keeps the parameter set of the regime it was entered in until it is flat, also when the regime changes
    or the engine restarts: each exit decision names the set it used.
    """
    sql = (
        "SELECT d.decision_id, d.seq, d.position_id, p.parameter_set, json_extract(d.parameters, '$.set') AS used FROM "
        "decisions d "
        "JOIN positions p ON p.position_id = d.position_id WHERE d.subject = 'exit' AND d.decided_at BETWEEN :since "
        "AND :until AND "
        "used IS NOT NULL AND used <> p.parameter_set"
    )
    for row in books.rows(sql):
        what = f"was entered in {row['parameter_set']} and judged with {row['used']}"
        yield Finding(row["position_id"], what, rows=(row,))


@check(
    "AU-37",
    section=1,
    severity=RED,
    title="Every session ran with parameters inside their bounds",
    cure="`scalpctl config check`",
)
def parameters(books: Books) -> Iterator[Finding]:
    """The configuration recorded with a session is valid for this release: every name known, every value inside its
    bounds. No decision names a source of parameters that does not exist.
    """
    for session in books.sessions:
        for problem in books.config_problems(session["config"]):
            yield Finding(
                f"session {session['session_id']}", problem, rows=({"table": "sessions", "seq": session["seq"]},)
            )
    sql = (
        "SELECT d.decision_id, d.seq, s.key AS name, s.value AS source FROM decisions d, json_each(d.parameters, "
        "'$.sources') s "
        "WHERE d.decided_at BETWEEN :since AND :until AND d.outcome IN ('enter', 'close') AND s.value NOT IN "
        "('default', 'global', "
        "'regime', 'instrument', 'instrument and regime', 'limits') LIMIT 20"
    )
    for row in books.rows(sql):
        yield Finding(row["decision_id"], f"{row['name']} comes from {row['source']!r}", rows=(row,))


@check(
    "AU-38",
    section=2,
    severity=RED,
    title="Only configured, live instruments with a known specification were traded",
    cure="check `instruments` in the configuration",
)
def instruments(books: Books) -> Iterator[Finding]:
    """Every order names an instrument of its session's configuration, exactly, and a version of its specification that
    is in the ledger; entries were sent only while it was live.
    """
    sql = (
        "SELECT o.client_id, o.seq, o.inst_id, o.role, o.session_id, i.state FROM orders o LEFT JOIN instruments i ON "
        "i.inst_id = "
        "o.inst_id AND i.version = o.inst_version WHERE o.intended_at BETWEEN :since AND :until"
    )
    known = {row["session_id"]: tuple((row["settings"] or {}).get("instruments", ())) for row in books.sessions}
    for row in books.rows(sql):
        wanted = known.get(row["session_id"])
        if row["state"] is None:
            yield Finding(
                row["client_id"], f"{row['inst_id']}: the version it was ordered by is not in the ledger", rows=(row,)
            )
        elif row["role"] == "entry" and row["state"] != "live":
            yield Finding(row["client_id"], f"{row['inst_id']} was entered while {row['state']}", YELLOW, (row,))
        if row["role"] == "entry" and wanted is not None and row["inst_id"] not in wanted:
            yield Finding(row["client_id"], f"{row['inst_id']} is not configured", rows=(row,))
