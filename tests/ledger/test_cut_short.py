"""A process or a machine that dies in the middle of a write: what was begun is in nobody's way afterwards."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import a_closure, a_fill, a_position

from scalpctl.errors import LedgerCorrupt, LedgerMissing
from scalpctl.host.hand_clock import HandClock
from scalpctl.ledger.audits import note_audit, past_audits
from scalpctl.ledger.backup import MANIFEST, back_up, backups, restore
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ledger.rebuild import rebuild
from scalpctl.ledger.verification.verify import verify
from scalpctl.ledger.writer import LedgerWriter

Open = Callable[[], LedgerWriter]
FIRST_WRITES = textwrap.dedent("""
    import resource, signal, sys
    from pathlib import Path
    from scalpctl.host.clock import WallClock
    from scalpctl.host.ids import RandomIds
    from scalpctl.ledger.folder import LedgerFolder
    from scalpctl.ledger.opening import open_ledger
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the process dies with the first byte behind the limit
    resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes}, {bytes}))
    clock = WallClock()
    open_ledger(LedgerFolder(Path({root!r}), "sim", "main"), clock, RandomIds(clock), purpose="worker")
""")


@pytest.mark.parametrize("written", [100, 5_000, 70_000, 200_000])
def test_a_first_start_that_is_killed_leaves_nothing_in_the_way_of_the_next(
    opened: Open, folder: LedgerFolder, written: int
) -> None:
    code = FIRST_WRITES.format(bytes=written, root=str(folder.root))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode < 0
    with pytest.raises(LedgerMissing):
        LedgerReader(folder.ledger)
    opened().write(a_fill(1))
    assert verify(folder.ledger).ok
    assert not list(folder.path.glob(".*.new*"))


def test_a_restore_that_fails_leaves_the_ledger_where_it_was(
    opened: Open, folder: LedgerFolder, clock: HandClock
) -> None:
    opened().close()
    backup = back_up(folder, clock, "test")
    backup.write_bytes(backup.read_bytes()[:-5_000])
    before = folder.ledger.read_bytes()
    with pytest.raises(LedgerCorrupt):
        restore(folder, clock, None)
    assert folder.ledger.read_bytes() == before
    assert not list(folder.path.glob("replaced-*"))


def test_a_restore_in_place_of_a_ledger_that_is_gone_keeps_no_mirror_of_what_was_lost(
    opened: Open, folder: LedgerFolder, clock: HandClock
) -> None:
    opened().close()
    back_up(folder, clock, "test")
    writer = opened()
    writer.write(a_position())
    writer.write(a_closure())
    writer.close()
    folder.ledger.unlink()
    _, aside = restore(folder, clock, None)
    assert aside is not None
    assert list((aside / "mirrors").iterdir())
    assert verify(folder.ledger).ok


def test_what_a_killed_writer_left_in_its_log_goes_aside_with_its_ledger(
    opened: Open, folder: LedgerFolder, clock: HandClock, tmp_path: Path
) -> None:
    writer = opened()
    writer.write(a_fill(1))
    killed = tmp_path / "killed"
    shutil.copytree(folder.path, killed)  # as the disk is while the writer lives, or where it died
    writer.close()
    shutil.rmtree(folder.path)
    killed.rename(folder.path)
    assert folder.ledger.with_name("ledger.db-wal").stat().st_size > 0
    _, aside = rebuild(folder, clock.now())
    assert aside is not None
    assert not list(aside.glob("*-wal"))
    for file in (folder.ledger, aside / "ledger.db"):
        assert verify(file, with_companions=False).ok
        with LedgerReader(file) as reader:
            assert len(reader.rows("SELECT * FROM fills")) == 1


def cut(path: Path) -> None:
    """Let a power loss cut off the last line of a file."""
    path.write_bytes(path.read_bytes()[:-9])


def test_a_mirror_whose_last_line_was_cut_is_whole_again_after_the_next_start(
    opened: Open, folder: LedgerFolder
) -> None:
    writer = opened()
    for number in (1, 2):
        writer.write(a_position(f"P{number}"))
        writer.write(a_closure(f"P{number}"))
    writer.close()
    (mirror,) = folder.mirrors.iterdir()
    before = mirror.read_bytes()
    cut(mirror)
    opened().close()
    assert mirror.read_bytes() == before
    assert verify(folder.ledger).ok


def test_an_anchor_that_was_cut_does_not_take_the_next_one_with_it(opened: Open, folder: LedgerFolder) -> None:
    opened().close()
    cut(folder.anchors)
    opened().close()
    lines = folder.anchors.read_bytes().splitlines()
    assert all(line.startswith(b'{"at":') and line.endswith(b"}") for line in lines)
    assert verify(folder.ledger).ok


def test_what_an_audit_said_is_kept_behind_a_line_that_was_cut(opened: Open, folder: LedgerFolder) -> None:
    opened().close()
    for number in (1, 2):
        note_audit(folder, {"number": number})
    cut(folder.audits)
    assert [line["number"] for line in past_audits(folder)] == [1]
    note_audit(folder, {"number": 3})
    assert [line["number"] for line in past_audits(folder)] == [1, 3]


def test_a_manifest_that_was_cut_still_names_the_backups_before(
    opened: Open, folder: LedgerFolder, clock: HandClock
) -> None:
    opened().close()
    manifest = folder.backups / MANIFEST
    for _ in range(2):
        back_up(folder, clock, "test")
        clock.advance(1)
    cut(manifest)
    assert len(backups(folder)) == 1
    back_up(folder, clock, "test")
    assert len(backups(folder)) == 2
    manifest.write_bytes(b"no json\n" + manifest.read_bytes())
    with pytest.raises(LedgerCorrupt, match="damaged"):
        backups(folder)
