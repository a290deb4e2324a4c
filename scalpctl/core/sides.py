"""Which way: the side of a position and the action of an order."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """The side of a position."""

    LONG = "long"
    SHORT = "short"

    @property
    def sign(self) -> int:
        """Give +1 for long, -1 for short."""
        return 1 if self is Side.LONG else -1

    @property
    def opening(self) -> Action:
        """Give the action that opens or adds."""
        return Action.BUY if self is Side.LONG else Action.SELL

    @property
    def closing(self) -> Action:
        """Give the action that reduces or closes."""
        return self.opening.opposite

    @property
    def opposite(self) -> Side:
        """Give the other side."""
        return Side.SHORT if self is Side.LONG else Side.LONG


class Action(StrEnum):
    """What an order does."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """Give +1 for buy, -1 for sell."""
        return 1 if self is Action.BUY else -1

    @property
    def opposite(self) -> Action:
        """Give the other action."""
        return Action.SELL if self is Action.BUY else Action.BUY
