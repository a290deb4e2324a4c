"""Reads of our own account over REST: complete, or an error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from scalpctl.core.costs import Fees
from scalpctl.core.exchange.reports import (
    AccountReport,
    AlgoReport,
    BalanceReport,
    BillReport,
    ClosedPositionReport,
    FillReport,
    OrderReport,
    PositionReport,
)
from scalpctl.core.exchange.requests import MarginMode
from scalpctl.core.instants import MICROS_PER_SECOND, Instant, after, to_millis
from scalpctl.core.instruments import Instrument
from scalpctl.errors import AnswerMalformed
from scalpctl.okx.pages import every_page, oldest_first
from scalpctl.okx.rest import ReadRefused, RestClient
from scalpctl.okx.wire import endpoints
from scalpctl.okx.wire.account import (
    AccountConfigRow,
    AccountQuery,
    BalanceRow,
    BillRow,
    ClosedPositionRow,
    LeverageRow,
    PositionRow,
    TradeFeeRow,
)
from scalpctl.okx.wire.algo_reports import algo_report
from scalpctl.okx.wire.algos import AlgoRow, AlgosQuery
from scalpctl.okx.wire.base import Ask
from scalpctl.okx.wire.codes import NOT_FOUND
from scalpctl.okx.wire.endpoints import Endpoint
from scalpctl.okx.wire.orders import FillRow, OrderRow, OrdersQuery
from scalpctl.okx.wire.reports import (
    account_report,
    balance_reports,
    bill_report,
    closed_position_report,
    fees,
    fill_report,
    order_report,
    position_report,
)
from scalpctl.okx.wire.texts import decimal
from scalpctl.ports.clock import Clock
from scalpctl.ports.feeds import Resync

T = TypeVar("T")

_DAY_S = 86_400
_HOUR_S = 3_600
FILLS_KEPT_S = 3 * _DAY_S
ORDERS_KEPT_S = 7 * _DAY_S
BILLS_KEPT_S = 7 * _DAY_S
ARCHIVES_KEPT_S = 90 * _DAY_S
OVERLAP_S = 60
"""Asked again before every cursor: rows are kept by identity, so twice is harmless and a gap is not."""
_ORDER_LIFE_S = _DAY_S
"""Lists are cut by creation time; an order that ended since then was created at most this long before."""
_ALGO_TYPES = ("conditional,oco", "trigger", "move_order_stop")
_ALGO_ENDS = {"effective": 30 * _DAY_S, "order_failed": 30 * _DAY_S, "canceled": 3 * _DAY_S}
"""How conditional orders end, and how long before they may have been placed to be looked for."""
_SWAP = "SWAP"
_PAGE = "100"
_LEVERAGES_AT_ONCE = 20


class OkxAccountReader:
    """Reads the account; what it gives is whole."""

    def __init__(self, rest: RestClient, clock: Clock) -> None:
        """Ask through ``rest``."""
        self._rest = rest
        self._clock = clock

    async def resync(self, since: Instant) -> Resync:
        """Give where things stand: positions first, then orders, then what explains both and is never older."""
        positions = await self.positions()
        orders, algos = await asyncio.gather(self.orders_pending(), self.algos_pending())
        fills, bills = await asyncio.gather(self.fills_since(since), self.bills_since(since))
        return Resync(self._clock.now(), positions, orders, algos, fills, bills)

    async def account(self) -> AccountReport:
        """Give the account's setup."""
        return account_report(_only(await self._rest.read(endpoints.CONFIG, AccountConfigRow), "account"))

    async def balances(self) -> tuple[BalanceReport, ...]:
        """Give every currency."""
        return balance_reports(_only(await self._rest.read(endpoints.BALANCE, BalanceRow), "balance"))

    async def positions(self) -> tuple[PositionReport, ...]:
        """Give every open swap position."""
        rows = await self._rest.read(endpoints.POSITIONS, PositionRow, AccountQuery(inst_type=_SWAP))
        reports = (position_report(row) for row in rows if row.inst_type == _SWAP)
        return tuple(report for report in reports if isinstance(report, PositionReport))

    async def order(self, inst_id: str, client_id: str) -> OrderReport | None:
        """Give one order by our id; None only when the exchange says that it does not exist."""
        return await self._one_order(OrdersQuery(inst_id=inst_id, cl_ord_id=client_id))

    async def order_numbered(self, inst_id: str, order_id: str) -> OrderReport | None:
        """Give one order by the exchange's id, whoever placed it; None only when the exchange says so."""
        return await self._one_order(OrdersQuery(inst_id=inst_id, ord_id=order_id))

    async def leverages(self, inst_ids: Sequence[str], mode: MarginMode) -> dict[str, Decimal | None]:
        """Give the leverage in force by instrument; where long and short differ, the higher one."""
        found: dict[str, Decimal | None] = dict.fromkeys(inst_ids)
        for at in range(0, len(inst_ids), _LEVERAGES_AT_ONCE):
            asked = ",".join(inst_ids[at : at + _LEVERAGES_AT_ONCE])
            ask = AccountQuery(inst_id=asked, mgn_mode=mode.value)
            for row in await self._rest.read(endpoints.LEVERAGE_INFO, LeverageRow, ask):
                value = decimal(row.lever)
                if row.inst_id in found and value is not None:
                    found[row.inst_id] = max(value, found[row.inst_id] or value)
        return found

    async def fees(self, instrument: Instrument) -> Fees | None:
        """Give what trading an instrument costs this account; None where the exchange does not tell."""
        group, family = instrument.fee_group, instrument.inst_id.removesuffix("-SWAP")
        asked = {"group_id": group} if group else {"inst_family": family}
        rows = await self._rest.read(endpoints.TRADE_FEE, TradeFeeRow, AccountQuery(inst_type=_SWAP, **asked))
        return fees(_only(rows, "fee table"), group)

    async def algo(self, inst_id: str, client_id: str) -> AlgoReport | None:
        """Give one conditional order by our id; None only when the exchange says that it does not exist."""
        try:
            rows = await self._rest.read(endpoints.ALGO_DETAILS, AlgoRow, AlgosQuery(algo_cl_ord_id=client_id))
        except ReadRefused as refused:
            if refused.code in NOT_FOUND:
                return None
            raise
        row = _only(rows, "conditional order")
        if (row.inst_id, row.algo_cl_ord_id) != (inst_id, client_id):
            raise AnswerMalformed("the exchange answered with another conditional order than the one asked for")
        return algo_report(row)

    async def orders_pending(self) -> tuple[OrderReport, ...]:
        """Give every resting order."""
        rows = await self._walk(
            endpoints.ORDERS_PENDING,
            OrderRow,
            lambda cursor: OrdersQuery(inst_type=_SWAP, after=cursor, limit=_PAGE),
            lambda row: row.ord_id,
        )
        return tuple(order_report(row) for row in oldest_first(rows, _order_key, lambda row: row.c_time))

    async def orders_since(self, since: Instant) -> tuple[OrderReport, ...]:
        """Give finished orders, oldest first, as far back as the exchange keeps them."""
        begin = _millis_before(since, _ORDER_LIFE_S)
        rows: list[OrderRow] = []
        for endpoint in self._both(endpoints.ORDERS_HISTORY, endpoints.ORDERS_ARCHIVE, since, ORDERS_KEPT_S):
            rows += await self._walk(
                endpoint,
                OrderRow,
                lambda cursor: OrdersQuery(inst_type=_SWAP, begin=begin, after=cursor, limit=_PAGE),
                lambda row: row.ord_id,
            )
        reports = (order_report(row) for row in oldest_first(rows, _order_key, lambda row: row.u_time))
        return tuple(report for report in reports if report.updated_at >= since)

    async def algos_pending(self) -> tuple[AlgoReport, ...]:
        """Give every conditional order the exchange keeps."""
        rows = await self._algos(endpoints.ALGOS_PENDING, {"": ""})
        return tuple(algo_report(row) for row in oldest_first(rows, _algo_key, lambda row: row.c_time))

    async def algos_since(self, since: Instant) -> tuple[AlgoReport, ...]:
        """Give finished conditional orders, oldest first."""
        oldest = {state: _millis_before(since, life_s) for state, life_s in _ALGO_ENDS.items()}
        rows = await self._algos(endpoints.ALGOS_HISTORY, oldest)
        ordered = oldest_first(rows, _algo_key, lambda row: row.u_time or row.c_time)
        reports = (algo_report(row) for row in ordered)
        return tuple(report for report in reports if (report.updated_at or report.created_at) >= since)

    @property
    def reaches_back_to(self) -> Instant:
        """Give since when the archives still hold everything: what is older can no longer be proven."""
        return Instant(max(0, after(self._clock.now(), _HOUR_S - ARCHIVES_KEPT_S)))

    async def fills_since(self, since: Instant) -> tuple[FillReport, ...]:
        """Give fills, oldest first."""
        begin = _millis_before(since, OVERLAP_S)
        rows: list[FillRow] = []
        for endpoint in self._both(endpoints.FILLS, endpoints.FILLS_HISTORY, since, FILLS_KEPT_S):
            rows += await self._walk(
                endpoint,
                FillRow,
                lambda cursor: OrdersQuery(inst_type=_SWAP, begin=begin, after=cursor, limit=_PAGE),
                lambda row: row.bill_id,
            )
        ordered = oldest_first(rows, _fill_key, _fill_order)
        reports = (fill_report(row, "fills") for row in ordered)
        return tuple(report for report in reports if report.filled_at >= since)

    async def bills_since(self, since: Instant) -> tuple[BillReport, ...]:
        """Give the exchange's ledger lines, oldest first."""
        begin = _millis_before(since, OVERLAP_S)
        rows: list[BillRow] = []
        for endpoint in self._both(endpoints.BILLS, endpoints.BILLS_ARCHIVE, since, BILLS_KEPT_S):
            rows += await self._walk(
                endpoint,
                BillRow,
                lambda cursor: AccountQuery(begin=begin, after=cursor, limit=_PAGE),
                lambda row: row.bill_id,
            )
        ordered = oldest_first(rows, lambda row: (row.bill_id,), lambda row: row.bill_id)
        return tuple(report for report in map(bill_report, ordered) if report.at >= since)

    async def positions_closed_since(self, since: Instant) -> tuple[ClosedPositionReport, ...]:
        """Give the exchange's position history, oldest first."""
        oldest = str(to_millis(since))
        rows = await self._walk(
            endpoints.POSITIONS_HISTORY,
            ClosedPositionRow,
            lambda cursor: AccountQuery(inst_type=_SWAP, after=cursor, limit=_PAGE),
            lambda row: row.u_time,
            lambda row: row.u_time < oldest,
        )
        ordered = oldest_first(rows, _lifecycle_key, lambda row: row.u_time)
        return tuple(report for report in map(closed_position_report, ordered) if report.updated_at >= since)

    async def _one_order(self, ask: OrdersQuery) -> OrderReport | None:
        try:
            rows = await self._rest.read(endpoints.ORDER_DETAILS, OrderRow, ask)
        except ReadRefused as refused:
            if refused.code in NOT_FOUND:
                return None
            raise
        row = _only(rows, "order")
        same = row.cl_ord_id == ask.cl_ord_id if ask.cl_ord_id else row.ord_id == ask.ord_id
        if row.inst_id != ask.inst_id or not same:
            raise AnswerMalformed("the exchange answered with another order than the one asked for")
        return order_report(row)

    async def _algos(self, endpoint: Endpoint, states: Mapping[str, str]) -> list[AlgoRow]:
        """Give conditional orders of every type in these states placed since then, asked for side by side."""

        def walk(kinds: str, state: str, oldest: str) -> Awaitable[list[AlgoRow]]:
            return self._walk(
                endpoint,
                AlgoRow,
                lambda cursor: AlgosQuery(ord_type=kinds, state=state, inst_type=_SWAP, after=cursor, limit=_PAGE),
                lambda row: row.algo_id,
                lambda row: row.c_time < oldest,
            )

        lists = await asyncio.gather(*(walk(kinds, *one) for kinds in _ALGO_TYPES for one in states.items()))
        return [row for rows in lists for row in rows]

    async def _walk(
        self,
        endpoint: Endpoint,
        row: type[T],
        ask: Callable[[str], Ask],
        cursor_of: Callable[[T], str],
        enough: Callable[[T], bool] = lambda _row: False,
    ) -> list[T]:
        return await every_page(
            lambda cursor: self._rest.read(endpoint, row, ask(cursor)),
            cursor_of,
            page_limit=endpoint.page_limit,
            enough=enough,
        )

    def _both(self, recent: Endpoint, archive: Endpoint, since: Instant, kept_s: int) -> tuple[Endpoint, ...]:
        """Ask the archive as well when the recent list may not reach back far enough; it may lag behind the recent."""
        age_s = (self._clock.now() - since) // MICROS_PER_SECOND
        return (archive, recent) if age_s > kept_s - _HOUR_S else (recent,)


def _only(rows: list[T], what: str) -> T:
    """Give the one row; none is no information, and certainly not an empty account."""
    if len(rows) != 1:
        raise AnswerMalformed(f"the exchange gave {len(rows)} rows where one {what} belongs")
    return rows[0]


def _millis_before(instant: Instant, seconds: int) -> str:
    return str(max(0, to_millis(after(instant, -seconds))))


def _order_key(row: OrderRow) -> tuple[str, ...]:
    return (row.inst_id, row.ord_id)


def _algo_key(row: AlgoRow) -> tuple[str, ...]:
    return (row.algo_id,)


def _fill_key(row: FillRow) -> tuple[str, ...]:
    return (row.inst_id, row.trade_id, row.ord_id, row.bill_id)


def _fill_order(row: FillRow) -> str:
    """Order by time and, within a millisecond, by bill: trade ids of forced executions do not count up."""
    return (row.fill_time or row.ts) + row.bill_id.zfill(24)


def _lifecycle_key(row: ClosedPositionRow) -> tuple[str, ...]:
    return (row.pos_id, row.c_time)
