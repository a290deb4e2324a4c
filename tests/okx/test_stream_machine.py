"""One connection without I/O: what comes in, what goes out, and what the table allows."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.instants import Monotonic
from scalpctl.errors import InvariantBroken
from scalpctl.okx.credentials import Credentials
from scalpctl.okx.stream.machine import StreamMachine
from scalpctl.okx.stream.states import TRANSITIONS, Happening, Phase, advance
from scalpctl.okx.stream.supervisor import channels
from scalpctl.okx.wire import quotes
from scalpctl.okx.wire.router import Pushed

INST = "BTC-USDT-SWAP"
PUBLIC = channels("tickers", "mark-price", inst_ids=(INST,))
PRIVATE = channels("orders", "positions", inst_type="SWAP")


class Out:
    """Keeps every effect."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.hung_up: list[str] = []
        self.pushes: list[Pushed] = []
        self.replies: list[Any] = []
        self.phases: list[Phase] = []
        self.refusals: list[Any] = []
        self.doubts = 0
        self.upgrades = 0
        self.notes: list[tuple[str, str]] = []

    def send(self, frame: bytes) -> None:
        self.sent.append("ping" if frame == b"ping" else json.loads(frame))

    def hang_up(self, why: str) -> None:
        self.hung_up.append(why)

    def pushed(self, push: Pushed) -> None:
        self.pushes.append(push)

    def replied(self, reply: Any) -> None:
        self.replies.append(reply)

    def moved(self, phase: Phase) -> None:
        self.phases.append(phase)

    def refused(self, why: Any) -> None:
        self.refusals.append(why)

    def clock_doubted(self) -> None:
        self.doubts += 1

    def upgrade_announced(self) -> None:
        self.upgrades += 1

    def noted(self, fact: Any, detail: str) -> None:
        self.notes.append((fact.value, detail))


def s(seconds: float) -> Monotonic:
    return Monotonic(round(seconds * 1_000_000_000))


class Talk:
    """A machine, its outlet and a clock."""

    def __init__(self, wanted: Any = PUBLIC, *, private: bool = False, given_up: Any = None) -> None:
        self.out = Out()
        box = Credentials("CANARYKEY", "CANARYSECRET", "CANARYPASS")
        login = (lambda: box.login(1_795_162_530_123_000)) if private else None
        self.machine = StreamMachine(self.out, wanted, login=login, given_up=given_up)
        self.at = 0.0

    def hear(self, frame: Any) -> None:
        raw = frame if isinstance(frame, bytes) else json.dumps(frame, separators=(",", ":")).encode()
        self.machine.heard(raw, s(self.at))

    def acknowledge(self) -> None:
        for frame in self.out.sent:
            if isinstance(frame, dict) and frame["op"] == "subscribe" and "id" in frame:
                self.hear({"id": frame["id"], "event": "subscribe", "arg": frame["args"][0], "connId": "a"})

    def until_ready(self) -> None:
        self.machine.opened(s(self.at))
        if self.machine.phase is Phase.CONNECTED:
            self.hear({"event": "login", "code": "0", "msg": "", "connId": "a"})
        self.acknowledge()
        if self.machine.phase is Phase.SUBSCRIBED:
            self.at += 5.1
            self.machine.tick(s(self.at))
        self.machine.resynced(s(self.at))
        assert self.machine.phase is Phase.READY

    def ticker(self, inst_id: str = INST, channel: str = "tickers") -> None:
        self.hear({"arg": {"channel": channel, "instId": inst_id}, "data": []})

    def pass_time(self, seconds: float, *, pong: bool = False, tickers: str = "") -> None:
        for _ in range(round(seconds * 2)):
            self.at += 0.5
            if pong:
                self.hear(b"pong")
            if tickers:
                self.ticker(channel=tickers)
            self.machine.tick(s(self.at))


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


def test_a1_a_channel_that_falls_silent_is_stale_in_five_seconds_and_torn_down_in_ten() -> None:
    talk = Talk()
    talk.until_ready()
    talk.ticker()
    fell_silent = talk.at
    while not talk.out.hung_up:
        talk.pass_time(0.5, pong=True, tickers="mark-price")
        stale_notes = [detail for fact, detail in talk.out.notes if fact == "stale"]
        if talk.at - fell_silent <= 5:
            assert stale_notes == []
    assert talk.at - fell_silent <= 10
    assert stale_notes == [f"tickers {INST}"]


