"""Finds environment and account without loading the configuration, so that reading commands stay fast."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from scalpctl.errors import ConfigurationError

_PLAIN = re.compile(r"(env|account):[ ]+([A-Za-z0-9._]+)[ ]*(?:#.*)?")
_SUSPECT = re.compile(r"""["']?(env|account)["']?\s*:|[{%&*<-]""")
DEFAULTS = {"env": "sim", "account": "main"}


def env_and_account(
    env: str | None, account: str | None, file: Path | None, environ: Mapping[str, str]
) -> tuple[str, str]:
    """Give environment and account: command line, environment, file, defaults."""
    found = dict(DEFAULTS)
    if (env is None or account is None) and file is not None:
        found |= _from_file(file, environ)
    found |= {
        name: environ[f"SCALPCTL__{name.upper()}"] for name in DEFAULTS if environ.get(f"SCALPCTL__{name.upper()}")
    }
    return env or found["env"], account or found["account"]


def _from_file(file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"the configuration {file} cannot be read: {error}", hint="`scalpctl config init` writes one"
        ) from error
    found: dict[str, str] = {}
    for line in lines:
        match = _PLAIN.fullmatch(line.rstrip())
        if match is not None:
            found[match[1]] = match[2]
        elif _SUSPECT.match(line):  # spelled in a way only a YAML reader understands
            return _from_whole(file, environ)
    return found


def _from_whole(file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    from scalpctl.settings.loading import load

    settings = load(file, environ).settings
    return {"env": settings.env, "account": settings.account}
