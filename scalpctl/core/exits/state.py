"""What the exit chain remembers of one position; it is recorded, so a restart continues instead of starting over."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from scalpctl.core.instants import Instant
from scalpctl.core.money import canonical, parse_decimal


class ChainState(Struct, frozen=True, gc=False):
    """Best price seen, trailing stop, ladder steps taken, and how long the smart exit has been holding on.

    The best *profit* is not stored: it follows from the best price and the present size, so a partial take rescales it.
    """

    peak_price: Decimal | None = None
    trail_stop: Decimal | None = None
    steps_taken: int = 0
    veto_since: Instant | None = None
    reversal_bars: int = 0
    revision: int = -1

    def step_returned(self) -> ChainState:
        """Give back a ladder step whose order came to nothing."""
        return replace(self, steps_taken=max(0, self.steps_taken - 1))

    def to_plain(self) -> dict[str, Any]:
        """Give the state as plain builtins."""
        return {
            "peak_price": None if self.peak_price is None else canonical(self.peak_price),
            "trail_stop": None if self.trail_stop is None else canonical(self.trail_stop),
            "steps_taken": self.steps_taken,
            "veto_since": self.veto_since,
            "reversal_bars": self.reversal_bars,
            "revision": self.revision,
        }


def state_from_plain(plain: dict[str, Any]) -> ChainState:
    """Read a stored state."""
    return ChainState(
        peak_price=None if plain["peak_price"] is None else parse_decimal(plain["peak_price"]),
        trail_stop=None if plain["trail_stop"] is None else parse_decimal(plain["trail_stop"]),
        steps_taken=plain["steps_taken"],
        veto_since=None if plain["veto_since"] is None else Instant(plain["veto_since"]),
        reversal_bars=plain["reversal_bars"],
        revision=plain["revision"],
    )
