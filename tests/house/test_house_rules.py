"""The house rules, as far as a machine can hold them."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "scalpctl"
SOURCES = sorted(PACKAGE.rglob("*.py"))
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
EXACT = ("ledger", "control")
"""Packages in which a float has no business at all; the core's estimates are floats and say so."""
MONEY_MODULES = (
    "money", "instruments", "positions", "fills", "pnl", "costs", "sizing", "closing", "orders", "protection", "limits",
)  # fmt: skip
ORDERED = ("core", "engine", "host", "okx", "simulator", "tape", "wiring")
"""Packages every simulated session goes through: where their order of events changes, a run differs from the next."""
CLOCKS = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "now", "utcnow", "today"}
BROAD_ALLOWED = {"scalpctl/cli/app.py", "scalpctl/ledger/writer.py"}
"""The last line of defence of the program, and of the writer's thread, which tells everybody who waits for it."""
BANNED_NAMES = ("manager", "utils", "util", "helper", "helpers", "misc", "common_functions")
WORDS_OF_THE_WORKSHOP = ("TO" + "DO", "FIX" + "ME", "XX" + "X")


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nodes(path: Path, kind: type) -> Iterator[ast.AST]:
    return (node for node in ast.walk(tree_of(path)) if isinstance(node, kind))


def in_packages(*names: str) -> list[Path]:
    return [path for path in SOURCES if path.relative_to(PACKAGE).parts[0] in names]


