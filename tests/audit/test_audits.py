"""Audits as they are run: beside an engine, from cron, against the exchange, with bad input."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from audit.forging import WALL, audited
from cli.conftest import CLEAN
from engine.conftest import Play

from scalpctl.analysis.audit.books import FolderFacts
from scalpctl.analysis.audit.catalogue import CHECKS
from scalpctl.analysis.audit.judging import judge
from scalpctl.analysis.reconcile import compare
from scalpctl.core.exchange.reports import AccountReport
from scalpctl.core.exchange.requests import MarginMode
from scalpctl.core.instants import Instant
from scalpctl.host.clock import WallClock
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.reading import LedgerReader
from scalpctl.okx.preflight import Expected, preflight
from scalpctl.okx.server_clock import Skew
from scalpctl.okx.wire.hosts import hosts_of
from scalpctl.settings.loading import load
from scalpctl.wiring.alone import looked_at, run, venue_of
from scalpctl.wiring.auditing import books_of
from scalpctl.wiring.session import Listening

pytestmark = pytest.mark.whole

DAY_US = 86_400_000_000


@pytest.fixture
def copied(played: Play, tmp_path: Path) -> LedgerFolder:
    """A whole folder that a test may harm."""
    shutil.copytree(played.root, tmp_path / "root")
    return LedgerFolder(tmp_path / "root", "sim", "main")


@pytest.fixture(scope="session")
def picture(played: Play) -> dict[str, Any]:
    venue = venue_of(load(None, {}), played.folder, {}, WallClock(), Listening())
    seen: dict[str, Any] = run(venue, looked_at(venue, Instant(0)))
    return seen


def test_a_clean_ledger_is_green_also_against_the_exchange(played: Play, picture: dict[str, Any]) -> None:
    assert audited(played.folder.ledger, played.folder, exchange=picture) == {}


def _one_more(kind: str, /, **row: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda seen: seen[kind].append(row)


STRANGE_FILL = {
    "trade_id": "x",
    "order_id": "y",
    "price": "1",
    "contracts": "1",
    "fee": "0",
    "at": 1_767_600_000_000_000,
}
DIFFERENCES: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("AU-24", _one_more("positions", instrument="SOL-USDT-SWAP", side="long", contracts="1", leverage="5",
                        average_price="1", mark_price="1", unrealised="0", margin_ratio="9", opened_at=1)),
    ("AU-25", _one_more("orders", instrument="SOL-USDT-SWAP", client_id=f"sc{'x' * 18}", order_id="77", action="buy",
                        contracts="1", price="1")),
    ("AU-26", _one_more("fills", instrument="SOL-USDT-SWAP", **STRANGE_FILL)),
    ("AU-27", _one_more("algos", instrument="SOL-USDT-SWAP", client_id="OURS", algo_id="78", kind="conditional",
                        action="sell", stop="1", whole=True)),
    ("AU-28", lambda seen: seen.update(cash="12.5")),
]  # fmt: skip


@pytest.mark.parametrize(("size", "guards"), [("1", True), ("2", True), ("0.5", False), (None, False)])
def test_a_stop_with_a_size_guards_a_position_it_can_close_wholly(
    size: str | None, *, guards: bool, played: Play, picture: dict[str, Any]
) -> None:
    other = json.loads(json.dumps(picture))
    dict(DIFFERENCES)["AU-24"](other)
    stop = {"client_id": "", "algo_id": "78", "kind": "conditional", "action": "sell", "stop": "1", "whole": False}
    other["algos"].append(stop | {"instrument": "SOL-USDT-SWAP", "contracts": size})
    with LedgerReader(played.folder.ledger) as reader:
        found = {one.kind for one in compare(reader, other) if one.subject == "SOL-USDT-SWAP"}
    assert ("missing_stop" in found) is not guards


@pytest.mark.parametrize(("name", "change"), DIFFERENCES, ids=[one[0] for one in DIFFERENCES])
def test_what_the_exchange_says_otherwise_is_found(
    name: str, change: Callable[[dict[str, Any]], Any], played: Play, picture: dict[str, Any]
) -> None:
    ours = played.rows("SELECT protection_id FROM protections LIMIT 1")[0]["protection_id"]
    other = json.loads(json.dumps(picture))
    change(other)
    other = json.loads(json.dumps(other).replace("OURS", ours))
    assert set(audited(played.folder.ledger, played.folder, exchange=other)) == {name} | (
        {"AU-27"} if name == "AU-24" else set()
    )


def test_a_leverage_set_elsewhere_and_a_wrong_mode_are_found(played: Play, picture: dict[str, Any]) -> None:
    wrong = ({"check": "exchange position mode", "grade": "fail", "found": "long_short"},)
    assert set(audited(played.folder.ledger, played.folder, exchange=picture, account=wrong)) == {"AU-29"}


FIT = AccountReport(
    uid="2", main_uid="1", level="2", position_mode="net_mode", isolated_mode="automatic",
    permissions=("read_only", "trade"), ip="198.51.100.7", fee_level="Lv1", label="scalpctl",
    self_trade_prevention="cancel_maker",
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "check", "severity"),
    [
        ({"permissions": ("read_only", "trade", "withdraw")}, "AU-47", "red"),
        ({"ip": ""}, "AU-47", "red"),
        ({"isolated_mode": "autonomy"}, "AU-29", "red"),
        ({"position_mode": "long_short_mode"}, "AU-29", "red"),
        ({"level": "1"}, "AU-29", "red"),
    ],
)
def test_what_the_exchange_says_of_key_and_account_is_judged_as_it_is_told(
    played: Play, picture: dict[str, Any], changed: dict[str, Any], check: str, severity: str
) -> None:
    expected = Expected(live=True, position_mode="net_mode", margin_mode=MarginMode.ISOLATED, leverage_max=Decimal(10))
    said = preflight(replace(FIT, **changed), Skew(0, 10), hosts_of("global", demo=False), (), expected)
    rows = tuple({"check": f"exchange {it.check}", "grade": str(it.severity), "found": it.what} for it in said)
    found = audited(played.folder.ledger, played.folder, exchange=picture, account=rows)
    assert set(found) == {check}
    assert found[check][0].startswith(severity)


def test_what_is_not_known_of_key_and_account_is_not_judged_and_the_rest_is(
    played: Play, picture: dict[str, Any]
) -> None:
    with LedgerReader(played.folder.ledger) as reader:
        books = books_of(reader, load(None, {}), played.folder, WALL)
        books.exchange, books.account = picture, "there is no API key"
        judged = {one.check.id: one for one in judge(books, CHECKS, {}, frozenset())}
    assert {judged[name].not_judged for name in ("AU-29", "AU-47")} == {"there is no API key"}
    assert judged["AU-24"].ok


def test_an_instrument_about_to_go_is_found_while_it_is_held(picture: dict[str, Any], play: Play) -> None:
    play.session(0.4)
    held = play.rows("SELECT inst_id FROM positions WHERE state <> 'closed'")
    assert held, "the world of this seed leaves a position open"
    venue = venue_of(load(None, {}), play.folder, {}, WallClock(), Listening())
    seen = run(venue, looked_at(venue, Instant(0)))
    now = play.rows("SELECT max(ended_at) AS at FROM sessions")[0]["at"]
    for state, ahead_h, severity in (("suspend", None, "red"), ("live", 3, "red"), ("live", 72, "yellow")):
        expires_at = None if ahead_h is None else now + ahead_h * 3_600_000_000
        seen["instruments"] = [{"instrument": held[0]["inst_id"], "state": state, "expires_at": expires_at}]
        found = audited(play.folder.ledger, play.folder, exchange=seen)
        assert set(found) == {"AU-49"}
        assert found["AU-49"][0].startswith(severity)


def test_a_cut_journal_is_found_by_its_anchor(copied: LedgerFolder) -> None:
    with copied.anchors.open("a") as log:
        log.write(json.dumps({"seq": 10_000_000, "hash": "f" * 64, "at": WALL}) + "\n")
    assert set(audited(copied.ledger, copied)) == {"AU-02"}


def test_a_file_others_can_read_is_found(copied: LedgerFolder) -> None:
    assert audited(copied.ledger, copied) == {}
    copied.ledger.chmod(0o644)
    assert set(audited(copied.ledger, copied)) == {"AU-45"}


def test_a_ledger_without_a_recent_backup_is_found(played: Play) -> None:
    facts = FolderFacts(backup_at=None, wall=WALL)
    found = audited(played.folder.ledger, env="live", facts=facts)
    assert found["AU-44"][0].startswith("red")
    late = FolderFacts(backup_at=Instant(WALL - 2 * DAY_US), drill_at=WALL, wall=WALL)
    assert audited(played.folder.ledger, env="live", facts=late)["AU-44"][0].startswith("yellow")
    fine = FolderFacts(backup_at=Instant(WALL - DAY_US // 2), drill_at=WALL, wall=WALL)
    assert audited(played.folder.ledger, env="live", facts=fine) == {}


Run = Callable[..., Any]


@pytest.fixture
def scalpctl(copied: LedgerFolder, tmp_path: Path) -> Run:
    import subprocess
    import sys

    def called(*arguments: str, **environ: str) -> Any:
        environment = CLEAN | {"HOME": str(tmp_path), "SCALPCTL_ROOT": str(copied.root)} | environ
        return subprocess.run(
            [sys.executable, "-m", "scalpctl", *arguments], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=50, check=False,
        )  # fmt: skip

    return called


def test_cron_gets_silence_when_all_is_well_and_a_line_when_asked(scalpctl: Run) -> None:
    quiet = scalpctl("audit", "--online", "-q")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    line = scalpctl("audit", "--nagios")
    assert line.returncode == 0
    assert line.stdout.startswith("SCALP OK - 0 red 0 yellow | red=0;;0 yellow=0;0 checks=")
    assert "naked_max=" in line.stdout


def test_json_holds_what_scripts_rely_on(scalpctl: Run, copied: LedgerFolder) -> None:
    data = json.loads(scalpctl("audit", "--json").stdout)["data"]
    assert (data["verdict"], data["red"], data["yellow"]) == ("green", 0, 0)
    assert {"id", "section", "severity", "ok", "findings"} <= set(data["checks"][0])
    assert all(one["ok"] for one in data["checks"])
    assert len(data["checks"]) >= 45
    copied.ledger.chmod(0o644)
    red = scalpctl("audit", "--json")
    found = next(one for one in json.loads(red.stdout)["data"]["checks"] if not one["ok"])
    assert (red.returncode, found["id"], found["severity"]) == (2, "AU-45", "red")
    assert found["findings"][0]["rows"]
    assert found["findings"][0]["cure"]


def test_an_unreachable_exchange_leaves_the_offline_verdict(scalpctl: Run, copied: LedgerFolder) -> None:
    (copied.path / "exchange.snapshot").write_bytes(b"nonsense")
    blind = scalpctl("audit", "--online", "--json")
    assert blind.returncode == 3
    assert json.loads(blind.stdout)["data"]["verdict"] == "unknown"
    copied.ledger.chmod(0o644)
    assert scalpctl("audit", "--online").returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("audit", "--nagois"), ("audit", "histroy"), ("audit", "--check", "AU-99"), ("audit", "--section", "monye"),
        ("audit", "--since", "yesterdy"), ("audit", "--session", "nosuch"), ("audit", "--format", "pdf"),
        ("audit", "--ledger", "/nowhere.db"), ("audit", "--config", "/nowhere.yaml"), ("adit",),
        ("--env", "smi", "audit"),
        ("--nonsense", "audit"), ("audit", "--since", "2h", "--session", "last"),
        ("audit", "--waive", "AU-01", "--until", "2099-01-01", "--reason", "no"), ("audit", "--waive", "AU-12"),
    ],
)  # fmt: skip
def test_a_mistyped_crontab_line_is_unknown_and_never_fine(scalpctl: Run, arguments: tuple[str, ...]) -> None:
    answer = scalpctl(*arguments)
    assert answer.returncode == 3, answer
    assert answer.stderr.strip()


@pytest.mark.parametrize("content", [b"", b"not a database at all", b"SQLite format 3\0" + b"\0" * 4096])
def test_what_is_no_ledger_cannot_be_judged(scalpctl: Run, tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(content)
    assert scalpctl("audit", "--ledger", str(other)).returncode == 3


def test_a_waiver_is_journaled_shown_and_ends(scalpctl: Run, copied: LedgerFolder) -> None:
    copied.ledger.chmod(0o644)
    assert scalpctl("audit").returncode == 2
    copied.ledger.chmod(0o600)
    noted = scalpctl("audit", "--waive", "AU-45", "--until", "2099-01-01", "--reason", "a shared test machine")
    assert noted.returncode == 0, noted
    copied.ledger.chmod(0o644)
    shown = scalpctl("audit")
    assert shown.returncode == 0
    assert "a shared test machine" in shown.stdout
    copied.ledger.chmod(0o600)
    assert scalpctl("ledger", "verify").returncode == 0


def test_history_and_diff_tell_what_is_new(scalpctl: Run, copied: LedgerFolder) -> None:
    assert scalpctl("audit", "diff").returncode == 3
    assert scalpctl("audit").returncode == 0
    copied.ledger.chmod(0o644)
    new = json.loads(scalpctl("audit", "diff", "--json").stdout)["data"]
    assert {one[0] for one in new["new"]} == {"AU-45"}
    copied.ledger.chmod(0o600)
    assert json.loads(scalpctl("audit", "diff", "--json").stdout)["data"]["gone"][0][0] == "AU-45"
    verdicts = [row["verdict"] for row in json.loads(scalpctl("audit", "history", "--json").stdout)["data"]]
    assert verdicts == ["green", "red", "green"]
    asked = [row["online"] for row in json.loads(scalpctl("audit", "history", "--json").stdout)["data"]]
    assert asked == [False, False, False]


def test_a_baseline_is_known_and_shown_and_never_hides_integrity(scalpctl: Run, copied: LedgerFolder) -> None:
    copied.ledger.chmod(0o644)
    assert scalpctl("audit", "baseline").returncode == 2
    for _ in range(2):
        known = scalpctl("audit")
        assert known.returncode == 0
        assert "known: in the baseline" in known.stdout
        scalpctl("audit", "baseline")
        scalpctl("audit", "baseline", "--check", "AU-01")


def test_every_format_can_be_read_by_its_reader(scalpctl: Run, copied: LedgerFolder, tmp_path: Path) -> None:
    from xml.etree import ElementTree as ET

    copied.ledger.chmod(0o644)
    suite = ET.fromstring(scalpctl("audit", "--format", "junit").stdout)
    assert suite.get("failures") == "1"
    sarif = json.loads(scalpctl("audit", "--format", "sarif").stdout)
    assert {one["ruleId"] for one in sarif["runs"][0]["results"]} == {"AU-45"}
    target = tmp_path / "scalpctl.prom"
    assert scalpctl("audit", "--format", "prometheus", "--write", str(target)).returncode == 2
    assert 'scalpctl_audit_checks{severity="red"} 1' in target.read_text()
    checklist = scalpctl("audit", "-o", "md").stdout
    assert "- [ ] AU-45" in checklist
    assert "- [x] AU-01" in checklist


def test_the_watchdog_hears_start_and_exit_code_and_may_be_away(scalpctl: Run, copied: LedgerFolder) -> None:
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    heard: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/check"
    assert scalpctl("audit", "--ping-url", url).returncode == 0
    copied.ledger.chmod(0o644)
    assert scalpctl("audit", "--ping-url", url).returncode == 2
    server.shutdown()
    server.server_close()
    assert heard == ["/check/start", "/check/0", "/check/start", "/check/2"]
    assert scalpctl("audit", "--ping-url", "http://127.0.0.1:9/none").returncode == 2


def test_every_check_explains_itself(scalpctl: Run) -> None:
    listed = json.loads(scalpctl("audit", "explain", "--json").stdout)["data"]
    assert len(listed) == 54
    page = json.loads(scalpctl("audit", "explain", "au31", "--json").stdout)["data"]
    assert page["check"] == "AU-31"
    assert "confirmed stop" in page["means"]


def test_audits_beside_a_busy_engine_raise_no_false_alarm(play: Play) -> None:
    found: list[dict[str, list[str]]] = []

    async def beside(session: Any) -> None:
        for _ in range(25):
            await session.venue.clock.sleep(97)
            found.append(audited(play.folder.ledger, play.folder))

    play.session(0.8, beside)
    assert [one for one in found if one] == []
    assert len(found) == 25


def test_simulated_days_with_restarts_and_other_hands_are_green(play: Play) -> None:
    play.world = "mixed"
    for number in range(3):
        play.session(
            1, schedule="- {at: 20m, do: manual-close}\n- {at: 40m, do: adl, fraction: '0.5'}\n" if number else ""
        )
    assert audited(play.folder.ledger, play.folder) == {}
