from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from engine.conftest import Killed, Play
from session.conftest import Run

from scalpctl.analysis.session.report import report
from scalpctl.analysis.session.scope import of_sessions
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ledger.verification.verify import verify

pytestmark = pytest.mark.whole


def folded(reader: LedgerReader, session_id: str) -> dict[str, Any]:
    """What a report folds from the rows, under the names of the kept figures."""
    whole = report(reader, of_sessions(reader, (session_id,)), {})
    liquidity, parts = whole["execution"]["liquidity"], ("fills", "fees", "value")
    return {
        **{name: whole["identity"][name] for name in ("gross", "fees", "funding", "net")},
        **{f"{kind}_{name}": liquidity[kind][name] for kind in ("maker", "taker") for name in parts},
        "trades": whole["performance"]["trades"],
        "wins": whole["performance"]["wins"],
    }  # fmt: skip


def held_against_reports(play: Play) -> int:
    with LedgerReader(play.folder.ledger) as reader:
        kept = reader.rows("SELECT * FROM session_results ORDER BY seq")
        for row in kept:
            fresh = folded(reader, row["session_id"])
            assert {name: row[name] for name in fresh} == fresh
    return len(kept)


def test_the_figures_kept_with_a_session_are_those_its_report_folds_from_the_rows(played: Play) -> None:
    assert held_against_reports(played) == 2


def test_kept_figures_survive_a_process_that_dies_between_two_commits(tmp_path: Path) -> None:
    play = Play(tmp_path / "root", seed=3)
    for died_at in (5, 60):

        async def beside(session: Any, after: int = died_at) -> None:
            await session.venue.clock.sleep(after * 60)
            raise Killed

        with pytest.raises(Killed):
            play.session(2, beside)
    play.session(0.2)
    assert held_against_reports(play) == 3
    assert verify(play.folder.ledger).ok


def test_a_brief_look_says_what_the_list_of_sessions_says(scalpctl: Run) -> None:
    said = scalpctl("--brief", "--json")
    assert said.returncode == 0, said.stderr
    brief = json.loads(said.stdout)["data"]
    whole = json.loads(scalpctl("--json").stdout)["data"]
    assert (brief["net"], brief["trades"]) == (whole["identity"]["net"], whole["performance"]["trades"])
    for wrong in (("--since", "2h"), ("--html", "page.html"), ("--question", "why-closed"), ("nosuch",)):
        assert scalpctl("--brief", *wrong).returncode == 64