def ids(path: Path) -> str:
    return name_of(path)


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_a_file_is_one_room(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES_MAX
    assert not any(word in path.stem.split("_") for word in BANNED_NAMES)
    for node in nodes(path, ast.FunctionDef | ast.AsyncFunctionDef):  # type: ignore[arg-type]
        length = (node.end_lineno or 0) - node.lineno + 1  # type: ignore[attr-defined]
        assert length <= FUNCTION_LINES_MAX, f"{node.name} has {length} lines"  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_a_file_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(tree_of(path)), "the first line says what the file is for"


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_nothing_is_left_for_later(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not any(word in text for word in WORDS_OF_THE_WORKSHOP)


def money_files() -> list[Path]:
    core = [path for path in in_packages("core") if path.stem in MONEY_MODULES and path.parent.name != "records"]
    return [*core, *in_packages(*EXACT), *(PACKAGE / "core" / "records").glob("*.py")]


@pytest.mark.parametrize("path", money_files(), ids=ids)
def test_no_float_in_money_code(path: Path) -> None:
    seconds = {"seconds", "seconds_max", "LINE_SECONDS_MAX"}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "float", f"line {node.lineno}: float() in money code"
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            assert path.parent.name == "control", f"line {node.lineno}: {node.value} in money code"
        if isinstance(node, ast.arg) and isinstance(node.annotation, ast.Name) and node.annotation.id == "float":
            assert node.arg in seconds, f"line {node.lineno}: {node.arg} is a float in money code"


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_time_comes_from_the_clock(path: Path) -> None:
    if name_of(path) == "scalpctl/host/clock.py":
        return
    for node in nodes(path, ast.Call):
        call = node.func  # type: ignore[attr-defined]
        if not isinstance(call, ast.Attribute) or call.attr not in CLOCKS or not isinstance(call.value, ast.Name):
            continue
        allowed = call.value.id not in {"time", "datetime", "date"}
        assert allowed, f"line {node.lineno}: {call.value.id}.{call.attr}()"  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_no_time_without_a_zone(path: Path) -> None:
    for node in nodes(path, ast.Call):
        call = node.func  # type: ignore[attr-defined]
        if isinstance(call, ast.Attribute) and call.attr in {"utcfromtimestamp", "utcnow"}:
            pytest.fail(f"line {node.lineno}: {call.attr} is naive")  # type: ignore[attr-defined]


def _is_a_set(annotation: ast.expr) -> bool:
    return ast.unparse(annotation).split("[", maxsplit=1)[0] in {"set", "frozenset", "AbstractSet"}


def _last(target: ast.expr) -> str:
    return ast.unparse(target).rsplit(".", maxsplit=1)[-1]


@pytest.mark.parametrize("path", in_packages(*ORDERED), ids=ids)
def test_no_set_is_walked_where_order_matters(path: Path) -> None:
    held = {_last(node.target) for node in nodes(path, ast.AnnAssign) if _is_a_set(node.annotation)}  # type: ignore[attr-defined]
    for node in ast.walk(tree_of(path)):
        walked = node.iter if isinstance(node, ast.For | ast.comprehension) else None
        if isinstance(walked, ast.Name | ast.Attribute):
            assert _last(walked) not in held, f"line {walked.lineno}: {_last(walked)} holds a set"
        if isinstance(walked, ast.Set | ast.SetComp):
            pytest.fail(f"line {walked.lineno}: the order of a set changes from run to run")
        if isinstance(walked, ast.Call) and isinstance(walked.func, ast.Name):
            assert walked.func.id not in {"set", "frozenset"}, f"line {walked.lineno}: walks a set"


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_errors_are_not_swallowed(path: Path) -> None:
    for node in nodes(path, ast.ExceptHandler):
        caught = node.type  # type: ignore[attr-defined]
        line = node.lineno  # type: ignore[attr-defined]
        names = [part.id for part in ast.walk(caught) if isinstance(part, ast.Name)] if caught else ["everything"]
        raised = isinstance(node.body[-1], ast.Raise)  # type: ignore[attr-defined]
        if "everything" in names or "Exception" in names:
            assert raised or name_of(path) in BROAD_ALLOWED, f"line {line}: a broad except"
        if "BaseException" in names:
            assert raised, f"line {line}: catches everything and does not raise it again"


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_an_ignore_carries_its_reason(path: Path) -> None:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        for mark in ("# noqa:", "# type: ignore["):
            if mark in line:
                rest = line.split(mark, 1)[1]
                assert "  " in rest or "]" in rest, f"line {number}: why?"


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [ROOT / name for name in done.stdout.splitlines()]


def test_the_project_speaks_of_itself_alone() -> None:
    hosts = ("py" + "pi.org", "python" + "hosted.org", "index" + "-url", "/sim" + "ple/")
    for path in tracked():
        assert path.name != "uv.lock"
        if path.is_file() and path.suffix not in {".png", ".zst"}:
            text = path.read_text(encoding="utf-8", errors="replace")
            for host in hosts:
                assert host not in text, f"{name_of(path)} names {host}"


def test_every_package_has_a_place_in_the_layers() -> None:
    contract = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for path in PACKAGE.iterdir():
        if path.is_dir() and (path / "__init__.py").exists():
            assert path.name in contract


@pytest.mark.parametrize("path", SOURCES, ids=ids)
def test_nobody_but_sqlite_opens_the_ledger_file(path: Path) -> None:
    """Closing any descriptor of a database drops the locks of every other one in the process."""
    opened = re.findall(r"\.ledger\.(open|read_bytes|read_text|write_bytes|write_text)\(", path.read_text())
    assert not opened


def test_every_setting_is_read_by_something_and_every_limit_is_tripped_by_something() -> None:
    model = PACKAGE / "settings" / "model.py"
    limits = PACKAGE / "core" / "limits.py"
    elsewhere = "".join(path.read_text(encoding="utf-8") for path in SOURCES if path != model)
    settings = re.findall(r"^    (\w+): ", model.read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name in settings if not re.search(rf"\b{name}\b", elsewhere)] == []
    (members,) = (node for node in nodes(limits, ast.ClassDef) if getattr(node, "name", "") == "Limit")
    named = [ast.unparse(one.targets[0]) for one in ast.walk(members) if isinstance(one, ast.Assign)]
    assert [name for name in named if f"Limit.{name}" not in elsewhere] == []
