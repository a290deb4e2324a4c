"""The documentation tells what the code does."""

from __future__ import annotations

from pathlib import Path

from scalpctl.core.exchange.connections import ConnectionFact
from scalpctl.core.exchange.requests import Lane
from scalpctl.okx.stream.states import diagram

PAGE = (Path(__file__).parents[2] / "docs" / "okx.md").read_text(encoding="utf-8")


def test_the_diagram_of_states_is_the_table() -> None:
    drawn = PAGE.split("```mermaid\n")[1].split("\n```")[0]
    assert drawn == diagram()


def test_every_lane_and_every_fact_is_explained() -> None:
    assert ", ".join(Lane) in PAGE
    assert all(fact.value in PAGE for fact in ConnectionFact)
