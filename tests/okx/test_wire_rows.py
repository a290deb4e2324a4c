"""Rows: exact names, exact text, blanks, strangers."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalpctl.core.costs import Fees
from scalpctl.core.exchange.reports import FlatReport, PositionReport
from scalpctl.core.exchange.requests import MarginMode
from scalpctl.core.money import Contracts
from scalpctl.core.sides import Action, Side
from scalpctl.errors import AnswerMalformed
from scalpctl.okx.wire import account, algos, market, orders
from scalpctl.okx.wire.algo_reports import algo_report
from scalpctl.okx.wire.base import wire_name
from scalpctl.okx.wire.codec import decode, encode
from scalpctl.okx.wire.quotes import funding_rate, instrument, maintenance, price_limit, ticker
from scalpctl.okx.wire.reports import (
    account_report,
    balance_reports,
    bill_report,
    fees,
    fill_in_push,
    fill_report,
    lacks_fill,
    order_report,
    position_report,
)

ROWS = {
    "order_push": orders.OrderPush,
    "position": account.PositionRow,
    "fill": orders.FillRow,
    "algo": algos.AlgoRow,
    "bill": account.BillRow,
    "config": account.AccountConfigRow,
    "instrument": market.InstrumentRow,
    "ticker": market.TickerRow,
    "funding": market.FundingRow,
    "balance": account.BalanceRow,
}


def read(kind: type[Any], shape: dict[str, Any]) -> Any:
    return decode(kind, json.dumps(shape).encode())


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("open_24h", "open24h"), ("cl_ord_id", "clOrdId"), ("from_", "from"), ("sod_utc8", "sodUtc8"), ("px", "px")],
)
def test_names_are_spelled_as_the_exchange_spells_them(ours: str, theirs: str) -> None:
    assert wire_name(ours) == theirs


@pytest.mark.parametrize("name", ROWS)
def test_every_documented_value_that_is_kept_survives_a_round_trip_unchanged(documented: Any, name: str) -> None:
    shape = getattr(documented, name)
    again = json.loads(encode(read(ROWS[name], shape)))
    kept = {key: value for key, value in again.items() if key in shape}
    if name == "balance":
        kept["details"] = [{k: v for k, v in d.items() if k in shape["details"][0]} for d in kept["details"]]
    assert kept == {key: value for key, value in shape.items() if key in kept}
    assert len(kept) > len(shape) * 0.6


@pytest.mark.parametrize("name", ROWS)
def test_b18_unknown_fields_are_skipped(documented: Any, name: str) -> None:
    shape = documented.but(name, someNewField={"a": [1, None]}, anotherOne="x")
    assert read(ROWS[name], shape) == read(ROWS[name], getattr(documented, name))


def test_b18_unknown_members_are_carried(documented: Any) -> None:
    order = order_report(read(orders.OrderRow, documented.but("order_push", state="resting", category="new_thing")))
    assert (order.state, order.category) == ("resting", "new_thing")
    spec = instrument(read(market.InstrumentRow, documented.but("instrument", state="settling")))
    assert spec is not None
    assert spec.state == "settling"


@given(data=st.data())
def test_b10_a_blank_number_is_unavailable_never_zero(documented: Any, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["avgPx", "markPx", "lever", "liqPx", "margin", "mmr", "mgnRatio", "upl"]))
    blank = data.draw(st.sampled_from(["", None, ...]))
    report = position_report(read(account.PositionRow, documented.but("position", **{name: blank})))
    assert isinstance(report, PositionReport)
    fields = {
        "avgPx": report.average_price, "markPx": report.mark_price, "lever": report.leverage, "mmr": report.mmr,
        "liqPx": report.liquidation_price, "margin": report.margin, "mgnRatio": report.margin_ratio,
        "upl": report.unrealised,
    }  # fmt: skip
    assert fields[name] is None


@pytest.mark.parametrize("required", ["pos", "uTime"])
def test_b10_a_position_without_what_makes_it_one_is_refused(documented: Any, required: str) -> None:
    with pytest.raises(AnswerMalformed):
        position_report(read(account.PositionRow, documented.but("position", **{required: ""})))


@given(
    data=st.data(),
    junk=st.one_of(st.none(), st.text(max_size=8), st.integers(), st.booleans(), st.lists(st.integers(), max_size=2)),
)
def test_b10_whatever_a_field_holds_a_reading_gives_a_report_or_says_malformed(
    documented: Any, data: st.DataObject, junk: Any
) -> None:
    readers = {
        "position": (account.PositionRow, position_report),
        "fill": (orders.FillRow, lambda row: fill_report(row, "fills")),
        "order_push": (orders.OrderPush, order_report),
        "bill": (account.BillRow, bill_report),
        "algo": (algos.AlgoRow, algo_report),
        "balance": (account.BalanceRow, balance_reports),
        "ticker": (market.TickerRow, ticker),
        "instrument": (market.InstrumentRow, instrument),
        "funding": (market.FundingRow, funding_rate),
    }
    name = data.draw(st.sampled_from(sorted(readers)))
    field = data.draw(st.sampled_from(sorted(getattr(documented, name))))
    kind, reader = readers[name]
    with suppress(AnswerMalformed):
        reader(read(kind, documented.but(name, **{field: junk})))


@pytest.mark.parametrize(
    ("pos", "named", "side", "size"),
    [("25", "net", Side.LONG, "25"), ("-25", "net", Side.SHORT, "25"), ("25", "short", Side.SHORT, "25")],
)
def test_b9_both_position_modes_name_one_side(documented: Any, pos: str, named: str, side: Side, size: str) -> None:
    report = position_report(read(account.PositionRow, documented.but("position", pos=pos, posSide=named)))
    assert isinstance(report, PositionReport)
    assert (report.side, report.contracts, report.net_mode) == (side, Contracts(size), named == "net")


@pytest.mark.parametrize(
    ("pos", "named", "side"), [("0", "net", None), ("0", "short", Side.SHORT), ("-0", "net", None)]
)
def test_b9_zero_is_flat_in_both_modes(documented: Any, pos: str, named: str, side: Side | None) -> None:
    report = position_report(read(account.PositionRow, documented.but("position", pos=pos, posSide=named, avgPx="")))
    assert isinstance(report, FlatReport)
    assert report.side is side


def test_an_odd_side_is_an_error_not_a_long(documented: Any) -> None:
    with pytest.raises(AnswerMalformed):
        position_report(read(account.PositionRow, documented.but("position", posSide="both")))
    with pytest.raises(AnswerMalformed):
        order_report(read(orders.OrderRow, documented.but("order_push", side="")))


def test_an_order_push_gives_the_order_and_its_fill(documented: Any) -> None:
    row = read(orders.OrderPush, documented.order_push)
    order, fill = order_report(row), fill_in_push(row)
    assert (order.order_id, order.client_id, order.reduce_only) == ("900000000000000007", "sc0000000007", True)
    assert fill is not None
    assert (fill.trade_id, fill.price, fill.contracts) == ("150000009", Decimal(65000), Contracts("10"))
    assert (fill.fee, fill.pnl, fill.liquidity, fill.action) == (Decimal("-1.3"), Decimal(100), "maker", Action.SELL)


@pytest.mark.parametrize("trade_id", ["", "0"])
def test_a_fill_without_an_id_is_not_taken_from_the_push_but_asked_for(documented: Any, trade_id: str) -> None:
    row = read(orders.OrderPush, documented.but("order_push", tradeId=trade_id, category="adl"))
    assert fill_in_push(row) is None
    assert lacks_fill(row)


def test_a_fill_row_without_a_trade_id_gets_the_same_id_every_time(documented: Any) -> None:
    first = fill_report(read(orders.FillRow, documented.but("fill", tradeId="")), "fills")
    again = fill_report(read(orders.FillRow, documented.but("fill", tradeId="")), "fills")
    other = fill_report(read(orders.FillRow, documented.but("fill", tradeId="", billId="82")), "fills")
    assert first.trade_id == again.trade_id != other.trade_id


def test_the_average_of_an_unfilled_order_is_unavailable(documented: Any) -> None:
    row = read(orders.OrderPush, documented.but("order_push", avgPx="0", accFillSz="0", fillSz="0", tradeId=""))
    assert order_report(row).average_price is None
    assert fill_in_push(row) is None


def test_isolated_bills_keep_the_change_at_the_position(documented: Any) -> None:
    report = bill_report(read(account.BillRow, documented.but("bill", balChg="0", posBalChg="-1.62", posBal="1598.38")))
    assert (report.balance_change, report.position_balance_change) == (Decimal(0), Decimal("-1.62"))


def test_account_and_balance_are_read(documented: Any) -> None:
    setup = account_report(read(account.AccountConfigRow, documented.config))
    assert (setup.permissions, setup.level, setup.ip) == (("read_only", "trade"), "2", "")
    (usdt,) = balance_reports(read(account.BalanceRow, documented.balance))
    assert (usdt.ccy, usdt.equity, usdt.margin_ratio) == ("USDT", Decimal("10090.7"), None)


def test_a_conditional_order_is_read(documented: Any) -> None:
    report = algo_report(read(algos.AlgoRow, documented.algo))
    assert (report.stop_trigger, report.take_trigger, report.trigger_type) == (Decimal(63500), None, "mark")
    assert (report.order_id, report.kind, report.reduce_only) == ("900000000000000021", "conditional", True)


@pytest.mark.parametrize("inst_id", ["BTC-USDT", "BTC-USDT-260327", "btc-usdt-swap", "BTC-USDT-SWAP-X", ""])
def test_g7_only_exact_instrument_ids_are_swaps(documented: Any, inst_id: str) -> None:
    assert instrument(read(market.InstrumentRow, documented.but("instrument", instId=inst_id))) is None


@pytest.mark.parametrize("change", [{"ctType": "inverse"}, {"instType": "FUTURES"}, {"ctVal": ""}, {"tickSz": "0"}])
def test_what_cannot_be_priced_is_not_an_instrument(documented: Any, change: dict[str, str]) -> None:
    assert instrument(read(market.InstrumentRow, documented.but("instrument", **change))) is None


def test_the_instrument_code_is_kept(documented: Any) -> None:
    spec = instrument(read(market.InstrumentRow, documented.instrument))
    assert spec is not None
    assert (spec.inst_id_code, spec.tick_size, spec.leverage_max) == (10459, Decimal("0.1"), Decimal(100))


RATES = {"groupId": "4", "maker": "-0.0002", "taker": "-0.0005"}


@pytest.mark.parametrize(
    ("table", "group", "expected"),
    [
        ({"feeGroup": [RATES, RATES | {"groupId": "5", "taker": "-0.0007"}]}, "5", ("0.0002", "0.0007")),
        ({"feeGroup": [RATES], "makerU": "-0.0001", "takerU": "-0.0004"}, "4", ("0.0002", "0.0005")),
        ({"feeGroup": [RATES], "makerU": "-0.0001", "takerU": "-0.0004"}, "5", ("0.0001", "0.0004")),
        ({"feeGroup": [RATES | {"maker": "0.00005"}]}, "4", ("-0.00005", "0.0005")),
        ({"feeGroup": [RATES]}, "", ("0.0002", "0.0005")),
        ({"feeGroup": [RATES, RATES | {"groupId": "5"}]}, "", None),
        ({"feeGroup": [RATES], "makerU": "", "takerU": ""}, "5", None),
        ({"feeGroup": [RATES | {"taker": ""}]}, "4", None),
        ({"feeGroup": [RATES | {"taker": "-5"}]}, "4", None),
    ],
)
def test_rates_are_those_of_the_instruments_own_group_and_none_are_made_up(
    table: dict[str, Any], group: str, expected: tuple[str, str] | None
) -> None:
    told = fees(read(account.TradeFeeRow, table), group)
    assert told == (expected and Fees(Decimal(expected[0]), Decimal(expected[1])))


@pytest.mark.parametrize(
    ("env", "demo", "ours"),
    [
        ("1", False, True),
        ("2", False, False),
        ("1", True, False),
        ("2", True, True),
        ("", False, True),
        ("", True, True),
    ],
)
def test_maintenance_of_the_other_environment_is_not_ours(env: str, *, demo: bool, ours: bool) -> None:
    row = market.StatusRow(state="scheduled", begin="1795162530000", end="1795162590000", service_type="5", env=env)
    assert (maintenance(row, demo=demo) is not None) is ours


def test_a_ticker_keeps_the_exchanges_text(documented: Any) -> None:
    quote = ticker(read(market.TickerRow, documented.ticker))
    assert quote is not None
    assert (quote.ask_text, quote.ask, quote.exchange_at) == ("64000.10", 64000.1, 1_795_162_530_456_000)


@pytest.mark.parametrize("price", ["", None, "0", "-1", "NaN", "Infinity", "1e999"])
@pytest.mark.parametrize("field", ["last", "bidPx", "askPx"])
def test_a_price_that_cannot_be_is_no_information(documented: Any, field: str, price: str | None) -> None:
    assert ticker(read(market.TickerRow, documented.but("ticker", **{field: price}))) is None


def test_a_price_limit_that_is_off_is_no_limit() -> None:
    row = market.PriceLimitRow(inst_id="BTC-USDT-SWAP", buy_lmt="", sell_lmt="", ts="1795162530000", enabled=False)
    assert price_limit(row).buy_max_text is None


@pytest.mark.parametrize("text", ["1795162530", "1795162530123456", "17951625301x3", "-795162530123"])
def test_f6_times_in_another_unit_are_refused(documented: Any, text: str) -> None:
    with pytest.raises(AnswerMalformed):
        order_report(read(orders.OrderRow, documented.but("order_push", cTime=text)))


def test_text_of_the_exchange_cannot_steer_a_terminal(documented: Any) -> None:
    evil = documented.but("order_push", tag="\x1b[31mred\u202e", clOrdId="a\u200bb\x07")
    report = order_report(read(orders.OrderRow, evil))
    assert report.tag == "\ufffd[31mred\ufffd"
    assert "\x07" not in report.client_id


def test_margin_modes_are_known(documented: Any) -> None:
    report = position_report(read(account.PositionRow, documented.position))
    assert isinstance(report, PositionReport)
    assert report.margin_mode is MarginMode.ISOLATED


@given(st.integers(min_value=-(10**18), max_value=10**18), st.integers(min_value=0, max_value=18))
def test_every_digit_of_a_fee_survives(documented: Any, digits: int, scale: int) -> None:
    text = format(Decimal(digits).scaleb(-scale), "f")
    report = fill_report(read(orders.FillRow, documented.but("fill", fee=text)), "fills")
    assert report.fee == Decimal(text)


def test_rows_name_their_fields_once() -> None:
    for kind in ROWS.values():
        names = [field.encode_name for field in msgspec.structs.fields(kind)]
        assert len(names) == len(set(names))
