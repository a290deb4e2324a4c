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
    "candle1m": 75,
}
"""How long each channel may be silent; channels that speak on events only are not listed."""
ANSWER_S = 3
PATIENCE_MAX_S, GIVEN_UP_MAX_S = 60, 3_600
SPELL_S = 600
"""For one to two of these it is remembered how long a channel was silent by itself: nights are quieter than days."""


_Key = tuple[str, str]


@dataclass(slots=True)
class Ear:
    """One channel of one instrument."""

    arg: ChannelArg
    tolerance_s: int
    heard_at: Monotonic
    first_s: float
    """How long it may be silent at first."""
    patience_s: float
    spell_at: Monotonic
    spoke_at: Monotonic | None = None
    """When it last spoke without being asked."""
    asked_at: Monotonic | None = None
    pause_s: float = 0.0
    pause_before_s: float = 0.0
    """The longest pause of this spell, and of the one before."""

    def spoke(self, now: Monotonic) -> None:
        """Learn how long it is silent by itself: twice as long is no reason to doubt it."""
        before, self.spoke_at = self.spoke_at, now
        if before is None:
            return
        if now - self.spell_at > SPELL_S * NANOS_PER_SECOND:
            self.pause_before_s, self.pause_s, self.spell_at = self.pause_s, 0.0, now
        self.pause_s = max(self.pause_s, (now - before) / NANOS_PER_SECOND)
        usual = max(self.pause_s, self.pause_before_s)
        self.patience_s = min(2 * usual, self.most_s) if usual > self.tolerance_s else self.tolerance_s

    @property
    def most_s(self) -> float:
        """Give the longest it is waited for before it is asked."""
        return max(self.first_s, PATIENCE_MAX_S)


class Freshness:
    """Knows when each channel of each instrument was last heard."""

    def __init__(self, given_up: dict[_Key, float] | None = None) -> None:
        """Listen to nothing yet; connections before this one may have been given up for a channel."""
        self._ears: dict[_Key, Ear] = {}
        self._given_up = {} if given_up is None else given_up

    def expect(self, arg: ChannelArg, now: Monotonic) -> None:
        """Begin to expect frames of a channel that should not fall silent; being granted again is no sign of life."""
        key, tolerance = (arg.channel, arg.inst_id), TOLERANCE_S.get(arg.channel)
        if tolerance is not None and key not in self._ears:
            first_s = self._given_up.get(key, tolerance)
            self._ears[key] = Ear(arg, tolerance, now, first_s, first_s, now)

    def forget(self, arg: ChannelArg) -> None:
        """Expect nothing of a channel any more."""
        self._ears.pop((arg.channel, arg.inst_id), None)

    def heard(self, arg: ChannelArg, now: Monotonic) -> None:
        """Note a frame; from those that come by themselves is learned how lively the channel is."""
        ear = self._ears.get((arg.channel, arg.inst_id))
        if ear is None:
            return
        if ear.asked_at is None:
            ear.spoke(now)
        ear.heard_at, ear.asked_at = now, None
        if self._given_up:
            self._given_up.pop((arg.channel, arg.inst_id), None)

    def to_ask_again(self, now: Monotonic, most: int) -> list[ChannelArg]:
        """Give the channels to subscribe anew: silent for longer than they are by themselves, and than when last asked.

        What nobody quotes is as silent as what we do not hear; what comes of asking tells the two apart.
        """
        due = [
            ear
            for ear in self._ears.values()
            if ear.asked_at is None and now - ear.heard_at > ear.patience_s * NANOS_PER_SECOND
        ]
        for ear in due[:most]:
            ear.asked_at = now
            ear.patience_s = max(ear.patience_s, min(2 * ear.patience_s, ear.most_s))
        return [ear.arg for ear in due[:most]]

    def deaf(self, now: Monotonic) -> list[ChannelArg]:
        """Give the channels that stayed silent although they were asked: the connection is no good.

        Where the next connection is no better, the one after it is given longer: the other channels are worth having.
        """
        deaf = [
            ear
            for ear in self._ears.values()
            if ear.asked_at is not None and now - ear.asked_at > ANSWER_S * NANOS_PER_SECOND
        ]
        for ear in deaf:
            self._given_up[ear.arg.channel, ear.arg.inst_id] = min(2 * ear.first_s, GIVEN_UP_MAX_S)
        return [ear.arg for ear in deaf]
