"""Limits latch, survive restarts, release before they block, and never hold an exit back."""

from __future__ import annotations

from decimal import Decimal

from scalpctl.core import limits as brakes
from scalpctl.core.instants import Instant
from scalpctl.core.limits import Book, LatchState, Limit, LimitParameters, ResumeRefused

D = Decimal
SECOND = 1_000_000


def test_b42_the_daily_loss_counts_from_the_days_opening_and_latches(start: Instant) -> None:
    limits = LimitParameters()
    book = brakes.equity_seen(Book(), D(1000), start, limits)
    book = brakes.trade_closed(book, "BTC-USDT-SWAP", D(-30), start, limits, stopped=False)
    assert brakes.blocks_entry(book, "BTC-USDT-SWAP", start, limits) is None
    book = brakes.trade_closed(book, "ETH-USDT-SWAP", D(-20), start, limits, stopped=False)
    blocking = brakes.blocks_entry(book, "SOL-USDT-SWAP", start, limits)
    assert blocking is not None
    assert (blocking.limit, blocking.state) == (Limit.DAILY_LOSS, LatchState.LATCHED)
    tomorrow = Instant(start + 86400 * SECOND)
    assert brakes.blocks_entry(brakes.equity_seen(book, D(950), tomorrow, limits), "X", tomorrow, limits) is not None


def test_b34_limits_survive_a_restart(start: Instant) -> None:
    limits = LimitParameters(losses_max=1)
    book = brakes.trade_closed(Book(), "BTC-USDT-SWAP", D(-1), start, limits, stopped=True)
    book = brakes.order_sent(brakes.equity_seen(book, D(900), start, limits), start)
    again = brakes.from_plain(brakes.to_plain(book))
    assert again == book
    assert brakes.blocks_entry(again, "BTC-USDT-SWAP", start, limits) is not None


def test_f83_release_is_asked_before_block(start: Instant) -> None:
    limits = LimitParameters()
    book = brakes.trip(Book(), Limit.STOP_OUTS, start, "why", for_s=10)
    assert brakes.blocks_entry(book, "BTC-USDT-SWAP", Instant(start + 9 * SECOND), limits) is not None
    assert brakes.blocks_entry(book, "BTC-USDT-SWAP", Instant(start + 10 * SECOND), limits) is None
    longer = brakes.trip(book, Limit.STOP_OUTS, start, "again", for_s=60)
    shorter = brakes.trip(longer, Limit.STOP_OUTS, start, "again", for_s=5)
    assert shorter.latches[0].until == start + 60 * SECOND
    assert brakes.cleared(book, Limit.STOP_OUTS).latches == ()
    latched = brakes.trip(book, Limit.STOP_OUTS, start, "for good")
    assert brakes.cleared(latched, Limit.STOP_OUTS).latches == latched.latches


def test_a_drawdown_latch_is_released_by_a_person_with_a_reason_and_does_not_return_at_once(start: Instant) -> None:
    limits = LimitParameters(daily_loss_ratio=D("0.5"))
    book = brakes.equity_seen(brakes.equity_seen(Book(), D(1000), start, limits), D(900), start, limits)
    assert brakes.blocks_entry(book, "BTC-USDT-SWAP", start, limits) is not None
    later = Instant(start + 120 * SECOND)
    assert brakes.resumed(book, Limit.DRAWDOWN, start, "fine", limits) is ResumeRefused.TOO_SOON
    assert brakes.resumed(book, Limit.DRAWDOWN, later, " ", limits) is ResumeRefused.NO_REASON
    assert brakes.resumed(book, Limit.DRIFT, later, "fine", limits) is ResumeRefused.NOT_LATCHED
    free = brakes.resumed(book, Limit.DRAWDOWN, later, "reviewed", limits)
    assert isinstance(free, Book)
    assert brakes.blocks_entry(free, "BTC-USDT-SWAP", later, limits) is None
    daily = brakes.trip(book, Limit.DAILY_LOSS, start, "why")
    assert isinstance(brakes.resumed(daily, Limit.DAILY_LOSS, later, "reviewed", limits), Book)


