"""Orders, maker quotes, closes, protection and latches follow their tables; nothing is repeated, nothing is guessed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from scalpctl.core.causes import Cause
from scalpctl.core.closing import (
    CLOSING,
    CloseEvent,
    CloseRequest,
    CloseState,
    Nothing,
    Vote,
    add_vote,
    order_contracts,
)
from scalpctl.core.closing import advance as close_step
from scalpctl.core.closing import request as close_request
from scalpctl.core.evidence import Evidence
from scalpctl.core.exchange.outcomes import Accepted, Refused, Unknown
from scalpctl.core.exchange.reports import OrderReport
from scalpctl.core.instants import Instant
from scalpctl.core.limits import LATCHES
from scalpctl.core.maker import (
    MAKER,
    GiveUp,
    MakerEvent,
    MakerParameters,
    MakerState,
    Purpose,
    Quote,
    Quoter,
    Stop,
    Take,
    advance,
    decide,
    patience,
    placed,
)
from scalpctl.core.money import Contracts
from scalpctl.core.orders import ORDERS, Order, OrderEvent, OrderState, answered, filled, reported, step
from scalpctl.core.protection import (
    COVERED,
    PROTECTION,
    ProtectionEvent,
    ProtectionParameters,
    ProtectionState,
    improves,
    is_before_liquidation,
    overdue,
    trigger,
)
from scalpctl.core.sides import Action, Side
from scalpctl.core.transitions import Step, Table
from scalpctl.errors import ConfigurationError, InvariantBroken

D = Decimal
SECOND = 1_000_000
TABLES = [ORDERS, MAKER, CLOSING, PROTECTION, LATCHES]


@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
def test_every_state_of_a_table_can_be_reached_and_left(table: Any) -> None:
    states = list(type(table.initial))
    assert sorted(table.reachable()) == sorted(states)
    for state in states:
        leaves = any(one.state is state and one.to is not state for one in table.steps)
        assert leaves or state in table.final
    assert "stateDiagram-v2" in table.mermaid()


def test_a_table_refuses_two_answers_and_an_unlisted_step() -> None:
    with pytest.raises(InvariantBroken):
        Table("twice", OrderState.LIVE, (), (ORDERS.steps[0], ORDERS.steps[0]))
    with pytest.raises(InvariantBroken):
        ORDERS.next(OrderState.FILLED, OrderEvent.SENDING)
    assert Step(OrderState.LIVE, OrderEvent.SEEN_LIVE, OrderState.LIVE).note == ""


def an_order(start: Instant, **changes: Any) -> Order:
    fields: dict[str, Any] = {
        "client_id": "c1",
        "inst_id": "BTC-USDT-SWAP",
        "contracts": Contracts("2"),
        "expires_at": Instant(start + 5 * SECOND),
    }
    return Order(**(fields | changes))


def a_report(state: str, accumulated: str, start: Instant) -> OrderReport:
    return OrderReport(
        "BTC-USDT-SWAP", "77", "c1", Action.BUY, None, "post_only", state, Contracts("2"), Contracts(accumulated),
        D(60000), None, None, "USDT", None, False, None, "isolated", "normal", "", "", "", "", "", start, start,
    )  # fmt: skip


def test_b26_an_order_is_over_only_when_its_fills_have_been_seen(start: Instant) -> None:
    order = answered(step(an_order(start), OrderEvent.SENDING), Accepted("77"))
    order = reported(order, a_report("filled", "2", start))
    assert not order.is_open
    assert not order.is_settled
    order = filled(filled(order, Contracts("0.5")), Contracts("1.5"))
    assert order.is_settled
    assert order.left == Contracts("0")


def test_an_order_that_others_enlarged_goes_on_and_every_execution_of_it_counts(start: Instant) -> None:
    order = filled(answered(step(an_order(start), OrderEvent.SENDING), Accepted("77")), Contracts("1.5"))
    beyond = filled(order, Contracts("1.5"))  # of two that were ordered; nobody has said yet how many it has now
    assert (beyond.state, beyond.filled, beyond.left) == (OrderState.PARTLY_FILLED, Contracts("3"), Contracts("0"))
    told = reported(order, replace(a_report("partially_filled", "1.5", start), contracts=Contracts("4")))
    assert (told.contracts, told.left) == (Contracts("4"), Contracts("2.5"))
    assert filled(told, Contracts("2.5")).state is OrderState.FILLED


def test_a_void_order_that_executes_after_all_is_reopened_and_one_with_a_fill_is_never_void(start: Instant) -> None:
    order = answered(step(an_order(start), OrderEvent.SENDING), Unknown("no answer"))
    gone = step(order, OrderEvent.GONE)
    assert gone.state is OrderState.VOID
    back = filled(gone, Contracts("1"))
    assert (back.state, back.reopened) == (OrderState.PARTLY_FILLED, True)
    with pytest.raises(InvariantBroken):
        step(filled(order, Contracts("2")), OrderEvent.GONE)


def test_only_what_was_over_can_be_reopened(start: Instant) -> None:
    sent = step(an_order(start), OrderEvent.SENDING)
    live = answered(sent, Accepted("77"))
    assert not live.reopened
    assert not filled(live, Contracts("1")).reopened
    assert answered(live, Accepted("")).exchange_id == "77"
    refused = answered(sent, Refused("51008", "margin"))
    assert not refused.reopened
    assert filled(refused, Contracts("1")).reopened


def test_a_refusal_ends_an_order_and_a_late_refusal_does_not_undo_a_fill(start: Instant) -> None:
    sent = step(an_order(start), OrderEvent.SENDING)
    assert answered(sent, Refused("51008", "margin")).state is OrderState.REFUSED
    live = reported(sent, a_report("live", "0", start))
    assert answered(live, Refused("51008", "margin")).state is OrderState.LIVE
    assert reported(filled(live, Contracts("1")), a_report("live", "0", start)).state is OrderState.PARTLY_FILLED


def test_an_order_in_a_state_nobody_knows_is_there_and_not_known_to_be_over(start: Instant) -> None:
    unheard = step(step(an_order(start), OrderEvent.SENDING), OrderEvent.NO_ANSWER)
    assert reported(unheard, a_report("sleeping", "0", start)).state is OrderState.LIVE
    partly = reported(unheard, a_report("sleeping", "1", start))
    assert (partly.state, partly.reported) == (OrderState.PARTLY_FILLED, Contracts("1"))
    over = reported(unheard, a_report("canceled", "0", start))
    assert reported(over, a_report("sleeping", "0", start)).state is OrderState.CANCELLED


def a_quoter(start: Instant, purpose: Purpose = Purpose.ENTRY, **changes: Any) -> Quoter:
    fields: dict[str, Any] = {
        "purpose": purpose,
        "action": Action.BUY,
        "contracts": Contracts("1"),
        "decided_price": D(60000),
        "decided_at": start,
    }
    return Quoter(**(fields | changes))


def test_e74_a_quote_is_posted_at_our_own_side_and_never_crosses(instrument: Any, start: Instant) -> None:
    limits = MakerParameters()
    book = (D("59999.9"), D("60000.3"))
    buy = decide(a_quoter(start), instrument(), book, start, limits)
    sell = decide(a_quoter(start, action=Action.SELL), instrument(), book, start, limits)
    assert buy == Quote(D("59999.9"))
    assert sell == Quote(D("60000.3"))


def test_d58_an_entry_never_falls_back_to_the_market(instrument: Any, start: Instant) -> None:
    limits = MakerParameters()
    late = Instant(start + 60 * SECOND)
    book = (D(60000), D("60000.1"))
    assert decide(a_quoter(start), instrument(), book, late, limits) == Stop(GiveUp.SIGNAL_TOO_OLD)
    assert decide(a_quoter(start, quotes=4), instrument(), book, start, limits) == Stop(GiveUp.TOO_MANY_QUOTES)
    far = (D(60100), D("60100.1"))
    assert decide(a_quoter(start), instrument(), far, start, limits) == Stop(GiveUp.MOVED_TOO_FAR)
    assert decide(a_quoter(start, withdrawn=True), instrument(), book, start, limits) == Stop(GiveUp.WITHDRAWN)


@pytest.mark.parametrize("book", [(None, D(1)), (D(1), None), (D(2), D(2)), (D(3), D(2))], ids=["bid", "ask", "=", "x"])
def test_without_a_book_there_is_no_quote(instrument: Any, start: Instant, book: Any) -> None:
    assert decide(a_quoter(start), instrument(), book, start, MakerParameters()) == Stop(GiveUp.NO_BOOK)


def test_an_exit_takes_at_a_limit_and_writes_down_the_cost(instrument: Any, start: Instant) -> None:
    quoter = a_quoter(start, Purpose.EXIT, action=Action.SELL, quotes=4)
    taking = decide(quoter, instrument(), (D("59999.9"), D("60000.3")), start, MakerParameters())
    assert isinstance(taking, Take)
    assert taking.limit_price < D("59999.9")
    assert taking.limit_price >= D("59999.9") * D("0.999")
    assert taking.cost == D("0.4") * D("0.01") + D("59999.9") * D("0.01") * D("0.0003")


def test_an_exit_goes_on_quoting_where_only_posted_orders_are_taken(instrument: Any, start: Instant) -> None:
    quoter = a_quoter(start, Purpose.EXIT, action=Action.SELL, quotes=4)
    book = (D("59999.9"), D("60000.3"))
    quote = decide(quoter, instrument(), book, start, MakerParameters(), posted_only=True)
    assert quote == Quote(D("60000.3"))
    entry = decide(a_quoter(start, quotes=4), instrument(), book, start, MakerParameters(), posted_only=True)
    assert entry == Stop(GiveUp.TOO_MANY_QUOTES)


def test_no_price_lies_beyond_what_the_exchange_takes_and_nothing_is_taken_there(
    instrument: Any, start: Instant
) -> None:
    book, limits = (D("59999.9"), D("60000.3")), MakerParameters()
    sell, buy = (a_quoter(start, Purpose.EXIT, action=action, quotes=4) for action in (Action.SELL, Action.BUY))
    near = decide(sell, instrument(), book, start, limits, furthest=D("59999.8"))
    assert isinstance(near, Take)
    assert near.limit_price == D("59999.8")
    assert decide(sell, instrument(), book, start, limits, furthest=D("60000")) == Quote(D("60000.3"))
    assert decide(sell, instrument(), book, start, limits, furthest=D("60000.7")) == Quote(D("60000.7"))
    assert decide(buy, instrument(), book, start, limits, furthest=D("59999.5")) == Quote(D("59999.5"))


def test_a_quote_waits_then_moves_and_follows_the_book(start: Instant) -> None:
    limits = MakerParameters()
    resting = advance(placed(a_quoter(start, Purpose.EXIT), D(60000), start), MakerEvent.ACCEPTED)
    assert resting.state is MakerState.RESTING
    assert patience(resting, D(60000), start, limits) is None
    assert patience(resting, None, start, limits) is None
    assert patience(resting, D(60050), start, limits) is MakerEvent.MOVED_AWAY
    assert patience(resting, D(60000), Instant(start + 8 * SECOND), limits) is MakerEvent.WAITED
    entry = advance(placed(a_quoter(start), D(60000), start), MakerEvent.ACCEPTED)
    assert patience(entry, D(60000), Instant(start + 11 * SECOND), limits) is MakerEvent.WITHDRAWN
    assert patience(a_quoter(start), D(60000), start, limits) is None
    assert resting.left == Contracts("1")


def a_vote(cause: Cause, start: Instant) -> Vote:
    return Vote(cause, start, Evidence())


def test_b25_a_second_reason_is_a_vote_and_never_a_second_order(start: Instant) -> None:
    close = close_request("r1", "BTC-USDT-SWAP", Contracts("1"), a_vote(Cause.TAKE_PROFIT, start))
    assert isinstance(close, CloseRequest)
    quoting = close_step(close, CloseEvent.QUOTE)
    both = add_vote(quoting, a_vote(Cause.HOLDING_LIMIT, start))
    assert (both.state, len(both.votes), both.owner.cause) == (CloseState.QUOTING, 2, Cause.TAKE_PROFIT)
    assert add_vote(both, a_vote(Cause.HOLDING_LIMIT, start)) is both


def test_a_protective_vote_hurries_a_patient_close(start: Instant) -> None:
    close = close_request("r1", "BTC-USDT-SWAP", Contracts("1"), a_vote(Cause.TAKE_PROFIT, start))
    assert isinstance(close, CloseRequest)
    hurried = add_vote(close_step(close, CloseEvent.QUOTE), a_vote(Cause.STOP_LOSS, start))
    assert (hurried.state, hurried.is_urgent, hurried.owner.cause) == (CloseState.HURRYING, True, Cause.STOP_LOSS)
    assert close_step(hurried, CloseEvent.QUOTE) is hurried
    ended = close_step(hurried, CloseEvent.QUOTE_ENDED)
    assert close_step(ended, CloseEvent.QUOTE) is ended
    assert close_step(ended, CloseEvent.TAKE).state is CloseState.TAKING
    twice = add_vote(hurried, a_vote(Cause.EMERGENCY, start))
    assert (twice.state, twice.owner.cause) == (CloseState.HURRYING, Cause.STOP_LOSS)


def test_b24_a_position_that_is_gone_is_synchronised_not_closed_again(start: Instant) -> None:
    vote = a_vote(Cause.STOP_LOSS, start)
    assert close_request("r1", "BTC-USDT-SWAP", Contracts("0"), vote) is Nothing.ALREADY_FLAT
    close = close_request("r1", "BTC-USDT-SWAP", Contracts("1"), vote)
    assert isinstance(close, CloseRequest)
    refused = close_step(close_step(close, CloseEvent.TAKE), CloseEvent.REFUSED)
    assert refused.state is CloseState.CHECKING
    flat = close_step(refused, CloseEvent.FLAT)
    assert flat.is_over
    assert add_vote(flat, a_vote(Cause.OPERATOR, start)) is flat


def test_e76_a_close_is_never_larger_than_what_is_there(start: Instant) -> None:
    close = close_request("r1", "BTC-USDT-SWAP", Contracts("1"), a_vote(Cause.OPERATOR, start))
    assert isinstance(close, CloseRequest)
    assert order_contracts(close, Contracts("0.3")) == Contracts("0.3")


def test_e80_an_unconfirmed_stop_is_asked_for_then_escalated(start: Instant) -> None:
    limits = ProtectionParameters()
    assert overdue(ProtectionState.PLACING, start, Instant(start + 2 * SECOND), limits) is None
    assert overdue(ProtectionState.PLACING, start, Instant(start + 3 * SECOND), limits) is ProtectionEvent.NO_ANSWER
    for state in (ProtectionState.NAKED, ProtectionState.PLACING, ProtectionState.ASKING):
        assert overdue(state, start, Instant(start + 8 * SECOND), limits) is ProtectionEvent.TIMED_OUT
        assert PROTECTION.next(state, ProtectionEvent.TIMED_OUT) is ProtectionState.ESCALATED
    for state in COVERED:
        assert overdue(state, start, Instant(start + 999 * SECOND), limits) is None


def test_a_stop_is_replaced_new_before_old() -> None:
    path = [ProtectionEvent.TIGHTEN, ProtectionEvent.CONFIRMED, ProtectionEvent.OLD_REMOVED]
    state = ProtectionState.PROTECTED
    for event in path:
        state = PROTECTION.next(state, event)
        assert state in COVERED
    assert PROTECTION.next(ProtectionState.REPLACING, ProtectionEvent.REFUSED) is ProtectionState.PROTECTED


def test_a_stop_is_rounded_to_fire_early_and_only_moves_tighter(instrument: Any) -> None:
    limits = ProtectionParameters()
    assert trigger(instrument(), Side.LONG, D("60000.03"), limits) == D("59520.1")
    assert trigger(instrument(), Side.SHORT, D("60000.03"), limits) == D("60480.0")
    assert improves(Side.LONG, D(59600), D(59520), limits)
    assert not improves(Side.LONG, D(59521), D(59520), limits)
    assert not improves(Side.LONG, D(59400), D(59520), limits)
    assert improves(Side.SHORT, D(60400), D(60480), limits)
    assert is_before_liquidation(D(59520), D(60000), D(57000), limits)
    assert not is_before_liquidation(D(59520), D(60000), D(59300), limits)
    assert is_before_liquidation(D(59520), D(60000), None, limits)


def test_a_stop_may_sit_exactly_at_its_share_of_the_way_to_liquidation() -> None:
    limits = ProtectionParameters(liquidation_share_ratio=D("0.6"))
    assert is_before_liquidation(D(94), D(100), D(90), limits)
    assert not is_before_liquidation(D("93.99"), D(100), D(90), limits)


def test_a_stop_moves_by_its_smallest_step_and_never_for_nothing() -> None:
    assert improves(Side.LONG, D(101), D(100), ProtectionParameters(step_ratio=D("0.01")))
    assert not improves(Side.LONG, D(100), D(100), ProtectionParameters(step_ratio=D(0)))


def test_a_position_is_asked_about_after_three_seconds_and_closed_after_eight() -> None:
    limits = ProtectionParameters()
    assert (limits.ask_s, limits.escalate_s) == (3, 8)


@pytest.mark.parametrize(
    "allowed", [{"ask_s": 1}, {"ask_s": 30, "escalate_s": 60}, {"ask_s": 1, "escalate_s": 2}], ids=str
)
def test_waiting_for_a_stop_has_bounds(allowed: dict[str, int]) -> None:
    ProtectionParameters(**allowed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "impossible",
    [
        {"ask_s": 0}, {"ask_s": 31, "escalate_s": 60}, {"escalate_s": 61}, {"ask_s": 1, "escalate_s": 1},
        {"ask_s": 8, "escalate_s": 8}, {"ask_s": 9, "escalate_s": 8},
    ],
    ids=str,
)  # fmt: skip
def test_no_wait_for_a_stop_is_outside_its_bounds(impossible: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError):
        ProtectionParameters(**impossible)  # type: ignore[arg-type]


def test_only_what_stands_at_the_exchange_rests(start: Instant) -> None:
    resting = {state for state in OrderState if an_order(start, state=state).rests}
    assert resting == {OrderState.LIVE, OrderState.PARTLY_FILLED}
