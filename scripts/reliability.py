"""Reads the catalogues of what can go wrong and finds what exercises each row: the tables of docs/reliability.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
CATALOGUES = {
    "Faults": ROOT / "tests" / "simulation" / "faults.txt",
    "Lessons": ROOT / "tests" / "simulation" / "lessons.txt",
}
OPEN = "open:"
MARK = "<!-- From here on written by scripts/generate_reference.py from tests/simulation/*.txt. -->\n"


@dataclass(frozen=True)
class Row:
    """One thing that can go wrong, and what exercises it."""

    section: str
    id: str
    what: str
    proofs: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Tell whether nothing exercises it yet."""
        return bool(self.proofs) and self.proofs[0].startswith(OPEN)


def rows(path: Path) -> list[Row]:
    """Read a catalogue."""
    section, found = "", []
    for line in path.read_text().splitlines():
        if line.startswith("= "):
            section = line[2:]
        elif line and not line.startswith("#"):
            name, what, proofs = (part.strip() for part in line.split("|", maxsplit=2))
            one = (proofs,) if proofs.startswith(OPEN) else tuple(proof.strip() for proof in proofs.split(","))
            found.append(Row(section, name, what, one))
    return found


def test_files() -> dict[str, str]:
    """Give the file of every test by the test's name."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE):
            found.setdefault(name, path.relative_to(ROOT).as_posix())
    return found


def document(existing: str) -> str:
    """Give the page: what people wrote stays, the tables after the mark are written again."""
    return existing.split(MARK, maxsplit=1)[0] + MARK + "\n".join(_tables()) + "\n"


def _tables() -> Iterator[str]:
    files = test_files()
    for title, path in CATALOGUES.items():
        known = rows(path)
        yield f"\n## {title}: {len(known)} rows\n"
        section = ""
        for row in (one for one in known if not one.is_open):
            if row.section != section:
                section = row.section
                yield f"\n### {section}\n"
                yield "| | what happens | exercised by |\n|---|---|---|"
            yield f"| {row.id} | {row.what} | {', '.join(_spelled(proof, files) for proof in row.proofs)} |"
    yield "\n## Rows that nothing exercises yet\n"
    left = [row for path in CATALOGUES.values() for row in rows(path) if row.is_open]
    yield from (f"- **{row.id}** {row.what}: {row.proofs[0][len(OPEN) :].strip()}" for row in left)
    if not left:
        yield "None."


def _spelled(proof: str, files: dict[str, str]) -> str:
    if proof.startswith("test_"):
        return f"[`{proof}`](../{files[proof]})" if proof in files else f"**missing: {proof}**"
    kind, name = proof.split(":")
    return f"swarm: {name}" if kind == "plan" else f"weather: {name.replace('_', ' ')}"
