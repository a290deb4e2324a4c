"""The post-mortem as it is used: five outputs with one truth, one trade's story, questions, comparisons, bad input."""

from __future__ import annotations

import csv
import io
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from audit.forging import Row, drop, forged, last
from engine.conftest import Play
from session.conftest import Run

from scalpctl.analysis.session.questions import QUESTIONS
from scalpctl.analysis.session.report import report as report_of
from scalpctl.analysis.session.scope import of_sessions
from scalpctl.analysis.session.verifying import contradictions
from scalpctl.ledger.reading import LedgerReader

EVIL = "<script>alert(1)</script>\x1b[31m\u202e</script><!--"


def test_every_total_is_the_same_in_terminal_json_csv_page_and_sql(
    scalpctl: Run, report: dict[str, Any], played: Play, tmp_path: Path
) -> None:
    identity = report["identity"]
    rows = list(csv.DictReader(io.StringIO(scalpctl("-o", "csv").stdout)))
    name = report["session"]["session_id"]
    with LedgerReader(played.folder.ledger) as reader:
        sql = (
            "SELECT dsum(net) AS net, dsum(gross) AS gross, dsum(fees) AS fees, dsum(funding) AS funding FROM trades "
            "WHERE session_id = ? AND closed_at IS NOT NULL"
        )
        (stated,) = reader.rows(sql, (name,))
    assert scalpctl("--html", str(tmp_path / "page.html")).returncode == 0
    text = scalpctl("-o", "table").stdout
    page = (tmp_path / "page.html").read_text()
    for part in ("gross", "fees", "funding", "net"):
        total = Decimal(identity[part])
        assert sum((Decimal(row[part]) for row in rows), Decimal(0)) == total
        assert sum((Decimal(one[part]) for one in report["trades"]), Decimal(0)) == total
        for cut in report["by"].values():
            assert sum((Decimal(row[part]) for row in cut), Decimal(0)) == total
        assert Decimal(stated[part]) == total
        assert f"{part} {identity[part]}" in text
        assert f'"{part}":"{identity[part]}"' in page


@pytest.mark.parametrize("which", [0, 1])
def test_both_sides_of_the_identity_agree_also_for_positions_carried_over(
    scalpctl: Run, played: Play, which: int
) -> None:
    name = played.sessions[which]
    one = json.loads(scalpctl(name, "--json").stdout)["data"]["identity"]
    parts = {part: Decimal(one[part]) for part in one if part not in {"holds", "sources"}}
    assert one["holds"] is True
    assert parts["gross"] - parts["fees"] - parts["funding"] == parts["net"]
    change = parts["net"] - parts["booked_before"] + parts["still_open"] + parts["other"]
    assert change == parts["balance_change"]


def test_since_spans_sessions_and_adds_up(scalpctl: Run, played: Play) -> None:
    whole = json.loads(scalpctl("--since", "2026-01-01", "--json").stdout)["data"]
    parts = [json.loads(scalpctl(name, "--json").stdout)["data"] for name in played.sessions]
    assert whole["session"]["sessions"] == played.sessions
    assert Decimal(whole["identity"]["net"]) == sum((Decimal(one["identity"]["net"]) for one in parts), Decimal(0))
    assert whole["identity"]["holds"] is True


def test_one_trade_tells_its_whole_story_and_its_money_adds_up(scalpctl: Run, report: dict[str, Any]) -> None:
    trade = report["trades"][0]
    story = json.loads(scalpctl("--trade", trade["position_id"], "--json").stdout)["data"]
    steps = {one["step"]: Decimal(one["amount"]) for one in story["waterfall"]}
    assert steps["decided"] + steps["decision to order"] + steps["order to execution"] == steps["gross"]
    assert steps["gross"] + steps["fees"] + steps["funding"] == steps["net"] == Decimal(trade["net"])
    kinds = [one["kind"] for one in story["timeline"]]
    assert {"entry", "order", "fill", "stop", "closed"} <= set(kinds)
    assert kinds[-1] == "closed" or "closed" in kinds[-3:]
    assert {lane["rule"] for lane in story["lanes"]} >= {"stop_loss", "trailing_stop"}
    assert all(one["seq"] for one in story["timeline"])
    assert "net" in scalpctl("--trade", trade["position_id"], "-o", "table").stdout


def test_each_of_the_twenty_questions_has_an_answer(played: Play, report: dict[str, Any]) -> None:
    assert len(QUESTIONS) == 20
    for question in QUESTIONS.values():
        rows = question.answer(report)
        assert rows, question.name
        assert all(isinstance(row, dict) for row in rows)


def test_a_question_is_answered_and_a_mistyped_one_names_the_nearest(scalpctl: Run) -> None:
    told = scalpctl("--question", "why-closed")
    assert told.returncode == 0
    assert "cause" in told.stdout.splitlines()[0]
    wrong = scalpctl("--question", "why-close")
    assert wrong.returncode == 64
    assert "why-closed" in wrong.stderr
    assert len(scalpctl("--question", "list").stdout.splitlines()) == 21


def test_two_sessions_are_compared_with_a_warning(scalpctl: Run, played: Play) -> None:
    told = json.loads(scalpctl("compare", *played.sessions, "--json").stdout)["data"]
    assert told["verdict"].startswith("cannot be told")
    assert {row["figure"] for row in told["figures"]} >= {"net", "win_rate", "expectancy"}
    assert scalpctl("compare", "last").returncode == 64


