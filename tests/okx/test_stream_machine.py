"""One connection without I/O: what comes in, what goes out, and what the table allows."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from talking import INST, PRIVATE, PUBLIC, Talk, s

from scalpctl.errors import InvariantBroken
from scalpctl.okx.stream.states import TRANSITIONS, Happening, Phase, advance
from scalpctl.okx.stream.supervisor import channels
from scalpctl.okx.wire import quotes


def test_a5_a_line_is_ready_only_after_login_acks_snapshots_and_resync() -> None:
    talk = Talk(PRIVATE, private=True)
    talk.machine.opened(s(0))
    assert [frame["op"] for frame in talk.out.sent] == ["login"]
    talk.hear({"event": "login", "code": "0", "msg": "", "connId": "a"})
    talk.acknowledge()
    assert talk.machine.phase is Phase.SUBSCRIBED
    talk.machine.resynced(s(1))
    assert talk.machine.phase is Phase.SUBSCRIBED
    talk.hear(
        {"arg": {"channel": "positions", "instType": "SWAP", "uid": "7"}, "eventType": "snapshot", "curPage": 1,
         "lastPage": True, "data": []}
    )  # fmt: skip
    assert talk.machine.phase is Phase.SNAPSHOT
    talk.machine.resynced(s(2))
    assert talk.out.phases == [
        Phase.CONNECTED, Phase.LOGGED_IN, Phase.SUBSCRIBED, Phase.SNAPSHOT, Phase.READY,
    ]  # fmt: skip


def test_a9_a_page_is_not_a_snapshot() -> None:
    talk = Talk(PRIVATE, private=True)
    talk.machine.opened(s(0))
    talk.hear({"event": "login", "code": "0"})
    talk.acknowledge()
    talk.hear(
        {"arg": {"channel": "positions", "instType": "SWAP"}, "eventType": "snapshot", "curPage": 1, "lastPage": False,
         "data": []}
    )  # fmt: skip
    assert talk.machine.phase is Phase.SUBSCRIBED


def test_a_snapshot_that_overtakes_the_acknowledgement_counts() -> None:
    talk = Talk(channels("tickers", inst_ids=(INST,)))
    talk.machine.opened(s(0))
    talk.ticker()
    talk.acknowledge()
    assert talk.machine.phase is Phase.SNAPSHOT


def test_a2_in_a_silent_day_a_text_ping_always_comes_well_before_thirty_seconds() -> None:
    talk = Talk(PRIVATE, private=True)
    talk.until_ready()
    longest = last = talk.at
    for _ in range(24 * 3_600 * 2):
        before = len(talk.out.sent)
        talk.at += 0.5
        talk.machine.tick(s(talk.at))
        if len(talk.out.sent) > before and talk.out.sent[-1] == "ping":
            longest = max(longest, talk.at - last)
            last = talk.at
            talk.hear(b"pong")
    assert talk.out.hung_up == []
    assert longest < 25


def test_a2_a_ping_without_a_pong_ends_the_connection() -> None:
    talk = Talk(PRIVATE, private=True)
    talk.until_ready()
    talk.pass_time(30)
    assert talk.out.hung_up[0] == "no pong"


def test_a13_three_unreadable_frames_end_the_connection_and_the_first_two_do_not() -> None:
    talk = Talk()
    talk.until_ready()
    for number, frame in enumerate([b"<html>", b"\xff\xfe", b"[" * 50_000], start=1):
        assert talk.out.hung_up == []
        talk.hear(frame)
        assert talk.machine.malformed == number
    assert talk.out.hung_up == ["frames cannot be read"]


def test_a13_a_frame_of_more_than_a_megabyte_is_rejected_unread() -> None:
    talk = Talk()
    talk.until_ready()
    talk.hear(b'{"arg":{"channel":"tickers"},"data":["' + b"x" * (1 << 20) + b'"]}')
    assert (talk.machine.malformed, talk.out.pushes) == (1, [])


@given(st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode)))
@settings(deadline=None)
def test_a13_no_frame_raises_or_moves_the_connection(frame: bytes) -> None:
    talk = Talk()
    talk.until_ready()
    talk.hear(frame)
    assert talk.machine.phase is Phase.READY


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_KEYS = ("arg", "data", "event", "id", "op", "code", "msg", "channel", "connCount", "curPage", "lastPage")
_VALUES = st.one_of(_JSON, st.sampled_from(["error", "notice", "login", "subscribe", "64008", "60009"]))


@given(
    frames=st.lists(st.dictionaries(st.sampled_from(_KEYS), _VALUES), max_size=4),
    private=st.booleans(),
    opened=st.booleans(),
)
@settings(deadline=None)
def test_a13_no_json_raises_past_the_boundary(*, frames: list[Any], private: bool, opened: bool) -> None:
    talk = Talk(PRIVATE if private else PUBLIC, private=private)
    if opened:
        talk.machine.opened(s(0))
    for frame in frames:
        talk.hear(frame)
        talk.machine.tick(s(1))


@pytest.mark.parametrize(("code", "words"), [("60005", "API key"), ("60024", "passphrase"), ("60032", "region")])
def test_a_refused_login_is_the_end_and_says_why(code: str, words: str) -> None:
    talk = Talk(PRIVATE, private=True)
    talk.machine.opened(s(0))
    talk.hear({"event": "error", "code": code, "msg": "no", "connId": "a"})
    talk.machine.lost(4001, s(1))
    assert talk.machine.phase is Phase.REFUSED
    (refusal,) = talk.out.refusals
    assert words in refusal.message
    assert refusal.exit_code == 77


@pytest.mark.parametrize("code", ["63999", "60014", "60006"])
def test_a_login_that_failed_for_now_is_no_refusal_whatever_the_close_code(code: str) -> None:
    talk = Talk(PRIVATE, private=True)
    talk.machine.opened(s(0))
    talk.hear({"event": "error", "code": code, "msg": "try again", "connId": "a"})
    talk.machine.lost(4001, s(1))
    assert talk.out.refusals == []
    assert talk.machine.phase is Phase.DOWN


def test_a_deleted_key_is_the_end() -> None:
    talk = Talk(PRIVATE, private=True)
    talk.until_ready()
    talk.machine.lost(4007, s(9))
    assert talk.machine.phase is Phase.REFUSED
    assert len(talk.out.refusals) == 1


@pytest.mark.parametrize("code", ["60004", "60006"])
def test_f1_a_login_that_is_too_old_doubts_the_clock(code: str) -> None:
    talk = Talk(PRIVATE, private=True)
    talk.machine.opened(s(0))
    talk.hear({"event": "error", "code": code, "msg": "", "connId": "a"})
    assert (talk.out.doubts, len(talk.out.hung_up), talk.out.refusals) == (1, 1, [])


@pytest.mark.parametrize("delay_s", [0, 5, 9.5, 20])
def test_a5_a_late_login_answer_is_waited_for_ten_seconds(delay_s: float) -> None:
    talk = Talk(PRIVATE, private=True)
    talk.machine.opened(s(0))
    talk.pass_time(delay_s)
    assert bool(talk.out.hung_up) == (delay_s > 10)
    assert [frame["op"] for frame in talk.out.sent if frame != "ping"] == ["login"]


def test_a10_a_channel_killed_by_the_connection_count_makes_the_line_unusable() -> None:
    talk = Talk(PRIVATE, private=True)
    talk.until_ready()
    talk.hear({"event": "channel-conn-count", "channel": "orders", "connCount": "30", "connId": "a"})
    assert talk.machine.phase is Phase.READY
    talk.hear({"event": "channel-conn-count-error", "channel": "orders", "connCount": "31", "connId": "a"})
    assert talk.machine.phase is Phase.LOGGED_IN
    assert talk.out.notes[-1][0] == "unsubscribed"


def test_a_refused_subscription_is_noted_with_the_exchanges_words_and_costs_the_line() -> None:
    for refused, code in ((PRIVATE, "60018"), (channels("tickers", inst_ids=(INST,)), "60014")):
        talk = Talk(refused, private=refused is PRIVATE)
        talk.machine.opened(s(0))
        talk.hear({"event": "login", "code": "0", "msg": "", "connId": "a"})
        talk.hear({"id": "s0", "event": "error", "code": code, "msg": "not now", "connId": "a"})
        assert talk.out.notes == [("unsubscribed", f"{code} not now")]
        assert talk.out.hung_up == ["a channel was lost"]


def test_an_instrument_the_exchange_does_not_have_any_more_deafens_to_no_other() -> None:
    gone = {"event": "error", "code": "60018", "msg": "instId:OLD-USDT-SWAP doesn't exist.", "connId": "a"}
    talk = Talk(channels("tickers", "mark-price", inst_ids=(INST, "OLD-USDT-SWAP")))
    talk.machine.opened(s(0))
    talk.hear({"id": "s0", "event": "subscribe", "arg": {"channel": "tickers", "instId": INST}, "connId": "a"})
    talk.hear(gone | {"id": "s1"})
    talk.hear({"id": "s2", "event": "subscribe", "arg": {"channel": "mark-price", "instId": INST}, "connId": "a"})
    talk.hear(gone | {"id": "s3"})
    talk.ticker()
    talk.ticker(channel="mark-price")
    talk.machine.resynced(s(1))
    assert talk.machine.phase is Phase.READY
    assert talk.out.hung_up == []
    assert [detail.split(":")[0] for _, detail in talk.out.notes] == [
        "tickers OLD-USDT-SWAP",
        "mark-price OLD-USDT-SWAP",
    ]


def test_an_instrument_that_leaves_the_list_is_asked_for_once_more_and_then_not_missed() -> None:
    talk = Talk(channels("tickers", inst_ids=(INST, "OLD-USDT-SWAP")))
    talk.until_ready()
    asked = False
    for _ in range(120):
        talk.at += 0.5
        talk.ticker()
        talk.machine.tick(s(talk.at))
        last = talk.out.sent[-1]
        if not asked and isinstance(last, dict) and last["op"] == "subscribe" and last["id"] == "s1":
            asked = last["args"][0]["instId"] == "OLD-USDT-SWAP" and talk.at > 1
            if asked:
                talk.hear({"id": "s1", "event": "error", "code": "60018", "msg": "doesn't exist", "connId": "a"})
    assert asked
    assert (talk.out.hung_up, talk.machine.phase) == ([], Phase.READY)


def test_a3_the_notice_asks_for_a_successor_and_changes_nothing_else() -> None:
    talk = Talk()
    talk.until_ready()
    talk.hear({"event": "notice", "code": "64008", "msg": "upgrade", "connId": "a"})
    assert (talk.out.upgrades, talk.out.hung_up, talk.machine.phase) == (1, [], Phase.READY)


def test_b18_an_event_nobody_knows_is_carried_past() -> None:
    talk = Talk()
    talk.until_ready()
    talk.hear({"event": "fireworks", "code": "1"})
    talk.hear({"arg": {"channel": "unheard-of", "instId": INST}, "data": [{"a": 1}]})
    assert talk.machine.phase is Phase.READY
    assert talk.out.pushes[-1].rows == [{"a": 1}]


def test_an_operation_turned_away_before_it_was_looked_at_is_answered() -> None:
    talk = Talk(PRIVATE, private=True)
    talk.until_ready()
    talk.hear({"id": "r7", "event": "error", "code": "60012", "msg": "bad", "connId": "a"})
    assert [(reply.id, reply.code) for reply in talk.out.replies] == [("r7", "60012")]


@given(st.lists(st.sampled_from(list(Happening)), max_size=12))
def test_ready_is_reached_by_the_whole_way_only(happenings: list[Happening]) -> None:
    phase, path = Phase.DOWN, []
    for happening in happenings:
        with suppress(InvariantBroken):
            phase = advance(phase, happening)
            path.append(happening)
        if phase is Phase.DOWN:
            path = []
    if phase is Phase.READY:
        needed = [Happening.OPENED, Happening.ALL_SUBSCRIBED, Happening.SNAPSHOTS_COMPLETE, Happening.RESYNCED]
        assert [step for step in path if step in needed][-3:] == needed[1:]


def test_nothing_leaves_refused_and_every_living_phase_can_be_lost() -> None:
    assert {after for (before, _), after in TRANSITIONS.items() if before is Phase.REFUSED} == {Phase.REFUSED}
    assert all((phase, Happening.LOST) in TRANSITIONS for phase in Phase)


def test_the_fast_way_and_the_slow_way_read_the_same(documented: Any) -> None:
    talk = Talk()
    talk.until_ready()
    frame = {"arg": {"channel": "tickers", "instId": INST}, "data": [documented.ticker]}
    for _ in range(3):
        talk.hear(frame)
    slow, *fast = [quotes.ticker(push.rows[0]) for push in talk.out.pushes[-3:]]
    assert slow is not None
    assert fast == [slow, slow]
    blank = {"arg": frame["arg"], "data": [documented.but("ticker", bidPx="", bidSz="")]}
    talk.hear(blank)
    assert quotes.ticker(talk.out.pushes[-1].rows[0]) is None
    assert talk.machine.malformed == 0
    eth = {"arg": {"channel": "tickers", "instId": "ETH-USDT-SWAP"}, "data": [documented.ticker]}
    talk.hear(eth)
    assert talk.out.pushes[-1].arg.inst_id == "ETH-USDT-SWAP"
