"""The figures kept with a session count what its records say, each in its own session, to the last digit."""

from __future__ import annotations

import pytest
from builders import a_closure, a_fill, a_partial, a_position, a_session, a_transaction, one_of_each

from scalpctl.core.records.base import Record
from scalpctl.core.records.money import DriftDetected
from scalpctl.core.records.positions import EntryMade
from scalpctl.core.records.trading import Decided
from scalpctl.errors import MoneyDoesNotAddUp
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.projection.figures import COUNTS, SUMS
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ledger.verification.verify import verify
from scalpctl.ledger.writer import LedgerWriter


def example(kind: type[Record]) -> Record:
    return next(one for one in one_of_each() if isinstance(one, kind))


def figures(folder: LedgerFolder) -> dict[str, dict[str, object]]:
    with LedgerReader(folder.ledger) as reader:
        return {str(row.pop("session_id")): row for row in reader.rows("SELECT * FROM session_figures")}


def test_a_session_begins_with_nothing(writer: LedgerWriter, folder: LedgerFolder) -> None:
    writer.write(a_session())
    row = figures(folder)["S1"]
    assert [row[name] for name in COUNTS] == [0] * len(COUNTS)
    assert [row[name] for name in SUMS] == ["0"] * len(SUMS)
    assert row["seq"] == row["last_seq"]


def test_executions_are_counted_by_who_took_whose_order(writer: LedgerWriter, folder: LedgerFolder) -> None:
    writer.write(a_session())
    writer.write(a_fill(1, fee="-0.1", price="100", coins="2"), a_fill(2, fee="-0.02", price="10", coins="1"))
    writer.write(a_fill(3, liquidity="taker", fee="0.05", price="7", coins="3"))
    writer.write(a_fill(4, liquidity="", fee="-9", price="9", coins="9"))
    row = figures(folder)["S1"]
    assert (row["maker_fills"], row["maker_fees"], row["maker_value"]) == (2, "0.12", "210")
    assert (row["taker_fills"], row["taker_fees"], row["taker_value"]) == (1, "-0.05", "21")


def test_what_was_decided_entered_taken_and_found_is_counted(writer: LedgerWriter, folder: LedgerFolder) -> None:
    writer.write(a_session(), a_position())
    for kind in (Decided, EntryMade, DriftDetected):
        writer.write(example(kind))
    writer.write(a_partial("X1"), a_partial("X2"))
    row = figures(folder)["S1"]
    assert [row[name] for name in ("decisions", "entries", "drifts", "partial_takes")] == [1, 1, 1, 2]


def test_a_trade_without_gain_is_no_win(writer: LedgerWriter, folder: LedgerFolder) -> None:
    writer.write(a_session(), *(a_position(name) for name in ("P1", "P2", "P3")))
    writer.write(a_closure("P1", gross="3", fees="1", funding="0.5", net="1.5"))
    writer.write(a_closure("P2", gross="1", fees="1", funding="0", net="0"))
    writer.write(a_closure("P3", gross="-1", fees="0.5", funding="-0.1", net="-1.4"))
    row = figures(folder)["S1"]
    assert (row["trades"], row["wins"]) == (3, 1)
    assert [row[name] for name in ("gross", "fees", "funding", "net")] == ["3", "2.5", "0.4", "0.1"]


def test_each_session_has_its_own_however_its_records_are_handed_over(
    writer: LedgerWriter, folder: LedgerFolder
) -> None:
    writer.write(a_session("S1"), a_fill(1), a_session("S2"), a_fill(2), a_fill(3))
    writer.write(a_fill(4))
    assert {name: row["maker_fills"] for name, row in figures(folder).items()} == {"S1": 1, "S2": 3}
    writer.close()
    assert verify(folder.ledger).ok


def test_what_was_refused_counts_nowhere(writer: LedgerWriter, folder: LedgerFolder) -> None:
    writer.write(a_session())
    with pytest.raises(MoneyDoesNotAddUp):
        writer.write(a_fill(1), a_transaction(amounts=("1", "-2")))
    writer.write(a_fill(2))
    assert figures(folder)["S1"]["maker_fills"] == 1
    writer.close()
    assert verify(folder.ledger).ok
