"""Does the ledger match the exchange, who closed it, and what is done about it: asked from the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from engine.conftest import Play, until

from scalpctl.analysis.reconcile import Finding, confirmed
from scalpctl.analysis.statement import statement
from scalpctl.cli.app import run
from scalpctl.core.instants import Instant
from scalpctl.host.hand_clock import HandClock
from scalpctl.ledger.reading import LedgerReader
from scalpctl.simulator.serving.host import Host
from scalpctl.simulator.serving.store import Store
from scalpctl.wiring.memory import remembered


def asked(play: Play, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = run(["--root", str(play.root), "--json", *arguments])
    return code, json.loads(capsys.readouterr().out or "{}").get("data")


def holding(play: Play) -> None:
    """Play until a position is open, and stop there."""

    async def beside(session: Any) -> None:
        context = session.machine.context
        await until(session, lambda: any(desk.holding and desk.holding.entered for desk in context.desks.values()))
        session.stop.set()

    play.session(2, beside)


def behind_its_back(play: Play, action: str, **arguments: str) -> None:
    """Let somebody act while no engine runs."""
    exchange = play.exchange()
    host = Host(exchange, HandClock(Instant(exchange.now)), Store(play.folder.path))
    host.exchange.advance(exchange.now + 60_000_000)
    assert host.others(action, arguments)
    host.exchange.advance(exchange.now + 5_000_000)
    host.close()


def test_equal_books_are_said_to_be_equal_with_every_bill_matched(
    play: Play, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    play.session(0.5)
    code, found = asked(play, capsys, "reconcile", "--statement")
    assert code == 0
    assert found["findings"] == []
    proof = found["statement"]
    assert (proof["orphan_bills"], proof["orphan_postings"]) == ([], [])
    assert proof["matched"] == len(play.rows("SELECT bill_id FROM bills"))
    assert float(proof["closing"]) == float(proof["exchange_cash"])


def test_a_part_of_the_time_is_proven_as_well(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    play.session(0.6)
    code, found = asked(play, capsys, "reconcile", "--statement", "--since", "20m")
    assert code == 0
    assert found["statement"]["since"] > 0
    assert float(found["statement"]["opening"]) > 0


@pytest.mark.parametrize(
    ("action", "cause"), [("manual-close", "manual"), ("liquidate", "liquidation"), ("adl", "auto_deleveraged")]
)
def test_what_happened_behind_its_back_is_planned_and_then_booked_with_its_cause(
    play: Play, capsys: pytest.CaptureFixture[str], action: str, cause: str
) -> None:  # fmt: skip
    holding(play)
    before = len(play.rows("SELECT seq FROM journal"))
    behind_its_back(play, action)
    code, found = asked(play, capsys, "reconcile")
    assert code == 1
    kinds = {one["kind"] for one in found["findings"]}
    assert {"position_vanished", "fill_missing_here", "balance_gap"} <= kinds
    assert len(play.rows("SELECT seq FROM journal")) == before
    refused, _ = asked(play, capsys, "reconcile", "--apply", "0123456789abcdef")
    assert refused == 64
    code, after = asked(play, capsys, "reconcile", "--apply", found["plan_digest"])
    assert (code, after["findings"]) == (0, [])
    play.check()
    (closure,) = play.rows("SELECT * FROM closures WHERE cause = ?", cause)
    assert closure["exit_price"] is not None
    again, _ = asked(play, capsys, "reconcile", "--policy", "apply")
    assert again == 0


def test_a_position_somebody_opened_is_adopted_and_protected(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    play.session(0.05)
    behind_its_back(play, "manual-open", instrument="SOL-USDT", contracts="2", side="sell")
    code, found = asked(play, capsys, "reconcile")
    assert code == 1
    assert {"position_appeared", "missing_stop"} <= {one["kind"] for one in found["findings"]}
    exchange = play.exchange()
    exchange.advance(exchange.now + 20_000_000)  # its price moves, and so does what it is worth
    Store(play.folder.path).save(exchange.snapshot())
    code, after = asked(play, capsys, "reconcile", "--apply", found["plan_digest"])
    assert (code, after["findings"]) == (0, [])
    play.check()


def test_beside_an_engine_what_counts_is_what_two_pictures_show() -> None:
    gone, late, new = (Finding(kind, "red", "BTC-USDT-SWAP", None, None, "") for kind in ("a", "b", "c"))
    moved = Finding("b", "red", "BTC-USDT-SWAP", None, {"contracts": "2"}, "")
    assert confirmed([gone, late], [moved, new]) == [moved]
    assert confirmed([gone], []) == []


def test_a_withdrawal_is_booked_as_what_it_is(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    play.session(0.05)
    behind_its_back(play, "transfer", amount="-25")
    assert asked(play, capsys, "reconcile")[0] == 1
    assert asked(play, capsys, "reconcile", "--policy", "apply")[0] == 0
    (row,) = play.rows("SELECT amount FROM postings WHERE account = 'transfer' AND amount = '25'")
    assert row["amount"] == "25"


def test_positions_close_and_health_work_without_an_engine(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    holding(play)
    code, rows = asked(play, capsys, "positions")
    assert code == 0
    assert {row["drift"] for row in rows} == {"none"}
    assert all(row["protection"] == "protected" for row in rows)
    code, planned = asked(play, capsys, "close", "--all", "--dry-run")
    assert code == 0
    assert planned["would_close"] != "nothing is open"
    code, closed = asked(play, capsys, "close", "--all", "--yes")
    assert (code, closed["state"]) == (0, "closed")
    assert {one["cause"] for one in closed["closed"]} == {"operator"}
    assert asked(play, capsys, "positions") == (0, [])
    assert asked(play, capsys, "close", "BTC-USDT", "--yes")[1]["state"] == "already_flat"
    assert run(["--root", str(play.root), "health"]) == 3
    play.check()


def _unexplained(play: Play, **named: str) -> str:
    """Leave a bill in suspense that nothing will ever explain, and that may name a trade nobody ever made."""
    behind_its_back(play, "transfer", amount="5")
    exchange = play.exchange()
    host = Host(exchange, HandClock(Instant(exchange.now)), Store(play.folder.path))
    account = next(iter(host.exchange.state.accounts.values()))
    strange = next(bill for bill in account.bills if bill.type == "1" and bill is not account.bills[0])
    strange.type, strange.sub_type = "99", "1"
    for name, value in named.items():
        setattr(strange, name, value)
    host.close()
    play.session(0.1)
    (row,) = play.rows("SELECT drift_id FROM drifts WHERE kind = 'unmatched_bill'")
    return str(row["drift_id"])


def test_what_nothing_explains_leaves_suspense_only_with_a_reason(
    play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    play.session(0.2)
    drift = _unexplained(play)
    assert play.rows("SELECT amount FROM postings WHERE account = 'suspense'")
    assert asked(play, capsys, "reconcile", "resolve", drift)[0] == 64
    assert asked(play, capsys, "reconcile", "resolve", drift, "--reason", "x", "--to", "cash")[0] == 64
    assert asked(play, capsys, "reconcile", "resolve", "nosuch", "--reason", "x")[0] == 64
    code, done = asked(play, capsys, "reconcile", "resolve", drift, "--reason", "a bonus of the exchange")
    assert (code, done["resolved"], done["booked"]) == (0, drift, "5 to transfer")
    (row,) = play.rows("SELECT resolved_at, evidence FROM drifts WHERE drift_id = ?", drift)
    assert row["resolved_at"]
    assert "a bonus of the exchange" in row["evidence"]
    (left,) = play.rows("SELECT dsum(amount) AS amount FROM postings WHERE account = 'suspense'")
    assert float(left["amount"]) == 0
    assert asked(play, capsys, "reconcile", "--statement")[0] == 0
    assert asked(play, capsys, "reconcile", "resolve", drift, "--reason", "again")[0] == 64


def test_an_execution_that_a_person_has_stopped_looking_for_is_not_looked_for_again(
    play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    play.session(0.2)
    drift = _unexplained(play, inst_id="BTC-USDT-SWAP", order_id="5", trade_id="6")
    with LedgerReader(play.folder.ledger) as reader:
        assert list(remembered(reader).suspended) == [("BTC-USDT-SWAP", "6", "5")]
    assert asked(play, capsys, "reconcile", "resolve", drift, "--reason", "they have no record of it")[0] == 0
    with LedgerReader(play.folder.ledger) as reader:
        assert not remembered(reader).suspended


@pytest.mark.parametrize(("policy", "left"), [("flatten", 0), ("protect", 1)])
def test_cron_treats_a_position_that_appeared_as_it_was_told(
    policy: str, left: int, play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    play.session(0.1, flatten=True)
    behind_its_back(play, "manual-open", instrument="SOL-USDT-SWAP", side="buy", contracts="2")
    assert asked(play, capsys, "reconcile", "--policy", "observe")[0] == 1
    asked(play, capsys, "reconcile", "--policy", policy)
    assert len(play.rows("SELECT 1 FROM positions WHERE state <> 'closed'")) == left
    assert asked(play, capsys, "reconcile")[0] == 0
    play.check()


def test_what_is_older_than_the_archives_is_said_to_be_unproven(play: Play) -> None:
    play.session(0.8, flatten=True)
    later = play.exchange().now + 1
    with LedgerReader(play.folder.ledger) as reader:
        (cash,) = reader.rows("SELECT dsum(amount) AS cash, count(*) AS n FROM postings WHERE account = 'cash'")
        proof = statement(reader, {"since": later, "cash": cash["cash"], "bills": [], "fills": []})
    assert proof.holds
    assert proof.postings_before == cash["n"] > 0


def test_another_margin_mode_has_a_leverage_of_its_own(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    holding(play)
    play.config = "exchange: {margin_mode: cross}\n"
    play.session(0.7)
    assert asked(play, capsys, "reconcile")[0] == 0
    play.check()


def test_orders_somebody_keeps_in_the_book_are_theirs_and_no_finding(
    play: Play, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    play.session(0.1)
    for ratio in ("0.05", "0.06"):
        behind_its_back(
            play, "manual-order", instrument="SOL-USDT-SWAP", side="buy", contracts="1", ratio=ratio, reduce="no"
        )
    play.session(0.1)
    kept = play.rows("SELECT theirs, cause, resolved_at FROM drifts WHERE kind = 'orphan_order'")
    assert len(kept) == 2
    assert {row["cause"] for row in kept} == {"manual"}
    assert all(row["resolved_at"] for row in kept)
    code, found = asked(play, capsys, "reconcile")
    assert (code, found["findings"]) == (0, [])
    assert [(one["action"], one["contracts"]) for one in found["others_orders"]] == [("buy", "1")] * 2
    assert asked(play, capsys, "audit", "--online")[0] == 0
    play.check()
