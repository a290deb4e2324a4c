"""Backups: provable, found by name, refused when damaged, and a restore that throws nothing away."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest
from builders import a_fill
from ledger.conftest import trade_ids

from scalpctl.errors import LeaseHeld, LedgerCorrupt, LedgerMissing
from scalpctl.host.hand_clock import HandClock
from scalpctl.ledger.backup import back_up, backups, drill, find_backup, restore
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.verification.verify import verify
from scalpctl.ledger.writer import LedgerWriter
from scalpctl.wiring.auditing import folder_facts

Open = Callable[[], LedgerWriter]


def test_a_restore_moves_the_old_ledger_aside_and_is_provable(
    opened: Open, folder: LedgerFolder, clock: HandClock
) -> None:
    writer = opened()
    writer.write(a_fill(1))
    back_up(folder, clock, "test")
    clock.advance(1)
    writer.write(a_fill(2))
    with pytest.raises(LeaseHeld):
        restore(folder, clock, None)
    writer.close()
    _, aside = restore(folder, clock, None)
    assert aside is not None
    assert verify(aside / "ledger.db", with_companions=False).ok
    assert trade_ids(folder) == ["t1"]
    assert verify(folder.ledger).ok
    writer = opened()
    writer.write(a_fill(3))
    writer.close()
    assert verify(folder.ledger).ok


def test_a_restore_that_was_tried_is_seen_by_an_audit(opened: Open, folder: LedgerFolder, clock: HandClock) -> None:
    opened().close()
    back_up(folder, clock, "test")
    assert folder_facts(folder, clock.now(), ()).drill_at is None
    drill(folder, None)
    assert folder_facts(folder, clock.now(), ()).drill_at is not None
    assert find_backup(folder, None).name.startswith("ledger-")


def test_a_damaged_backup_is_not_restored(opened: Open, folder: LedgerFolder, clock: HandClock) -> None:
    writer = opened()
    writer.write(a_fill(1))
    writer.close()
    backup = back_up(folder, clock, "test")
    content = bytearray(backup.read_bytes())
    content[content.find(b"50000.1")] ^= 1
    backup.write_bytes(content)
    with pytest.raises(LedgerCorrupt):
        drill(folder, None)
    with pytest.raises(LedgerCorrupt):
        restore(folder, clock, backup.name)
    assert trade_ids(folder) == ["t1"]


def test_a_backup_is_found_by_name_and_a_miss_lists_the_latest(
    opened: Open, folder: LedgerFolder, clock: HandClock
) -> None:
    with pytest.raises(LedgerMissing, match="no backup"):
        find_backup(folder, None)
    opened().close()
    made = back_up(folder, clock, "test")
    assert find_backup(folder, made.name) == find_backup(folder, str(made)) == find_backup(folder, None) == made
    with pytest.raises(LedgerMissing) as missing:
        find_backup(folder, "nothing.db")
    assert made.name in (missing.value.hint or "")
    assert backups(folder)[0]["seq"] == 1


def test_a_damaged_ledger_is_not_backed_up(filled: LedgerFolder, clock: HandClock) -> None:
    connection = sqlite3.connect(filled.ledger)
    connection.execute("UPDATE orders SET price = '1'")
    connection.commit()
    connection.close()
    with pytest.raises(LedgerCorrupt, match="does not verify"):
        back_up(filled, clock, "test")
    assert list(filled.backups.glob("*.db")) == []
