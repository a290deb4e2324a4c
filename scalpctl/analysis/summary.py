"""A session in a few figures, all of them from the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from scalpctl.core.money import ZERO, add


class Reader(Protocol):
    """What an analysis needs of a ledger."""

    def rows(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[dict[str, Any]]:
        """Give the rows of a query."""
        ...


@dataclass(frozen=True, slots=True)
class Summary:
    """What a session did; gross - fees - funding = net, and both sides are shown."""

    session_id: str
    trades: int
    wins: int
    gross: Decimal
    fees: Decimal
    funding: Decimal
    net: Decimal
    cash_change: Decimal
    entry_fills: int
    entry_fills_maker: int
    partials: int
    causes: tuple[tuple[str, int], ...]
    open_positions: int
    drifts_open: int


def summarise(reader: Reader, session_id: str) -> Summary:
    """Read a session's figures."""
    closures = reader.rows("SELECT gross, fees, funding, net, cause FROM closures WHERE session_id = ?", (session_id,))
    fills = reader.rows(
        "SELECT f.liquidity FROM fills f JOIN orders o ON o.client_id = f.client_id "
        "WHERE o.session_id = ? AND o.role = 'entry'",
        (session_id,),
    )
    started = reader.rows("SELECT started_at FROM sessions WHERE session_id = ?", (session_id,))
    since = started[0]["started_at"] if started else 0
    moved = reader.rows(
        "SELECT amount FROM postings WHERE account = 'cash' AND ccy = 'USDT' AND posted_at >= ? "
        "AND reason NOT IN ('transfer', 'opening_balance')",
        (since,),
    )
    partials = reader.rows(
        "SELECT count(*) AS n FROM partial_takes t JOIN positions p ON p.position_id = t.position_id "
        "WHERE p.session_id = ?",
        (session_id,),
    )
    causes: dict[str, int] = {}
    for row in closures:
        causes[row["cause"]] = causes.get(row["cause"], 0) + 1
    return Summary(
        session_id=session_id,
        trades=len(closures),
        wins=sum(1 for row in closures if Decimal(row["net"]) > 0),
        gross=_sum(closures, "gross"),
        fees=_sum(closures, "fees"),
        funding=_sum(closures, "funding"),
        net=_sum(closures, "net"),
        cash_change=_sum(moved, "amount"),
        entry_fills=len(fills),
        entry_fills_maker=sum(1 for row in fills if row["liquidity"] == "maker"),
        partials=int(partials[0]["n"]),
        causes=tuple(sorted(causes.items(), key=lambda one: (-one[1], one[0]))),
        open_positions=_count(reader, "SELECT count(*) AS n FROM positions WHERE closed_at IS NULL"),
        drifts_open=_count(reader, "SELECT count(*) AS n FROM drifts WHERE resolved_at IS NULL"),
    )


def _sum(rows: list[dict[str, Any]], name: str) -> Decimal:
    return add(*(Decimal(row[name]) for row in rows), ZERO)


def _count(reader: Reader, sql: str) -> int:
    return int(reader.rows(sql)[0]["n"])
