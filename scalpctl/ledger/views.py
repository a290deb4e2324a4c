"""Views for people: plain numbers for spreadsheets and plots, and one row per trade. The tables keep the exact text."""

from __future__ import annotations

_REAL_COLUMNS = {
    "fills": ("price", "contracts", "coins", "fee", "exchange_pnl", "slippage"),
    "closures": ("contracts", "entry_price", "exit_price", "gross", "fees", "funding", "net"),
    "postings": ("amount",),
    "bills": ("balance_change", "balance"),
}

_TRADES = """CREATE VIEW trades AS
SELECT p.position_id, coalesce(c.session_id, p.session_id) AS session_id,
       p.inst_id AS instrument, p.side, p.opened_at, p.closed_at,
       coalesce(c.contracts, p.contracts) AS contracts, coalesce(c.entry_price, p.entry_price) AS entry_price,
       c.exit_price, c.gross, c.fees, c.funding, c.net,
       CASE c.cause WHEN 'unknown' THEN coalesce((SELECT d.cause FROM drifts d WHERE d.position_id = c.position_id
         AND d.kind = 'vanished' AND d.resolved_at IS NOT NULL ORDER BY d.last_seq DESC LIMIT 1), c.cause)
         ELSE c.cause END AS cause,
       p.origin, coalesce(c.leverage, p.leverage) AS leverage,
       coalesce(c.regime, (SELECT e.regime FROM entries e WHERE e.position_id = p.position_id ORDER BY e.seq LIMIT 1))
         AS regime,
       c.maker_share, c.mae, c.mfe, p.seq AS opened_seq, c.seq AS closed_seq
FROM positions p LEFT JOIN closures c ON c.position_id = p.position_id"""

VIEWS = {"trades": "one row per position, flat to flat, with its result"} | {
    f"{table}_plain": f"{table} with plain numbers beside the exact text, for spreadsheets and plots"
    for table in _REAL_COLUMNS
}


def view_statements() -> tuple[str, ...]:
    """Give the statements that create every view."""
    plain = tuple(_plain(table, columns) for table, columns in _REAL_COLUMNS.items())
    return (*plain, _TRADES)


def _plain(table: str, columns: tuple[str, ...]) -> str:
    casts = ", ".join(f"CAST({column} AS REAL) AS {column}_real" for column in columns)
    return f"CREATE VIEW {table}_plain AS SELECT t.*, {casts} FROM {table} t"