def test_a_saved_report_is_recomputed_and_a_changed_figure_is_found(
    scalpctl: Run, report: dict[str, Any], tmp_path: Path
) -> None:
    saved = tmp_path / "report.json"
    saved.write_text(scalpctl("--json").stdout)
    assert scalpctl("--verify", str(saved)).returncode == 0
    whole = json.loads(saved.read_text())
    whole["data"]["identity"]["net"] = "1000"
    saved.write_text(json.dumps(whole))
    wrong = scalpctl("--verify", str(saved))
    assert wrong.returncode == 1
    assert "identity.net" in wrong.stdout
    saved.write_text("{}")
    assert scalpctl("--verify", str(saved)).returncode == 64


def test_what_a_later_session_does_changes_nothing_that_was_said_of_an_earlier_one(tmp_path: Path) -> None:
    play, told = Play(tmp_path / "root"), []
    play.session(0.4)
    with LedgerReader(play.folder.ledger) as reader:
        scope = of_sessions(reader, (play.sessions[0],))
    for flatten in (True, False):
        with LedgerReader(play.folder.ledger) as reader:
            told.append(report_of(reader, scope, {}))
        play.session(0.05, flatten=flatten)
    assert told[0]["session"]["open_positions"] > 0
    assert list(contradictions(*told)) == []


def test_every_group_names_the_trades_behind_it(report: dict[str, Any]) -> None:
    known = {one["position_id"]: Decimal(one["net"]) for one in report["trades"]}
    for rows in report["by"].values():
        for row in rows:
            assert sum((known[name] for name in row["position_ids"]), Decimal(0)) == Decimal(row["net"])
    assert report["identity"]["sources"]["closures"]


def _told(path: Path, scalpctl: Run, *more: str) -> dict[str, Any]:
    answer = scalpctl("--ledger", str(path), "--json", *more)
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)["data"]
    return found


def _without_trades(rows: list[Row]) -> None:
    kept = ("session_started", "session_ended", "lease_taken", "instrument_specified", "heartbeat")
    rows[:] = [row for row in rows if row["kind"] in kept]


def _one_trade(rows: list[Row]) -> None:
    name = last(rows, "position_closed")["position_id"]
    rows[:] = [row for row in rows if row["kind"] != "position_closed" or row["body"]["position_id"] == name]


def _running(rows: list[Row]) -> None:
    drop(rows, "session_ended", session_id=last(rows, "session_started")["session_id"])


def _crashed(rows: list[Row]) -> None:
    last(rows, "session_ended")["end_kind"] = "crashed"


def _undecided(rows: list[Row]) -> None:
    drop(rows, "decided")
    for row in rows:
        if row["kind"] in {"entry_made", "order_intended", "partial_taken"}:
            row["body"]["decision_id"] = None
        if row["kind"] == "session_started":
            row["body"]["tape"] = None


CASES = [
    (_without_trades, "no position was closed"), (_one_trade, "too few"), (_running, "still running"),
    (_crashed, "it crashed"), (_undecided, "no decisions are recorded"), (_undecided, "there is no tape"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), CASES, ids=[f"{one[0].__name__}-{one[1]}" for one in CASES])
def test_a_report_says_what_it_cannot_know(
    change: Any, said: str, journal: list[Row], scalpctl: Run, tmp_path: Path
) -> None:
    path = forged(journal, tmp_path / "case.db", change)
    report = _told(path, scalpctl)
    assert any(said in note for note in report["unknown"]), report["unknown"]
    assert scalpctl("--ledger", str(path), "-o", "table").returncode == 0
    assert scalpctl("--ledger", str(path), "--html", str(tmp_path / "page.html")).returncode == 0


def _hostile(rows: list[Row]) -> None:
    for row in rows:
        body = row["body"]
        if row["kind"] == "session_ended":
            body["end_reason"] = EVIL
        if row["kind"] == "drift_detected":
            body["inst_id"] = EVIL
        if row["kind"] == "position_closed":
            body["closed_by"] = "=cmd|' /C calc'!A0"
        if row["kind"] == "entry_made":
            body["signal"] = EVIL


def test_hostile_text_is_inert_in_terminal_page_and_csv(journal: list[Row], scalpctl: Run, tmp_path: Path) -> None:
    path = forged(journal, tmp_path / "case.db", _hostile)
    for form in ("table", "md", "tsv", "csv"):
        shown = scalpctl("--ledger", str(path), "-o", form).stdout
        assert "\x1b" not in shown
        assert "\u202e" not in shown
    assert not re.search(r"(^|,)=cmd", scalpctl("--ledger", str(path), "-o", "csv").stdout)
    scalpctl("--ledger", str(path), "--html", str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text()
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    assert "<!--" not in page


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nosuch",), 64), (("last", "other"), 64), (("last", "--since", "2h"), 64), (("--trade", "nosuch"), 64),
        (("--since", "yesterdy"), 64), (("--ledger", "/nowhere.db"), 74), (("--html", "/nowhere/page.html"), 64),
    ],
)  # fmt: skip
def test_bad_input_is_a_sentence_and_a_code(scalpctl: Run, arguments: tuple[str, ...], code: int) -> None:
    answer = scalpctl(*arguments)
    assert answer.returncode == code, answer
    assert answer.stderr.strip()
    assert "Traceback" not in answer.stderr


def test_the_page_needs_nothing_from_anywhere(scalpctl: Run, tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    assert scalpctl("--html", str(target)).returncode == 0
    page = target.read_text()
    assert len(page.encode()) < 2_000_000
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=\"http", page)
    assert "http-equiv" in page
    assert (target.stat().st_mode & 0o077) == 0
