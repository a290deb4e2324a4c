"""What the single writer promises: exact order, exactly once, all or nothing, and money that adds up."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import a_closure, a_fill, a_partial, a_position, a_session, a_transaction, an_order, one_of_each
from ledger.conftest import held_open

from scalpctl.core.records.registry import ALL
from scalpctl.core.records.sessions import ConnectionNoted
from scalpctl.core.records.trading import OrderChanged
from scalpctl.errors import InvariantBroken, MoneyDoesNotAddUp
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ledger.verification.verify import verify
from scalpctl.ledger.writer import LedgerWriter


def rows(folder: LedgerFolder, sql: str) -> list[tuple[object, ...]]:
    with LedgerReader(folder.ledger) as reader:
        return [tuple(row.values()) for row in reader.rows(sql)]


def test_every_kind_of_record_is_written_and_proven(filled: LedgerFolder) -> None:
    proof = verify(filled.ledger)
    assert proof.findings == []
    assert proof.rows == len(ALL)
    kinds = {kind for (kind,) in rows(filled, "SELECT DISTINCT kind FROM journal")}
    assert kinds == {record.record_kind for record in ALL}


def test_the_exchanges_digits_reach_the_tables_unchanged(writer: LedgerWriter, folder: LedgerFolder) -> None:
    writer.write(a_fill(fee="-7.3307573985542565", price="12345678901234567.123"))
    assert rows(folder, "SELECT fee, price FROM fills") == [("-7.3307573985542565", "12345678901234567.123")]


def test_exact_sums_come_from_sql(writer: LedgerWriter, folder: LedgerFolder) -> None:
    writer.write(*[a_fill(number, fee="-0.1") for number in range(30)])
    assert rows(folder, "SELECT dsum(fee) AS total FROM fills") == [("-3.0",)]


@pytest.mark.parametrize("amounts", [("1", "-0.99"), ("1",), ("0.1", "0.1", "-0.1"), ("1e-7", "-1e-7")])
def test_a_transaction_that_does_not_balance_is_refused(writer: LedgerWriter, amounts: tuple[str, ...]) -> None:
    before = writer.head
    with pytest.raises((MoneyDoesNotAddUp, InvariantBroken)):
        writer.write(a_transaction(amounts=amounts))
    assert writer.head == before


@pytest.mark.parametrize("change", [{"net": "0.2"}, {"fees": "0.03"}, {"funding": "0.000000001"}])
def test_a_result_that_does_not_add_up_is_refused(writer: LedgerWriter, change: dict[str, str]) -> None:
    writer.write(a_position())
    with pytest.raises(MoneyDoesNotAddUp):
        writer.write(a_closure(**change))
    with pytest.raises(MoneyDoesNotAddUp):
        writer.write(a_partial(net="0.115"))


def test_a_group_is_written_whole_or_not_at_all(writer: LedgerWriter, folder: LedgerFolder) -> None:
    with pytest.raises(MoneyDoesNotAddUp):
        writer.write(a_fill(1), a_transaction(amounts=("1", "1")))
    assert rows(folder, "SELECT * FROM fills") == []


def test_a_refused_group_does_not_take_its_neighbours_along(writer: LedgerWriter, folder: LedgerFolder) -> None:
    tickets = [
        writer.append([a_fill(1)]),
        writer.append([a_transaction(amounts=("1", "1"))]),
        writer.append([a_fill(2)]),
    ]
    writer.wait(tickets[0])
    with pytest.raises(MoneyDoesNotAddUp):
        writer.wait(tickets[1])
    writer.wait(tickets[2])
    assert rows(folder, "SELECT trade_id FROM fills ORDER BY seq") == [("t1",), ("t2",)]
    assert verify(folder.ledger).ok


@pytest.mark.parametrize("bad", ["NaN", "1e-7", ".5", "-0", "007", "\u0663", "", "1."])
def test_a_number_in_another_spelling_never_reaches_a_table(writer: LedgerWriter, bad: str) -> None:
    with pytest.raises(InvariantBroken):
        writer.write(a_fill(price=bad))


def test_a_record_that_cannot_be_spelled_is_refused_and_the_writer_goes_on(writer: LedgerWriter) -> None:
    for bad in (a_fill(2, price=object()), a_transaction(amounts=("x", "-x")), a_closure(gross="1e5")):
        with pytest.raises((InvariantBroken, MoneyDoesNotAddUp)):
            writer.write(bad)
    writer.write(a_fill(3))
    assert writer.failure is None


def test_the_same_fact_written_twice_is_one_fact(writer: LedgerWriter, folder: LedgerFolder) -> None:
    writer.write(a_fill())
    writer.write(a_fill(source="rest", received_at=a_fill().received_at + 5))
    writer.write(a_fill(), a_fill())
    assert rows(folder, "SELECT count(*) AS n FROM fills") == [(1,)]


def test_two_sources_that_contradict_each_other_are_heard(writer: LedgerWriter) -> None:
    writer.write(a_fill())
    with pytest.raises(InvariantBroken, match="price"):
        writer.write(a_fill(price="50000.2"))


def test_a_change_of_something_nobody_made_is_a_defect(writer: LedgerWriter) -> None:
    with pytest.raises(InvariantBroken, match="orders has no row"):
        writer.write(OrderChanged(client_id="nobody", state="live"))


def test_a_change_leaves_the_other_columns_alone(writer: LedgerWriter, folder: LedgerFolder) -> None:
    writer.write(an_order(), OrderChanged(client_id="c1", state="live", order_id="9"))
    writer.write(OrderChanged(client_id="c1", state="filled", filled_contracts="0.12"))
    (row,) = rows(folder, "SELECT state, order_id, filled_contracts, price, seq, last_seq FROM orders")
    assert row[:4] == ("filled", "9", "0.12", "50000.1")
    assert row[5] == row[4] + 2  # type: ignore[operator]


def test_a_closure_closes_its_position(writer: LedgerWriter, folder: LedgerFolder) -> None:
    writer.write(a_position(), a_closure())
    assert rows(folder, "SELECT state, contracts, closed_at FROM positions") == [("closed", "0", a_closure().closed_at)]
    (trade,) = rows(folder, "SELECT position_id, net, cause FROM trades")
    assert trade == ("P1", "0.216191952", "trailing_stop")


def test_records_are_durable_in_the_order_they_were_handed_over(writer: LedgerWriter, folder: LedgerFolder) -> None:
    for number in range(2_000):
        writer.append(
            [ConnectionNoted(session_id=None, at=a_session().started_at, connection=f"{number}", event="x", detail={})]
        )
    writer.wait()
    names = [name for (name,) in rows(folder, "SELECT connection FROM connection_events ORDER BY seq")]
    assert names == [str(number) for number in range(2_000)]


async def test_an_event_loop_can_wait_for_the_disk(writer: LedgerWriter, folder: LedgerFolder) -> None:
    tickets = [writer.append([a_fill(number)]) for number in range(20)]
    await asyncio.gather(*(writer.durable(ticket) for ticket in tickets))
    assert rows(folder, "SELECT count(*) AS n FROM fills") == [(20,)]
    with pytest.raises(MoneyDoesNotAddUp):
        await writer.durable(writer.append([a_transaction(amounts=("1", "1"))]))


def test_the_same_records_make_the_same_journal(
    tmp_path_factory: pytest.TempPathFactory, clock: object, opened: Callable[[], LedgerWriter]
) -> None:
    from builders import T0

    from scalpctl.host.hand_clock import HandClock
    from scalpctl.host.ids import CountedIds
    from scalpctl.ledger.opening import open_ledger

    heads = []
    for name in ("a", "b"):
        folder = LedgerFolder(tmp_path_factory.mktemp(name) / "root", "sim", "main")
        writer = open_ledger(folder, HandClock(T0), CountedIds(), purpose="test")
        writer.write(*one_of_each())
        heads.append(writer.head)
        writer.close()
    assert heads[0] == heads[1]


def test_commit_times_are_measured_for_heartbeats(writer: LedgerWriter) -> None:
    writer.write(a_fill())
    assert len(writer.take_commit_latencies_ns()) == 1
    ticks = iter((100, 107))
    writer.stopwatch = lambda: next(ticks)
    writer.write(a_fill(2))
    assert writer.take_commit_latencies_ns() == [7]
    assert writer.take_commit_latencies_ns() == []  # each is told once: a slow start is not told of all day


def test_the_journal_body_is_canonical_json(filled: LedgerFolder) -> None:
    for (body,) in rows(filled, "SELECT body FROM journal"):
        assert body == json.dumps(json.loads(str(body)), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_readers_beside_the_writer_see_whole_groups_only(writer: LedgerWriter, folder: LedgerFolder) -> None:
    reader = LedgerReader(folder.ledger)
    for number in range(200):
        writer.append([a_fill(number), a_transaction(f"fill:t{number}")])
        (row,) = reader.rows("SELECT (SELECT count(*) FROM fills) * 2 - (SELECT count(*) FROM postings) AS gap")
        assert row["gap"] == 0
    reader.close()


def test_a_reader_cannot_write(writer: LedgerWriter, folder: LedgerFolder) -> None:
    with LedgerReader(folder.ledger) as reader, pytest.raises(sqlite3.OperationalError):
        reader.connection.execute("DELETE FROM heartbeats")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are not listed here")
def test_a_closed_ledger_holds_no_file_open(writer: LedgerWriter, folder: LedgerFolder) -> None:
    writer.write(a_fill(), a_position(), a_closure())
    assert held_open(folder)
    writer.close()
    assert held_open(folder) == []


async def test_everybody_hears_of_his_own_commit_however_many_there_are(writer: LedgerWriter) -> None:
    tickets = [writer.append([a_fill(first + n) for n in range(1_100)]) for first in (0, 2_000, 4_000)]
    async with asyncio.timeout(30):
        await asyncio.gather(*(writer.durable(ticket) for ticket in reversed(tickets)))
