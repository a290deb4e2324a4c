"""The documents say what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def test_the_generated_references_are_not_stale() -> None:
    check = [sys.executable, str(ROOT / "scripts" / "generate_reference.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} points at {target}"


def test_the_readme_opens_with_the_two_commands() -> None:
    head = (ROOT / "README.md").read_text()[:1_500]
    assert head.index("scripts/scalpctl") < head.index("scripts/test")


def test_the_recipes_name_files_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for recipe in ("an exit rule", "an audit check", "a migration", "a command"):
        assert f"## Add {recipe}" in text
    for path in re.findall(r"`((?:scalpctl|migrations|scripts|tests|docs|config)/[\w/.]+)`", text):
        assert (ROOT / path).exists(), path


def test_the_changelog_has_a_place_for_what_comes_next() -> None:
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text()


def test_every_setting_is_explained_in_the_default_file() -> None:
    for number, line in enumerate((ROOT / "config" / "default.yaml").read_text().splitlines(), start=1):
        assert len(line) <= 120, f"line {number} is too long"
