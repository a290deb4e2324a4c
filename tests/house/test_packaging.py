"""What is shipped is what is listed, and it works where nothing else of ours is."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def package_files() -> set[str]:
    suffixes = {".py", ".sql", ".typed", ".css", ".js"}
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "scalpctl").rglob("*")
        if path.suffix in suffixes or path.name == "py.typed"
    }


def test_the_wheel_holds_exactly_what_is_listed(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    listed = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"].values())
    assert names == package_files() | listed


def test_every_migration_is_listed() -> None:
    listed = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"])
    present = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "migrations").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert present <= listed
    assert all((ROOT / name).is_file() for name in listed)


def test_an_installed_wheel_finds_its_migrations_and_defaults(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "a place with %20 and spaces"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import scalpctl, scalpctl.resources as r\n"
        "assert scalpctl.__file__.startswith(sys.argv[1]), scalpctl.__file__\n"
        "assert r.folder('migrations').parent.name == '_bundled'\n"
        "from scalpctl.ledger.migrate import run_revisions\n"
        "from scalpctl.ledger.sqlite import open_memory\n"
        "run_revisions(open_memory())\n"
        "from scalpctl.settings.loading import load\n"
        "print(load(None, {}).settings.env)\n"
    )
    run = [sys.executable, "-c", code, str(site)]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "sim\n"), done.stderr


def test_the_lock_files_hold_hashes_and_no_addresses() -> None:
    for name in ("runtime", "dev"):
        text = (ROOT / "scripts" / "requirements" / f"{name}.txt").read_text()
        pins = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert all("==" in line for line in pins)
        assert text.count("--hash=sha256:") >= len(pins)
        assert "://" not in text


def test_the_dev_lock_agrees_with_the_runtime_lock() -> None:
    def pins(name: str) -> set[str]:
        lines = (ROOT / "scripts" / "requirements" / f"{name}.txt").read_text().splitlines()
        return {line.split(" ")[0] for line in lines if "==" in line.split(" ")[0]}

    assert pins("runtime") <= pins("dev")


def test_every_dependency_is_in_the_lock() -> None:
    text = (ROOT / "scripts" / "requirements" / "runtime.txt").read_text()
    for requirement in PROJECT["project"]["dependencies"]:
        name = requirement.split(">")[0].split("=")[0].strip()
        assert f"\n{name}==" in f"\n{text}"


def test_what_a_setup_starts_does_not_keep_the_lock_of_the_setup(tmp_path: Path) -> None:
    (tmp_path / "scripts" / "requirements").mkdir(parents=True)
    (tmp_path / "scripts" / "requirements" / "dev.txt").write_text("x")
    script = f"""
        . {ROOT}/scripts/environment.sh
        root={tmp_path}
        build_environment() {{ return 3; }}
        ensure_environment dev; status=$?
        flock -n {tmp_path}/.venv-lock true || exit 9
        exit $status
    """
    assert subprocess.run(["bash", "-c", script], check=False, timeout=30).returncode == 3
