"""What coverage-guided fuzzing found worth keeping still raises nothing."""

from __future__ import annotations

import pytest
from strangers.targets import CORPUS, TARGETS

KEPT = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("target", TARGETS)
def test_what_was_kept_raises_nothing(target: str) -> None:
    for path in KEPT:
        if path.parent.name == target:
            TARGETS[target](path.read_bytes())


def test_every_target_has_a_corpus() -> None:
    assert {path.parent.name for path in KEPT} == set(TARGETS)
