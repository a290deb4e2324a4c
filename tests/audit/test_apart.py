"""The proof of a large ledger in a process of its own: it says what the proof made here says, or is made here."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from audit.forging import WALL, tampered
from engine.conftest import Play
from hypothesis import given
from hypothesis import strategies as st

from scalpctl.analysis.audit.catalogue import CHECKS
from scalpctl.analysis.audit.judging import judge
from scalpctl.analysis.audit.money import INEXACT, is_exact
from scalpctl.core.money import canonical
from scalpctl.errors import LedgerMissing
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ledger.verification import apart
from scalpctl.ledger.verification.verify import Verified
from scalpctl.settings.loading import load
from scalpctl.wiring.auditing import books_of

STATEMENTS = {
    "nothing": "SELECT 1",
    "the chain": "UPDATE journal SET body = replace(body, '1', '2') WHERE seq = 9",
    "a table": "UPDATE heartbeats SET inbox_length = 7 WHERE seq = (SELECT min(seq) FROM heartbeats)",
    "a balance": "UPDATE postings SET amount = '7' WHERE account = 'transfer'",
    "a reference": "UPDATE fills SET position_id = 'nobody' WHERE seq = (SELECT min(seq) FROM fills)",
    "a leak": "UPDATE journal SET body = replace(body, '{', '{\"secret\":\"x\",') WHERE seq = 3",
    "a column": "ALTER TABLE heartbeats DROP COLUMN inbox_length",
}


def said(proof: Verified) -> tuple[list[object], list[str]]:
    return sorted(proof.findings, key=str), proof.not_checked


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_a_proof_made_apart_says_what_a_proof_made_here_says(statement: str, played: Play, tmp_path: Path) -> None:
    path = tampered(played.folder.ledger, tmp_path / "ledger.db", "PRAGMA foreign_keys=OFF", statement)
    begun = apart.begin(path, with_companions=False)
    here = apart.proven(path, with_companions=False)
    assert said(begun()) == said(here)
    assert here.ok is (statement == STATEMENTS["nothing"])


def test_companions_are_held_against_the_ledger_apart_too(played: Play) -> None:
    proof = apart.begin(played.folder.ledger, with_companions=True)()
    assert proof.ok
    assert "anchors" not in proof.not_checked


@pytest.mark.parametrize("program", ["/bin/false", "/bin/true", "/nowhere/python"])
def test_where_no_other_process_can_prove_it_the_proof_is_made_here(
    program: str, played: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tampered(played.folder.ledger, tmp_path / "ledger.db", STATEMENTS["a table"])
    monkeypatch.setattr(sys, "executable", program)
    assert said(apart.begin(path, with_companions=False)()) == said(apart.proven(path, with_companions=False))


def test_a_ledger_that_is_not_there_is_missing_apart_too(tmp_path: Path) -> None:
    with pytest.raises(LedgerMissing):
        apart.begin(tmp_path / "ledger.db", with_companions=False)()


def test_a_process_of_its_own_is_for_large_ledgers(tmp_path: Path, played: Play) -> None:
    large = tmp_path / "ledger.db"
    with large.open("wb") as file:
        file.truncate(apart.LARGE_BYTES)
    assert apart.worth_it(large, processors=2)
    assert not apart.worth_it(large, processors=1)
    assert not apart.worth_it(played.folder.ledger, processors=2)
    assert not apart.worth_it(tmp_path / "nothing.db", processors=2)


def test_checks_are_told_in_the_order_of_the_catalogue_and_nothing_is_proven_that_nobody_asked_for(
    played: Play,
) -> None:
    begun: list[str] = []
    with LedgerReader(played.folder.ledger) as reader:
        books = books_of(reader, load(None, {}), None, WALL)
        prove = books.prove
        books.prove = _noting(begun, prove)
        offline = [one for one in CHECKS if one.id in {"AU-07", "AU-08", "AU-39"}]
        assert [one.check for one in judge(books, offline, {}, frozenset())] == offline
        assert begun == []
        assert [one.check for one in judge(books, CHECKS, {}, frozenset())] == list(CHECKS)
        assert begun == ["begun"]


def _noting(begun: list[str], prove: Callable[[], Any]) -> Callable[[], Any]:
    def noted() -> Any:
        begun.append("begun")
        return prove()

    return noted


@given(st.one_of(st.text("0019-. e", max_size=8), st.decimals(allow_nan=False, allow_infinity=False, places=4)))
def test_sqlite_refuses_the_amounts_that_we_refuse(amount: str | Decimal) -> None:
    text = canonical(amount) if isinstance(amount, Decimal) else amount
    connection = sqlite3.connect(":memory:")
    (found,) = connection.execute(f"SELECT {INEXACT.format('?1')}", (text,)).fetchone()
    connection.close()
    assert bool(found) is not is_exact(text)
