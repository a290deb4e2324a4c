"""One answer, printed the way it was asked for: a table for a person, text for a pipe, JSON for a program."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scalpctl.cli.render.cells import for_json, for_text, zone_of
from scalpctl.core.instants import Instant, rfc3339
from scalpctl.errors import UsageError

FORMATS = ("table", "tsv", "csv", "json", "jsonl", "md")
COLORS = ("auto", "always", "never")

Row = Mapping[str, Any]


@dataclass(slots=True)
class Envelope:
    """What stands around the data in JSON."""

    schema: str
    now: Instant
    env: str | None = None
    account: str | None = None
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Output:
    """The chosen way to print."""

    form: str
    zone: dt.tzinfo | None = None
    color: str = "auto"
    quiet: bool = False

    @classmethod
    def choose(cls, form: str | None, *, color: str | None, tz: str | None, quiet: bool) -> Output:
        """Take what was asked for; else a table on a terminal and tab-separated text into a pipe."""
        chosen = form or ("table" if sys.stdout.isatty() else "tsv")
        if chosen not in FORMATS:
            raise UsageError(f"{chosen!r} is not an output format", hint=f"one of {', '.join(FORMATS)}")
        if color is not None and color not in COLORS:
            raise UsageError(f"{color!r} is not a colour mode", hint=f"one of {', '.join(COLORS)}")
        return cls(chosen, zone_of(tz), color or "auto", quiet)

    def rows(
        self, envelope: Envelope, rows: Sequence[Row], columns: Sequence[str], *, important: Sequence[str] = ()
    ) -> None:
        """Print a list; on narrow terminals the last columns give way first, the important ones last."""
        if self.form in {"json", "jsonl"}:
            self._json(envelope, [dict(row) for row in rows])
            return
        cells = [[for_text(name, row.get(name), self.zone, self._nothing) for name in columns] for row in rows]
        if self.form == "table":
            from scalpctl.cli.render.tables import print_table

            print_table(columns, cells, important=important, color=self.color)
        else:
            write(_SPELLERS[self.form](columns, cells))
        self.say(envelope.warnings)

    def facts(self, envelope: Envelope, facts: Row) -> None:
        """Print one thing, name by name."""
        if self.form in {"json", "jsonl"}:
            self._json(envelope, dict(facts))
            return
        pairs = [{"name": name, "value": for_text(name, value, self.zone, "")} for name, value in facts.items()]
        self.rows(envelope, pairs, ["name", "value"])

    def last_line(self, envelope: Envelope, facts: Row) -> None:
        """End a stream of JSON lines with one more that holds the whole envelope."""
        write(_dump(self._whole(envelope, dict(facts))) + "\n")

    def say(self, hints: Sequence[str]) -> None:
        """Talk on standard error, unless asked to be quiet."""
        if not self.quiet:
            for hint in hints:
                print(hint, file=sys.stderr)

    @property
    def _nothing(self) -> str:
        return "" if self.form in {"tsv", "csv"} else "-"

    def _json(self, envelope: Envelope, data: Any) -> None:
        if self.form == "jsonl":
            items = data if isinstance(data, list) else [data]
            write("".join(_dump(for_json("", item)) + "\n" for item in items))
            return
        write(json.dumps(self._whole(envelope, data), indent=2) + "\n")

    def _whole(self, envelope: Envelope, data: Any) -> dict[str, Any]:
        return {
            "schema": f"scalpctl.{envelope.schema}/1",
            "generated_at": rfc3339(envelope.now),
            "env": envelope.env,
            "account": envelope.account,
            "data": for_json("", data),
            "warnings": envelope.warnings,
        }


def write(text: str) -> None:
    """Write to standard output; a character it cannot take is replaced, never a traceback."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, errors="replace").decode(encoding))


def fail(name: str, message: str, exit_code: int, hint: str | None, *, as_json: bool) -> None:
    """Say on standard error what happened and what to do next."""
    if as_json:
        body = {"code": exit_code, "name": name, "message": message, "hint": hint}
        print(_dump({"error": body}), file=sys.stderr)
        return
    from scalpctl.cli.render.inert import inert

    for number, line in enumerate(message.splitlines() or [name]):
        print(("scalpctl: " if number == 0 else "  ") + inert(line), file=sys.stderr)
    if hint:
        print(f"  {inert(hint)}", file=sys.stderr)


class ReaderGone(Exception):
    """Nobody reads what is written any more."""


def silence() -> bool:
    """Stop writing to where nothing can be written any more; tells whether there was such a place."""
    sick = False
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            sick = True
    return sick


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _tsv(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    return "".join("\t".join(line) + "\n" for line in [columns, *cells])


def _csv(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    from scalpctl.ledger.export import csv_text

    return csv_text(list(columns), cells)


def _markdown(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *cells]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


_SPELLERS = {"tsv": _tsv, "csv": _csv, "md": _markdown}
