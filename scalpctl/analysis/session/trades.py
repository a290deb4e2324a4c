"""The trades of a scope: one per position that was closed in it, with everything later figures need."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scalpctl.analysis.session.scope import Scope
from scalpctl.analysis.summary import Reader
from scalpctl.core.instants import Instant

Row = dict[str, Any]

_TRADES = """
SELECT t.*, e.strength, e.signal, e.decision_id, e.decision_price, e.leverage_requested, e.leverage_granted, e.margin,
       e.average_price AS entered_price, p.parameter_set, c.held_us, c.closed_by, c.seq AS seq,
       (SELECT dsum(f.coins) FROM fills f WHERE f.position_id = t.position_id AND f.action =
          CASE t.side WHEN 'long' THEN 'buy' ELSE 'sell' END) AS coins,
       (SELECT count(*) FROM partial_takes x WHERE x.position_id = t.position_id) AS partials
FROM trades t JOIN closures c ON c.position_id = t.position_id JOIN positions p ON p.position_id = t.position_id
LEFT JOIN entries e ON e.position_id = t.position_id AND e.seq =
  (SELECT min(seq) FROM entries f WHERE f.position_id = t.position_id)
WHERE c.seq BETWEEN :first AND :last ORDER BY t.closed_at, c.seq
"""


@dataclass(frozen=True, slots=True)
class Trade:
    """One position from flat to flat; money exact, fees positive when paid."""

    position_id: str
    session_id: str
    instrument: str
    side: str
    opened_at: Instant
    closed_at: Instant
    contracts: Decimal
    coins: Decimal
    entry_price: Decimal
    exit_price: Decimal | None
    gross: Decimal
    fees: Decimal
    funding: Decimal
    net: Decimal
    cause: str
    closed_by: str
    origin: str
    leverage: Decimal | None
    leverage_requested: Decimal | None
    leverage_granted: Decimal | None
    margin: Decimal | None
    regime: str | None
    parameter_set: str
    signal: str | None
    strength: Decimal | None
    decision_id: str | None
    decision_price: Decimal | None
    maker_share: Decimal | None
    mae: Decimal | None
    mfe: Decimal | None
    partials: int
    held_us: int
    seq: int

    @property
    def won(self) -> bool:
        """Tell whether it earned anything after costs."""
        return self.net > 0

    @property
    def notional(self) -> Decimal:
        """Give what it was worth at its entry."""
        return self.coins * self.entry_price

    @property
    def kept(self) -> Decimal | None:
        """Give the share of its best profit that it kept, where it ever had one."""
        return None if not self.mfe or self.mfe <= 0 else self.gross / self.mfe

    def plain(self) -> Row:
        """Give it as `trades` shows it, and what the analysis adds."""
        shown = {name: _plain(getattr(self, name)) for name in self.__slots__}
        return shown | {"kept": _rounded(self.kept)}


_MONEY = (
    "contracts", "coins", "entry_price", "exit_price", "gross", "fees", "funding", "net", "leverage",
    "leverage_requested", "leverage_granted", "margin", "strength", "decision_price", "maker_share", "mae", "mfe",
)  # fmt: skip


def trades_of(reader: Reader, scope: Scope) -> list[Trade]:
    """Give the trades closed within a scope, the earliest first."""
    names = Trade.__slots__
    found = []
    for row in reader.rows(_TRADES, scope.named()):
        cells = {name: row[name] for name in names}
        for name in _MONEY:
            cells[name] = None if cells[name] is None else Decimal(cells[name])
        cells["coins"] = cells["coins"] or Decimal(0)
        cells["session_id"] = cells["session_id"] or ""
        found.append(Trade(**cells))
    return found


def _plain(value: Any) -> Any:
    return format(value, "f") if isinstance(value, Decimal) else value


def _rounded(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:.4f}"
