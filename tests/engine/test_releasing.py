"""A stop that was let go of is followed until the exchange has said that it is gone, step by step."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from scalpctl.core.exchange.outcomes import Accepted, Refused, Unknown
from scalpctl.core.exchange.reports import AlgoReport
from scalpctl.core.exchange.requests import CancelAlgo
from scalpctl.core.exchange.resolutions import Found, Void
from scalpctl.core.instants import Instant
from scalpctl.core.sides import Action
from scalpctl.engine import releasing
from scalpctl.engine.effects import AskAlgo
from scalpctl.engine.events import AlgoAnswered

BTC, STOP = "BTC-USDT-SWAP", "scs1"
SECOND = 1_000_000
BEGUN = 1_000 * SECOND


class Context:
    """As much of an engine as letting go of a stop needs."""

    def __init__(self, *, may_arrive: bool = False) -> None:
        self.at = BEGUN
        self.done: list[Any] = []
        self.loose = SimpleNamespace(released={})
        releasing.begin(self, BTC, STOP, "9", may_arrive=may_arrive)  # type: ignore[arg-type]
        assert self.took() == [CancelAlgo(STOP, BTC, "9")]

    def do(self, effect: Any) -> None:
        self.done.append(effect)

    def took(self) -> list[Any]:
        """Give what was done since the last time."""
        done, self.done = self.done, []
        return done

    def later(self, seconds: float) -> list[Any]:
        self.at += round(seconds * SECOND)
        releasing.drive(self)  # type: ignore[arg-type]
        return self.took()

    def answer(self, outcome: Any, act: str = "cancel") -> list[Any]:
        releasing.answered(self, AlgoAnswered(STOP, act, outcome))  # type: ignore[arg-type]
        return self.took()

    def report(self, client_id: str = STOP, *, stands: bool) -> bool:
        told = SimpleNamespace(client_id=client_id, stands=stands)
        return releasing.reported(self, told)  # type: ignore[arg-type]

    def found(self, resolution: Any) -> None:
        releasing.resolved(self, STOP, resolution)  # type: ignore[arg-type]

    @property
    def gone(self) -> bool:
        return releasing.all_gone(self)  # type: ignore[arg-type]


def algo(state: str) -> AlgoReport:
    return AlgoReport(
        BTC, "9", STOP, "conditional", state, Action.SELL, None, None, None, None, None, None, "mark", None, None, None,
        None, "", "", True, Instant(BEGUN), None,
    )  # fmt: skip


NOTHING = [Refused("51400", "over"), Refused("51603", "not there"), Unknown("over", "51400")]
ASKED = [AskAlgo(BTC, STOP, BEGUN)]
AGAIN = [CancelAlgo(STOP, BTC, "9")]


@pytest.mark.parametrize("outcome", [Accepted("9"), *NOTHING])
def test_a_stop_whose_cancellation_is_answered_is_gone_and_not_asked_for(outcome: Any) -> None:
    ctx = Context()
    assert not ctx.gone
    assert ctx.answer(outcome) == []
    assert ctx.gone
    assert ctx.later(100) == []


@pytest.mark.parametrize("outcome", [Unknown("no answer"), Refused("50013", "busy")])
def test_a_cancellation_that_may_not_have_been_heard_is_asked_about_two_seconds_later(outcome: Any) -> None:
    ctx = Context()
    assert ctx.later(100) == []  # while a cancellation is under way nothing is asked
    assert ctx.answer(outcome) == []
    assert not ctx.gone
    assert ctx.later(1.99) == []
    assert ctx.later(0.01) == ASKED
    assert ctx.later(5) == []  # once asked it is waited for


@pytest.mark.parametrize("outcome", NOTHING)
def test_nothing_to_cancel_proves_nothing_while_a_placement_may_still_arrive(outcome: Any) -> None:
    ctx = Context(may_arrive=True)
    assert ctx.answer(outcome) == []
    assert not ctx.gone
    assert ctx.later(30.99) == []
    assert ctx.later(0.01) == ASKED
    ctx.found(Void(2, ctx.at, False))
    assert ctx.gone


def test_not_found_before_a_placement_can_no_longer_arrive_is_asked_again_then() -> None:
    ctx = Context(may_arrive=True)
    ctx.answer(Unknown("no answer"))
    assert ctx.later(2) == ASKED
    ctx.found(Void(2, ctx.at, False))
    assert not ctx.gone
    assert ctx.later(28.99) == []
    assert ctx.later(0.01) == ASKED
    ctx.found(Void(2, ctx.at, False))
    assert ctx.gone


def test_what_cannot_arrive_any_more_is_gone_when_it_is_not_found_and_asked_again_when_nobody_knows() -> None:
    ctx = Context()
    ctx.answer(Unknown("no answer"))
    assert ctx.later(2) == ASKED
    ctx.found(Unknown("no answer"))
    assert not ctx.gone
    assert ctx.later(1.99) == []
    assert ctx.later(0.01) == ASKED
    ctx.found(Void(2, ctx.at, False))
    assert ctx.gone


def test_a_stop_that_is_told_to_stand_is_cancelled_once_more_even_if_that_was_under_way() -> None:
    ctx = Context(may_arrive=True)
    assert ctx.report(stands=True)
    assert ctx.took() == []  # a cancellation is under way
    assert ctx.answer(NOTHING[0]) == AGAIN  # it was asked before it stood
    assert not ctx.gone
    assert ctx.answer(NOTHING[0]) == []  # it has stood: now that means that it is gone
    assert ctx.gone


def test_a_stop_that_stands_after_its_cancellation_was_answered_is_cancelled_at_once() -> None:
    ctx = Context()
    ctx.answer(Unknown("no answer"))
    assert ctx.report(stands=True)
    assert ctx.took() == AGAIN
    assert ctx.answer(Accepted("9")) == []
    assert ctx.gone
    assert ctx.report(stands=True)  # an old report
    assert ctx.took() == []
    assert ctx.gone


def test_not_found_says_nothing_where_it_was_asked_before_the_stop_was_said_to_stand() -> None:
    ctx = Context(may_arrive=True)
    ctx.answer(NOTHING[0])
    asked_at = ctx.at
    ctx.later(8)
    assert ctx.report(stands=True)
    assert ctx.took() == AGAIN
    ctx.answer(Unknown("no answer"))
    ctx.found(Void(6, asked_at, False))  # it was on its way when the stop arrived
    assert not ctx.gone
    assert ctx.later(2) == ASKED
    ctx.found(Found(algo("live")))
    assert ctx.took() == AGAIN
    ctx.answer(Accepted("9"))
    assert ctx.gone


def test_a_stop_said_to_be_gone_that_a_list_shows_is_cancelled_again_each_time_until_it_is() -> None:
    ctx = Context()
    for _ in range(3):
        assert ctx.answer(NOTHING[0]) == []
        assert ctx.gone
        releasing.stands(ctx, STOP)  # type: ignore[arg-type]
        assert ctx.took() == AGAIN
        assert not ctx.gone
    ctx.answer(Accepted("9"))
    assert ctx.gone


def test_the_word_of_the_stream_that_it_is_over_is_enough_and_others_stops_are_not_ours_to_follow() -> None:
    ctx = Context()
    assert not ctx.report("another", stands=False)
    assert not ctx.gone
    assert ctx.report(stands=False)
    assert ctx.gone


def test_a_late_answer_to_its_placement_says_whether_it_stands() -> None:
    refused, placed, unknown = Context(may_arrive=True), Context(may_arrive=True), Context(may_arrive=True)
    assert refused.answer(Refused("51000", "no"), "place") == []
    assert refused.gone
    unknown.answer(Unknown("no answer"), "place")
    assert not unknown.gone
    placed.answer(NOTHING[0])
    assert placed.answer(Accepted("9"), "place") == AGAIN
    assert not placed.gone
    assert refused.answer(Accepted("9"), "place") == []  # it is over: an answer that is late changes nothing
    assert refused.gone
    assert placed.answer(Unknown("no answer"), "amend") == []
    assert placed.loose.released[STOP].cancelling


def test_what_asking_finds_is_cancelled_where_it_stands_and_over_where_it_is_over() -> None:
    stands, over = Context(), Context()
    for one in (stands, over):
        one.answer(Unknown("no answer"))
        assert one.later(2) == ASKED
    stands.found(Found(algo("live")))
    assert stands.took() == AGAIN
    assert not stands.gone
    over.found(Found(algo("canceled")))
    assert over.took() == []
    assert over.gone


def test_what_is_long_gone_is_forgotten_and_nothing_else() -> None:
    ctx, still = Context(), Context()
    ctx.answer(Accepted("9"))
    for one in (ctx, still):
        one.at += 600 * SECOND
        releasing.forget_old(one)  # type: ignore[arg-type]
        assert STOP in one.loose.released
        one.at += 1
        releasing.forget_old(one)  # type: ignore[arg-type]
    assert ctx.loose.released == {}
    assert STOP in still.loose.released
    ctx.found(Void(2, ctx.at, False))
    assert ctx.answer(Accepted("9")) == []