def test_streaks_stop_outs_and_orders_per_minute_hold_entries_back(start: Instant) -> None:
    limits = LimitParameters(losses_max=2, stop_outs_max=2, orders_per_minute_max=2)
    book = Book()
    for _ in range(2):
        book = brakes.trade_closed(book, "BTC-USDT-SWAP", D(-1), start, limits, stopped=True)
    assert [latch.limit for latch in book.latches] == [Limit.LOSS_STREAK, Limit.STOP_OUTS]
    quiet = brakes.order_sent(brakes.order_sent(Book(), start), start)
    blocking = brakes.blocks_entry(quiet, "BTC-USDT-SWAP", start, limits)
    assert blocking is not None
    assert blocking.limit is Limit.ORDERS_PER_MINUTE
    assert brakes.blocks_entry(quiet, "BTC-USDT-SWAP", Instant(start + 61 * SECOND), limits) is None
    won = brakes.trade_closed(Book(losses={"A": 1}), "A", D(1), start, limits, stopped=False)
    assert won.losses["A"] == 0
    rolled = brakes.trade_closed(Book(day="2020-01-01", day_opening=D(10)), "A", D(1), start, limits, stopped=False)
    assert (rolled.day_net, rolled.day_opening) == (D(1), D(10))


def test_a_day_is_lost_while_its_positions_are_still_losing(start: Instant) -> None:
    limits = LimitParameters()
    book = brakes.equity_seen(Book(), D(1000), start, limits)
    book = brakes.equity_seen(book, D(951), start, limits)
    assert brakes.blocks_entry(book, "X", start, limits) is None
    book = brakes.equity_seen(book, D(950), start, limits)
    blocking = brakes.blocks_entry(book, "X", start, limits)
    assert blocking is not None
    assert blocking.limit is Limit.DAILY_LOSS
    later = Instant(start + 120 * SECOND)
    free = brakes.resumed(book, Limit.DAILY_LOSS, later, "reviewed", limits)
    assert isinstance(free, Book)
    again = brakes.equity_seen(free, D(950), later, limits)
    assert brakes.blocks_entry(again, "X", later, limits) is None


def test_a_withdrawal_is_no_loss_and_a_deposit_no_gain(start: Instant) -> None:
    limits = LimitParameters()
    book = brakes.equity_seen(Book(), D(1000), start, limits)
    book = brakes.equity_seen(brakes.money_moved(book, D(-500)), D(500), start, limits)
    assert book.latches == ()
    book = brakes.equity_seen(brakes.money_moved(book, D(500)), D(1000), start, limits)
    book = brakes.equity_seen(book, D(940), start, limits)
    assert {latch.limit for latch in book.latches} == {Limit.DAILY_LOSS}


def test_a_latch_that_was_set_again_since_it_was_recorded_keeps_its_later_end(start: Instant) -> None:
    limits, again = LimitParameters(stop_outs_pause_s=100), Instant(start + 80 * SECOND)
    book = brakes.trip(Book(), Limit.STOP_OUTS, start, "first", for_s=100)
    book = brakes.trip(book, Limit.STOP_OUTS, again, "again", for_s=100)
    held = [brakes.Held(Limit.STOP_OUTS, "", start, "first"), brakes.Held(Limit.OPERATOR_HALT, "", start, "a person")]
    recalled = {latch.limit: latch for latch in brakes.recalled(book, held, lambda _: limits).latches}
    assert recalled[Limit.STOP_OUTS].until == again + 100 * SECOND
    assert recalled[Limit.OPERATOR_HALT].until is None
    later = brakes.recalled(Book(), held, lambda _: limits)
    assert [latch.until for latch in later.latches] == [start + 100 * SECOND, None]
    assert brakes.recalled(book, (), lambda _: limits).latches == ()


def test_a_result_of_yesterday_that_is_learned_of_late_does_not_begin_the_day_anew(start: Instant) -> None:
    limits, yesterday = LimitParameters(), Instant(start - 86_400 * SECOND)
    book = brakes.equity_seen(Book(), D(1000), start, limits)
    book = brakes.trade_closed(book, "BTC-USDT-SWAP", D(-30), start, limits, stopped=False)
    late = brakes.trade_closed(book, "ETH-USDT-SWAP", D(-40), yesterday, limits, stopped=False)
    assert (late.day, late.day_opening, late.day_net) == (book.day, D(1000), D(-30))
    assert late.losses["ETH-USDT-SWAP"] == 1
    lost = brakes.equity_seen(late, D(949), start, limits)
    assert [latch.limit for latch in lost.latches] == [Limit.DAILY_LOSS]
