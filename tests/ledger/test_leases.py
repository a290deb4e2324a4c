"""One writer at a time: the lease says who, the fence shows it in the ledger, and who only looks takes nothing away."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import a_fill
from ledger.conftest import held_open

from scalpctl.errors import LeaseHeld
from scalpctl.host.private_files import open_private_append
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.lease import Lease, holder_of
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ledger.writer import LedgerWriter

Open = Callable[[], LedgerWriter]


def test_a_second_writer_is_told_who_holds_the_lease(opened: Open, folder: LedgerFolder) -> None:
    writer = opened()
    before = held_open(folder)
    with pytest.raises(LeaseHeld, match=rf"process {os.getpid()} \(test\)") as refused:
        opened()
    assert refused.value.exit_code == 75
    assert held_open(folder) == before
    assert holder_of(folder.lock) == {"pid": os.getpid(), "purpose": "test"}
    writer.close()
    assert holder_of(folder.lock) is None
    opened().close()


def test_the_lock_file_names_its_holder_and_nobody_before_him(tmp_path: Path) -> None:
    path = tmp_path / "ledger.lock"
    os.close(open_private_append(path))
    path.write_bytes(b'{"pid":1,"purpose":"left behind by one that was killed"}')
    lease = Lease(path, "test")
    assert json.loads(path.read_bytes()) == {"pid": os.getpid(), "purpose": "test"}
    lease.release()
    assert path.read_bytes() == b""


def test_those_who_only_look_never_keep_an_engine_from_its_ledger(tmp_path: Path) -> None:
    path, over = tmp_path / "ledger.lock", threading.Event()
    Lease(path, "test").release()

    def look() -> None:
        while not over.is_set():
            holder_of(path)

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(300):
            Lease(path, "test").release()
    finally:
        over.set()
        for looker in lookers:
            looker.join()


def test_the_fence_grows_with_every_take_over(opened: Open, folder: LedgerFolder) -> None:
    for _ in range(3):
        opened().close()
    with LedgerReader(folder.ledger) as reader:
        assert [row["fence"] for row in reader.rows("SELECT fence FROM leases ORDER BY fence")] == [1, 2, 3]


def test_a_writer_whose_fence_was_passed_stops(opened: Open) -> None:
    writer = opened()
    writer._committer.fence = 0
    with pytest.raises(LeaseHeld, match="fence"):
        writer.write(a_fill(1))
