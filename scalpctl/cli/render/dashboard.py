"""What a person watches while the engine runs: money, positions with their stops, what holds entries back, events."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from scalpctl.cli.render.inert import inert
from scalpctl.cli.render.tables import console
from scalpctl.core.instants import Instant, rfc3339

LINES_KEPT = 12
Row = dict[str, Any]


class Dashboard:
    """Draws the same place of the terminal again; what it shows last stays."""

    def __init__(self, color: str, title: str) -> None:
        """Draw for one session."""
        self._console: Console = console(color)
        self._title = title
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._live = Live(console=self._console, auto_refresh=False, transient=True, redirect_stderr=False)

    def begin(self) -> None:
        """Take the terminal."""
        self._live.start()

    def end(self) -> None:
        """Give the terminal back, with the last events in it."""
        self._live.stop()
        for line in self._lines:
            self._console.print(Text(line))

    def note(self, line: str) -> None:
        """Keep a line among the last events."""
        self._lines.append(inert(line))

    def show(self, status: Row) -> None:
        """Draw how things stand."""
        self._live.update(Group(self._head(status), self._positions(status), *map(Text, self._lines)), refresh=True)

    def _head(self, status: Row) -> Text:
        at = rfc3339(Instant(status["at"]))[:19].replace("T", " ")
        held = ", ".join(f"{latch['limit']} {latch['instrument']}".strip() for latch in status["latches"])
        head = Text(f"{self._title}  {at}Z  equity {status['equity'] or '-'}  ", style="bold")
        head.append(_state(status, held), style="yellow" if held or not status["usable"] else "green")
        quotes = "  ".join(
            f"{one['instrument'].removesuffix('-USDT-SWAP')} {one['bid'] or '-'} "
            f"{one['regime'] if one['warm'] else 'warming up'}"
            for one in status["instruments"]
        )
        return head.append(f"\n{quotes}", style="dim")

    def _positions(self, status: Row) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("instrument", "side", "contracts", "entry", "net now", "stop", "protection", "margin", "closing"):
            table.add_column(name, justify="left" if name in _WORDS else "right")
        for one in status["positions"]:
            net = one["unrealised_net"]
            style = "" if net is None else "red" if Decimal(net) < 0 else "green"
            table.add_row(
                one["instrument"], one["side"], one["contracts"], _short(one["entry_price"]),
                Text(_short(net), style=style), one["stop"] or "-", one["protection"], _short(one["margin_ratio"]),
                one["closing"] or "",
            )  # fmt: skip
        if not status["positions"]:
            table.add_row("flat", *[""] * 8)
        return table


_WORDS = ("instrument", "side", "protection", "closing")


def _state(status: Row, held: str) -> str:
    if status["ending"]:
        return "ending"
    if held:
        return f"entries held: {held}"
    return "trading" if status["usable"] else "not connected"


def _short(value: str | None) -> str:
    if value is None:
        return "-"
    whole, point, digits = value.partition(".")
    return whole + (point + digits[:6] if digits else "")
