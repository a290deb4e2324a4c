"""What became of an unknown outcome once the exchange had been asked."""

from __future__ import annotations

from dataclasses import dataclass

from scalpctl.core.exchange.outcomes import Unknown
from scalpctl.core.exchange.reports import AlgoReport, FillReport, OrderReport
from scalpctl.core.instants import Instant


@dataclass(frozen=True, slots=True)
class Found:
    """It exists, and this is how the exchange describes it."""

    report: OrderReport | AlgoReport


@dataclass(frozen=True, slots=True)
class FilledUnseen:
    """The order itself is not listed, yet these fills carry its id: it happened."""

    fills: tuple[FillReport, ...]


@dataclass(frozen=True, slots=True)
class Void:
    """Nothing was filled and nothing can be any more: too late, twice not found, and no fill carries its id.

    ``may_have_been_cancelled`` is set when so much time has passed that the exchange would have forgotten an order that
    was cancelled unfilled: then "it never was" and "it was cancelled" cannot be told apart.
    """

    asked: int
    last_asked_at: Instant
    may_have_been_cancelled: bool = False


Resolution = Found | FilledUnseen | Void | Unknown