def test_a1_a_quiet_instrument_is_asked_again_but_not_torn_down() -> None:
    talk = Talk()
    talk.until_ready()
    asked = 0
    for _ in range(600):
        before = len(talk.out.sent)
        talk.pass_time(0.5, pong=True, tickers="mark-price")
        if len(talk.out.sent) > before:
            asked += 1
            talk.ticker()  # subscribing anew brings the current ticker
    assert talk.out.hung_up == []
    assert asked < 40


def test_a1_a_channel_that_is_granted_again_and_says_nothing_is_left_all_the_same() -> None:
    talk = Talk()
    talk.until_ready()
    talk.ticker()
    fell_silent = talk.at
    while not talk.out.hung_up and talk.at - fell_silent < 20:
        before = len(talk.out.sent)
        talk.pass_time(0.5, pong=True, tickers="mark-price")
        if len(talk.out.sent) > before:
            talk.hear({"event": "subscribe", "arg": {"channel": "tickers", "instId": INST}, "connId": "a"})
    assert talk.out.hung_up[0] == f"tickers {INST} stays silent"
    assert talk.at - fell_silent <= 10


def test_a_channel_that_is_quiet_at_night_is_asked_once_and_then_known_to_be() -> None:
    talk = Talk()
    talk.until_ready()
    for second in range(1, 1800):
        before = len(talk.out.sent)
        talk.pass_time(1, pong=True, tickers="mark-price")
        if len(talk.out.sent) > before or second % 20 == 0:
            talk.ticker()
    assert [fact for fact, _ in talk.out.notes].count("stale") == 2  # after five seconds, and after ten
    assert talk.out.hung_up == []


def test_a_channel_that_is_lively_again_is_doubted_as_soon_as_before() -> None:
    talk = Talk()
    talk.until_ready()
    for _ in range(5):
        talk.pass_time(20, pong=True, tickers="mark-price")
        talk.ticker()
    talk.out.hung_up.clear()
    for _ in range(2 * 605):
        talk.pass_time(1, pong=True, tickers="mark-price")
        talk.ticker()
    talk.pass_time(9, pong=True, tickers="mark-price")
    assert talk.out.hung_up == [f"tickers {INST} stays silent"]


def test_a_channel_that_is_silent_on_every_connection_is_given_longer_on_the_next() -> None:
    given_up: dict[tuple[str, str], float] = {}
    lasted = []
    for _ in range(12):
        talk = Talk(given_up=given_up)
        talk.until_ready()
        began = talk.at
        while not talk.out.hung_up:
            talk.pass_time(0.5, pong=True, tickers="mark-price")
        lasted.append(talk.at - began)
        assert talk.pass_time(5, pong=True, tickers="mark-price") is None
    assert lasted == sorted(lasted)
    assert lasted[0] < 10
    assert 3_590 < lasted[-1] < 3_610
    talk = Talk(given_up=given_up)
    talk.until_ready()
    talk.ticker()
    assert given_up == {}


def test_a_channel_that_is_quiet_and_does_not_answer_is_given_up_ever_more_seldom() -> None:
    given_up: dict[tuple[str, str], float] = {}
    lost_at: list[float] = []
    at = 0.0
    while at < 8 * 3_600:
        talk = Talk(given_up=given_up)
        talk.at = at
        talk.until_ready()
        while not talk.out.hung_up and talk.at < 8 * 3_600:
            talk.pass_time(1, pong=True, tickers="mark-price")
            if round(talk.at) % 300 == 0:
                talk.ticker()
        at = talk.at
        lost_at += [at] if talk.out.hung_up else []
    assert len(lost_at) < 10
    assert lost_at[-1] < 3_600


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


def test_a_refused_subscription_is_noted_with_the_exchanges_words() -> None:
    talk = Talk()
    talk.machine.opened(s(0))
    talk.hear({"id": "s0", "event": "error", "code": "60018", "msg": "doesn't exist", "connId": "a"})
    assert talk.out.notes == [("unsubscribed", "60018 doesn't exist")]
    assert talk.machine.phase is not Phase.READY


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
