"""The ids of our orders: each is used for one order, however long nobody knows what became of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine.conftest import Killed, Play, until
from simulation.oracles import final

from scalpctl.core.exchange.outcomes import Outcome, Unknown

LONG_S = 400
USED_ALREADY = "51016"


class LostAnswers:
    """Carries orders to the exchange, and loses what it answers."""

    def __init__(self, session: Any) -> None:
        self._trading, self._clock = session.runner._means.trading, session.venue.clock
        self._host = session.venue.host
        self.losing = True
        self.sent: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trading, name)

    async def place(self, order: Any) -> Outcome:
        if not self.sent:  # from now on nobody tells what became of anything
            self._host.command("mute", {"channel": "orders"})
            for what in ("order?", "orders", "fills"):
                self._host.command("silence", {"path": f"/api/v5/trade/{what}"})
        self.sent.append(order.client_id)
        outcome: Outcome = await self._trading.place(order)
        if not self.losing:
            return outcome
        await self._clock.sleep(3)
        return Unknown("no answer came in time")


@pytest.mark.parametrize("kept", ["pending", "for_ever"])
@pytest.mark.parametrize("ends", ["cleared up", "killed"])
def test_an_id_is_used_once_although_nobody_knows_for_long_what_became_of_its_order(
    tmp_path: Path, kept: str, ends: str
) -> None:
    """Whether the exchange knows a finished order's id again or has forgotten it: nothing depends on that."""
    play = Play(tmp_path / "root", world="chop", seed=5)
    sent: list[str] = []
    refused: list[str] = []

    async def beside(session: Any) -> None:
        host, line = session.venue.host, LostAnswers(session)
        session.runner._means = replace(session.runner._means, trading=line)
        host.command("oddity", {"client_ids": kept})
        await until(session, lambda: bool(line.sent))
        await session.venue.clock.sleep(LONG_S)
        (unresolved, *_) = line.sent
        assert session.machine.context.orders[unresolved][1].order.state == "unknown"
        if ends == "killed":
            session.runner.watchers.append(_die)
        line.losing = False
        host.command("unmute", {})
        host.command("unsilence", {})
        await session.venue.clock.sleep(300)
        sent.extend(line.sent)
        refused.extend(one.code for one in host.refused)
        session.stop.set()

    if ends == "killed":
        with pytest.raises(Killed):
            play.session(1, beside)
    else:
        play.session(1, beside)
        assert len(set(sent)) == len(sent) > 0
        assert USED_ALREADY not in refused
    play.session(0.4)
    account = next(iter(play.exchange().state.accounts.values()))
    taken = [order.client_id for order in (*account.done, *account.orders.values()) if order.client_id]
    assert len(set(taken)) == len(taken) > 2
    intended = [row["client_id"] for row in play.rows("SELECT client_id FROM orders")]
    assert set(taken) | set(sent) <= set(intended)
    assert play.rows("SELECT 1 FROM orders WHERE state IN ('intended', 'sent', 'unknown')") == []
    assert not [*final(play)]


def _die(*_event: Any) -> None:
    raise Killed
