"""What a person watches while the engine runs: money, limits, lines, prices, positions, orders, the last events."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any

from rich.console import Console, Group, RenderableType
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

    def show(self, status: Row, lines: list[tuple[str, str]]) -> None:
        """Draw how things stand, and how the lines to the exchange are."""
        said = (Text(line, no_wrap=True, overflow="crop") for line in self._lines)
        self._live.update(Group(*drawn(self._title, status, lines), *said), refresh=True)


def drawn(title: str, status: Row, lines: list[tuple[str, str]]) -> tuple[RenderableType, ...]:
    """Give what is drawn of how things stand."""
    return (_head(title, status, lines), _instruments(status), _positions(status), *_orders(status))


def _head(title: str, status: Row, lines: list[tuple[str, str]]) -> Text:
    at = rfc3339(Instant(status["at"]))[:19].replace("T", " ")
    head = Text(f"{title}  {at}Z  ", style="bold")
    held = bool(status["latches"])
    head.append(_state(status), style="yellow" if held or not status["usable"] else "green")
    head.append(f"\nequity {status['equity'] or '-'}  today ")
    head.append(status["day_net"], style=_money(status["day_net"]))
    head.append(" after fees  lines")
    for name, phase in lines:
        head.append(f"  {name} {phase}", style="dim" if phase == "ready" else "red")
    for latch in status["latches"]:
        until = "a person resumes" if latch["until"] is None else f"{rfc3339(Instant(latch['until']))[11:19]}Z"
        what = f"{latch['limit']} {latch['instrument']}".strip()
        head.append(f"\nno entries until {until}: {what}, {inert(latch['why'])}", style="yellow")
    return head


def _instruments(status: Row) -> Table:
    """Show each instrument: its prices and how old they are, its regime, and why it was not entered last."""
    table = _table("instrument", "bid", "ask", "age", "regime", "last refusal")
    for one in status["instruments"]:
        seen = one["ticker_at"]
        age = "-" if seen is None else f"{max(0, status['at'] - seen) / 1_000_000:.1f} s"
        regime = one["regime"] if one["warm"] else "warming up"
        table.add_row(one["instrument"], one["bid"] or "-", one["ask"] or "-", age, regime, one["skipped"] or "")
    return table


def _positions(status: Row) -> Table:
    """Show each position: what it is worth after all costs, its stop, and which of its rules are not at rest."""
    table = _table(
        "position", "side", "contracts", "entry", "net now", "stop", "protection", "margin", "rules", "closing"
    )
    for one in status["positions"]:
        net = one["unrealised_net"]
        table.add_row(
            one["instrument"], one["side"], one["contracts"], _short(one["entry_price"]),
            Text(_short(net), style=_money(net)), one["stop"] or "-", one["protection"], _short(one["margin_ratio"]),
            _rules(one["rules"]), one["closing"] or "",
        )  # fmt: skip
    if not status["positions"]:
        table.add_row("flat", *[""] * 9)
    return table


def _orders(status: Row) -> list[Table]:
    """Show each order under way; nothing where there is none."""
    if not status["orders"]:
        return []
    table = _table("order", "role", "action", "contracts", "price", "state", "quotes")
    for one in status["orders"]:
        table.add_row(
            one["instrument"], one["role"], one["action"], one["contracts"], one["price"] or "-", one["state"],
            str(one["quotes"]),
        )  # fmt: skip
    return [table]


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name, justify="left" if name in _WORDS else "right")
    return table


_WORDS = (
    "instrument", "regime", "last refusal", "position", "side", "protection", "rules", "closing", "order", "role",
    "action", "state",
)  # fmt: skip
_AT_REST = ("quiet", "not_armed", "min_hold")


def _rules(standing: list[str]) -> str:
    """Name the rules that hold on to something, want something, or cannot judge; the others are at rest."""
    told = (rule.split(":") for rule in standing)
    return ", ".join(f"{name} {why}" for name, kind, why in told if why not in _AT_REST or kind != "hold")


def _state(status: Row) -> str:
    if status["ending"]:
        return "ending"
    if status["latches"]:
        return "entries held"
    return "trading" if status["usable"] else "not connected"


def _money(amount: str | None) -> str:
    if amount is None or not Decimal(amount):
        return ""
    return "red" if Decimal(amount) < 0 else "green"


def _short(value: str | None) -> str:
    if value is None:
        return "-"
    whole, point, digits = value.partition(".")
    return whole + (point + digits[:6] if digits else "")
