"""The documents about decisions say what the code does; running the generator must change nothing."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from scalpctl.core.exits.catalogue import RULES
from scalpctl.core.parameters import Parameters

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def generator() -> Any:
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "scripts" / "generate_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["decisions", "diagrams"])
def test_the_document_is_what_the_generator_writes(generator: Any, name: str) -> None:
    written = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert written == getattr(generator, name)(), "run python scripts/generate_docs.py"


def test_every_parameter_of_every_rule_is_explained(generator: Any) -> None:
    text = generator.decisions()
    for kind in Parameters.__subclasses__():
        assert f"`{kind.__name__}`" in text
    for cause in RULES:
        assert f"### {cause.value}" in text
