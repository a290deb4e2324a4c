"""A socket that answers pings may be deaf in one ear; a market nobody quotes is not."""

from __future__ import annotations

from talking import INST, Talk

from scalpctl.okx.stream.machine import OPERATIONS_MAX
from scalpctl.okx.stream.supervisor import channels


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


def test_however_many_channels_fall_silent_a_connection_stays_within_what_an_hour_of_it_may_ask_for() -> None:
    insts = tuple(f"C{number}-USDT-SWAP" for number in range(50))
    talk = Talk(channels("tickers", "mark-price", "funding-rate", "price-limit", inst_ids=insts))
    talk.until_ready()
    for second in range(1, 400):
        before = len(talk.out.sent)
        talk.pass_time(1, pong=True, tickers="mark-price")
        asked = [frame["args"][0] for frame in talk.out.sent[before:] if frame != "ping"]
        for inst_id in insts:
            talk.ticker(inst_id, "mark-price")
            if {"channel": "tickers", "instId": inst_id} in asked or second % 30 == 0:
                talk.ticker(inst_id)  # nobody quotes it, but asked for anew it comes
    operations = [frame for frame in talk.out.sent if frame != "ping"]
    assert 250 < len(operations) <= OPERATIONS_MAX
    assert talk.out.hung_up == []
