"""What is wrong with a configuration: every problem at once, each with its place and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from scalpctl.errors import ConfigurationError

Path = tuple[str | int, ...]


class Problem(NamedTuple):
    """One thing that cannot be used."""

    where: str
    path: Path
    what: str
    hint: str | None = None

    def __str__(self) -> str:
        """Say it in one line."""
        name = dotted(self.path)
        subject = f"{name}: " if name else ""
        return f"{self.where}: {subject}{self.what}" + (f" ({self.hint})" if self.hint else "")


class ConfigurationProblems(ConfigurationError):
    """A configuration with problems; its message lists them all."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the problems for those who want them one by one."""
        self.problems = tuple(problems)
        lines = [str(problem) for problem in problems]
        count = "one problem" if len(lines) == 1 else f"{len(lines)} problems"
        super().__init__("\n".join([f"the configuration has {count}:", *lines]), hint="nothing was started")


def dotted(path: Iterable[str | int]) -> str:
    """Spell a path like ``limits.position_usd_max`` or ``instruments[2]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
