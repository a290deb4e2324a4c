"""History of others: what an account did, taken in from its export, equals the account to the last digit."""

from __future__ import annotations

import csv
import random
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from audit.forging import audited
from engine.conftest import Play
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scalpctl.core.exported_rows import Exported
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.errors import NotCanonical, UsageError
from scalpctl.host.clock import WallClock
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ledger.verification.verify import verify
from scalpctl.settings.loading import load
from scalpctl.wiring.alone import history, run, venue_of
from scalpctl.wiring.importing import Import, read_exports
from scalpctl.wiring.session import Listening

_SPEC = "SELECT inst_id, ct_val, ct_mult, lot_size FROM instruments"


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Play:
    play = Play(tmp_path_factory.mktemp("traded"), seed=11)
    play.session(4, flatten=True)
    return play


def _export(play: Play, folder: Path, *, seed: int = 1) -> list[Path]:
    """Write what an exchange's website would: other names, two rows in a hundred twice, in no order."""
    dice = random.Random(seed)
    fills = [
        {
            "Instrument": row["inst_id"], "Trade ID": row["trade_id"], "Order ID": row["order_id"],
            "Side": row["action"].title(), "Filled Price": row["price"], "Size": row["contracts"], "Fee": row["fee"],
            "Fee Unit": row["fee_ccy"], "Exec Type": "M" if row["liquidity"] == "maker" else "T",
            "PnL": row["exchange_pnl"], "Time": str(row["filled_at"] // 1_000),
        }
        for row in play.rows("SELECT * FROM fills")
    ]  # fmt: skip
    bills = [
        {
            "billId": row["bill_id"], "type": row["type"], "subType": row["sub_type"], "ccy": row["ccy"],
            "balChg": row["balance_change"], "bal": row["balance"], "instId": row["inst_id"] or "",
            "ordId": row["order_id"] or "", "tradeId": row["trade_id"] or "", "ts": str(row["billed_at"] // 1_000),
        }
        for row in play.rows("SELECT * FROM bills")
    ]  # fmt: skip
    paths = []
    for name, once in (("fills", fills), ("bills", bills)):
        rows = once + dice.choices(once, k=max(2, len(once) // 50))
        dice.shuffle(rows)
        with (folder / f"{name}.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        paths.append(folder / f"{name}.csv")
    return paths


def _specified(play: Play) -> dict[str, Instrument]:
    return {
        row["inst_id"]: Instrument(
            row["inst_id"], Decimal(row["ct_val"]), Decimal(row["ct_mult"]), Decimal("0.0001"),
            Decimal(row["lot_size"]), Decimal(row["lot_size"]),
        )
        for row in play.rows(_SPEC)
    }  # fmt: skip


def _import(play: Play, folder: LedgerFolder, files: list[Path]) -> Any:
    work = Import(folder, WallClock(), _specified(play))
    exported = read_exports(files, None)
    chosen, result = work.plan(exported)
    if chosen:
        work.write(chosen, exported, "a test")
    return result


_MONEY = (
    "SELECT inst_id, side, opened_at, closed_at, gross, fees, funding, net FROM closures ORDER BY closed_at, inst_id"
)


def test_an_export_with_duplicates_equals_the_account_it_came_from(traded: Play, tmp_path: Path) -> None:
    folder = LedgerFolder(tmp_path / "root", "demo", "history")
    result = _import(traded, folder, _export(traded, tmp_path))
    with LedgerReader(folder.ledger) as reader:
        ours = [tuple(_exact(value) for value in row.values()) for row in reader.rows(_MONEY)]
    theirs = [tuple(_exact(value) for value in row.values()) for row in traded.rows(_MONEY)]
    assert ours == theirs
    assert result.positions == len(theirs) > 10
    assert result.duplicates >= 4
    assert verify(folder.ledger).ok
    assert audited(folder.ledger) == {}


def _exact(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip("-")[:1].isdigit():
        return Decimal(value)
    return value // 1_000 if isinstance(value, int) else value  # exports know milliseconds


def test_importing_again_changes_nothing(traded: Play, tmp_path: Path) -> None:
    folder = LedgerFolder(tmp_path / "root", "demo", "history")
    files = _export(traded, tmp_path)
    first = _import(traded, folder, files)
    again = _import(traded, folder, _export(traded, tmp_path, seed=2))
    assert (again.positions, again.known) == (0, first.positions)
    own = _import(traded, traded.folder, files)
    assert own.positions == 0


def test_what_is_still_open_is_left_and_said(traded: Play, tmp_path: Path) -> None:
    files = _export(traded, tmp_path)
    rows = list(csv.DictReader(files[0].read_text().splitlines()))
    newest = max(rows, key=lambda row: int(row["Time"]))
    with files[0].open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(row for row in rows if row["Trade ID"] != newest["Trade ID"])
    result = _import(traded, LedgerFolder(tmp_path / "root", "demo", "history"), files)
    assert newest["Instrument"] in result.left_open


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "neither executions nor bills"),
        ("instId,tradeId,ordId,side,fillPx,fillSz,fee,ts\nBTC-USDT-SWAP,1,2,buy,NaN,1,0,1767600000000\n", "x.csv:2"),
        (
            "instId,tradeId,ordId,side,fillPx,fillSz,fee,ts\nBTC-USDT-SWAP,1,2,up,1,1,0,1767600000000\n",
            "neither buy nor",
        ),
        ("instId,tradeId,ordId,side,fillPx,fillSz,fee,ts\nBTC,1,2,buy,1,1,0,1767600000000\n", "x.csv:2"),
        ("instId,tradeId,ordId,side,fillPx,fillSz,fee,ts\nBTC-USDT-SWAP,1,2,buy,1,1,0,yesterday\n", "x.csv:2"),
        (
            "instId,tradeId,ordId,side,fillPx,fillSz,fee,ts\n"
            "BTC-USDT-SWAP,1,2,buy,1,1,0,1767600000000\nBTC-USDT-SWAP,1,2,buy,2,1,0,1767600000000\n",
            "twice with different numbers",
        ),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line_and_nothing_is_taken(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises((NotCanonical, UsageError)) as error:
        read_exports([path], None)
    assert said in error.value.message


def test_a_contract_nobody_specified_is_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        "instId,tradeId,ordId,side,fillPx,fillSz,fee,ts\n"
        "XRP-USDT-SWAP,1,2,buy,1,1,0,1767600000000\nXRP-USDT-SWAP,2,3,sell,1,1,0,1767600001000\n"
    )
    folder = LedgerFolder(tmp_path / "root", "demo", "history")
    with pytest.raises(UsageError, match="how many coins"):
        Import(folder, WallClock(), {}).plan(read_exports([path], None))


def test_the_exchange_itself_can_be_asked(traded: Play) -> None:
    venue = venue_of(load(None, {}), traded.folder, {}, WallClock(), Listening())
    fills, bills, instruments = run(venue, history(venue, Instant(0)))
    work = Import(traded.folder, WallClock(), {one.inst_id: one for one in instruments})
    chosen, result = work.plan(Exported(list(fills), list(bills)))
    assert chosen == []
    assert result.known == len(traded.rows("SELECT 1 FROM closures"))


def test_an_engine_begins_on_an_imported_history_and_its_cash_is_the_exchanges(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", seed=12, world="chop")
    play.session(1.0, flatten=True)
    (earned,) = play.rows("SELECT count(*) AS trades, dsum(net) AS net FROM closures")
    for path in (*play.folder.path.glob("ledger.db*"), play.folder.anchors):
        path.unlink()
    chosen = _import_from_exchange(play)
    assert chosen == earned["trades"]
    play.session(0.5)
    assert play.rows("SELECT posted_at FROM postings WHERE transaction_id = 'opening'")
    cash = Decimal(play.rows("SELECT dsum(amount) AS cash FROM postings WHERE account = 'cash'")[0]["cash"])
    account = next(iter(play.exchange().state.accounts.values()))
    assert cash == account.cash + sum((one.margin for one in account.positions.values()), Decimal(0))
    assert audited(play.folder.ledger) == {}
    play.session(0.5)
    assert audited(play.folder.ledger) == {}


def _import_from_exchange(play: Play) -> int:
    venue = venue_of(load(None, {}), play.folder, {}, WallClock(), Listening())
    fills, bills, instruments = run(venue, history(venue, Instant(0)))
    work = Import(play.folder, WallClock(), {one.inst_id: one for one in instruments})
    exported = Exported(list(fills), list(bills))
    chosen, _ = work.plan(exported)
    if chosen:
        work.write(chosen, exported, "the exchange")
    return len(chosen)


def test_what_is_imported_after_the_opening_is_cash_that_moved(tmp_path: Path) -> None:
    """A time in which no engine ran: its trades come in with their money."""
    play = Play(tmp_path / "root", seed=12, world="chop")
    play.session(0.2, flatten=True)
    before = (play.folder.ledger.read_bytes(), play.folder.anchors.read_bytes())
    play.session(1.0, flatten=True)
    for path in play.folder.path.glob("ledger.db*"):
        path.unlink()
    for path in play.folder.mirrors.glob("*"):
        path.unlink()
    for path, content in zip((play.folder.ledger, play.folder.anchors), before, strict=True):
        path.write_bytes(content)
    play.folder.ledger.chmod(0o600)
    assert _import_from_exchange(play) > 0
    cash = Decimal(play.rows("SELECT dsum(amount) AS cash FROM postings WHERE account = 'cash'")[0]["cash"])
    assert cash == next(iter(play.exchange().state.accounts.values())).cash


HEADS = (
    "instId,tradeId,ordId,side,fillPx,fillSz,fee,ts",
    "Instrument,Trade ID,Order ID,Side,Filled Price,Size,Fee,Fee Unit,Exec Type,PnL,Time",
    "billId,type,subType,ccy,balChg,bal,instId,ordId,tradeId,ts",
)
CELLS = st.one_of(
    st.sampled_from(
        ["", "BTC-USDT-SWAP", "buy", "Sell", "1", "-0.1", "1e5", "NaN", "2026-01-05 06:00:00", "1767600000000"]
    ),
    st.text(max_size=12),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(HEADS), st.lists(st.lists(CELLS, max_size=12), max_size=6), st.binary(max_size=30))
def test_no_file_breaks_the_reader_of_exports(tmp_path: Path, head: str, rows: list[list[str]], junk: bytes) -> None:
    path = tmp_path / "x.csv"
    with path.open("w", newline="", encoding="utf-8", errors="surrogatepass") as stream:
        stream.write(head + "\n")
        csv.writer(stream).writerows(rows)
    for content in (path.read_bytes(), path.read_bytes() + junk, junk):
        path.write_bytes(content)
        with suppress(UsageError):
            read_exports([path], None)
