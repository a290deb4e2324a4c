"""The same tape, the same configuration, the same code: the same records, byte for byte."""

from __future__ import annotations

import contextlib
import pickle
import sqlite3
import struct
from pathlib import Path

import pytest
import zstandard
from engine.conftest import Play

from scalpctl.cli.app import run
from scalpctl.core.causes import Cause
from scalpctl.core.instants import Instant
from scalpctl.engine.events import Felt
from scalpctl.errors import ConfigurationError, UsageError
from scalpctl.ledger.reading import LedgerReader
from scalpctl.tape.recording import Recorder, parts, played, played_whole
from scalpctl.wiring.replaying import Replayed, replay


def again(play: Play, number: int) -> Replayed:
    with LedgerReader(play.folder.ledger) as reader:
        return replay(reader, play.folder.path / "tapes", play.sessions[number])


@pytest.mark.parametrize("faults", ["none", "storm"])
def test_a_session_and_the_one_that_continued_it_replay_to_identical_records(tmp_path: Path, faults: str) -> None:
    play = Play(tmp_path / "root", world="chop", faults=faults)
    play.session(0.5, schedule="- {at: 12m, do: manual-close}\n")
    play.session(0.3)
    for number in (0, 1):
        found = again(play, number)
        assert found.difference is None
        assert found.records > 100
        assert found.events > 1_000
    assert run(["--root", str(play.root), "replay", "last", "--verify"]) == 0


def test_one_changed_event_is_found_and_named(play: Play) -> None:
    play.session(0.5)
    path = play.folder.path / "tapes" / f"{play.sessions[0]}.tape.zst"
    events = list(played(path))
    kept = [one for one in events if type(one[1]).__name__ != "Placed"]
    assert len(kept) < len(events)
    body = b"".join(struct.pack("<I", len(one)) + one for one in (pickle.dumps(event, protocol=5) for event in kept))
    path.write_bytes(zstandard.ZstdCompressor().compress(body))
    found = again(play, 0)
    assert found.difference is not None
    assert found.difference["kind"]
    assert run(["--root", str(play.root), "replay", "--verify"]) == 1


def test_a_session_of_other_code_is_told_as_that_and_what_it_recorded_need_not_be_readable(
    play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    play.session(0.05)
    assert again(play, 0).same_code
    with contextlib.closing(sqlite3.connect(play.folder.ledger)) as forged, forged:
        for (name,) in forged.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            forged.execute(f"DROP TRIGGER {name}")
        forged.execute("UPDATE sessions SET code_digest = 'other'")
    found = again(play, 0)
    assert (found.same, found.same_code) == (True, False)
    path = play.folder.path / "tapes" / f"{play.sessions[0]}.tape.zst"
    unheard_of = (Instant(0), Cause.OPERATOR)
    bodies = [pickle.dumps(event, protocol=5) for event in (next(played(path)), unheard_of)]
    whole = b"".join(struct.pack("<I", len(one)) + one for one in bodies)
    path.write_bytes(zstandard.ZstdCompressor().compress(whole))
    assert run(["--root", str(play.root), "replay", "--verify"]) == 64
    assert "was recorded by other code" in capsys.readouterr().err


def test_a_tape_cut_short_is_played_up_to_the_cut(play: Play) -> None:
    play.session(0.2)
    path = play.folder.path / "tapes" / f"{play.sessions[0]}.tape.zst"
    whole = len(list(played(path)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 0 < len(list(played(path))) < whole


def test_a_tape_cannot_run_anything(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> object:
            return (print, ("owned",))

    body = pickle.dumps((0, Evil()))
    path = tmp_path / "x.tape.zst"
    path.write_bytes(zstandard.ZstdCompressor().compress(struct.pack("<I", len(body)) + body))
    with pytest.raises(ConfigurationError, match="builtins.print"):
        list(played(path))


class Looked:
    """Spelled as Python before 3.11.4 spells a member of an enumeration."""

    def __init__(self, kind: type, name: str) -> None:
        self.kind, self.name = kind, name

    def __reduce__(self) -> tuple[object, tuple[type, str]]:
        return getattr, (self.kind, self.name)


def a_tape(path: Path, event: object) -> Path:
    body = pickle.dumps((0, event))
    path.write_bytes(zstandard.ZstdCompressor().compress(struct.pack("<I", len(body)) + body))
    return path


def test_a_tape_of_an_older_python_is_read(tmp_path: Path) -> None:
    assert list(played(a_tape(tmp_path / "x.tape.zst", Looked(Cause, "TRAILING_STOP")))) == [(0, Cause.TRAILING_STOP)]


@pytest.mark.parametrize("name", ["__init__", "__subclasses__", "mro"])
def test_a_tape_looks_up_members_of_enumerations_and_nothing_else(tmp_path: Path, name: str) -> None:
    for kind in (Felt, Cause):
        with pytest.raises(ConfigurationError, match="no tape of an engine"):
            list(played(a_tape(tmp_path / "x.tape.zst", Looked(kind, name))))


def heard_by(folder: Path, session_id: str, kept_bytes: int) -> tuple[Recorder, list[tuple[int, object]]]:
    events: list[tuple[int, object]] = [(at, Felt(loop_lag_us=at * 7919 % 65_537)) for at in range(4_000)]
    recorder = Recorder(folder, session_id, part_bytes=4_000, kept_bytes=kept_bytes)
    for at, event in events:
        recorder.heard(event, Instant(at))
    recorder.close()
    return recorder, events


def test_a_long_tape_goes_on_in_parts_that_only_their_owner_reads(tmp_path: Path) -> None:
    recorder, events = heard_by(tmp_path, "01A", 1 << 30)
    assert len(parts(tmp_path, recorder.name)) > 3
    assert list(played_whole(tmp_path, recorder.name)) == events
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_tapes_never_take_more_than_they_may_and_one_without_its_beginning_says_so(tmp_path: Path) -> None:
    kept_bytes = 12_000
    for session_id in ("01A", "01B"):
        recorder, events = heard_by(tmp_path, session_id, kept_bytes)
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= kept_bytes + 4_000
    assert list(tmp_path.glob("01A*")) == []
    left = [event for part in parts(tmp_path, recorder.name) for event in played(part)]
    assert left == events[-len(left) :] != []
    with pytest.raises(UsageError, match="the beginning of the tape"):
        list(played_whole(tmp_path, recorder.name))
