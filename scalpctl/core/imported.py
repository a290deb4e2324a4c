"""History that no engine of ours made, as records: executions folded into positions, with their money and bills."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from scalpctl.core import positions
from scalpctl.core.causes import Cause
from scalpctl.core.exchange.reports import BillReport, FillReport
from scalpctl.core.fills import Fill, from_report
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.money import ZERO, Contracts, add, exact, multiply
from scalpctl.core.positions import Position
from scalpctl.core.records.base import Record
from scalpctl.core.records.money import BillMatched, BillMirrored, LedgerAccount, Leg, Posted
from scalpctl.core.records.positions import EntryMade, PositionClosed, PositionOpened
from scalpctl.core.records.trading import FillSeen
from scalpctl.core.sides import Side

FUNDING = "8"


@dataclass(slots=True)
class Life:
    """One position from flat to flat, with the executions that made it."""

    position: Position
    fills: list[tuple[FillReport, Fill, Decimal]] = field(default_factory=list)
    funding: list[BillReport] = field(default_factory=list)
    turned: Contracts = positions.NONE

    @property
    def closed_at(self) -> Instant:
        """Give when it became flat."""
        return self.position.closed_at or self.position.opened_at


def lives(instrument: Instrument, reports: Iterable[FillReport]) -> tuple[list[Life], list[FillReport]]:
    """Fold executions, flat to flat; gives the closed lives, and the executions of what is still open."""
    by_key = {(one.inst_id, from_report(one).key, one.order_id): one for one in reports}
    pairs = sorted(((from_report(one), one) for one in by_key.values()), key=lambda pair: _age(pair[0]))
    done: list[Life] = []
    current: dict[Side | None, Life] = {}
    for fill, report in pairs:
        life = current.get(fill.position_side)
        if life is None:
            life = current[fill.position_side] = Life(positions.opened(instrument, fill))
            life.fills.append((report, fill, report.pnl or ZERO))
            continue
        applied = positions.apply(life.position, fill)
        life.position = applied.position
        life.fills.append((report, fill, report.pnl if report.pnl is not None else applied.gross))
        if applied.position.is_flat:
            done.append(life)
            del current[fill.position_side]
        if applied.beyond:
            rest = Fill(
                fill.inst_id, fill.key, fill.order_id, fill.client_id, fill.action, fill.position_side, fill.price,
                applied.beyond, ZERO, fill.liquidity, fill.filled_at,
            )  # fmt: skip
            current[fill.position_side] = Life(positions.opened(instrument, rest), turned=applied.beyond)
    return done, [report for life in current.values() for report, _, _ in life.fills]


def _age(fill: Fill) -> tuple[int, int, str]:
    return fill.filled_at, int(fill.key) if fill.key.lstrip("-").isdigit() else 0, fill.key


def funded(found: Sequence[Life], bills: Iterable[BillReport]) -> None:
    """Give every funding bill to the position that was open then."""
    for bill in bills:
        if bill.type != FUNDING:
            continue
        for life in found:
            mine = life.position.instrument.inst_id == bill.inst_id
            if mine and life.position.opened_at <= bill.at <= life.closed_at:
                life.funding.append(bill)
                break


def records_of(life: Life, session_id: str, new_id: Callable[[], str], now: Instant) -> Iterator[Record]:
    """Give the records of one life, in the order in which a ledger takes them."""
    name, position = f"position-{new_id()}", life.position
    inst_id = position.instrument.inst_id
    yield PositionOpened(
        position_id=name, session_id=session_id, inst_id=inst_id, side=position.side.value, margin_mode="unknown",
        origin="imported", opened_at=position.opened_at, parameter_set="imported",
    )  # fmt: skip
    for report, fill, pnl in life.fills:
        yield _fill((report, fill, pnl), name, position.instrument, now)
        posted = _posted(report, fill, pnl, name)
        if posted is not None:
            yield posted
    for bill in life.funding:
        yield from _funding(bill, name)
    yield _entry(life, name, f"entry-{new_id()}")
    yield _closed(life, name, session_id)


def _fill(of: tuple[FillReport, Fill, Decimal], name: str, instrument: Instrument, now: Instant) -> FillSeen:
    report, fill, pnl = of
    return FillSeen(
        inst_id=fill.inst_id, trade_id=fill.key, order_id=fill.order_id, client_id=report.client_id or None,
        position_id=name, action=fill.action.value,
        position_side=None if fill.position_side is None else fill.position_side.value, price=exact(fill.price),
        contracts=exact(fill.contracts), coins=exact(instrument.coins(fill.contracts)),
        fee=exact(report.fee if report.fee is not None else ZERO), fee_ccy=report.fee_ccy, liquidity=fill.liquidity,
        exchange_pnl=exact(pnl), sub_type=report.sub_type, category="", bill_id=report.bill_id or None,
        decision_price=None, slippage=None, source="import", filled_at=fill.filled_at, received_at=now,
    )  # fmt: skip


def _posted(report: FillReport, fill: Fill, pnl: Decimal, name: str) -> Posted | None:
    legs = [
        *_legs(LedgerAccount.PNL, report.fee_ccy, pnl),
        *_legs(LedgerAccount.FEE, report.fee_ccy, report.fee or ZERO),
    ]
    if not legs:
        return None
    source = f"{fill.inst_id}:{fill.key}:{fill.order_id}"
    return Posted(
        transaction_id=f"fill:{source}", reason="fill", position_id=name, inst_id=fill.inst_id, source_kind="fill",
        source_id=source, bill_id=report.bill_id or None, posted_at=fill.filled_at, legs=tuple(legs),
    )  # fmt: skip


def _funding(bill: BillReport, name: str) -> Iterator[Record]:
    yield mirrored(bill)
    legs = _legs(LedgerAccount.FUNDING, bill.ccy, bill.balance_change)
    if legs:
        yield Posted(
            transaction_id=f"bill:{bill.bill_id}", reason="funding", position_id=name, inst_id=bill.inst_id,
            source_kind="bill", source_id=bill.bill_id, bill_id=bill.bill_id, posted_at=bill.at, legs=tuple(legs),
        )  # fmt: skip
    yield BillMatched(bill_id=bill.bill_id, matched_to=f"bill:{bill.bill_id}", matched_at=bill.at)


def mirrored(bill: BillReport) -> BillMirrored:
    """Give the record of one bill."""
    return BillMirrored(
        bill_id=bill.bill_id, type=bill.type, sub_type=bill.sub_type, ccy=bill.ccy,
        balance_change=exact(bill.balance_change), balance=exact(bill.balance), inst_id=bill.inst_id or None,
        order_id=bill.order_id or None, trade_id=bill.trade_id or None, billed_at=bill.at,
    )  # fmt: skip


def _legs(account: LedgerAccount, ccy: str, amount: Decimal) -> list[Leg]:
    if amount.is_zero():
        return []
    return [
        Leg(account=LedgerAccount.CASH, ccy=ccy, amount=exact(amount)),
        Leg(account=account, ccy=ccy, amount=exact(amount.copy_negate())),
    ]


def moved(life: Life) -> Decimal:
    """Give what a life moved in cash."""
    fills = add(*(add(pnl, report.fee or ZERO) for report, _, pnl in life.fills), ZERO)
    return add(fills, *(bill.balance_change for bill in life.funding))


def _prices(life: Life) -> tuple[Decimal, Decimal]:
    opening = [
        (fill.price, fill.contracts.value) for _, fill, _ in life.fills if fill.action is life.position.side.opening
    ]
    closing = [
        (fill.price, fill.contracts.value) for _, fill, _ in life.fills if fill.action is not life.position.side.opening
    ]
    return _average(opening or closing), _average(closing)


def _average(legs: list[tuple[Decimal, Decimal]]) -> Decimal:
    size = add(*(size for _, size in legs), ZERO)
    value = add(*(multiply(price, size) for price, size in legs), ZERO)
    return round(value / size, 18).normalize() + ZERO if size else ZERO


def _entry(life: Life, name: str, entry_id: str) -> EntryMade:
    position = life.position
    fees = add(*(-(report.fee or ZERO) for report, fill, _ in life.fills if fill.action is position.side.opening), ZERO)
    return EntryMade(
        entry_id=entry_id, position_id=name, client_id=None, decision_id=None, signal=None, strength=None, regime=None,
        sizing=[], leverage_requested=None, leverage_granted=None, margin=None, decision_price=None,
        average_price=exact(_prices(life)[0]), contracts=exact(position.contracts_max), fees=exact(fees),
        entered_at=position.opened_at,
    )  # fmt: skip


def _closed(life: Life, name: str, session_id: str) -> PositionClosed:
    position = life.position
    gross = add(*(pnl for _, _, pnl in life.fills), ZERO)
    fees = add(*(-(report.fee or ZERO) for report, _, _ in life.fills), ZERO)
    funding = add(*(-bill.balance_change for bill in life.funding), ZERO)
    entry, exit_price = _prices(life)
    known = [fill.liquidity for _, fill, _ in life.fills if fill.liquidity]
    makers = Decimal(known.count("maker")) / len(known) if known else None
    return PositionClosed(
        position_id=name, session_id=session_id, inst_id=position.instrument.inst_id, side=position.side.value,
        cause=Cause.UNKNOWN.value, closed_by="imported",
        evidence={"imported": [fill.key for _, fill, _ in life.fills]}, pre_close={},
        contracts=exact(position.contracts_max), entry_price=exact(entry), exit_price=exact(exit_price),
        gross=exact(gross), fees=exact(fees), funding=exact(funding), net=exact(add(gross, -fees, -funding)),
        maker_share=None if makers is None else exact(round(makers, 6)), mae=None, mfe=None, leverage=None, regime=None,
        held_us=max(0, life.closed_at - position.opened_at), opened_at=position.opened_at, closed_at=life.closed_at,
    )  # fmt: skip
