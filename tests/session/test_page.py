"""The page in a real browser: no complaint, nothing blank, everything answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import PROGRAM, Browser, browser
from session.conftest import Run

pytestmark = [
    pytest.mark.whole,
    pytest.mark.skipif(PROGRAM is None, reason="needs a Chromium; .ci/run installs one where it may"),
]


@pytest.fixture
def page(scalpctl: Run, tmp_path: Path) -> Path:
    target = tmp_path / "page.html"
    assert scalpctl("--html", str(target)).returncode == 0
    return target


@pytest.fixture
def shown(page: Path, tmp_path: Path) -> Iterator[Browser]:
    with browser(tmp_path) as one:
        one.show(page)
        yield one


def test_the_page_is_drawn_without_a_complaint_and_asks_nobody(shown: Browser) -> None:
    charts = shown.run(
        "[...document.querySelectorAll('svg')].map(s => [s.dataset.chart, s.querySelectorAll('*').length])"
    )
    assert {name for name, _ in charts} >= {"equity", "mae-mfe", "causes", "heat", "holding", "instruments", "trade"}
    assert all(count > 3 for _, count in charts), charts
    boxes = shown.run("[...document.querySelectorAll('svg')].every(s => s.getBoundingClientRect().height > 20)")
    assert boxes is True
    assert shown.complaints == []


def test_the_filter_narrows_and_a_dot_opens_its_trade(shown: Browser, report: dict[str, Any]) -> None:
    rows = "[...document.querySelectorAll('tbody tr[data-id]')].filter(r => !r.hidden).length"
    assert shown.run(rows) == len(report["trades"])
    wanted = report["trades"][0]["cause"]
    expected = sum(wanted in json.dumps(one) for one in report["trades"])
    shown.run(
        f"(() => {{ const f = document.getElementById('filter'); f.value = {json.dumps(wanted)}; "
        "f.dispatchEvent(new Event('input')); })()"
    )
    assert shown.run(rows) == expected
    chosen = shown.run(
        "(() => { const d = [...document.querySelectorAll('circle.dot')].pop(); "
        "d.dispatchEvent(new MouseEvent('click')); return d.dataset.id; })()"
    )
    assert chosen in shown.run("document.querySelector('#story h2').textContent")
    assert shown.run("document.querySelectorAll('#story svg[data-chart=trade] rect').length") > 5
    assert shown.complaints == []


def test_times_switch_between_utc_and_local(shown: Browser) -> None:
    shown.ask("Emulation.setTimezoneOverride", timezoneId="Asia/Tokyo")
    before = shown.run("document.getElementById('when').textContent")
    shown.run("document.getElementById('zone').click()")
    after = shown.run("document.getElementById('when').textContent")
    assert before != after
    assert shown.run("document.getElementById('zone').textContent") == "local time"


def test_it_can_be_read_on_a_phone_and_in_the_dark(shown: Browser) -> None:
    shown.look_as(380, dark=True)
    assert shown.run("document.documentElement.scrollWidth <= 380") is True
    assert shown.run("getComputedStyle(document.body).backgroundColor") == "rgb(17, 21, 28)"
    assert len(shown.picture()) > 20_000


def test_hostile_text_runs_nothing_in_the_browser(scalpctl: Run, journal: Any, tmp_path: Path) -> None:
    from audit.forging import forged
    from session.test_reports import _hostile

    path = forged(journal, tmp_path / "case.db", _hostile)
    assert scalpctl("--ledger", str(path), "--html", str(tmp_path / "page.html")).returncode == 0
    with browser(tmp_path) as one:
        one.show(tmp_path / "page.html")
        assert one.complaints == []
        assert one.run("document.querySelectorAll('script').length") == 2
