"""Unknown outcomes resolved by asking: found, or void only when every other explanation is excluded."""

from __future__ import annotations

from collections.abc import Sequence

from scalpctl.core.exchange.outcomes import Unknown
from scalpctl.core.exchange.reports import FillReport
from scalpctl.core.exchange.resolutions import FilledUnseen, Found, Resolution, Void
from scalpctl.core.instants import MICROS_PER_SECOND, Instant, after
from scalpctl.errors import ExchangeUnavailable
from scalpctl.ports.clock import Clock
from scalpctl.ports.exchange import AccountReader

ASK_AFTER_S = (0.2, 0.3, 0.5, 1.0, 2.0)
ASK_THEN_EVERY_S = 2.0
EXPIRY_MARGIN_S = 1
"""How long after its expiry an order may still surface."""
NOT_FOUND_NEEDED = 2
ALGO_SETTLES_S = 10
"""Conditional orders carry no expiry: this long after sending, one that is not listed is not coming."""
GIVE_UP_AFTER_S = 120
FORGOTTEN_AFTER_S = 2 * 3_600 - 60
"""The exchange forgets orders that were cancelled unfilled after two hours."""


class Inquiry:
    """What has been answered about one client id so far; decides nothing early."""

    def __init__(self, expires_at: Instant) -> None:
        """Nothing is proven before ``expires_at`` and its margin."""
        self._proves_after = after(expires_at, EXPIRY_MARGIN_S)
        self.asked = 0
        self.not_found = 0

    def answered_not_found(self, asked_at: Instant) -> None:
        """Count a not-found; one that was asked for too early means nothing."""
        self.asked += 1
        if asked_at > self._proves_after:
            self.not_found += 1

    @property
    def looks_void(self) -> bool:
        """Tell whether only the fills are left to be asked."""
        return self.not_found >= NOT_FOUND_NEEDED


class Resolver:
    """Asks about orders whose outcome is unknown."""

    def __init__(self, reader: AccountReader, clock: Clock) -> None:
        """Ask through ``reader``, wait through ``clock``."""
        self._reader = reader
        self._clock = clock

    async def order(self, inst_id: str, client_id: str, *, sent_at: Instant, expires_at: Instant) -> Resolution:
        """Find out what became of an order; Unknown again when the exchange could not be asked for too long."""
        inquiry = Inquiry(expires_at)
        begun = self._clock.monotonic()
        while not self._given_up(begun):
            await self._clock.sleep(_pause_s(inquiry.asked))
            asked_at = self._clock.now()
            try:
                report = await self._reader.order(inst_id, client_id)
                if report is not None:
                    return Found(report)
                inquiry.answered_not_found(asked_at)
                if inquiry.looks_void:
                    fills = await self._fills_of(inst_id, client_id, sent_at)
                    forgotten = asked_at > after(sent_at, FORGOTTEN_AFTER_S)
                    return FilledUnseen(fills) if fills else Void(inquiry.asked, asked_at, forgotten)
            except ExchangeUnavailable:
                continue  # no answer is no information: the count of not-founds stays as it is
        return Unknown(f"{client_id} could not be cleared up within {GIVE_UP_AFTER_S} s")

    async def algo(self, inst_id: str, client_id: str, *, sent_at: Instant) -> Resolution:
        """Find out what became of a conditional order: by its id, then in the lists of live and finished ones."""
        inquiry = Inquiry(after(sent_at, ALGO_SETTLES_S))
        begun = self._clock.monotonic()
        while not self._given_up(begun):
            await self._clock.sleep(_pause_s(inquiry.asked))
            asked_at = self._clock.now()
            try:
                report = await self._reader.algo(inst_id, client_id)
                if report is None and inquiry.not_found + 1 >= NOT_FOUND_NEEDED:
                    listed = (*await self._reader.algos_pending(), *await self._reader.algos_since(after(sent_at, -60)))
                    report = next((algo for algo in listed if algo.client_id == client_id), None)
            except ExchangeUnavailable:
                continue
            if report is not None:
                return Found(report)
            inquiry.answered_not_found(asked_at)
            if inquiry.looks_void:
                return Void(inquiry.asked, asked_at)
        return Unknown(f"{client_id} could not be cleared up within {GIVE_UP_AFTER_S} s")

    async def _fills_of(self, inst_id: str, client_id: str, sent_at: Instant) -> tuple[FillReport, ...]:
        fills: Sequence[FillReport] = await self._reader.fills_since(after(sent_at, -60))
        return tuple(fill for fill in fills if (fill.inst_id, fill.client_id) == (inst_id, client_id))

    def _given_up(self, begun: int) -> bool:
        return self._clock.monotonic() - begun > GIVE_UP_AFTER_S * MICROS_PER_SECOND * 1_000


def _pause_s(asked: int) -> float:
    return ASK_AFTER_S[asked] if asked < len(ASK_AFTER_S) else ASK_THEN_EVERY_S
