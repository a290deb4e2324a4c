"""Signatures over the exact bytes, against published vectors."""

from __future__ import annotations

import pickle

import pytest

from scalpctl.core.instants import parse_rfc3339
from scalpctl.okx.credentials import Credentials
from scalpctl.okx.rest import target_of
from scalpctl.okx.wire import endpoints
from scalpctl.okx.wire.account import AccountQuery
from scalpctl.okx.wire.codec import encode
from scalpctl.okx.wire.orders import OrderAsk
from scalpctl.okx.wire.signing import login_signature, login_timestamp, rest_timestamp, signature

SECRET = "SCALPCTL-TEST-SECRET-0001"
AT = parse_rfc3339("2026-11-20T08:15:30.123999Z")
STAMP = "2026-11-20T08:15:30.123Z"


def test_the_rest_timestamp_has_milliseconds_rounded_down() -> None:
    assert rest_timestamp(AT) == STAMP
    assert login_timestamp(AT) == "1795162530"


def test_b20_the_query_is_signed_as_it_is_sent() -> None:
    ask = AccountQuery(inst_type="SWAP", inst_id="BTC-USDT-SWAP,ETH-USDT-SWAP")
    target = target_of(endpoints.POSITIONS, ask)
    assert target == "/api/v5/account/positions?instType=SWAP&instId=BTC-USDT-SWAP,ETH-USDT-SWAP"
    assert signature(SECRET, STAMP, "GET", target) == "JgOMLnVMGSIGTdA9UDk/yu9Aj4KlOhy1mXths85g1Sw="
    encoded = target.replace(",", "%2C")
    assert signature(SECRET, STAMP, "GET", encoded) == "xARA+ScarTvVSV+fUi3Kfxbr/i6EC7ZWoPIWiBplx1o="


def test_b20_the_body_is_signed_as_it_is_sent() -> None:
    body = (
        b'{"instId":"BTC-USDT-SWAP","tdMode":"isolated","side":"buy","ordType":"post_only","px":"63999.9","sz":"25",'
        b'"clOrdId":"sc0000000001"}'
    )
    sent = signature(SECRET, STAMP, "POST", endpoints.ORDER.path, body)
    assert sent == "ididcGL4/jMd8WcAcGMf5NV13i3i+JufAjIdx/+6OG8="


def test_a_login_is_signed_with_seconds() -> None:
    assert login_signature(SECRET, "1795162530") == "UBcPTCl5H6qgDmElTSzn4bkLrkOZlVngfPs1iqJcRVw="


def test_what_is_left_at_its_default_is_not_sent() -> None:
    ask = OrderAsk(inst_id="X", td_mode="cross", side="buy", ord_type="market", sz="1", cl_ord_id="a")
    assert b"reduceOnly" not in encode(ask)
    assert b"px" not in encode(ask)


def test_o17_credentials_do_not_print_and_do_not_leave() -> None:
    box = Credentials("CANARYKEY", "CANARYSECRET", "CANARYPASS")
    shown = f"{box!r} {box} {box.login(AT)!r} {box.login(AT).args!r}"
    assert "CANARY" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(box)
