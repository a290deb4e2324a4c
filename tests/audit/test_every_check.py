"""For each check a ledger that violates only it: exactly that check fires."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from audit.forging import Row, audited, bodies, drop, first, forged, insert, last, tampered
from engine.conftest import Play

from scalpctl.analysis.audit.catalogue import CHECKS

pytestmark = pytest.mark.whole

Change = Callable[[list[Row]], None]
MINUTE = 60_000_000


def _suspense(rows: list[Row]) -> None:
    insert(rows, "posted", _posting(rows, [("transfer", "1.5"), ("suspense", "-1.5")]))


def _posting(rows: list[Row], legs: list[tuple[str, str]]) -> Row:
    shown = [{"account": account, "ccy": "USDT", "amount": amount} for account, amount in legs]
    return first(rows, "posted") | {
        "transaction_id": "forged", "position_id": None, "source_kind": "bill", "source_id": "forged", "legs": shown,
    }  # fmt: skip


def _held_wrong(rows: list[Row]) -> None:
    closed = first(rows, "position_closed")["position_id"]
    insert(rows, "position_changed", {"position_id": closed, "contracts": "0.01"})


def _profits_swapped(rows: list[Row]) -> None:
    partial = first(rows, "partial_taken")["position_id"]
    reducing = [body for body in bodies(rows, "fill_seen", position_id=partial) if Decimal(body["exchange_pnl"])]
    one, other = reducing[0], reducing[-1]
    assert one is not other
    one["exchange_pnl"] = format(Decimal(one["exchange_pnl"]) + Decimal("0.01"), "f")
    other["exchange_pnl"] = format(Decimal(other["exchange_pnl"]) - Decimal("0.01"), "f")


def _funding_wrong(rows: list[Row]) -> None:
    closed = first(rows, "position_closed")
    closed["funding"] = format(Decimal(closed["funding"]) + 1, "f")
    closed["fees"] = format(Decimal(closed["fees"]) - 1, "f")


def _booked_elsewhere(rows: list[Row]) -> None:
    one, other = list(bodies(rows, "position_closed"))[:2]
    first(rows, "posted", position_id=one["position_id"])["position_id"] = other["position_id"]


def _fee_of_a_taker(rows: list[Row]) -> None:
    closing = next(body for body in bodies(rows, "fill_seen", liquidity="maker") if Decimal(body["exchange_pnl"]))
    closing["liquidity"] = "taker"


def _stranger(rows: list[Row]) -> None:
    insert(rows, "fill_seen", first(rows, "fill_seen") | {
        "trade_id": "forged", "order_id": "1", "client_id": "stranger", "position_id": None,
    }, before_end=40)  # fmt: skip


def _order(rows: list[Row], **changes: Any) -> Row:
    """Give an order to close a position that is flat already, long before the end."""
    closed = first(rows, "position_closed")
    return first(rows, "order_intended", role="close") | {
        "client_id": "forged", "position_id": closed["position_id"], "intended_at": closed["closed_at"] + 10 * MINUTE,
    } | changes  # fmt: skip


def _stuck(rows: list[Row]) -> None:
    insert(rows, "order_intended", _order(rows))


def _void_and_filled(rows: list[Row]) -> None:
    last(rows, "order_changed", state="filled")["state"] = "void"


def _closed_twice(rows: list[Row]) -> None:
    one = next(
        body
        for body in bodies(rows, "order_intended", role="close")
        if last(rows, "order_changed", client_id=body["client_id"])["finished_at"] > body["intended_at"] + 5
    )
    again = one | {"client_id": "forged", "intended_at": one["intended_at"] + 2}
    insert(rows, "order_intended", again, before_end=20)
    _finish(rows, again["intended_at"] + 2, "cancelled")


def _finish(rows: list[Row], at: int, state: str, **more: Any) -> None:
    insert(rows, "order_changed", {"client_id": "forged", "state": state, "finished_at": at} | more, before_end=10)


def _executed_less(rows: list[Row]) -> None:
    last(rows, "order_changed", state="filled")["filled_contracts"] = "0.001"


def _no_evidence(rows: list[Row]) -> None:
    first(rows, "position_closed")["evidence"] = {}


def _nobody_decided(rows: list[Row]) -> None:
    decided = first(rows, "decided", outcome="close")
    for body in bodies(rows, "decided", position_id=decided["position_id"], outcome="close"):
        body["winner"] = "nobody"


def _in_the_future(rows: list[Row]) -> None:
    first(rows, "fill_seen")["received_at"] += 400 * 24 * 60 * MINUTE


def _no_pulse(rows: list[Row]) -> None:
    beats = [row for row in rows if row["kind"] == "heartbeat"][40:43]
    rows[:] = [row for row in rows if row not in beats]


def _lost_lines(rows: list[Row]) -> None:
    at = first(rows, "heartbeat")["at"]
    known = first(rows, "connection_event", connection="public")
    for number in range(8):
        insert(rows, "connection_event", known | {"event": "lost", "at": at + number * 1_000_000}, before_end=10)


def _clock_off(rows: list[Row]) -> None:
    first(rows, "heartbeat")["clock_offset_us"] = 2_000_000


def _stop_never_ended(rows: list[Row]) -> None:
    one = first(rows, "protection_changed", state="released")["protection_id"]
    drop(rows, "protection_changed", protection_id=one, state="released")


def _bill_unmatched(rows: list[Row]) -> None:
    drop(rows, "bill_matched", bill_id=first(rows, "bill_matched", matched_to="internal:margin")["bill_id"])


def _drift_open(rows: list[Row]) -> None:
    drop(rows, "drift_explained", drift_id=first(rows, "drift_detected", kind="vanished")["drift_id"])


def _late_stop(rows: list[Row]) -> None:
    confirmed = next(body for body in bodies(rows, "protection_changed") if body.get("confirmed_at"))
    confirmed["confirmed_at"] += 20_000_000


def _slipped(rows: list[Row]) -> None:
    entry = first(rows, "entry_made")
    side = first(rows, "position_opened", position_id=entry["position_id"])["side"]
    factor = Decimal("0.99") if side == "long" else Decimal("1.01")
    entry["decision_price"] = format(Decimal(entry["decision_price"]) * factor, "f")


def _stop_that_won(rows: list[Row]) -> None:
    best = max(bodies(rows, "position_closed", closed_by="engine"), key=lambda body: Decimal(body["net"]))
    for body in bodies(rows, "decided", position_id=best["position_id"], winner=best["cause"]):
        body["winner"] = "stop_loss"
    best["cause"] = "stop_loss"


def _stale(rows: list[Row]) -> None:
    _gate(rows, "stale_price")["value"] = 9


def _gate(rows: list[Row], name: str) -> Row:
    gates = first(rows, "decided", outcome="enter")["gates"]
    return next(gate for gate in gates if gate["gate"] == name)


def _not_asked(rows: list[Row]) -> None:
    decided = first(rows, "decided", outcome="enter")
    decided["gates"] = [gate for gate in decided["gates"] if gate["gate"] != "spread"]


def _other_set(rows: list[Row]) -> None:
    first(rows, "decided", subject="exit")["parameters"]["set"] = "elsewhere"


def _config(rows: list[Row], **limits: Any) -> None:
    import json

    started = first(rows, "session_started")
    config = json.loads(started["config"])
    config["limits"] |= limits
    started["config"] = json.dumps(config)


def _out_of_bounds(rows: list[Row]) -> None:
    _config(rows, leverage_max=500)


def _too_large(rows: list[Row]) -> None:
    _config(rows, max_usd_size="10")


def _too_many(rows: list[Row]) -> None:
    _config(rows, positions_open_max=1)


def _went_on_after_a_lost_day(rows: list[Row]) -> None:
    _config(rows, daily_loss_ratio_max="0.001")


def _no_version(rows: list[Row]) -> None:
    last(rows, "order_intended", role="close")["inst_version"] = 9


def _latched(rows: list[Row]) -> None:
    started = first(rows, "session_started")
    latch = {
        "latch_id": "forged", "session_id": started["session_id"], "name": "daily_loss", "reason": "lost too much",
        "value": "60", "threshold": "50", "latched_at": started["started_at"],
    }  # fmt: skip
    insert(rows, "limit_latched", latch, before_end=len(rows) - 20)


def _crashed(rows: list[Row]) -> None:
    first(rows, "session_ended")["end_kind"] = "crashed"


def _short_of_margin(rows: list[Row]) -> None:
    first(rows, "margin_checked", trusted=True)["margin_ratio"] = "2.5"


def _slow_loop(rows: list[Row]) -> None:
    first(rows, "heartbeat")["loop_lag_us"] = 900_000


def _leaked(rows: list[Row]) -> None:
    first(rows, "session_ended")["end_reason"] = "OK-ACCESS-SIGN: abc"


def _other_code(rows: list[Row]) -> None:
    for body in bodies(rows, "session_started"):
        body["env"] = "demo"
    last(rows, "session_started")["code_digest"] = "e" * 64


def _cash_differs(rows: list[Row]) -> None:
    closed = first(rows, "position_closed")["position_id"]
    for leg in first(rows, "posted", position_id=closed)["legs"]:
        leg["amount"] = format(Decimal(leg["amount"]) * 2, "f")


def _rate_refused(rows: list[Row]) -> None:
    order = _order(rows)
    insert(rows, "order_intended", order, before_end=20)
    _finish(rows, order["intended_at"] + 1, "refused", refusal_code="50011", refusal="Too Many Requests")


def _no_code(rows: list[Row]) -> None:
    first(rows, "session_started")["code_digest"] = ""


def _closing_nothing(rows: list[Row]) -> None:
    order = _order(rows, position_id=None)
    insert(rows, "order_intended", order, before_end=20)
    _finish(rows, order["intended_at"] + 1, "cancelled")


def _unknown_cause(rows: list[Row]) -> None:
    closed = first(rows, "position_closed", closed_by="engine")
    closed["cause"] = closed["closed_by"] = "unknown"


FORGED: list[tuple[str, Change]] = [
    ("AU-05", _suspense), ("AU-08", _held_wrong), ("AU-09", _profits_swapped),
    ("AU-10", _funding_wrong), ("AU-11", _booked_elsewhere), ("AU-12", _fee_of_a_taker), ("AU-13", _stranger),
    ("AU-14", _stuck), ("AU-15", _void_and_filled), ("AU-16", _closed_twice), ("AU-17", _executed_less),
    ("AU-18", _no_evidence), ("AU-19", _nobody_decided), ("AU-20", _in_the_future), ("AU-21", _no_pulse),
    ("AU-22", _lost_lines), ("AU-23", _clock_off), ("AU-27", _stop_never_ended), ("AU-28", _bill_unmatched),
    ("AU-30", _drift_open), ("AU-31", _late_stop), ("AU-32", _slipped), ("AU-33", _stop_that_won), ("AU-34", _stale),
    ("AU-35", _not_asked), ("AU-36", _other_set), ("AU-37", _out_of_bounds), ("AU-38", _no_version),
    ("AU-39", _too_large), ("AU-39", _too_many),
    ("AU-39", _went_on_after_a_lost_day), ("AU-40", _latched), ("AU-41", _crashed), ("AU-42", _short_of_margin),
    ("AU-43", _slow_loop), ("AU-46", _leaked), ("AU-48", _other_code), ("AU-50", _cash_differs),
    ("AU-51", _rate_refused), ("AU-52", _no_code), ("AU-53", _closing_nothing), ("AU-54", _unknown_cause),
]  # fmt: skip

TAMPERED: list[tuple[str, str, set[str]]] = [
    ("AU-01", "UPDATE journal SET mono_ns = mono_ns + 1 WHERE seq = 9", set()),
    ("AU-03", "CREATE TABLE stray (a INTEGER REFERENCES journal (seq))", set()),
    ("AU-06", "UPDATE heartbeats SET inbox_length = 7 WHERE seq = (SELECT min(seq) FROM heartbeats)", set()),
    ("AU-05", "UPDATE postings SET amount = '7' WHERE account = 'transfer'", {"AU-06"}),
    ("AU-07", "UPDATE leverage_choices SET strength = '00.7'", {"AU-06"}),
    ("AU-10", "UPDATE closures SET fees = '7' WHERE seq = (SELECT min(seq) FROM closures)", {"AU-06"}),
]


@pytest.mark.parametrize(("name", "change"), FORGED, ids=[f"{name}{change.__name__}" for name, change in FORGED])
def test_exactly_the_check_that_is_violated_fires(
    name: str, change: Change, journal: list[Row], tmp_path: Path
) -> None:
    found = audited(forged(journal, tmp_path / "forged.db", change))
    assert set(found) == {name}, found
    assert len(found[name]) <= 60


@pytest.mark.parametrize(("name", "statement", "also"), TAMPERED, ids=[one[0] for one in TAMPERED])
def test_tampering_with_the_file_is_found(
    name: str, statement: str, also: set[str], played: Play, tmp_path: Path
) -> None:
    statements = ["PRAGMA foreign_keys=OFF", "PRAGMA ignore_check_constraints=ON", statement]
    if name == "AU-03":
        statements.append("INSERT INTO stray VALUES (999999999)")
    found = audited(tampered(played.folder.ledger, tmp_path / "tampered.db", *statements))
    assert set(found) == {name} | also, found


def test_a_missing_trigger_is_found(played: Play, tmp_path: Path) -> None:
    import sqlite3

    path = tampered(played.folder.ledger, tmp_path / "tampered.db")
    connection = sqlite3.connect(path)
    (name,) = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' LIMIT 1").fetchone()
    connection.execute(f"DROP TRIGGER {name}")
    connection.commit()
    connection.close()
    assert set(audited(path)) == {"AU-04"}


def test_every_check_has_a_test_of_its_own() -> None:
    elsewhere = {"AU-02", "AU-04", "AU-24", "AU-25", "AU-26", "AU-29", "AU-44", "AU-45", "AU-47", "AU-49"}
    assert {one.id for one in CHECKS} == {one[0] for one in FORGED} | {one[0] for one in TAMPERED} | elsewhere
    assert [one.id for one in sorted(CHECKS, key=lambda one: one.id)] == [f"AU-{n:02d}" for n in range(1, 55)]


def test_money_explained_long_ago_says_nothing_about_how_long_the_rest_has_waited(
    journal: list[Row], tmp_path: Path
) -> None:
    now = journal[-1]["ts_us"]

    def change(rows: list[Row]) -> None:
        for bill, amount, days in (("b1", "-1.5", 3), ("b1", "1.5", 3), ("b2", "-2", 0)):
            legs = [("transfer", amount.removeprefix("-") if amount[0] == "-" else f"-{amount}"), ("suspense", amount)]
            said = {
                "bill_id": bill,
                "transaction_id": f"forged {bill} {amount}",
                "posted_at": now - days * 1_440 * MINUTE,
            }
            insert(rows, "posted", _posting(rows, legs) | said)

    found = audited(forged(journal, tmp_path / "forged.db", change))
    assert found["AU-05"] == ["yellow suspense USDT: -2 USDT is unexplained"]


@pytest.mark.parametrize(("writer_id", "seen"), [(None, True), ("01AAAAAAAAAAAAAAAAAAAAAAAA", False)])
def test_time_goes_back_only_within_one_run(
    journal: list[Row], tmp_path: Path, writer_id: str | None, seen: object
) -> None:
    def change(rows: list[Row]) -> None:
        beat = [row for row in rows if row["kind"] == "heartbeat"][-3]
        beat["ts_us"] -= 10 * MINUTE
        beat["writer_id"] = writer_id or beat["writer_id"]  # what a dead writer left, taken in after the next lease

    found = audited(forged(journal, tmp_path / "forged.db", change))
    assert ("AU-20" in found) is seen


def test_the_unchanged_journal_is_clean(journal: list[Row], tmp_path: Path) -> None:
    assert audited(forged(journal, tmp_path / "same.db", lambda rows: None)) == {}
