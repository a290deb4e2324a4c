from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builders import T0, one_of_each

from scalpctl.host.hand_clock import HandClock
from scalpctl.host.ids import CountedIds
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import open_ledger
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ledger.writer import LedgerWriter


@pytest.fixture
def clock() -> HandClock:
    return HandClock(T0)


@pytest.fixture
def folder(tmp_path: Path) -> LedgerFolder:
    return LedgerFolder(tmp_path / "root", "sim", "main")


@pytest.fixture
def opened(folder: LedgerFolder, clock: HandClock) -> Iterator[Callable[[], LedgerWriter]]:
    """Opens the ledger as often as asked; what is still open at the end is closed."""
    writers: list[LedgerWriter] = []

    def open_it() -> LedgerWriter:
        writers.append(open_ledger(folder, clock, CountedIds(len(writers) + 1), purpose="test"))
        return writers[-1]

    yield open_it
    for writer in writers:
        if writer._thread.is_alive():
            writer.close()


@pytest.fixture
def writer(opened: Callable[[], LedgerWriter]) -> LedgerWriter:
    return opened()


@pytest.fixture
def filled(writer: LedgerWriter, folder: LedgerFolder) -> LedgerFolder:
    """A closed ledger with one record of each kind."""
    for record in one_of_each():
        writer.write(record)
    writer.close()
    return folder


def trade_ids(folder: LedgerFolder) -> list[str]:
    with LedgerReader(folder.ledger) as reader:
        return [row["trade_id"] for row in reader.rows("SELECT trade_id FROM fills ORDER BY seq")]


def held_open(folder: LedgerFolder) -> list[str]:
    """Give the files of a ledger that this process holds open; none where the system does not list them."""
    if not Path("/proc/self/fd").is_dir():
        return []
    return [str(file) for file in map(_file_of, Path("/proc/self/fd").iterdir()) if file.is_relative_to(folder.root)]


def _file_of(descriptor: Path) -> Path:
    try:
        return descriptor.readlink()
    except OSError:  # the one that was read with
        return Path("/")
