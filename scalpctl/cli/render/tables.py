"""Tables for a terminal: they adapt to its width by leaving columns out, never by cutting a number."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_NUMBER = re.compile(r"[-+]?\d[\d.,]*%?|-")
WIDE = 100_000


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to whoever ends the program: rich would end it with a 1, and 1 is an answer."""
        raise  # noqa: PLE0704  the BrokenPipeError it is called about


def console(color: str) -> Console:
    """Give a console that honours the colour mode, NO_COLOR and dumb terminals; pipes are never cut."""
    terminal = sys.stdout.isatty()
    force = {"always": True, "never": False}.get(color)
    no_color = color == "never" or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return _Console(
        width=None if terminal else WIDE, force_terminal=force, no_color=no_color, highlight=False, markup=False
    )


def print_table(
    columns: Sequence[str], cells: Sequence[Sequence[str]], *, important: Sequence[str], color: str
) -> None:
    """Print rows under headings; says which columns did not fit."""
    target = console(color)
    kept = fitting(columns, cells, target.width, important)
    table = Table(box=_box(), header_style="bold", pad_edge=False)
    for index in kept:
        numeric = all(_NUMBER.fullmatch(line[index]) for line in cells) and bool(cells)
        heading, wraps = Text(columns[index].replace("_", " ")), len(columns) == 2 and index == 1
        table.add_column(heading, justify="right" if numeric else "left", no_wrap=not wraps, overflow="fold")
    for line in cells:
        table.add_row(*(Text(line[index]) for index in kept))
    target.print(table)
    hidden = [name for index, name in enumerate(columns) if index not in kept]
    if hidden:
        print(f"hidden on this width: {', '.join(hidden)} (-o tsv shows all)", file=sys.stderr)


def fitting(
    columns: Sequence[str], cells: Sequence[Sequence[str]], width: int, important: Sequence[str] = ()
) -> list[int]:
    """Give the columns that fit side by side, the important ones first; always at least one."""
    needed = [max([len(name), *(len(line[index]) for line in cells)]) + 3 for index, name in enumerate(columns)]
    if len(columns) == 2:
        return [0, 1]  # a name and its value belong together: what is too long for the line goes on in the next
    order = sorted(range(len(columns)), key=lambda index: (*_rank(columns[index], important), index))
    kept: list[int] = []
    used = 0
    for index in order:
        if kept and used + needed[index] > width:
            break
        kept.append(index)
        used += needed[index]
    return sorted(kept)


def _rank(name: str, important: Sequence[str]) -> tuple[int]:
    return (important.index(name) if name in important else len(important),)


def _box() -> box.Box:
    encoding = (sys.stdout.encoding or "ascii").lower()
    return box.SIMPLE_HEAD if "utf" in encoding else box.ASCII2
