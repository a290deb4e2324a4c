"""Says what no played plan reached, or which plans a change of the product can touch.

Plans tell what they reach with ``scripts/swarm.py COUNT FIRST --brief --reach FILE`` (Python 3.12 and later).
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
reach = importlib.import_module("simulation.reach")


def committed(commit: str) -> dict[str, str]:
    """Give the files of the product as they were in a commit."""

    def git(*words: str) -> str:
        told = subprocess.run(["git", "-C", str(ROOT), *words], check=False, capture_output=True, text=True)
        if told.returncode:
            raise SystemExit(f"{commit} is no commit that is known here: {told.stderr.strip()}")
        return told.stdout

    names = git("ls-tree", "-r", "--name-only", commit, "scalpctl").split()
    return {name.removeprefix("scalpctl/"): git("show", f"{commit}:{name}") for name in names if name.endswith(".py")}


def read(files: list[Path]) -> tuple[str, dict[int, str]]:
    """Read what plans of one commit reached."""
    commits: set[str] = set()
    played: dict[int, str] = {}
    for file in files:
        if not file.is_file() or not file.read_text().strip():
            raise SystemExit(f"nothing stands in {file}; scripts/seeds --reach {file} writes it")
        head, *rows = file.read_text().splitlines()
        commits.add(head)
        played |= {int(seed): packed for seed, packed in (row.split() for row in rows)}
    if len(commits) != 1:
        raise SystemExit("These were played on several commits; ask about one at a time.")
    return commits.pop(), played


def never(sources: dict[str, str], played: dict[int, str]) -> None:
    """Print the lines in functions of the product that none of the plans reached."""
    lines = reach.Lines({name: len(text.splitlines()) for name, text in sources.items()})
    every = 0
    for packed in played.values():
        every |= int.from_bytes(lines.unpack(packed), "little")
    bits = every.to_bytes(lines.total // 8 + 1, "little")
    for name, text in sorted(sources.items()):
        for line in sorted(reach.executable(text)):
            if not lines.has(bits, name, line):
                print(f"{name}:{line}: {text.splitlines()[line - 1].strip()}")


def affected(sources: dict[str, str], played: dict[int, str]) -> None:
    """Print the seeds of the plans that entered a function which is not what it was."""
    lines = reach.Lines({name: len(text.splitlines()) for name, text in sources.items()})
    seeds: set[int] = set()
    for name, text in sources.items():
        path = reach.PRODUCT / name
        differ, whole, fresh = reach.touched(text, path.read_text() if path.exists() else "")
        for one in fresh:
            print(f"# new: {name} {one}", file=sys.stderr)
        if whole:
            print(f"# {name}: more than functions differs, so that every plan may", file=sys.stderr)
        for span in differ:
            seeds |= {
                seed for seed, packed in played.items() if any(lines.has(lines.unpack(packed), name, at) for at in span)
            }
    print(f"# {len(seeds)} of {len(played)} plans entered a function that differs", file=sys.stderr)
    print("\n".join(map(str, sorted(seeds))))


def main() -> None:
    """Answer one of the two questions."""
    parser = argparse.ArgumentParser(prog="scripts/reached.py", description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--changed", action="store_true", help="the seeds of plans that ran what is different here")
    asked = parser.parse_args()
    commit, played = read(asked.files)
    (affected if asked.changed else never)(committed(commit), played)


if __name__ == "__main__":
    main()
