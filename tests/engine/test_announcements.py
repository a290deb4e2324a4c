from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engine.conftest import Play, command, is_covered, protected, until

from scalpctl.core.money import Exact
from scalpctl.core.records.trading import InstrumentSpecified
from scalpctl.errors import ConfigurationError
from scalpctl.host.hand_clock import HandClock
from scalpctl.host.ids import CountedIds
from scalpctl.ledger.opening import Holder, open_ledger, prepare_folder
from scalpctl.wiring.venues import SIM_BEGINS

HOUR_US = 3_600_000_000
NOTICE = "- {at: 30m, do: delist, instrument: BTC-USDT, in_seconds: '5400'}\n"
WORKS = "- {at: 30m, do: maintenance, in_seconds: '1800', seconds: '180', pre_open: '120'}\n"


GONE = InstrumentSpecified(
    inst_id="OLD-USDT-SWAP", version=1, ct_val=Exact("1"), ct_mult=Exact("1"), lot_size=Exact("1"),
    min_contracts=Exact("1"), tick_size=Exact("0.1"), settle_ccy="USDT", leverage_max=Exact("10"), state="live",
    valid_from_at=SIM_BEGINS,
)  # fmt: skip
"""What was traded here once, and has left the exchange's list since."""


def entries(play: Play, first: int, last: int, instrument: str = "%") -> list[str]:
    found = play.rows(
        "SELECT inst_id FROM decisions WHERE subject = 'entry' AND outcome = 'enter' AND inst_id LIKE ? AND "
        "decided_at - (SELECT min(started_at) FROM sessions) BETWEEN ? AND ?", instrument, first, last,
    )  # fmt: skip
    return [row["inst_id"] for row in found]


