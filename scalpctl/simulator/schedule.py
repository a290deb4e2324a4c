"""A schedule file: what others will do, by simulated time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from scalpctl.errors import ConfigurationError
from scalpctl.simulator.actors import scheduled
from scalpctl.simulator.asking import slip
from scalpctl.simulator.state import Scheduled

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}


def read_schedule(path: Path, now: int) -> list[Scheduled]:
    """Read a schedule; every mistake is named with its entry."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        entries = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    if not isinstance(entries, list):
        raise ConfigurationError(f"{path} is not a list", hint="write it like  - {at: 20m, do: manual-close}")
    return [_entry(path, number, entry, now) for number, entry in enumerate(entries, 1)]


def _entry(path: Path, number: int, entry: Any, now: int) -> Scheduled:
    where = f"{path}, entry {number}"
    if not isinstance(entry, dict) or "at" not in entry or "do" not in entry:
        raise ConfigurationError(f"{where} lacks at or do", hint="write it like  - {at: 20m, do: manual-close}")
    action = str(entry["do"])
    arguments = {str(name): _text(value) for name, value in entry.items() if name not in {"at", "do"}}
    if wrong := slip(action, arguments, weather=False):
        raise ConfigurationError(f"{where}: {wrong}", hint="docs/simulator.md lists what others do")
    return scheduled(now + span_us(str(entry["at"]), where), action, arguments)


def _text(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)  # YAML's own yes and no


def span_us(text: str, where: str = "a time") -> int:
    """Read a span like 90s, 20m or 1h30m."""
    parts = _SPAN.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ConfigurationError(f"{where}: {text!r} is not a span of time", hint="write it like 90s, 20m or 1h30m")
    return int(sum(float(number) * _UNITS[unit] for number, unit in parts))
