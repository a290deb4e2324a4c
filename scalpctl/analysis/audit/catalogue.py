"""Every check by its id, in the order of the sections."""

from __future__ import annotations

import difflib

from scalpctl.analysis.audit import (
    connections,
    decisions,
    drifts,
    exchange,
    integrity,
    limits,
    money,
    orders,
    protection,
    resources,
    security,
    trail,
    warning_limits,
)
from scalpctl.analysis.audit.findings import SECTIONS, Check
from scalpctl.errors import UsageError

_FAMILIES = (
    integrity, decisions, trail, warning_limits, orders, resources, protection, drifts, exchange, money, limits,
    connections, security,
)  # fmt: skip

CHECKS: tuple[Check, ...] = tuple(
    sorted(
        (one for family in _FAMILIES for one in vars(family).values() if isinstance(one, Check)),
        key=lambda one: (one.section, one.id),
    )
)
BY_ID = {one.id: one for one in CHECKS}


def find(name: str) -> Check:
    """Give a check by its id; a miss names the nearest."""
    wanted = name.upper()
    if wanted.isdigit() or (wanted.startswith("AU") and wanted[2:].isdigit()):
        wanted = f"AU-{int(wanted.removeprefix('AU')):02d}"
    if wanted not in BY_ID:
        near = difflib.get_close_matches(wanted, BY_ID, n=3, cutoff=0.3)
        raise UsageError(f"{name!r} is not a check", hint=f"did you mean {', '.join(near) or 'AU-01 to AU-54'}?")
    return BY_ID[wanted]


def section(name: str) -> int:
    """Give a section by its number or a word of its name; a miss names the nearest."""
    wanted = name.lower().removeprefix("s")
    if wanted.isdigit() and int(wanted) in SECTIONS:
        return int(wanted)
    found = [number for number, title in SECTIONS.items() if name.lower() in title]
    if len(found) != 1:
        near = difflib.get_close_matches(name.lower(), SECTIONS.values(), n=1, cutoff=0.3)
        known = ", ".join(f"{number} {title}" for number, title in SECTIONS.items())
        raise UsageError(f"{name!r} is not a section", hint=f"did you mean {near[0]!r}?" if near else f"one of {known}")
    return found[0]


def chosen(names: list[str], sections: list[str]) -> tuple[Check, ...]:
    """Give the checks asked for; all of them when nothing was."""
    wanted, numbers = {find(name).id for name in names}, {section(name) for name in sections}
    if not wanted and not numbers:
        return CHECKS
    return tuple(one for one in CHECKS if one.id in wanted or one.section in numbers)
