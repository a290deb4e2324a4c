from __future__ import annotations

import pytest
from audit.forging import Row, journal_of
from engine.conftest import Play, play

SCHEDULE = """
- {at: 15m, do: manual-close}
- {at: 40m, do: foreign-order, instrument: DOGE-USDT-SWAP, side: buy, contracts: "2"}
"""


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Two sessions of an engine, somebody else's hands in between; everything about them is in order."""
    play = Play(tmp_path_factory.mktemp("played"), seed=3)
    play.session(2.5, schedule=SCHEDULE)
    play.session(0.5)
    return play


@pytest.fixture(scope="session")
def journal(played: Play) -> list[Row]:
    return journal_of(played.folder.ledger)


__all__ = ["play"]