def test_what_leaves_the_list_is_not_entered_after_the_notice_and_not_held_to_its_end(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=21)
    play.session(2.2, schedule=NOTICE)
    play.check()
    assert play.rows("SELECT 1 FROM closures WHERE cause = 'delivery'") == []
    assert entries(play, 0, HOUR_US // 2, "BTC-USDT-SWAP")
    assert entries(play, HOUR_US // 2 + 1_000_000, 3 * HOUR_US, "BTC-USDT-SWAP") == []
    assert entries(play, HOUR_US // 2, 3 * HOUR_US), "the others trade on"
    assert play.rows("SELECT 1 FROM decisions WHERE inst_id = 'BTC-USDT-SWAP' AND outcome = 'skip:announced'")


def test_a_position_is_closed_before_its_instrument_leaves_the_list(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=21)
    for at in range(20, 200, 20):  # whatever is the largest position then has an hour and a second left
        play.session(1, schedule="- {at: %dm, do: delist, in_seconds: '3605'}\n" % at)
        if play.rows("SELECT 1 FROM closures WHERE cause = 'delisting'"):
            break
    (closed, *_) = play.rows("SELECT * FROM closures WHERE cause = 'delisting'")
    assert "expires_at" in closed["evidence"]
    play.check()


def test_nothing_is_entered_from_shortly_before_a_maintenance_until_its_prices_have_settled(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=21)
    play.session(2, schedule=WORKS)
    play.check()
    minute = HOUR_US // 60
    assert entries(play, 0, 45 * minute)
    assert entries(play, 45 * minute + 1, 70 * minute) == []
    assert entries(play, 70 * minute, 3 * HOUR_US)
    assert play.rows("SELECT 1 FROM decisions WHERE outcome = 'skip:announced'")


def test_a_state_nobody_knows_keeps_entries_out_of_its_instrument_and_what_is_held_is_guarded_and_closed(
    tmp_path: Path,
) -> None:
    play = Play(tmp_path / "root", world="chop", seed=21)
    when: list[int] = []

    async def beside(session: Any) -> None:
        host, clock = session.venue.host, session.venue.clock
        desk = await protected(session)
        inst_id = desk.inst_id
        host.command("suspend", {"instrument": inst_id, "state": "rebasing"})
        when.append(clock.now())
        await until(session, lambda: desk.instrument.state == "rebasing", 5)
        for _ in range(20):
            await clock.sleep(1)
            account = next(iter(host.exchange.state.accounts.values()))
            assert all(is_covered(one, account) for one in account.positions.values() if one.inst_id == inst_id)
        await session.runner.order(command("close", instrument=inst_id))
        assert desk.holding is None
        await clock.sleep(5_400)
        when.append(clock.now())
        host.command("resume", {"instrument": inst_id})
        await until(session, lambda: desk.holding is not None and desk.holding.entered)
        session.stop.set()
        held.append(inst_id)

    held: list[str] = []
    play.session(6, beside)
    play.check()
    (first,) = play.rows("SELECT min(started_at) AS at FROM sessions")
    since, until_then = (at - first["at"] for at in when)
    assert entries(play, since + 1_000_000, until_then, held[0]) == []
    assert entries(play, since, until_then), "the others trade on"
    assert entries(play, until_then, 6 * HOUR_US, held[0])
    skipped = play.rows("SELECT outcome FROM decisions WHERE inst_id = ? AND outcome LIKE 'skip:%'", held[0])
    assert "skip:not_traded" in {row["outcome"] for row in skipped}
    (closure, *_) = play.rows("SELECT cause FROM closures WHERE inst_id = ? AND closed_at > ?", held[0], when[0])
    assert closure["cause"] in {"operator", "exchange_stop"}


def test_an_entry_in_the_book_is_withdrawn_when_its_instrument_comes_into_a_state_nobody_knows(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=21)
    waiting: list[str] = []

    async def beside(session: Any) -> None:
        host, desks = session.venue.host, session.machine.context.desks

        def resting() -> bool:
            waiting[:] = [
                desk.execution.working.order.client_id
                for desk in desks.values()
                if desk.execution
                and desk.execution.working
                and desk.execution.working.order.state == "live"
                and desk.execution.role == "entry"
            ]
            return bool(waiting)

        await until(session, resting)
        inst_ids.append(session.machine.context.orders[waiting[0]][0].inst_id)
        host.command("suspend", {"instrument": inst_ids[0], "state": "odd"})
        changed.append(host.exchange.now)
        await session.venue.clock.sleep(30)
        session.stop.set()

    inst_ids: list[str] = []
    changed: list[int] = []
    play.session(2, beside)
    *_, last = play.rows("SELECT state, finished_at FROM orders WHERE role = 'entry' AND inst_id = ?", inst_ids[0])
    assert last["state"] == "cancelled"
    assert last["finished_at"] - changed[0] < 1_000_000


@pytest.mark.parametrize("config", ["", "instruments: [OLD-USDT-SWAP, BTC-USDT-SWAP, SOL-USDT-SWAP]\n"])
def test_what_the_exchange_lists_no_more_keeps_nobody_from_the_others(tmp_path: Path, config: str) -> None:
    play = Play(tmp_path / "root", world="chop", seed=21)
    prepare_folder(play.folder)
    writer = open_ledger(play.folder, HandClock(SIM_BEGINS), CountedIds(), purpose="test", holder=Holder(0, "virtual"))
    writer.write(GONE)
    writer.close()
    play.config = config
    play.session(0.5)
    assert entries(play, 0, HOUR_US)
    (noted,) = play.rows("SELECT detail FROM connection_events WHERE event = 'unsubscribed'")
    assert "OLD-USDT-SWAP is not listed any more" in noted["detail"]
    play.check()


def test_an_instrument_nobody_ever_listed_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", world="chop", seed=21)
    play.config = "instruments: [BTC-USDT-SWAP, BTX-USDT-SWAP]\n"
    with pytest.raises(ConfigurationError, match="does not list BTX-USDT-SWAP"):
        play.session(0.5)
    (session,) = play.rows("SELECT end_kind, end_reason FROM sessions")
    assert "it could not begin" in session["end_reason"]
