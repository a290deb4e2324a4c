"""A canary: whatever fails and however much is logged, no key, passphrase or signature leaves the process."""

from __future__ import annotations

import asyncio
import io
import logging
import traceback
from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import serve

from scalpctl.errors import ScalpctlError
from scalpctl.host.clock import WallClock
from scalpctl.okx.client import OkxClient, Outside
from scalpctl.okx.credentials import Credentials
from scalpctl.okx.redaction import LIBRARIES, Redaction, guard
from scalpctl.okx.stream.socket import WebSocketDialer
from scalpctl.okx.transport import HttpTransport
from scalpctl.okx.wire.hosts import Hosts

CANARIES = ("CANARYKEY0001", "CANARYSECRET0001", "CANARYPASS0001")


@pytest.fixture
def heard() -> Iterator[io.StringIO]:
    """Everything anybody logs at DEBUG, through a guarded handler."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in LIBRARIES}
    before = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    guard([handler], CANARIES)
    yield written
    root.removeHandler(handler)
    root.setLevel(before)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def assert_clean(text: str, signatures: list[str]) -> None:
    assert "CANARY" not in text
    assert not any(signature in text for signature in signatures if signature)


FAILURES = {
    "connect": httpx.ConnectError("CANARYKEY0001"),
    "read": httpx.ReadTimeout("CANARYSECRET0001"),
    "protocol": httpx.RemoteProtocolError("CANARYPASS0001"),
    "html": httpx.Response(200, text="<html>captive portal</html>"),
    "401": httpx.Response(401, json={"code": "50111", "msg": "Invalid OK-ACCESS-KEY"}),
    "500": httpx.Response(500, json={"code": "50026", "msg": "x"}),
}


class Kept:
    """What was signed, out of the sight of a traceback that shows locals."""

    def __init__(self) -> None:
        self.signatures: list[str] = []


@pytest.mark.parametrize("name", FAILURES)
async def test_o17_no_failure_of_rest_shows_a_secret(make: Any, heard: io.StringIO, name: str) -> None:
    kept = Kept()

    def respond(request: httpx.Request) -> httpx.Response:
        kept.signatures.append(request.headers["OK-ACCESS-SIGN"])
        logging.getLogger("somebody").debug("headers %s", dict(request.headers))
        failure = FAILURES[name]
        if isinstance(failure, Exception):
            raise failure
        return failure

    transport = HttpTransport("https://x.test", httpx.MockTransport(respond))
    outside = Outside(
        Hosts("x", demo=True, rest="", stream=""), transport, WebSocketDialer(), make.clock(), make.ear(), Random(1)
    )
    client = OkxClient(outside, Credentials(*CANARIES))
    shown = ""
    try:
        await client.account.account()
    except ScalpctlError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        shown += f"{error!r} {error} {error.hint} {error.__cause__!r}"
    assert shown
    assert kept.signatures
    told = repr(client) + repr(outside.listener.events)  # type: ignore[attr-defined]
    assert_clean(str(heard.getvalue()) + told, kept.signatures)
    assert_clean(shown, kept.signatures)
    await transport.close()


async def test_o17_an_answer_that_quotes_the_request_is_not_quoted_in_the_error(make: Any) -> None:
    desk = make.desk(make.response(200, b"<html>you sent CANARYKEY</html>"))
    with pytest.raises(ScalpctlError) as caught:
        await desk.reader.account()
    assert "CANARY" not in f"{caught.value!r} {caught.value.__cause__!r} {desk.transport.sent!r}"


async def test_o17_a_debug_log_of_a_login_shows_no_secret(make: Any, heard: io.StringIO) -> None:
    frames: list[str] = []

    async def server(connection: Any) -> None:
        async for frame in connection:
            frames.append(frame)
            await connection.send('{"event":"error","code":"60024","msg":"Wrong passphrase","connId":"a"}')

    async with serve(server, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        hosts = Hosts("x", demo=True, rest="", stream=f"ws://127.0.0.1:{port}")
        transport = HttpTransport("https://x.test", httpx.MockTransport(lambda _: httpx.Response(500)))
        outside = Outside(hosts, transport, WebSocketDialer(), WallClock(), make.ear(), Random(1))
        client = OkxClient(outside, Credentials(*CANARIES))
        client.listen_to_account(make.quiet_sink())
        with pytest.raises(ScalpctlError) as caught:
            async with asyncio.timeout(10):
                await client.run()
        await transport.close()
    assert any("CANARYKEY0001" in frame for frame in frames)  # it did go on the wire, and nowhere else
    assert_clean(heard.getvalue() + str(caught.value), [frame.split('"sign":"')[1][:44] for frame in frames])


@pytest.mark.parametrize("name", LIBRARIES)
def test_libraries_that_would_show_every_frame_speak_of_warnings_only(heard: io.StringIO, name: str) -> None:
    logging.getLogger(name).debug("a frame")
    logging.getLogger(name).warning("a trouble")
    assert heard.getvalue() == "a trouble\n"


def test_a_secret_that_begins_like_another_is_hidden_whole() -> None:
    assert Redaction(["hunter", "hunter-of-bugs"]).clean("hunter-of-bugs") == "***"


def test_a_secret_of_six_characters_is_known_and_a_shorter_word_is_left_alone() -> None:
    assert Redaction(["hunter"]).clean("a hunter came") == "a *** came"
    assert Redaction(["prose"]).clean("in prose") == "in prose"


@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(CANARIES))
def test_a_record_is_clean_wherever_the_secret_sits(before: str, after: str, secret: str) -> None:
    assert secret not in Redaction(CANARIES).clean(f"{before}{secret}{after}")


@pytest.mark.parametrize(
    "text",
    [
        "OK-ACCESS-SIGN: abcdefSECRETghi=",
        "{'OK-ACCESS-PASSPHRASE': 'SECRET', 'x': 1}",
        '{"op":"login","args":[{"apiKey":"SECRET","passphrase":"SECRET","sign":"SECRET="}]}',
        "ok-access-key=SECRET",
    ],
)
def test_what_follows_the_name_of_a_secret_is_masked_even_when_it_is_not_known(text: str) -> None:
    assert "SECRET" not in Redaction([]).clean(text)


def test_exceptions_and_stacks_are_cleaned_too() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logger = logging.getLogger("test-of-redaction")
    logger.addHandler(handler)
    logger.propagate = False
    guard([handler], CANARIES)
    secret = CANARIES[1]
    try:
        {}[secret]
    except KeyError:
        logger.exception("failed with %s", secret, stack_info=True)
    logger.warning("does not fit %s %s", *[secret])
    assert secret not in written.getvalue()
    assert "failed with ***" in written.getvalue()


def test_a_short_secret_is_left_to_its_name_lest_it_blank_ordinary_words() -> None:
    redaction = Redaction(["sixsix", "fives"])
    assert redaction.clean("sixsix fives") == "*** fives"
    assert "fives" not in redaction.clean("passphrase=fives")
