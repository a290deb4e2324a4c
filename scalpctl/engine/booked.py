"""What is in the ledger already: executions and bills by their ids for some days; what is older was booked long ago."""

from __future__ import annotations

from collections.abc import Mapping

from scalpctl.core.exchange.reports import BillReport
from scalpctl.core.fills import Fill
from scalpctl.core.instants import MICROS_PER_SECOND, Instant

IDS_KEPT_US = 4 * 24 * 3_600 * MICROS_PER_SECOND
"""How long before the newest bill everything is known by its id."""

FillKey = tuple[str, str, str]
"""Instrument, trade, order."""


def ids_since(bills_until: Instant) -> Instant:
    """Give since when every execution and bill is known by its id, in a ledger that has bills up to an instant."""
    return Instant(max(0, bills_until - IDS_KEPT_US))


class Booked:
    """Knows what must not be booked again: a ledger has no gaps, so what is older than its ids is in it too."""

    def __init__(self) -> None:
        """Have booked nothing."""
        self.fills: dict[FillKey, Instant] = {}
        self.elsewhere: dict[FillKey, BillReport] = {}
        """Bills of executions nobody traded here for: their money is booked, and they made no position of ours."""
        self.bills: dict[str, Instant] = {}
        self.bills_until = Instant(0)
        self.known_until: Instant | None = None
        """Until when the ledger knew everything when the session began; None where it was new."""
        self.opened_at = Instant(0)
        """From when on bills count: what came before is, or will be, in the opening balance."""
        self.paid_since: Instant | None = None
        """The first execution whose money is in cash while there is no opening yet: that is not later, then."""
        self._since = Instant(0)

    def recall(self, fills: Mapping[FillKey, Instant], bills: Mapping[str, Instant], until: Instant) -> None:
        """Continue where the last session left off."""
        self.fills.update(fills)
        self.bills.update(bills)
        self.bills_until, self._since = until, ids_since(until)

    def has_fill(self, fill: Fill, *, in_suspense: bool, sought: bool = False) -> bool:
        """Tell whether an execution was booked; one whose bill waits in suspense was not, however old it is.

        One whose money was booked as moved elsewhere counts only where it is ``sought``, as part of what is held.
        """
        key = fill.identity
        if key in self.elsewhere:
            return not sought
        return key in self.fills or (self._is_old(fill.filled_at) and not in_suspense)

    def has_bill(self, bill: BillReport) -> bool:
        """Tell whether a bill was booked, or is in the opening balance."""
        return bill.bill_id in self.bills or bill.at < max(self.opened_at, self._since)

    def add_bill(self, bill: BillReport) -> None:
        """Note a bill."""
        self.bills[bill.bill_id] = bill.at
        self.bills_until = max(self.bills_until, bill.at)

    def paid(self, at: Instant) -> None:
        """Note that the money of an execution went to cash before the opening was known."""
        self.paid_since = at if self.paid_since is None else min(self.paid_since, at)

    def forget_old(self) -> None:
        """Let go of the oldest ids; those of before the opening belong to what was taken over, and are few."""
        self._since = ids_since(self.bills_until)
        self.fills = {key: at for key, at in self.fills.items() if not self._is_old(at)}
        self.bills = {bill_id: at for bill_id, at in self.bills.items() if not self._is_old(at)}
        self.elsewhere = {key: bill for key, bill in self.elsewhere.items() if not self._is_old(bill.at)}

    def _is_old(self, at: Instant) -> bool:
        return self.opened_at <= at < self._since
