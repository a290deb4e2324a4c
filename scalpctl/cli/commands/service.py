"""``scalpctl service``: what a server runs by itself, as systemd units or a crontab block."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalpctl.cli.confirm import confirm
from scalpctl.cli.family import family
from scalpctl.cli.invocation import Invocation, with_common
from scalpctl.cli.render.output import write
from scalpctl.errors import ScalpctlError, UsageError

if TYPE_CHECKING:
    from scalpctl.analysis.service.units import Job, Place

app = family("Render and install services for audit, run and reconcile.")

_Name = Annotated[str, typer.Argument(metavar="run|audit|reconcile", help="Which job.")]
_Cron = Annotated[bool, typer.Option("--cron", help="A crontab block instead of systemd units.")]
_System = Annotated[bool, typer.Option("--system", help="For the system's manager, not for yours.")]


@app.command("print")
@with_common
def print_(call: Invocation, name: _Name, cron: _Cron = False, system: _System = False) -> None:
    """Print the files of one job; nothing is changed."""
    from scalpctl.analysis.service.units import crontab, unit_files

    job, place = _job(name), _place(call, system=system)
    if cron:
        write(crontab(job, place))
        return
    for file, text in unit_files(job, place).items():
        write(f"# {file}\n{text}\n")


@app.command()
@with_common
def install(
    call: Invocation,
    name: _Name,
    system: _System = False,
    to: Annotated[Path | None, typer.Option("--to", help="Another folder for the units.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Verify and write the units of one job, and say how they are switched on."""
    from scalpctl.analysis.service.units import unit_files

    place = _place(call, system=system)
    folder = to or Path("/etc/systemd/system" if system else "~/.config/systemd/user").expanduser()
    files = unit_files(_job(name), place)
    confirm(f"Write {', '.join(files)} into {folder}?", yes=yes)
    folder.mkdir(parents=True, exist_ok=True)
    _make_root(place)
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    trouble = _verified([folder / file for file in files])
    if trouble:
        raise ScalpctlError(f"systemd does not accept the units: {trouble}", hint="report it with this message")
    for file in files:
        print(folder / file)
    manager = "systemctl" if system else "systemctl --user"
    lingers = [] if system else [f"loginctl enable-linger {place.owner}   # or it ends when you log out"]
    call.output.say([*lingers, f"{manager} daemon-reload", f"{manager} enable --now {list(files)[-1]}"])


def _job(name: str) -> Job:
    from scalpctl.analysis.service.units import JOBS

    if name not in JOBS:
        raise UsageError(f"{name!r} is not a job", hint=f"one of {', '.join(JOBS)}")
    return JOBS[name]


def _place(call: Invocation, *, system: bool) -> Place:
    from scalpctl.analysis.service.units import Place

    env, account = call.env_and_account()
    config = call.config_file
    found = shutil.which("scalpctl")
    program = (found,) if found else (sys.executable, "-m", "scalpctl")
    root = call.root.absolute()
    return Place(program, root, env, account, config.absolute() if config else None, not system, _owner(root))


def _owner(root: Path) -> str:
    """Name whose the ledgers are, or will be: whoever typed this, also behind sudo."""
    if root.exists():
        return pwd.getpwuid(root.stat().st_uid).pw_name
    return os.environ.get("SUDO_USER") or getpass.getuser()


def _make_root(place: Place) -> None:
    """Make the folder of all ledgers, as its owner's: a unit that may write nowhere else cannot make it."""
    from scalpctl.host.private_files import make_private_folder

    if not place.root.exists():
        make_private_folder(place.root)
        if os.geteuid() == 0:
            owner = pwd.getpwnam(place.owner)
            os.chown(place.root, owner.pw_uid, owner.pw_gid)


def _verified(paths: list[Path]) -> str:
    """Let systemd itself judge the units, where it is installed."""
    analyser = shutil.which("systemd-analyze")
    if analyser is None:
        return ""
    command = [analyser, "verify", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  its own program
    return done.stderr.strip() if done.returncode else ""
