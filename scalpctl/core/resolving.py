"""A person's last word on what no evidence explains: the drift is resolved, its money booked, with a reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from scalpctl.core.instants import Instant
from scalpctl.core.money import exact, parse_decimal
from scalpctl.core.records.base import Record
from scalpctl.core.records.money import DriftExplained, LedgerAccount, Leg, Posted

TARGETS = (
    LedgerAccount.TRANSFER, LedgerAccount.FEE, LedgerAccount.FUNDING, LedgerAccount.PNL, LedgerAccount.INTEREST,
    LedgerAccount.LIQUIDATION_PENALTY,
)  # fmt: skip
"""Where suspended money may be booked by a person."""


def resolution(arguments: Mapping[str, Any], operator: str, at: Instant) -> Iterator[Record]:
    """Give the records of one resolution; ``amount`` is what the bill moved, empty where no money is suspended."""
    drift_id, reason = str(arguments["drift_id"]), str(arguments["reason"])
    amount = str(arguments.get("amount") or "")
    if amount:
        yield _booked(arguments, parse_decimal(amount), at)
    yield DriftExplained(
        drift_id=drift_id, cause="resolved_by_hand", confidence="stated", explained_at=at, resolved_at=at,
        evidence={"operator": operator, "reason": reason, "booked_to": str(arguments["to"]) if amount else None},
        action="resolved by a person",
    )  # fmt: skip


def _booked(arguments: Mapping[str, Any], amount: Decimal, at: Instant) -> Posted:
    bill_id, ccy = str(arguments["bill_id"]), str(arguments.get("ccy") or "USDT")
    legs = (
        Leg(account=LedgerAccount.SUSPENSE, ccy=ccy, amount=exact(amount)),
        Leg(account=LedgerAccount(str(arguments["to"])), ccy=ccy, amount=exact(amount.copy_negate())),
    )
    return Posted(
        transaction_id=f"bill:{bill_id}:resolved", reason="resolved", position_id=None,
        inst_id=arguments.get("inst_id") or None, source_kind="drift", source_id=str(arguments["drift_id"]),
        bill_id=bill_id, posted_at=at, legs=legs,
    )  # fmt: skip
