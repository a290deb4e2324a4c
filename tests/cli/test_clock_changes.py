"""Sessions that run while clocks change in Berlin: the same figures everywhere, and no time that means two things."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cli.conftest import Run
from engine.conftest import Play

from scalpctl.cli.moments import moment
from scalpctl.core.instants import Instant, parse_rfc3339
from scalpctl.errors import UsageError
from scalpctl.ledger.opening import prepare_folder
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving.host import fresh_account
from scalpctl.simulator.serving.store import Store

ZONES = ("UTC", "Europe/Berlin", "Europe/Kyiv", "Pacific/Apia", "America/New_York", "Asia/Kathmandu")
CHANGES = {
    "forward": ("2026-03-29T00:20:00Z", "2026-03-29T01:00:00Z", "+01:00", "+02:00"),
    "back": ("2026-10-25T00:20:00Z", "2026-10-25T01:00:00Z", "+02:00", "+01:00"),
}
"""When a session begins, when clocks change in Berlin, and the offsets before and after."""
Told = Callable[..., str]


@pytest.fixture(scope="module", params=CHANGES)
def change(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def played(change: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of an hour and a quarter around a change of clocks."""
    play = Play(tmp_path_factory.mktemp(change) / "root", world="chop", seed=5)
    prepare_folder(play.folder)
    exchange = Exchange.open(play.world, play.seed, parse_rfc3339(CHANGES[change][0]))
    account, _ = fresh_account(play.seed, Decimal(1_000))
    exchange.add_account(account, Decimal(1_000))
    Store(play.folder.path).save(exchange.snapshot())
    play.session(1.25)
    return play.root


@pytest.fixture
def told(played: Path, scalpctl: Run) -> Told:
    def tell(*arguments: str, **environ: str) -> str:
        done = scalpctl(*arguments, SCALPCTL_ROOT=str(played), **environ)
        assert done.returncode in {0, 1}, done.stderr
        return done.stdout

    return tell


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_reports_over_a_change_of_clocks_are_the_same_in_every_zone_of_the_machine(told: Told) -> None:
    for command in (("trades",), ("analyze-session",)):
        said = {zone: json.loads(told(*command, "--json", TZ=zone)) for zone in ZONES}
        for one in said.values():
            one.pop("generated_at", None)
            one.pop("as_of", None)
        assert len({json.dumps(one, sort_keys=True) for one in said.values()}) == 1, command


@pytest.mark.slow
def test_times_around_a_change_of_clocks_are_told_apart_by_their_offset_and_durations_are_right(
    told: Told, change: str
) -> None:
    _, changes_at, before, after = CHANGES[change]
    exact = {row["position_id"]: row for row in json.loads(told("trades", "--json"))["data"]}
    held = {row["position_id"]: row["held_us"] for row in _rows(told("analyze-session", "--output", "csv"))}
    for zone, environ in (("Europe/Berlin", {}), ("local", {"TZ": "Europe/Berlin"})):
        offsets = set()
        for row in _rows(told("trades", "--output", "csv", "--tz", zone, **environ)):
            for name in filter(row.get, ("opened_at", "closed_at")):
                at = parse_rfc3339(row[name])
                assert at == parse_rfc3339(exact[row["position_id"]][name])
                assert row[name].endswith(after if at >= parse_rfc3339(changes_at) else before)
                offsets.add(row[name][-6:])
            if row["closed_at"]:
                lasted = parse_rfc3339(row["closed_at"]) - parse_rfc3339(row["opened_at"])
                assert int(held[row["position_id"]]) == lasted
        assert offsets == {before, after}


def _rows(text: str) -> list[dict[str, str]]:
    return [row for row in csv.DictReader(io.StringIO(text)) if row.get("position_id")]


def test_the_two_half_past_twos_of_october_are_two_instants() -> None:
    first, second = (
        moment(f"2026-10-25T02:30:00{offset}", Instant(0), None) for offset in ("+02:00", "+01:00")
    )  # fmt: skip
    assert second - first == 3_600_000_000


@pytest.mark.parametrize(
    "text", ["2026-10-25T02:30", "2026-10-25T02:30:00", "2026-03-29 02:30:00", "2026-03-29T02:30:00.5"]
)
@pytest.mark.parametrize("zone", [None, ZoneInfo("Europe/Berlin")])
def test_a_local_time_that_may_come_twice_or_never_is_refused_and_says_why(text: str, zone: dt.tzinfo | None) -> None:
    with pytest.raises(UsageError, match="comes twice a year, or never"):
        moment(text, parse_rfc3339("2026-11-01T00:00:00Z"), zone)


@pytest.mark.parametrize(
    ("text", "now", "zone", "begins"),
    [
        ("2026-03-29", "2026-04-01T00:00:00Z", "Europe/Berlin", "2026-03-28T23:00:00Z"),
        ("2026-03-30", "2026-04-01T00:00:00Z", "Europe/Berlin", "2026-03-29T22:00:00Z"),
        ("2026-10-25", "2026-11-01T00:00:00Z", "Europe/Berlin", "2026-10-24T22:00:00Z"),
        ("2026-10-26", "2026-11-01T00:00:00Z", "Europe/Berlin", "2026-10-25T23:00:00Z"),
        ("today", "2026-10-25T12:00:00Z", "Europe/Berlin", "2026-10-24T22:00:00Z"),
        ("yesterday", "2026-10-26T12:00:00Z", "Europe/Berlin", "2026-10-24T22:00:00Z"),
        ("yesterday", "2026-03-30T12:00:00Z", "Europe/Berlin", "2026-03-28T23:00:00Z"),
        ("1d", "2026-03-29T12:00:00Z", "Europe/Berlin", "2026-03-28T12:00:00Z"),
        # there is no midnight in Beirut on that day, and two in Havana on that one
        ("2026-03-29", "2026-04-01T00:00:00Z", "Asia/Beirut", "2026-03-28T22:00:00Z"),
        ("today", "2026-03-29T12:00:00Z", "Asia/Beirut", "2026-03-28T22:00:00Z"),
        ("2026-11-01", "2026-11-02T12:00:00Z", "America/Havana", "2026-11-01T04:00:00Z"),
        ("today", "2026-11-01T05:30:00Z", "America/Havana", "2026-11-01T04:00:00Z"),
    ],
)
def test_a_day_begins_with_its_first_instant_also_where_clocks_change(
    text: str, now: str, zone: str, begins: str
) -> None:
    assert moment(text, parse_rfc3339(now), ZoneInfo(zone)) == parse_rfc3339(begins)
