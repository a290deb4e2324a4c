"""One walk proves everything: what is compared as text, what is compared as cells, and what happens where one fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec
import pytest
from builders import one_of_each

from scalpctl.core.records.base import Record
from scalpctl.core.records.sessions import HeartbeatNoted
from scalpctl.errors import LedgerCorrupt
from scalpctl.ledger.canonical_json import spell
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.journal import PAGE_ROWS, JournalCells
from scalpctl.ledger.projection.plan import PLAN, Changes, Makes
from scalpctl.ledger.projection.rows import changes_of, row_maker
from scalpctl.ledger.verification.bodies import body_reader, changes_reader
from scalpctl.ledger.verification.findings import Finding
from scalpctl.ledger.verification.verify import verify
from scalpctl.ledger.writer import LedgerWriter


@pytest.mark.parametrize("record", [one for one in one_of_each() if type(one) in PLAN], ids=lambda one: one.record_kind)
def test_a_body_read_for_a_proof_gives_the_cells_the_writer_wrote(record: Record) -> None:
    kind, plan, body = type(record), PLAN[type(record)], spell(record)
    if isinstance(plan, Makes):
        make = row_maker(kind, plan)
        assert make(7, body_reader(kind)(body)) == make(7, record)
    else:
        cells = changes_reader(kind)(body)
        assert cells.pop(plan.key) == getattr(record, plan.key)
        assert cells | {"last_seq": 7} == changes_of(7, record, plan)


@pytest.mark.parametrize("kind", [kind for kind, plan in PLAN.items() if isinstance(plan, Changes)])
def test_a_change_without_the_key_of_its_row_cannot_be_read(kind: type[Record]) -> None:
    with pytest.raises(msgspec.ValidationError):
        changes_reader(kind)("{}")


@pytest.mark.parametrize("place", [0, 1, PAGE_ROWS - 1, PAGE_ROWS, PAGE_ROWS + 1])
def test_a_change_is_found_wherever_it_lies_among_the_pages(place: int, filled: LedgerFolder, opened: object) -> None:
    writer: LedgerWriter = opened()  # type: ignore[operator]
    example = next(one for one in one_of_each() if isinstance(one, HeartbeatNoted))
    writer.wait(writer.append([example] * (PAGE_ROWS + 5)))
    writer.close()
    with sqlite3.connect(filled.ledger) as foreign:
        seqs = [seq for (seq,) in foreign.execute("SELECT seq FROM heartbeats ORDER BY seq")]
        foreign.execute("UPDATE heartbeats SET channel_ages = '{}' WHERE seq = ?", (seqs[place],))
    found = [one for one in verify(filled.ledger).findings if one.check == "tables"]
    assert [one.seq for one in found] == [seqs[place]], found


class Blind:
    """Fails at the first row it sees."""

    def take(self, page: Sequence[JournalCells]) -> Iterable[Finding]:
        """See nothing."""
        raise LedgerCorrupt(f"row {page[0][0]} is too much")

    def findings(self) -> Iterable[Finding]:
        """Never come to the end."""
        raise AssertionError


def test_one_who_fails_hides_nothing_another_finds(filled: LedgerFolder) -> None:
    with sqlite3.connect(filled.ledger) as foreign:
        foreign.execute("DROP TRIGGER fills_no_update")
        foreign.execute("UPDATE fills SET fee = '7'")
    found = verify(filled.ledger, also={"blind": lambda _: Blind()}).findings
    assert {"blind", "tables"} <= {one.check for one in found}
    assert [one.what for one in found if one.check == "blind"] == ["could not be checked: row 1 is too much"]
