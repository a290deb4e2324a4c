"""What an account held before its ledger began is posted from one reading that the bills agree with."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from engine.conftest import Killed, Play

BTC = {"instrument": "BTC-USDT-SWAP", "side": "buy", "contracts": "0.5"}


def begun_late(root: Path) -> Play:
    """An exchange that has been traded on for a while before anybody kept a ledger."""
    play = Play(root, world="range", seed=3)
    play.session(0.1)
    play.lose_ledger()
    return play


@pytest.mark.parametrize("after_ms", [0, 2, 5, 8, 12, 20, 40])
def test_money_that_moves_between_balance_and_bills_is_counted_once(tmp_path: Path, after_ms: int) -> None:
    play = begun_late(tmp_path / "root")

    def begun(session: Any) -> None:
        async def open_one() -> None:
            await session.venue.clock.sleep(1 + after_ms / 1_000)
            session.venue.host.others("foreign-order", BTC)

        session.also = open_one

    play.begun = begun
    play.session(0.05)
    play.begun = None
    assert len(play.rows("SELECT 1 FROM postings WHERE transaction_id = 'opening' AND account = 'cash'")) == 1
    play.check()


def test_dying_before_the_opening_is_posted_leaves_it_to_the_next_session(tmp_path: Path) -> None:
    play = begun_late(tmp_path / "root")

    def die(session: Any) -> None:
        def kill(event: Any, _step: Any, _at: Any) -> None:
            if session.machine.context.opening is not None:
                raise Killed

        session.runner.watchers.append(kill)

    play.begun = die
    with contextlib.suppress(Killed):
        play.session(0.05)
    play.begun = None
    assert play.rows("SELECT 1 FROM postings WHERE transaction_id = 'opening'") == []
    play.session(0.05)
    (row,) = play.rows("SELECT amount FROM postings WHERE transaction_id = 'opening' AND account = 'cash'")
    assert Decimal(row["amount"]) > 0
    play.check()
