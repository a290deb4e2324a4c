"""Unknown outcomes: found whenever it exists, void only when it cannot exist."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpctl.core.exchange.outcomes import Unknown
from scalpctl.core.exchange.resolutions import FilledUnseen, Found, Void
from scalpctl.core.instants import after
from scalpctl.errors import ExchangeUnavailable
from scalpctl.okx.resolution import Resolver

INST = "BTC-USDT-SWAP"
CLIENT_ID = "sc0000000007"


class Exchange:
    """One order that appears after a while, on a line that fails now and then."""

    def __init__(self, make: Any, documented: Any, *, appears_s: float | None, fails: list[bool], fill: bool) -> None:
        self.make, self.documented = make, documented
        self.appears_s, self.fails, self.fill = appears_s, list(fails), fill
        self.desk = make.desk(self.answer)
        self.asked: list[tuple[float, str]] = []

    def answer(self, request: Any) -> Any:
        now_s = self.desk.clock.monotonic() / 1e9
        path = urlsplit(request.target).path
        self.asked.append((now_s, path))
        if self.fails and self.fails.pop(0):
            return ExchangeUnavailable("no answer")
        if path.endswith("/fills"):
            return self.make.answer([self.documented.fill] if self.fill else [])
        assert parse_qs(urlsplit(request.target).query)["clOrdId"] == [CLIENT_ID]
        if self.appears_s is not None and now_s >= self.appears_s:
            return self.make.answer([self.documented.order_push])
        return self.make.answer([], code="51603")

    async def resolve(self) -> Any:
        start = self.make.start
        resolver = Resolver(self.desk.reader, self.desk.clock)
        return await resolver.order(INST, CLIENT_ID, sent_at=start, expires_at=after(start, 3))


@given(
    appears_s=st.floats(min_value=0, max_value=4.0),
    fails=st.lists(st.booleans(), max_size=12),
)
@settings(deadline=None, max_examples=150)
async def test_b7_an_order_that_shows_within_its_expiry_and_margin_is_never_called_void(
    make: Any, documented: Any, appears_s: float, fails: list[bool]
) -> None:
    resolution = await Exchange(make, documented, appears_s=appears_s, fails=fails, fill=False).resolve()
    assert isinstance(resolution, Found)


@given(fails=st.lists(st.booleans(), max_size=15))
@settings(deadline=None, max_examples=100)
async def test_b1_void_needs_the_expiry_two_not_founds_and_no_fill(
    make: Any, documented: Any, fails: list[bool]
) -> None:
    exchange = Exchange(make, documented, appears_s=None, fails=fails, fill=False)
    resolution = await exchange.resolve()
    assert isinstance(resolution, Void)
    assert resolution.last_asked_at > after(make.start, 4)
    late = [path for now_s, path in exchange.asked if now_s > 4]
    assert sum(path.endswith("/order") for path in late) >= 2
    assert late[-1].endswith("/fills")


async def test_b6_fills_are_the_authority_over_a_list_without_the_order(make: Any, documented: Any) -> None:
    resolution = await Exchange(make, documented, appears_s=None, fails=[], fill=True).resolve()
    assert isinstance(resolution, FilledUnseen)
    assert resolution.fills[0].client_id == CLIENT_ID


async def test_b6_after_two_hours_void_says_that_it_may_have_been_cancelled(make: Any, documented: Any) -> None:
    desk = make.desk(lambda request: make.answer([]) if "fills" in request.target else make.answer([], code="51603"))
    start = after(make.start, -3 * 3_600)
    resolution = await Resolver(desk.reader, desk.clock).order(
        INST, CLIENT_ID, sent_at=start, expires_at=after(start, 3)
    )
    assert isinstance(resolution, Void)
    assert resolution.may_have_been_cancelled


async def test_an_exchange_that_cannot_be_asked_leaves_it_unknown(make: Any) -> None:
    desk = make.desk(ExchangeUnavailable("no answer"))
    resolution = await Resolver(desk.reader, desk.clock).order(
        INST, CLIENT_ID, sent_at=make.start, expires_at=after(make.start, 3)
    )
    assert isinstance(resolution, Unknown)


@pytest.mark.parametrize("where", ["order-algo?", "orders-algo-pending", "orders-algo-history"])
async def test_an_unknown_algo_is_found_wherever_it_is(make: Any, documented: Any, where: str) -> None:
    desk = make.desk(
        lambda request: (
            make.answer([documented.algo])
            if where in request.target
            else make.answer([], code="51603" if "order-algo?" in request.target else "0")
        )
    )
    resolution = await Resolver(desk.reader, desk.clock).algo(INST, "scsl000000001", sent_at=make.start)
    assert isinstance(resolution, Found)


async def test_an_algo_nobody_lists_is_void_but_not_at_once(make: Any) -> None:
    desk = make.desk(lambda request: make.answer([], code="51603" if "order-algo?" in request.target else "0"))
    resolution = await Resolver(desk.reader, desk.clock).algo(INST, "scsl1", sent_at=make.start)
    assert isinstance(resolution, Void)
    assert resolution.last_asked_at > after(make.start, 10)


async def test_b1_the_second_late_not_found_is_enough_and_asking_begins_at_once(make: Any, documented: Any) -> None:
    exchange = Exchange(make, documented, appears_s=None, fails=[], fill=False)
    await exchange.resolve()
    orders = [now_s for now_s, path in exchange.asked if path.endswith("/order")]
    assert orders[0] == pytest.approx(0.2)
    assert sum(now_s > 4 for now_s in orders) == 2


async def test_b6_executions_are_looked_for_from_a_minute_before_the_order_was_sent(make: Any) -> None:
    asked: list[str] = []

    def answer(request: Any) -> Any:
        asked.append(request.target)
        return make.answer([]) if "fills" in request.target else make.answer([], code="51603")

    desk = make.desk(answer)
    await Resolver(desk.reader, desk.clock).order(INST, CLIENT_ID, sent_at=make.start, expires_at=after(make.start, 3))
    begins = {parse_qs(urlsplit(target).query)["begin"][0] for target in asked if "fills" in target}
    assert begins == {str(after(make.start, -120) // 1_000)}, "and a minute more, as every reading overlaps"


@pytest.mark.parametrize(("ago_s", "forgotten"), [(7_100, "no"), (7_139, "no"), (7_140, "yes")])
async def test_b6_the_exchange_forgets_what_was_cancelled_unfilled_two_hours_ago(
    make: Any, ago_s: int, forgotten: str
) -> None:
    desk = make.desk(lambda request: make.answer([]) if "fills" in request.target else make.answer([], code="51603"))
    start = after(make.start, -ago_s)
    resolution = await Resolver(desk.reader, desk.clock).order(INST, CLIENT_ID, sent_at=start, expires_at=start)
    assert isinstance(resolution, Void)
    assert resolution.may_have_been_cancelled is (forgotten == "yes")


async def test_asking_goes_on_for_two_minutes_and_no_longer(make: Any) -> None:
    desk = make.desk(ExchangeUnavailable("no answer"))
    begun = desk.clock.monotonic()
    await Resolver(desk.reader, desk.clock).order(INST, CLIENT_ID, sent_at=make.start, expires_at=after(make.start, 3))
    assert 120 <= (desk.clock.monotonic() - begun) / 1e9 < 140


async def test_the_lists_of_algos_are_asked_only_when_its_id_was_not_found_late(make: Any) -> None:
    asked: list[tuple[float, str]] = []

    def answer(request: Any) -> Any:
        asked.append((desk.clock.monotonic() / 1e9, urlsplit(request.target).path.rsplit("/", 1)[1]))
        return make.answer([], code="51603" if "order-algo?" in request.target else "0")

    desk = make.desk(answer)
    await Resolver(desk.reader, desk.clock).algo(INST, "scsl1", sent_at=make.start)
    begun = asked[0][0] - 0.2
    late = [at - begun for at, path in asked if path == "order-algo" and at - begun > 10]
    assert len(late) == 2
    assert all(at - begun > 10 for at, path in asked if path != "order-algo")


@pytest.mark.parametrize("what", ["order", "algo"])
async def test_asking_ends_after_two_minutes_however_long_the_engine_has_run(make: Any, what: str) -> None:
    desk = make.desk(ExchangeUnavailable("no answer"))
    await desk.clock.sleep(1_000)
    begun, resolver = desk.clock.monotonic(), Resolver(desk.reader, desk.clock)
    if what == "order":
        unknown = await resolver.order(INST, CLIENT_ID, sent_at=make.start, expires_at=after(make.start, 3))
    else:
        unknown = await resolver.algo(INST, CLIENT_ID, sent_at=make.start)
    assert isinstance(unknown, Unknown)
    assert 120 <= (desk.clock.monotonic() - begun) / 1e9 < 121


@pytest.mark.parametrize(("before_s", "kind"), [(60, Found), (61, Void)])
async def test_a_finished_algo_counts_from_a_minute_before_it_was_sent(
    make: Any, documented: Any, before_s: int, kind: type[Any]
) -> None:
    ended = str(after(make.start, -before_s) // 1_000)
    row = documented.algo | {"uTime": ended, "cTime": ended}
    desk = make.desk(
        lambda request: (
            make.answer([row])
            if "orders-algo-history" in request.target
            else make.answer([], code="51603" if "order-algo?" in request.target else "0")
        )
    )
    assert isinstance(await Resolver(desk.reader, desk.clock).algo(INST, "scsl000000001", sent_at=make.start), kind)
