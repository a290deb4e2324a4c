"""Recomputes a saved report from the ledger: every number must come out the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_TOLD_LATER = re.compile(
    r"session\.end_(kind|reason)|incidents\.(drifts\[\d+\]\.(resolved_at|cause|action)|latches\[\d+\]\.cleared_(at|by))"
)
"""What may not have been known yet: how it ended, and who explained what. What was known must be so."""
_MOVES_ON = re.compile("after_exit|unknown|incidents\\.drifts\\[\\d+\\]\\.action")
"""What goes on to change: where the price went, what cannot be said, what has been done about a difference."""


def contradictions(stated: Any, recomputed: Any) -> Iterator[tuple[str, Any, Any]]:
    """Give where two reports of the same part of a ledger differ that could not have become different since."""
    for at, one, other in differences(stated, recomputed):
        if not _MOVES_ON.match(at) and not (one is None and _TOLD_LATER.match(at)):
            yield at, one, other


def differences(stated: Any, recomputed: Any, at: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Give where two reports differ, with both values."""
    if isinstance(stated, dict) and isinstance(recomputed, dict):
        for key in sorted(stated.keys() | recomputed.keys()):
            yield from differences(stated.get(key), recomputed.get(key), f"{at}.{key}" if at else str(key))
    elif isinstance(stated, list) and isinstance(recomputed, list):
        if len(stated) != len(recomputed):
            yield at, f"{len(stated)} items", f"{len(recomputed)} items"
            return
        for index, (one, other) in enumerate(zip(stated, recomputed, strict=True)):
            yield from differences(one, other, f"{at}[{index}]")
    elif stated != recomputed:
        yield at, stated, recomputed
