"""The commands as a person, a pipe, cron and a program meet them."""

from __future__ import annotations

import csv
import json
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scalpctl.cli.app import run as run_here
from scalpctl.cli.catalogue import COMMANDS
from scalpctl.host.clock import WallClock
from scalpctl.host.ids import RandomIds
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import open_ledger, prepare_folder

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def here(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str) -> tuple[int, str, str]:
    """Runs a command line inside this process."""
    code = run_here([*arguments, "--root", str(root)])
    out, err = capsys.readouterr()
    return code, out, err


def data(out: str) -> object:
    return json.loads(out)["data"]


def test_the_module_and_the_help_answer(scalpctl: Run) -> None:
    version = scalpctl("--version")
    assert (version.returncode, version.stdout, version.stderr) == (0, "scalpctl 0.1.0\n", "")
    front = scalpctl("--help")
    assert front.returncode == 0
    assert all(name in front.stdout for name in COMMANDS)
    assert scalpctl("-h").stdout == front.stdout
    assert scalpctl().returncode in {0, 64}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert run_here([name, "--help"]) == 0
    assert COMMANDS[name].summary.split()[0] in capsys.readouterr().out


def test_reading_commands_import_nothing_heavy(filled: LedgerFolder) -> None:
    code = (
        "import sys; from scalpctl.cli.app import run\n"
        "for line in {lines!r}: assert run(line) == 0, line\n"
        "heavy = [m for m in ('sqlalchemy', 'sqlmodel', 'pydantic', 'alembic', 'textual', 'rich', 'asyncio', 'httpx', "
        "'websockets', 'ruamel.yaml', 'zstandard', 'starlette', 'tenacity') if m in sys.modules]\n"
        "sys.exit(f'imported {{heavy}}' if heavy else 0)"
    )
    lists = [[name, "--json", "--root", str(filled.root)] for name in ("trades", "sessions", "decisions", "drifts")]
    lines = [["--version"], ["--help"], *lists, ["trades", "--root", str(filled.root)]]
    lines += [["ledger", "query", "SELECT * FROM fills", "--json", "--root", str(filled.root)], ["ledger", "path"]]
    done = subprocess.run([sys.executable, "-c", code.format(lines=lines)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_lists_keep_the_shapes_that_scripts_rely_on(
    capsys: pytest.CaptureFixture[str], root: Path, filled: LedgerFolder
) -> None:
    code, out, err = here(capsys, root, "trades", "--json")
    assert (code, err) == (0, "")
    envelope = json.loads(out)
    assert envelope["schema"] == "scalpctl.trades/1"
    assert (envelope["env"], envelope["account"], envelope["warnings"]) == ("sim", "main", [])
    (trade,) = envelope["data"]
    assert trade == {
        "position_id": "P1", "session_id": "S1", "instrument": "BTC-USDT-SWAP", "side": "long",
        "opened_at": "2026-11-20T08:15:31.123Z", "closed_at": "2026-11-20T08:19:37.123Z", "contracts": "0.12",
        "entry_price": "50000.1", "exit_price": "50200.3", "gross": "0.24024", "fees": "0.024048048", "funding": "0",
        "net": "0.216191952", "cause": "trailing_stop", "origin": "engine", "leverage": "10", "regime": "ranging",
        "maker_share": "1", "mae": "-0.0011", "mfe": "0.0052",
    }  # fmt: skip
    (drift,) = data(here(capsys, root, "drifts", "--json")[1])  # type: ignore[misc]
    assert drift["ours"] == {"contracts": "0.12"}
    assert (drift["kind"], drift["cause"], drift["resolved"]) == ("resized", "manual_close", True)
    assert len(data(here(capsys, root, "decisions", "--json")[1])) == 1  # type: ignore[arg-type]
    assert len(data(here(capsys, root, "sessions", "--json")[1])) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["table", "tsv", "csv", "json", "jsonl", "md"])
def test_every_format_keeps_every_digit(
    capsys: pytest.CaptureFixture[str], root: Path, filled: LedgerFolder, form: str
) -> None:
    code, out, _ = here(capsys, root, "trades", "-o", form)
    assert code == 0
    assert "0.216191952" in out
    assert "BTC-USDT-SWAP" in out
    if form == "csv":
        assert next(csv.DictReader(out.splitlines()))["net"] == "0.216191952"
    if form == "jsonl":
        assert json.loads(out)["net"] == "0.216191952"


def test_filters_narrow_a_list(capsys: pytest.CaptureFixture[str], root: Path, filled: LedgerFolder) -> None:
    def count(*filters: str) -> int:
        return len(data(here(capsys, root, "trades", "--json", *filters)[1]))  # type: ignore[arg-type]

    assert count("--instrument", "BTC-USDT") == count("--session", "last") == count("--cause", "trailing_stop") == 1
    assert count("--cause", "liquidation") == count("--since", "1s") == 0
    assert count("--since", "2026-11-20", "--until", "2026-11-21") == 1
    assert count("--since", "2026-11-20T08:15:31.123Z") == 1
    assert count("--since", "2026-11-20T08:15:31.124Z") == 0


def test_times_are_shown_in_the_zone_asked_for(
    capsys: pytest.CaptureFixture[str], root: Path, filled: LedgerFolder
) -> None:
    assert "2026-11-20T09:15:31.123+01:00" in here(capsys, root, "trades", "--tz", "Europe/Berlin")[1]
    assert here(capsys, root, "trades", "--tz", "Mars/Olympus")[0] == 64


def test_options_may_stand_before_or_after_the_command(
    capsys: pytest.CaptureFixture[str], root: Path, filled: LedgerFolder
) -> None:
    assert run_here(["--root", str(root), "--json", "trades"]) == 0
    before = json.loads(capsys.readouterr().out)["data"]
    assert before == data(here(capsys, root, "trades", "--json")[1])
    assert run_here(["--root", "/nowhere", "trades", "--ledger", str(filled.ledger)]) == 0


def test_every_option_has_an_environment_variable(scalpctl: Run, filled: LedgerFolder) -> None:
    assert json.loads(scalpctl("trades", SCALPCTL_OUTPUT="json").stdout)["schema"] == "scalpctl.trades/1"
    assert scalpctl("trades", SCALPCTL_ENV="demo").returncode == 74
    assert "SCALPCTL_ROOT" in scalpctl("trades", "--help").stdout
    assert (
        len(scalpctl("ledger", "query", "SELECT seq FROM journal", SCALPCTL_LEDGER_QUERY_LIMIT="2").stdout.split()) == 3
    )


def test_completion_knows_commands_and_their_options(scalpctl: Run) -> None:
    def complete(words: str) -> str:
        asked = {"_SCALPCTL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        return scalpctl(**asked).stdout

    assert "trades" in complete("scalpctl tr")
    assert "verify" in complete("scalpctl ledger ver")
    assert "--instrument" in complete("scalpctl trades --inst")


def test_no_key_ever_shows(scalpctl: Run, filled: LedgerFolder, tmp_path: Path) -> None:
    canary = "SCALPCANARY7f3a"
    keys = tmp_path / "keys.yaml"
    keys.write_text(f"api_key: {canary}\nsecret: {canary}\npassphrase: {canary}\n")
    keys.chmod(0o600)
    config = tmp_path / "demo.yaml"
    url = "http://127.0.0.1:9"
    config.write_text(f"env: demo\ncredentials: {{file: {keys}}}\nexchange: {{rest_url: '{url}'}}\n")
    environ = {"SCALPCTL_CONFIG": str(config), "SCALPCTL_API_KEY": canary, "SCALPCTL_DEBUG": "1"}
    lines = [
        ["config", "show"], ["config", "show", "--origin"], ["config", "check"], ["doctor"], ["doctor", "--online"],
        ["ledger", "verify"], ["trades", "--session", "x"], ["ledger", "query", "SELEKT"], ["nonsense"],
    ]  # fmt: skip
    for line in lines:
        done = scalpctl(*line, **environ)
        assert canary not in done.stdout + done.stderr, line
    keys.write_text(f"api_key: {canary}\nother: {canary}\n")
    done = scalpctl("doctor", **environ)
    assert canary not in done.stdout + done.stderr
    for path in filled.root.rglob("*"):
        assert path.is_dir() or canary.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["trades", "--env", "demo"], 74, "there is no ledger"),
        (["trades", "--env", "prod"], 64, "not an environment"),
        (["trades", "--account", "../x"], 64, "not an account name"),
        (["trades", "-o", "xml"], 64, "not an output format"),
        (["trades", "--session", "nope"], 64, "the latest: S1"),
        (["trades", "--since", "yesterweek"], 64, "not a moment"),
        (["trades", "--instrument", "BTC"], 64, "not an instrument"),
        (["trades", "--instrument", "BCT-USDT"], 64, "did you mean BTC-USDT-SWAP?"),
        (["trades", "--color", "pink"], 64, "not a colour mode"),
        (["trades", "--nothing"], 64, "No such option"),
        (["traeds"], 64, "Did you mean 'trades'?"),
        (["ledger", "verfiy"], 64, "verify"),
        (["ledger", "query", "DELETE FROM fills"], 64, "only reading is possible"),
        (["ledger", "query"], 64, "one query is needed"),
        (["ledger", "rebuild"], 64, "add --yes"),
        (["ledger", "restore", "--yes"], 74, "there is no backup"),
        (["ledger", "export", "/nowhere/x/y", "--format", "xlsx"], 64, "not an export format"),
        (["ledger", "export", "/dev/null/x"], 74, "/dev/null/x: not a directory"),
        (["config", "check", "--config", "/nowhere.yaml"], 78, "there is no configuration file"),
        (["trades", "--config", "/nowhere.yaml"], 78, "cannot be read"),
        (["audit", "--bogus"], 3, "No such option"),
    ],
)
def test_every_refusal_is_a_sentence_a_cure_and_a_code(
    capsys: pytest.CaptureFixture[str], root: Path, filled: LedgerFolder, arguments: list[str], code: int, words: str
) -> None:
    got, out, err = here(capsys, root, *arguments)
    assert got == code, err
    assert out == ""
    assert words in err
    assert "Traceback" not in err


