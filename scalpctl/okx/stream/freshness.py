"""Freshness per channel and instrument: a socket that answers pings may still have gone deaf in one ear."""

from __future__ import annotations

from dataclasses import dataclass

from scalpctl.core.instants import NANOS_PER_SECOND, Monotonic
from scalpctl.okx.wire.operations import ChannelArg

TOLERANCE_S: dict[str, int] = {
    "tickers": 5,
    "bbo-tbt": 5,
    "books5": 5,
    "books": 65,
    "mark-price": 15,
    "funding-rate": 120,
    "index-tickers": 90,
}
"""How long each channel may be silent; channels that speak on events only are not listed."""
ANSWER_S = 3
PATIENCE_MAX_S = 60


@dataclass(slots=True)
class Ear:
    """One channel of one instrument."""

    arg: ChannelArg
    heard_at: Monotonic
    patience_s: int
    tolerance_s: int
    asked_at: Monotonic | None = None
    stale: bool = False


class Freshness:
    """Knows when each channel of each instrument was last heard."""

    def __init__(self) -> None:
        """Listen to nothing yet."""
        self._ears: dict[tuple[str, str], Ear] = {}

    def expect(self, arg: ChannelArg, now: Monotonic) -> None:
        """Begin to expect frames of a channel that should not fall silent."""
        tolerance = TOLERANCE_S.get(arg.channel)
        if tolerance is not None:
            self._ears[arg.channel, arg.inst_id] = Ear(arg, now, tolerance, tolerance)

    def heard(self, arg: ChannelArg, now: Monotonic) -> None:
        """Note a frame; one that comes on its own restores the channel's normal patience."""
        ear = self._ears.get((arg.channel, arg.inst_id))
        if ear is None:
            return
        if ear.asked_at is None:
            ear.patience_s = ear.tolerance_s
        ear.heard_at, ear.asked_at, ear.stale = now, None, False

    def age_s(self, channel: str, inst_id: str, now: Monotonic) -> float | None:
        """Give how long a channel has been silent; None for one that is not expected to speak."""
        ear = self._ears.get((channel, inst_id))
        return None if ear is None else (now - ear.heard_at) / NANOS_PER_SECOND

    def newly_stale(self, now: Monotonic) -> list[ChannelArg]:
        """Give the channels that have just become stale: nothing may be decided on them any more."""
        fresh_stale = [
            ear
            for ear in self._ears.values()
            if not ear.stale and now - ear.heard_at > ear.tolerance_s * NANOS_PER_SECOND
        ]
        for ear in fresh_stale:
            ear.stale = True
        return [ear.arg for ear in fresh_stale]

    def to_ask_again(self, now: Monotonic) -> list[ChannelArg]:
        """Give the channels to subscribe anew; each time one is asked, it is given twice the patience."""
        due = [
            ear
            for ear in self._ears.values()
            if ear.asked_at is None and now - ear.heard_at > ear.patience_s * NANOS_PER_SECOND
        ]
        for ear in due:
            ear.asked_at = now
            ear.patience_s = min(ear.patience_s * 2, PATIENCE_MAX_S)
        return [ear.arg for ear in due]

    def deaf(self, now: Monotonic) -> list[ChannelArg]:
        """Give the channels that stayed silent although they were asked: the connection is no good."""
        return [
            ear.arg
            for ear in self._ears.values()
            if ear.asked_at is not None and now - ear.asked_at > ANSWER_S * NANOS_PER_SECOND
        ]
