"""Where things are looked for when nobody says: the configuration file and the folder of all ledgers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FILE_NAME = "scalpctl.yaml"


def root(given: Path | None, environ: Mapping[str, str]) -> Path:
    """Give the folder that holds every ledger: --root, SCALPCTL_ROOT, or the user's state directory."""
    if given is not None:
        return given.expanduser().absolute()
    if environ.get("SCALPCTL_ROOT"):
        return Path(environ["SCALPCTL_ROOT"]).expanduser().absolute()
    base = environ.get("XDG_STATE_HOME") or f"{environ.get('HOME') or Path.home()}/.local/state"
    return Path(base) / "scalpctl"


def configuration(given: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Give the configuration file: --config, SCALPCTL_CONFIG, ./scalpctl.yaml, the user's, or None."""
    if given is not None:
        return given.expanduser()
    if environ.get("SCALPCTL_CONFIG"):
        return Path(environ["SCALPCTL_CONFIG"]).expanduser()
    for candidate in (Path(FILE_NAME), user_file(environ)):
        if candidate.is_file():
            return candidate
    return None


def user_file(environ: Mapping[str, str]) -> Path:
    """Give the user's own configuration file."""
    base = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME') or Path.home()}/.config"
    return Path(base) / "scalpctl" / FILE_NAME
