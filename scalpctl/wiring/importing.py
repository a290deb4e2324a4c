"""Brings history into a ledger: from exported files or from the exchange, positions whole or not at all."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from scalpctl import __version__
from scalpctl.core.exchange.reports import FillReport
from scalpctl.core.exported_rows import Exported, ExportReader
from scalpctl.core.imported import Life, funded, lives, mirrored, moved, records_of
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.money import ZERO, add, exact
from scalpctl.core.records.base import Record
from scalpctl.core.records.money import BillMatched, LedgerAccount, Leg, Posted
from scalpctl.core.records.sessions import SessionEnded, SessionStarted
from scalpctl.core.records.trading import InstrumentSpecified
from scalpctl.errors import NotCanonical, UsageError
from scalpctl.host.hand_clock import HandClock
from scalpctl.host.ids import RandomIds
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import open_ledger
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ports.clock import Clock
from scalpctl.wiring.code import code_digest
from scalpctl.wiring.memory import opened_at

Row = dict[str, Any]
_FILL_BILLS = ("2", "5", "9")


@dataclass(slots=True)
class Imported:
    """What came of an import."""

    positions: int = 0
    executions: int = 0
    duplicates: int = 0
    known: int = 0
    left_open: list[str] = field(default_factory=list)
    gross: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    session_id: str | None = None


def read_exports(files: Iterable[Path], zone: dt.tzinfo | None) -> Exported:
    """Read exported files; whatever cannot be read is said with its line, all at once, and nothing is taken."""
    reader = ExportReader(zone)
    for path in files:
        try:
            with path.open(encoding="utf-8-sig", newline="") as stream:
                _rows(reader, path, csv.DictReader(stream))
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise UsageError(f"{path} is not a CSV file: {error}") from error
    if reader.exported.troubles:
        raise NotCanonical("\n".join(reader.exported.troubles), hint="nothing was imported; mend the file, then again")
    return reader.exported


def _rows(reader: ExportReader, path: Path, rows: csv.DictReader[str]) -> None:
    take = reader.kind_of(list(rows.fieldnames or []))
    if take is None:
        raise UsageError(
            f"{path} is an export of neither executions nor bills",
            hint="executions need instrument, trade id, order id, side, price, size, fee and time",
        )
    for row in rows:
        take(f"{path}:{rows.line_num}", row)


class Import:
    """One import into one ledger."""

    def __init__(self, folder: LedgerFolder, wall: Clock, instruments: dict[str, Instrument]) -> None:
        """Import into this ledger, with these specifications where the ledger has none of its own."""
        self._folder, self._wall, self._given = folder, wall, instruments
        self._known: set[tuple[str, str, str]] = set()
        self._bills: set[str] = set()
        self._specified: dict[str, Instrument] = {}
        self._newest: Instant | None = None
        self._opened_at: Instant | None = None
        if folder.ledger.exists():
            with LedgerReader(folder.ledger) as reader:
                self._remember(reader)

    def _remember(self, reader: LedgerReader) -> None:
        for row in reader.rows("SELECT inst_id, trade_id, order_id FROM fills"):
            self._known.add((row["inst_id"], row["trade_id"], row["order_id"]))
        self._bills = {row["bill_id"] for row in reader.rows("SELECT bill_id FROM bills")}
        for row in reader.rows("SELECT * FROM instruments ORDER BY version"):
            self._specified[row["inst_id"]] = _instrument(row)
        (newest,) = reader.rows("SELECT max(ts_us) AS at FROM journal")
        self._newest = newest["at"]
        self._opened_at = opened_at(reader)

    def plan(self, exported: Exported) -> tuple[list[Life], Imported]:
        """Say what would be taken; a life of which an execution is known already is known."""
        result = Imported(duplicates=exported.duplicates)
        chosen: list[Life] = []
        for inst_id in sorted({one.inst_id for one in exported.fills}):
            mine = [one for one in exported.fills if one.inst_id == inst_id]
            whole, rest = lives(self._instrument(inst_id), mine)
            fresh = [life for life in whole if not self._has(life)]
            result.known += len(whole) - len(fresh)
            chosen += fresh
            result.left_open += [inst_id] if [one for one in rest if not self._has_fill(one)] else []
        funded(chosen, [bill for bill in exported.bills if bill.bill_id not in self._bills])
        _count(result, chosen)
        return chosen, result

    def write(self, chosen: Sequence[Life], exported: Exported, source: str) -> str:
        """Write them: a session of its own around lives that each come whole or not at all."""
        ids = RandomIds(self._wall)
        clock = HandClock(self._newest) if self._folder.env == "sim" and self._newest else self._wall
        writer, session_id = open_ledger(self._folder, clock, ids, purpose="import"), ids.new_id()
        try:
            writer.write(self._begin(chosen, session_id, source))
            for one in {life.position.instrument.inst_id: life.position.instrument for life in chosen}.values():
                if one.inst_id not in self._specified:
                    writer.append([_specified(one, chosen)])
            for life in chosen:
                writer.append(list(records_of(life, session_id, ids.new_id, clock.now())))
            taken = {(r.inst_id, f.key, r.order_id) for life in chosen for r, f, _ in life.fills}
            for bill in exported.bills:
                key = (bill.inst_id, bill.trade_id, bill.order_id)
                if bill.bill_id not in self._bills and bill.type in _FILL_BILLS and key in taken:
                    matched = BillMatched(bill_id=bill.bill_id, matched_to=f"fill:{':'.join(key)}", matched_at=bill.at)
                    writer.append([mirrored(bill), matched])
            for record in _end(chosen, session_id, source, self._opened_at):
                writer.append([record])
            writer.wait()
        finally:
            writer.close()
        return session_id

    def _begin(self, chosen: Sequence[Life], session_id: str, source: str) -> SessionStarted:
        return SessionStarted(
            session_id=session_id, env=self._folder.env, account=self._folder.account,
            started_at=min(life.position.opened_at for life in chosen), config_digest="imported", config="{}",
            code_version=__version__, code_digest=code_digest(), seed=None, world=f"imported from {source}", tape=None,
        )  # fmt: skip

    def _has(self, life: Life) -> bool:
        return any((report.inst_id, fill.key, report.order_id) in self._known for report, fill, _ in life.fills)

    def _has_fill(self, one: FillReport) -> bool:
        return (one.inst_id, one.trade_id, one.order_id) in self._known

    def _instrument(self, inst_id: str) -> Instrument:
        found = self._specified.get(inst_id) or self._given.get(inst_id)
        if found is None:
            raise UsageError(
                f"nothing says how many coins a contract of {inst_id} is",
                hint=f"--ct-val {inst_id}=0.01 (the exchange's ctVal), or import online once",
            )
        return found


def _count(result: Imported, chosen: Sequence[Life]) -> None:
    result.positions = len(chosen)
    result.executions = sum(len(life.fills) for life in chosen)
    result.gross = add(*(pnl for life in chosen for _, _, pnl in life.fills), ZERO)
    result.fees = add(*(-(report.fee or ZERO) for life in chosen for report, _, _ in life.fills), ZERO)
    result.funding = add(*(-bill.balance_change for life in chosen for bill in life.funding), ZERO)


def _end(chosen: Sequence[Life], session_id: str, source: str, opened_at: Instant | None) -> list[Record]:
    """Take what was earned before the opening out of cash again: the balance an engine begins with holds it already."""
    ended = max(life.closed_at for life in chosen)
    before = [life for life in chosen if opened_at is None or life.closed_at < opened_at]
    whole = add(*(moved(life) for life in before), ZERO)
    records: list[Record] = []
    if whole:
        legs = (
            Leg(account=LedgerAccount.CASH, ccy="USDT", amount=exact(whole.copy_negate())),
            Leg(account=LedgerAccount.TRANSFER, ccy="USDT", amount=exact(whole)),
        )
        records.append(
            Posted(
                transaction_id=f"import:{session_id}", reason="transfer", position_id=None, inst_id=None,
                source_kind="import", source_id=session_id, bill_id=None, posted_at=ended, legs=legs,
            )
        )  # fmt: skip
    why = f"imported from {source}"
    records.append(SessionEnded(session_id=session_id, ended_at=ended, end_kind="clean", end_reason=why))
    return records


def _specified(one: Instrument, chosen: Sequence[Life]) -> InstrumentSpecified:
    first = min(life.position.opened_at for life in chosen)
    return InstrumentSpecified(
        inst_id=one.inst_id, version=1, ct_val=exact(one.ct_val), ct_mult=exact(one.ct_mult),
        lot_size=exact(one.lot_size), min_contracts=exact(one.min_contracts), tick_size=exact(one.tick_size),
        settle_ccy=one.settle_ccy, leverage_max=exact(one.leverage_max), state=one.state, valid_from_at=first,
    )  # fmt: skip


def _instrument(row: Row) -> Instrument:
    return Instrument(
        inst_id=row["inst_id"],
        ct_val=Decimal(row["ct_val"]),
        ct_mult=Decimal(row["ct_mult"]),
        tick_size=Decimal(row["tick_size"]),
        lot_size=Decimal(row["lot_size"]),
        min_contracts=Decimal(row["min_contracts"]),
        settle_ccy=row["settle_ccy"],
        leverage_max=Decimal(row["leverage_max"]),
    )
