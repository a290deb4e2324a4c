"""Rows of an export, whatever its columns are called, as executions and bills; nothing is guessed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from scalpctl.core.exchange.reports import BillReport, FillReport
from scalpctl.core.instants import Instant, from_datetime, parse_rfc3339
from scalpctl.core.instruments import parse_inst_id
from scalpctl.core.money import ZERO, Contracts, parse_decimal
from scalpctl.core.sides import Action, Side
from scalpctl.errors import NotCanonical

_NAMES = {
    "instrument": ("instid", "instrument", "symbol", "instrumentid"),
    "trade_id": ("tradeid",),
    "order_id": ("ordid", "orderid"),
    "client_id": ("clordid", "clientorderid", "clientid"),
    "action": ("side", "action", "direction"),
    "position_side": ("posside", "positionside"),
    "price": ("fillpx", "price", "filledprice", "fillprice", "px"),
    "contracts": ("fillsz", "contracts", "size", "amount", "filledsize", "sz"),
    "fee": ("fee",),
    "fee_ccy": ("feeccy", "feeunit"),
    "liquidity": ("exectype", "liquidity", "role"),
    "pnl": ("fillpnl", "exchangepnl", "pnl"),
    "at": ("ts", "filltime", "filledat", "tradetime", "time", "billedat"),
    "bill_id": ("billid", "id"),
    "type": ("type",),
    "sub_type": ("subtype",),
    "ccy": ("ccy", "currency", "balanceunit"),
    "change": ("balchg", "balancechange"),
    "balance": ("bal", "balance"),
}
_FILL_NEEDS = ("instrument", "trade_id", "order_id", "action", "price", "contracts", "fee", "at")
_BILL_NEEDS = ("bill_id", "type", "ccy", "change", "at")
_EPOCHS = {10: 1_000_000, 13: 1_000, 16: 1}
_LIQUIDITY = {"t": "taker", "m": "maker", "taker": "taker", "maker": "maker", "": ""}
TROUBLES_MAX = 10


@dataclass(slots=True)
class Exported:
    """What an export holds."""

    fills: list[FillReport] = field(default_factory=list)
    bills: list[BillReport] = field(default_factory=list)
    duplicates: int = 0
    troubles: list[str] = field(default_factory=list)


class ExportReader:
    """Reads rows of one file after another; one that comes twice counts once, one that differs is a trouble."""

    def __init__(self, zone: dt.tzinfo | None = None) -> None:
        """Read times without a zone as of this one, UTC without it."""
        self.exported = Exported()
        self._zone = zone or dt.UTC
        self._fills: dict[tuple[str, str, str], FillReport] = {}
        self._bills: dict[str, BillReport] = {}

    def kind_of(self, header: list[str]) -> Callable[[str, Mapping[str, str]], None] | None:
        """Tell how to read the rows under a header; None when it is no export of executions or bills."""
        known = {_normal(name) for name in header}

        def has(needs: tuple[str, ...]) -> bool:
            return all(known & set(_NAMES[name]) for name in needs)

        return self.fill if has(_FILL_NEEDS) else self.bill if has(_BILL_NEEDS) else None

    def fill(self, place: str, row: Mapping[str, str]) -> None:
        """Take one execution."""
        cells = _cells(row)
        try:
            one = self._fill(cells)
        except (NotCanonical, ValueError, KeyError) as error:
            self._trouble(place, error)
            return
        key = (one.inst_id, one.trade_id, one.order_id)
        known = self._fills.setdefault(key, one)
        if known is one:
            self.exported.fills.append(one)
        elif known == one:
            self.exported.duplicates += 1
        else:
            self._trouble(place, f"trade {one.trade_id} of {one.inst_id} comes twice with different numbers")

    def bill(self, place: str, row: Mapping[str, str]) -> None:
        """Take one bill."""
        cells = _cells(row)
        try:
            one = self._bill(cells)
        except (NotCanonical, ValueError, KeyError) as error:
            self._trouble(place, error)
            return
        known = self._bills.setdefault(one.bill_id, one)
        if known is one:
            self.exported.bills.append(one)
        elif known == one:
            self.exported.duplicates += 1
        else:
            self._trouble(place, f"bill {one.bill_id} comes twice with different numbers")

    def _fill(self, cells: Mapping[str, str]) -> FillReport:
        side = cells.get("position_side", "").lower()
        return FillReport(
            inst_id=parse_inst_id(cells["instrument"]),
            trade_id=cells["trade_id"],
            order_id=cells["order_id"],
            client_id=cells.get("client_id", ""),
            action=_action(cells["action"]),
            position_side=Side(side) if side in {"long", "short"} else None,
            price=_number(cells["price"]),
            contracts=Contracts(abs(_number(cells["contracts"]))),
            fee=_number(cells["fee"]),
            fee_ccy=cells.get("fee_ccy", "") or "USDT",
            liquidity=_LIQUIDITY[cells.get("liquidity", "").lower()],
            pnl=_number(cells["pnl"]) if cells.get("pnl") else None,
            sub_type="",
            bill_id=cells.get("bill_id", ""),
            tag="",
            filled_at=self._instant(cells["at"]),
            source="import",
        )

    def _bill(self, cells: Mapping[str, str]) -> BillReport:
        return BillReport(
            bill_id=cells["bill_id"],
            type=cells["type"],
            sub_type=cells.get("sub_type", ""),
            ccy=cells["ccy"],
            balance_change=_number(cells["change"]),
            balance=_number(cells["balance"]) if cells.get("balance") else ZERO,
            inst_id=cells.get("instrument", ""),
            order_id=cells.get("order_id", ""),
            trade_id=cells.get("trade_id", ""),
            contracts=None,
            price=None,
            pnl=None,
            fee=None,
            interest=None,
            at=self._instant(cells["at"]),
        )

    def _instant(self, text: str) -> Instant:
        if text.isdigit() and len(text) in _EPOCHS:
            return Instant(int(text) * _EPOCHS[len(text)])
        if "T" in text:
            return parse_rfc3339(text)
        return from_datetime(dt.datetime.fromisoformat(text).replace(tzinfo=self._zone))

    def _trouble(self, place: str, what: object) -> None:
        if len(self.exported.troubles) < TROUBLES_MAX:
            missing = f"there is no {what}" if isinstance(what, KeyError) else str(what)
            self.exported.troubles.append(f"{place}: {missing}")


def _cells(row: Mapping[str, str]) -> dict[str, str]:
    given = {_normal(name): (value or "").strip().lstrip("'") for name, value in row.items() if name}
    found: dict[str, str] = {}
    for name, spellings in _NAMES.items():
        for spelling in spellings:
            if spelling in given:
                found[name] = given[spelling]
                break
    return found


def _normal(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _number(text: str) -> Decimal:
    try:
        return parse_decimal(text)
    except NotCanonical:
        try:
            value = Decimal(text)
        except InvalidOperation:
            message = f"{text!r} is not a number"
            raise NotCanonical(message) from None
        if not value.is_finite():
            message = f"{text!r} is not a number"
            raise NotCanonical(message) from None
        return value + ZERO


def _action(text: str) -> Action:
    word = text.lower()
    for action in Action:
        if action.value in word:
            return action
    message = f"{text!r} is neither buy nor sell"
    raise NotCanonical(message)
