from __future__ import annotations

from pathlib import Path

from engine.conftest import Play

HOUR_US = 3_600_000_000
NOTICE = "- {at: 30m, do: delist, instrument: BTC-USDT, in_seconds: '5400'}\n"
WORKS = "- {at: 30m, do: maintenance, in_seconds: '1800', seconds: '180', pre_open: '120'}\n"


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