def test_errors_for_programs_are_json(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    code, out, err = here(capsys, root, "trades", "--json")
    error = json.loads(err)["error"]
    assert (code, out, error["code"], error["name"]) == (74, "", 74, "LedgerMissing")
    assert error["hint"]


def test_readers_never_create_a_ledger(capsys: pytest.CaptureFixture[str], root: Path) -> None:
    for name in ("trades", "sessions", "drifts", "decisions"):
        here(capsys, root, name)
    for words in (("verify",), ("query", "SELECT 1"), ("backup",), ("rebuild", "--yes"), ("upgrade",)):
        assert here(capsys, root, "ledger", *words)[0] == 74
    assert not root.exists()


def test_a_bug_is_a_sentence_with_code_70(capsys: pytest.CaptureFixture[str], root: Path, filled: LedgerFolder) -> None:
    connection = sqlite3.connect(filled.ledger)
    connection.execute("UPDATE drifts SET ours = 'not json'")
    connection.commit()
    connection.close()
    code, _, err = here(capsys, root, "drifts")
    assert code == 70
    assert "--debug" in err
    assert "Traceback" not in err
    assert "Traceback" in here(capsys, root, "drifts", "--debug")[2]


def test_the_ledger_is_proven_kept_and_mended(
    capsys: pytest.CaptureFixture[str], root: Path, filled: LedgerFolder
) -> None:
    proof = data(here(capsys, root, "ledger", "verify", "--json")[1])
    assert isinstance(proof, dict)
    assert proof["ok"] is True
    assert proof["rows"] == proof["head_seq"] == 28
    assert proof["findings"] == []
    assert here(capsys, root, "ledger", "path")[1] == f"{filled.ledger}\n"
    assert here(capsys, root, "ledger", "backup")[0] == 0
    assert here(capsys, root, "ledger", "restore", "--drill")[0] == 0
    connection = sqlite3.connect(filled.ledger)
    connection.execute("UPDATE orders SET price = '1'")
    connection.commit()
    connection.close()
    code, out, err = here(capsys, root, "ledger", "verify")
    assert code == 1
    assert "orders.price" in out
    assert "rebuild" in err
    (finding,) = data(here(capsys, root, "ledger", "verify", "--json")[1])["findings"]  # type: ignore[index, call-overload]
    assert finding["check"] == "tables"
    assert here(capsys, root, "ledger", "rebuild", "--dry-run")[0] == 0
    assert here(capsys, root, "ledger", "rebuild", "--yes")[0] == 0
    assert here(capsys, root, "ledger", "verify")[0] == 0
    assert here(capsys, root, "ledger", "restore", "--yes")[0] == 0
    assert here(capsys, root, "ledger", "upgrade", "--json")[0] == 0
    assert here(capsys, root, "ledger", "export", str(root / "out"), "--table", "fills")[0] == 0
    assert "-0.0120000024" in (root / "out" / "fills.csv").read_text()
    assert "journal" in here(capsys, root, "ledger", "query", "--tables")[1]
    twice = "SELECT '1' AS x, '2' AS x, '3' AS x"
    assert here(capsys, root, "ledger", "query", twice, "-o", "tsv")[1] == "x\tx_2\tx_3\n1\t2\t3\n"
    code, out, _ = here(capsys, root, "ledger", "query", "SELECT seq FROM journal", "--limit", "2", "--json")
    assert json.loads(out)["warnings"] == ["only the first 2 rows are shown; --limit shows more"]


def test_a_ledger_named_by_file_is_found_with_its_companions(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, filled: LedgerFolder
) -> None:
    assert here(capsys, tmp_path, "ledger", "verify", "--ledger", str(filled.ledger), "--json")[0] == 0
    assert here(capsys, tmp_path, "ledger", "backup", "--ledger", str(filled.ledger))[0] == 0
    stray = tmp_path / "stray.db"
    stray.write_bytes(filled.ledger.read_bytes())
    code, out, _ = here(capsys, tmp_path, "ledger", "verify", "--ledger", str(stray), "--json")
    assert (code, data(out)["not_checked"]) == (0, ["anchors", "mirrors"])  # type: ignore[index, call-overload]
    assert here(capsys, tmp_path, "ledger", "rebuild", "--yes", "--ledger", str(stray))[0] == 64


def test_a_ledger_named_by_file_is_one_of_its_folders_account(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = LedgerFolder(tmp_path / "elsewhere", "demo", "main")
    prepare_folder(demo)
    writer = open_ledger(demo, WallClock(), RandomIds(WallClock()), purpose="run")
    writer.close()
    before = demo.ledger.read_bytes()
    for command in (("close", "--all", "--yes"), ("reconcile", "--policy", "apply"), ("halt", "--reason", "test")):
        code, _, err = here(capsys, tmp_path, *command, "--ledger", str(demo.ledger))
        assert code in {77, 78}, err  # demo wants a key, and there is none
    for command in (("run", "--for", "1m"), ("run", "--for", "1m", "--fresh")):
        assert here(capsys, tmp_path, *command, "--speed", "max", "--ledger", str(demo.ledger))[0] in {64, 77, 78}
    for command in (("positions",), ("run", "--for", "1m", "--speed", "max")):
        code, _, err = here(capsys, tmp_path, *command, "--env", "sim", "--ledger", str(demo.ledger))
        assert code == 64
        assert "is a ledger of demo-main, and --env says sim" in err
    monkeypatch.setenv("SCALPCTL_ENV", "live")  # what nobody typed gives way
    assert here(capsys, tmp_path, "ledger", "query", "SELECT 1", "--ledger", str(demo.ledger))[0] == 0
    assert demo.ledger.read_bytes() == before
    assert demo.path.is_dir()
    assert not list(demo.path.glob("exchange.*"))


def test_a_configuration_is_begun_shown_and_checked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, root: Path
) -> None:
    path = tmp_path / "mine.yaml"
    assert here(capsys, root, "config", "init", str(path))[1] == f"{path}\n"
    assert here(capsys, root, "config", "init", str(path))[0] == 64
    assert here(capsys, root, "config", "init", str(path), "--force")[0] == 0
    assert here(capsys, root, "config", "check", "--config", str(path))[0] == 0
    path.write_text("limits:\n  max_usd_size: 42.50\n")
    shown = here(capsys, root, "config", "show", "--origin", "--config", str(path))[1]
    assert f"limits.max_usd_size\t42.50\t{path}:2:3" in shown
    assert (
        data(here(capsys, root, "config", "show", "--json", "--config", str(path))[1])["limits"]["max_usd_size"]
        == "42.50"
    )  # type: ignore[index, call-overload]
    assert json.loads(here(capsys, root, "config", "schema")[1])["title"] == "Settings"
    path.write_text("limits:\n  max_usd_sise: 42.50\nenv: nowhere\n")
    code, out, err = here(capsys, root, "config", "check", "--config", str(path))
    assert (code, out) == (78, "")
    assert "mine.yaml:2:3: limits.max_usd_sise: is not a setting (did you mean 'max_usd_size'?)" in err
    assert "mine.yaml:3:1" in err


def test_the_doctor_finds_what_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, filled: LedgerFolder
) -> None:
    def grades(*arguments: str) -> tuple[int, dict[str, str]]:
        code, out, _ = here(capsys, filled.root, "doctor", "--json", *arguments)
        return code, {row["check"]: row["grade"] for row in data(out)}  # type: ignore[attr-defined]

    code, found = grades()
    assert (code, found["ledger"], found["backup"], found["key"]) == (0, "ok", "warn", "skip")
    assert grades("--env", "demo")[1]["key"] == "fail"
    assert grades("--account", "other")[1]["ledger"] == "skip"
    filled.lock.chmod(0o644)
    code, found = grades()
    assert (code, found["privacy"]) == (1, "fail")
    filled.lock.chmod(0o600)
    broken = tmp_path / "broken.yaml"
    broken.write_text("env: [\n")
    assert grades("--config", str(broken))[1]["configuration"] == "fail"
    connection = sqlite3.connect(filled.ledger)
    connection.execute("DROP TRIGGER fills_no_delete")
    connection.commit()
    connection.close()
    assert grades()[1]["ledger"] == "fail"


def test_a_closed_pipe_is_not_an_error_message(root: Path, filled: LedgerFolder) -> None:
    sql = "SELECT * FROM journal a, journal b, journal c"
    command = f"{sys.executable} -m scalpctl ledger query '{sql}' --root {root} -q | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_the_doctor_asks_the_exchange_and_says_when_it_is_silent(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, filled: LedgerFolder
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    path = tmp_path / "demo.yaml"
    path.write_text(f"env: demo\nexchange:\n  rest_url: http://127.0.0.1:{port}\n")
    code, out, err = here(capsys, filled.root, "doctor", "--online", "--config", str(path))
    assert (code, "there is no API key" in out) == (77, True)
    for name in ("SCALPCTL_API_KEY", "SCALPCTL_API_SECRET", "SCALPCTL_API_PASSPHRASE"):
        monkeypatch.setenv(name, "SCALPCANARY")
    code, out, err = here(capsys, filled.root, "doctor", "--online", "--config", str(path))
    assert code == 69
    assert "cannot be reached" in out
    assert "SCALPCANARY" not in out + err
    assert here(capsys, filled.root, "doctor", "--online")[0] == 0
