"""Things as tests want them: sensible defaults, overridden by name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.money import Exact
from scalpctl.core.records import money, positions, sessions, trading
from scalpctl.core.records.base import Record
from scalpctl.core.records.money import LedgerAccount, Leg

T0 = Instant(1_795_162_530_123_000)
BTC = "BTC-USDT-SWAP"


def at(seconds: float) -> Instant:
    return Instant(T0 + round(seconds * 1_000_000))


def an_instrument(**changes: Any) -> Instrument:
    fields: dict[str, Any] = {
        "inst_id": BTC,
        "ct_val": Decimal("0.01"),
        "ct_mult": Decimal(1),
        "tick_size": Decimal("0.1"),
        "lot_size": Decimal("0.01"),
        "min_contracts": Decimal("0.01"),
        "leverage_max": Decimal(100),
        "inst_id_code": 10459,
    }
    return Instrument(**(fields | changes))


def a_session(session_id: str = "S1", **changes: Any) -> sessions.SessionStarted:
    fields: dict[str, Any] = {
        "session_id": session_id, "env": "sim", "account": "main", "started_at": T0, "config_digest": "c" * 64,
        "config": "env: sim", "code_version": "0.1.0", "code_digest": "d" * 64, "seed": 7,
    }  # fmt: skip
    return sessions.SessionStarted(**(fields | changes))


def a_fill(number: int = 1, **changes: Any) -> trading.FillSeen:
    fields: dict[str, Any] = {
        "inst_id": BTC, "trade_id": f"t{number}", "order_id": f"9{number:08d}", "client_id": f"c{number}",
        "position_id": "P1", "action": "buy", "position_side": None, "price": "50000.1", "contracts": "0.12",
        "coins": "0.0012", "fee": "-0.0120000024", "fee_ccy": "USDT", "liquidity": "maker", "exchange_pnl": "0",
        "sub_type": "", "category": "normal", "bill_id": f"b{number}", "decision_price": "50000", "slippage": "0.1",
        "source": "ws", "filled_at": at(number), "received_at": at(number + 0.05),
    }  # fmt: skip
    return trading.FillSeen(**(fields | changes))


def an_order(client_id: str = "c1", **changes: Any) -> trading.OrderIntended:
    fields: dict[str, Any] = {
        "client_id": client_id, "session_id": "S1", "position_id": "P1", "decision_id": "D1", "role": "entry",
        "inst_id": BTC, "inst_version": 1, "action": "buy", "position_side": None, "order_type": "post_only",
        "price": "50000.1", "contracts": "0.12", "post_only": True, "reduce_only": False, "margin_mode": "isolated",
        "decision_price": "50000", "intended_at": at(0.5), "expires_at": at(2.5),
    }  # fmt: skip
    return trading.OrderIntended(**(fields | changes))


def a_transaction(
    name: str = "fill:t1", amounts: tuple[str, ...] = ("-0.012", "0.012"), **changes: Any
) -> money.Posted:
    accounts = (LedgerAccount.CASH, LedgerAccount.FEE, LedgerAccount.PNL)
    legs = tuple(
        Leg(account=account, ccy="USDT", amount=Exact(amount))
        for account, amount in zip(accounts, amounts, strict=False)
    )
    fields: dict[str, Any] = {
        "transaction_id": name, "reason": "fill", "position_id": "P1", "inst_id": BTC, "source_kind": "fill",
        "source_id": name, "bill_id": None, "posted_at": at(1), "legs": legs,
    }  # fmt: skip
    return money.Posted(**(fields | changes))


def a_position(position_id: str = "P1", **changes: Any) -> positions.PositionOpened:
    fields: dict[str, Any] = {
        "position_id": position_id, "session_id": "S1", "inst_id": BTC, "side": "long", "margin_mode": "isolated",
        "origin": "engine", "opened_at": at(1), "parameter_set": "base",
    }  # fmt: skip
    return positions.PositionOpened(**(fields | changes))


def a_closure(position_id: str = "P1", **changes: Any) -> positions.PositionClosed:
    fields: dict[str, Any] = {
        "position_id": position_id, "session_id": "S1", "inst_id": BTC, "side": "long", "cause": "trailing_stop",
        "closed_by": "engine", "evidence": {"seq": [3]}, "pre_close": {"regime": "ranging"}, "contracts": "0.12",
        "entry_price": "50000.1", "exit_price": "50200.3", "gross": "0.24024", "fees": "0.024048048", "funding": "0",
        "net": "0.216191952", "maker_share": "1", "mae": "-0.0011", "mfe": "0.0052", "leverage": "10",
        "regime": "ranging", "held_us": 246_000_000, "opened_at": at(1), "closed_at": at(247),
    }  # fmt: skip
    return positions.PositionClosed(**(fields | changes))


def a_partial(partial_id: str = "X1", **changes: Any) -> positions.PartialTaken:
    fields: dict[str, Any] = {
        "partial_id": partial_id, "position_id": "P1", "inst_id": BTC, "side": "long", "client_id": "c2",
        "decision_id": None, "taken_contracts": "0.06", "taken_coins": "0.0006", "taken_ratio": "0.5",
        "remaining_contracts": "0.06", "remaining_coins": "0.0006", "gross": "0.12", "fees": "0.006", "net": "0.114",
        "entry_price": "50000.1", "exit_price": "50200.1", "held_us": 120_000_000, "reason": "ladder",
        "taken_at": at(121),
    }  # fmt: skip
    return positions.PartialTaken(**(fields | changes))


def one_of_each() -> list[Record]:
    """A small life in which every kind of record occurs once, in an order the ledger accepts."""
    unknown = {"regime": "ranging", "n": "1.50"}
    return [
        a_session(),
        trading.InstrumentSpecified(
            inst_id=BTC, version=1, ct_val="0.01", ct_mult="1", lot_size="0.01", min_contracts="0.01", tick_size="0.1",
            settle_ccy="USDT", leverage_max="100", state="live", valid_from_at=T0,
        ),
        trading.Decided(
            decision_id="D1", session_id="S1", position_id=None, inst_id=BTC, decided_at=at(0.4), subject="entry",
            outcome="enter", winner="momentum", verdicts=[{"rule": "momentum", "value": "0.7"}], gates=[unknown],
            evidence=unknown, parameters=unknown,
        ),
        positions.LeverageChosen(
            session_id="S1", position_id="P1", inst_id=BTC, at=at(0.4), strength="0.7", regime_multiplier="1",
            volatility_multiplier="0.9", adjusted_strength="0.63", category="medium", requested="12", capped="10",
            granted="10", working=unknown,
        ),
        an_order(),
        trading.OrderChanged(client_id="c1", state="live", order_id="900000001", acked_at=at(0.6)),
        a_position(),
        a_fill(),
        a_transaction(),
        positions.EntryMade(
            entry_id="E1", position_id="P1", client_id="c1", decision_id="D1", signal="momentum", strength="0.7",
            regime="ranging", sizing=unknown, leverage_requested="12", leverage_granted="10", margin="0.6",
            decision_price="50000", average_price="50000.1", contracts="0.12", fees="0.012", entered_at=at(1),
        ),
        positions.PositionChanged(position_id="P1", contracts="0.12", entry_price="50000.1", leverage="10"),
        trading.ProtectionPlaced(
            protection_id="A1", position_id="P1", inst_id=BTC, kind="stop_full", trigger_price="49800",
            trigger_type="mark", callback_ratio=None, active_price=None, placed_at=at(1.1),
        ),
        trading.ProtectionChanged(
            protection_id="A1", state="live", algo_id="77", confirmed_at=at(1.4), trail_state={"high": "50100"}
        ),
        positions.MarginChecked(
            session_id="S1", position_id="P1", inst_id=BTC, at=at(2), margin_ratio="25.5",
            margin_ratio_recomputed="25.4",
            liquidation_price="45000", mark_price="50010", imr="0.6", mmr="0.024", trusted=True, why="fresh",
            components=unknown,
        ),
        a_partial(),
        money.BillMirrored(
            bill_id="b1", type="2", sub_type="1", ccy="USDT", balance_change="-0.012", balance="999.988", inst_id=BTC,
            order_id="900000001", trade_id="t1", billed_at=at(1),
        ),
        money.BillMatched(bill_id="b1", matched_to="fill:t1", matched_at=at(3)),
        money.DriftDetected(
            drift_id="R1", session_id="S1", kind="resized", inst_id=BTC, position_id="P1", ours={"contracts": "0.12"},
            theirs={"contracts": "0.10"}, detected_at=at(100), action="wait",
        ),
        money.DriftExplained(
            drift_id="R1", cause="manual_close", confidence="proven", evidence={"order": "1"}, explained_at=at(104),
            resolved_at=at(105),
        ),
        sessions.HeartbeatNoted(
            session_id="S1", at=at(30), loop_lag_us=120, commit_p99_us=900, wal_bytes=4096, rss_bytes=50_000_000,
            open_files=12, inbox_length=0, clock_offset_us=-40, channel_ages={"tickers": 120},
        ),
        sessions.ConnectionNoted(
            session_id="S1", at=at(31), connection="public", event="ready", detail={"attempt": 1}
        ),
        sessions.LimitLatched(
            latch_id="L1", session_id="S1", name="daily_loss", reason="lost too much", value="20.5", threshold="20",
            latched_at=at(200),
        ),
        sessions.LimitCleared(latch_id="L1", cleared_at=at(300), cleared_by="ann", clear_reason="new day"),
        sessions.OperatorCommanded(
            command_id="O1", session_id="S1", command="pause", arguments={}, operator="ann", commanded_at=at(210),
            outcome="done",
        ),
        a_closure(),
        money.Corrected(wrong_seq=2, reason="wrong tick", corrected_by="ann", corrected_at=at(400)),
        sessions.SessionEnded(session_id="S1", ended_at=at(500), end_kind="clean", end_reason="asked"),
    ]  # fmt: skip
