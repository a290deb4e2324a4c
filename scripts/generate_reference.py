"""Write the ledger's schema file and the generated references (ledger, checks, commands) from the code.

``python scripts/generate_reference.py`` writes them; with ``--check`` it only says which are stale.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import reliability

from scalpctl.analysis.audit.catalogue import CHECKS
from scalpctl.analysis.audit.findings import SECTIONS
from scalpctl.cli.app import run
from scalpctl.cli.catalogue import COMMANDS, PANELS
from scalpctl.cli.lazy import load
from scalpctl.core.records.money import LedgerAccount
from scalpctl.core.records.registry import ALL
from scalpctl.ledger.ddl import schema_text
from scalpctl.ledger.projection.plan import PLAN
from scalpctl.ledger.sqlite import APPEND_ONLY
from scalpctl.ledger.tables import METADATA
from scalpctl.ledger.tables.columns import ExactDecimal, InstantColumn, Table
from scalpctl.ledger.views import VIEWS

ROOT = Path(__file__).parent.parent
RELIABILITY = ROOT / "docs" / "reliability.md"
NOTICE = "<!-- Written by scripts/generate_reference.py from the code. Change the code, then run it again. -->\n"


def references() -> dict[Path, str]:
    """Give every generated file with what it must contain."""
    return {
        ROOT / "scalpctl" / "ledger" / "schema.sql": schema_text(),
        ROOT / "docs" / "ledger.md": NOTICE + "\n".join(_ledger()) + "\n",
        ROOT / "docs" / "checks.md": NOTICE + "\n".join(_checks()) + "\n",
        ROOT / "docs" / "commands.md": NOTICE + "\n".join(_commands()) + "\n",
        RELIABILITY: reliability.document(RELIABILITY.read_text()),
    }


def stale() -> list[Path]:
    """Name the files that are not what the code says."""
    return [path for path, text in references().items() if not path.exists() or path.read_text() != text]


def _ledger() -> Iterator[str]:
    yield "# The ledger, table by table\n"
    yield "Amounts, prices and sizes are canonical decimal text; `dsum(column)` adds them exactly. Columns that end in"
    yield "`_at` are UTC microseconds. `seq` is the journal row that made a row, `last_seq` the one that changed it."
    yield "Why it is built this way: [concepts](concepts.md).\n"
    for table in sorted(_models(), key=lambda model: str(model.__tablename__)):
        yield from _table(table)
    yield "## Views\n"
    yield from (f"- `{name}`: {meaning}" for name, meaning in VIEWS.items())
    yield "\n## Records, the journal's vocabulary\n"
    yield "| kind | what it says | table |"
    yield "|---|---|---|"
    for record in ALL:
        target = PLAN[record].table if record in PLAN else "postings"
        yield f"| `{record.record_kind}` | {_sentence(record)} | `{target}` |"
    accounts = ", ".join(f"`{account}`" for account in LedgerAccount)
    yield f"\nAccounts of the double entry: {accounts}."


def _models() -> list[type[Table]]:
    found = Table.__subclasses__()
    names = {str(model.__tablename__) for model in found}
    if names != set(METADATA.tables):
        message = f"tables without a model: {names ^ set(METADATA.tables)}"
        raise SystemExit(message)
    return found


def _table(model: type[Table]) -> Iterator[str]:
    table = METADATA.tables[str(model.__tablename__)]
    guarded = " Append-only." if table.name in APPEND_ONLY else ""
    yield f"## `{table.name}`\n"
    yield f"{_sentence(model)}{guarded}\n"
    yield "| column | holds | may be empty |"
    yield "|---|---|---|"
    for column in table.columns:
        key = " (key)" if column.primary_key else ""
        yield f"| `{column.name}`{key} | {_holds(column.name, column.type)} | {'yes' if column.nullable else ''} |"
    yield ""


def _holds(name: str, kind: object) -> str:
    if isinstance(kind, ExactDecimal):
        return "exact decimal"
    if isinstance(kind, InstantColumn):
        return "instant, UTC microseconds" if name.endswith(("_at", "ts_us")) or name == "at" else "whole number"
    return "text"


def _sentence(documented: type) -> str:
    return " ".join((documented.__doc__ or "").split())


def _checks() -> Iterator[str]:
    yield "# The checks of `scalpctl audit`\n"
    yield "How audits are run, waived and read: [audit](audit.md).\n"
    for section, title in SECTIONS.items():
        yield f"## {section}. {title.capitalize()}\n"
        for one in (known for known in CHECKS if known.section == section):
            where = "" if one.needs == "ledger" else f", looks at the {one.needs}"
            yield f"### {one.id} {one.title}\n"
            yield f"{one.page} Severity: {one.severity}{where}.\n"
            yield f"What to do: {one.cure}.\n"


def _commands() -> Iterator[str]:
    yield "# The commands\n"
    yield "Every command takes the common options, before or after its name. Exit codes stand at the end of"
    yield "`scalpctl --help`.\n"
    yield _help([])
    for panel in PANELS:
        names = [name for name, listed in COMMANDS.items() if listed.panel == panel]
        if names:
            yield f"## {panel}\n"
        for name in names:
            yield f"### `scalpctl {name}`\n"
            yield _help([name])
            for child in getattr(load(name), "commands", {}):
                yield f"#### `scalpctl {name} {child}`\n"
                yield _help([name, child])


def _help(words: list[str]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        run([*words, "--help"])
    return "```text\n" + "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n```\n"


def main() -> None:
    """Write what is stale, or with --check only name it."""
    os.environ["COLUMNS"] = "100"
    paths = stale()
    for path in paths:
        print(path.relative_to(ROOT))
        if "--check" not in sys.argv:
            path.parent.mkdir(exist_ok=True)
            path.write_text(references()[path])
    if "--check" in sys.argv and paths:
        raise SystemExit("stale: run python scripts/generate_reference.py")


if __name__ == "__main__":
    main()
