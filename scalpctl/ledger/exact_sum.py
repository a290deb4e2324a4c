"""Exact addition inside SQL."""

from __future__ import annotations

from scalpctl.core.money import EXACT, ZERO, canonical, parse_decimal


class ExactSum:
    """The SQL aggregate ``dsum``: adds canonical decimal texts without losing a digit."""

    def __init__(self) -> None:
        """Start from nothing."""
        self.total = ZERO

    def step(self, *cells: str | None) -> None:
        """Add one value; NULL adds nothing."""
        (text,) = cells
        if text is not None:
            self.total = EXACT.add(self.total, parse_decimal(text))

    def finalize(self) -> str:
        """Give the sum in its canonical spelling."""
        return canonical(self.total)
