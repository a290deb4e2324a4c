"""What is told of a session while it runs changes nothing in it, whatever is missing in what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_type_hints

import pytest
from builders import one_of_each
from engine.conftest import Play
from msgspec.structs import replace

from scalpctl.cli.render.transitions import line_of
from scalpctl.core.records.base import Record
from scalpctl.host.clock import WallClock
from scalpctl.ledger.canonical_json import spell
from scalpctl.wiring.logs import begin_log, told


@pytest.mark.parametrize("record", one_of_each(), ids=lambda record: record.record_kind)
def test_whatever_a_record_lacks_its_line_is_told_all_the_same(record: Record) -> None:
    kinds = get_type_hints(type(record))
    for name in record.__struct_fields__:
        kind = str(kinds[name])
        for value in (*([None] if "None" in kind else []), *(["NaN", ""] if "str" in kind else [])):
            bare = replace(record, **{name: value})
            line = line_of(bare)
            assert line is None or line.strip()
            assert spell(bare).startswith("{")


def test_a_session_that_is_logged_is_the_same_to_the_last_byte_as_one_that_is_not(tmp_path: Path) -> None:
    lines: list[str] = []

    def line_and_note(record: Any) -> str | None:
        line = line_of(record)
        lines.append(line or "")
        return line

    silent, loud = Play(tmp_path / "silent"), Play(tmp_path / "loud")
    loud.begun = lambda session: session.runner.watchers.append(told(line_and_note))
    silent.session(0.5)
    loud.opened()  # makes the folder the log is in
    with begin_log(loud.folder, WallClock(), []):
        loud.session(0.5)
    assert silent.head() == loud.head()
    assert sum(map(bool, lines)) > 10
    (log,) = (loud.folder.path / "logs").glob("*.log")
    assert len(log.read_bytes().splitlines()) >= sum(map(bool, lines))
